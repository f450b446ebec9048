//! Registers behind Stateright's register clients, each of which puts once and then gets once.

use stateright::actor::register::{RegisterActor, RegisterMsg};
use stateright::actor::{majority, model_peers, Actor, ActorModel, Id, Network, Out};
use stateright::semantics::register::Register;
use stateright::semantics::LinearizabilityTester;
use stateright::util::{HashableHashMap, HashableHashSet};
use stateright::Expectation;
use std::borrow::Cow;
use std::fmt::Debug;
use std::hash::Hash;

pub type Request = u64;
pub type Value = char;
pub type Message<Inner> = RegisterMsg<Request, Value, Inner>;
pub type History = LinearizabilityTester<Id, Register<Value>>;
pub type RegisterModel<Server> = ActorModel<RegisterActor<Server>, (), History>;

/// Servers first, then clients; messages may overtake each other, and each is delivered at most once.
pub fn register_model<Server, Inner>(
    servers: usize,
    clients: usize,
    server: impl Fn(usize) -> Server,
) -> RegisterModel<Server>
where
    Server: Actor<Msg = Message<Inner>, Timer = (), Random = ()> + Clone + Debug + Eq + 'static,
    Inner: Clone + Debug + Eq + Hash + Ord + 'static,
{
    ActorModel::new((), LinearizabilityTester::new(Register(Value::default())))
        .actors((0..servers).map(|index| RegisterActor::Server(server(index))))
        .actors((0..clients).map(|_| RegisterActor::Client { put_count: 1, server_count: servers }))
        .init_network(Network::new_unordered_nonduplicating([]))
        .property(Expectation::Always, "linearizable", |_, state| {
            state.history.serialized_history().is_some()
        })
        .record_msg_in(RegisterMsg::record_returns)
        .record_msg_out(RegisterMsg::record_invocations)
}

/// A server that answers from its own copy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Copy;

pub fn single_copy(servers: usize, clients: usize) -> RegisterModel<Copy> {
    register_model::<Copy, ()>(servers, clients, |_| Copy)
}

impl Actor for Copy {
    type Msg = Message<()>;
    type State = Value;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, _: &mut Out<Self>) -> Value {
        Value::default()
    }

    fn on_msg(&self, _: Id, held: &mut Cow<Value>, from: Id, message: Self::Msg, out: &mut Out<Self>) {
        match message {
            RegisterMsg::Put(request, value) => {
                *held.to_mut() = value;
                out.send(from, RegisterMsg::PutOk(request));
            }
            RegisterMsg::Get(request) => out.send(from, RegisterMsg::GetOk(request, **held)),
            _ => {}
        }
    }
}

/// A server of the register of Attiya, Bar-Noy and Dolev (1995).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quorum {
    peers: Vec<Id>,
}

pub fn linearizable(servers: usize, clients: usize) -> RegisterModel<Quorum> {
    register_model(servers, clients, |index| Quorum { peers: model_peers(index, servers) })
}

/// A logical clock and the server that set it.
type Sequencer = (u64, Id);

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Inner {
    Query(Request),
    Latest(Request, Sequencer, Value),
    Record(Request, Sequencer, Value),
    Recorded(Request),
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Replica {
    sequencer: Sequencer,
    value: Value,
    operation: Option<Operation>,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Operation {
    request: Request,
    client: Id,
    phase: Phase,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Phase {
    Querying { write: Option<Value>, known: HashableHashMap<Id, (Sequencer, Value)> },
    Recording { read: Option<Value>, recorded: HashableHashSet<Id> },
}

impl Quorum {
    fn size(&self) -> usize {
        majority(self.peers.len() + 1)
    }
}

impl Replica {
    fn adopt(&mut self, sequencer: Sequencer, value: Value) {
        if sequencer > self.sequencer {
            self.sequencer = sequencer;
            self.value = value;
        }
    }
}

impl Actor for Quorum {
    type Msg = Message<Inner>;
    type State = Replica;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, id: Id, _: &Option<()>, _: &mut Out<Self>) -> Replica {
        Replica { sequencer: (0, id), value: Value::default(), operation: None }
    }

    fn on_msg(&self, id: Id, replica: &mut Cow<Replica>, from: Id, message: Self::Msg, out: &mut Out<Self>) {
        use RegisterMsg::{Get, Internal, Put};
        match message {
            Put(request, _) | Get(request) if replica.operation.is_none() => {
                let write = if let Put(_, value) = message { Some(value) } else { None };
                out.broadcast(&self.peers, &Internal(Inner::Query(request)));
                let replica = replica.to_mut();
                let mut known = HashableHashMap::default();
                known.insert(id, (replica.sequencer, replica.value));
                let phase = Phase::Querying { write, known };
                replica.operation = Some(Operation { request, client: from, phase });
            }
            Internal(Inner::Query(request)) => {
                let answer = Inner::Latest(request, replica.sequencer, replica.value);
                out.send(from, Internal(answer));
            }
            Internal(Inner::Latest(request, sequencer, value)) => {
                let Some(Operation { request: own, client, phase: Phase::Querying { write, known } }) =
                    &replica.operation
                else {
                    return;
                };
                if *own != request {
                    return;
                }
                let (client, write, mut known) = (*client, *write, known.clone());
                known.insert(from, (sequencer, value));
                let replica = replica.to_mut();
                if known.len() < self.size() {
                    let phase = Phase::Querying { write, known };
                    replica.operation = Some(Operation { request, client, phase });
                    return;
                }
                let (latest, held) = *known.values().max_by_key(|(sequencer, _)| *sequencer).unwrap();
                let (sequencer, value) = match write {
                    Some(value) => ((latest.0 + 1, id), value),
                    None => (latest, held),
                };
                out.broadcast(&self.peers, &Internal(Inner::Record(request, sequencer, value)));
                replica.adopt(sequencer, value);
                let mut recorded = HashableHashSet::default();
                recorded.insert(id);
                let read = if write.is_none() { Some(held) } else { None };
                let phase = Phase::Recording { read, recorded };
                replica.operation = Some(Operation { request, client, phase });
            }
            Internal(Inner::Record(request, sequencer, value)) => {
                out.send(from, Internal(Inner::Recorded(request)));
                if sequencer > replica.sequencer {
                    replica.to_mut().adopt(sequencer, value);
                }
            }
            Internal(Inner::Recorded(request)) => {
                let Some(Operation { request: own, client, phase: Phase::Recording { read, recorded } }) =
                    &replica.operation
                else {
                    return;
                };
                if *own != request || recorded.contains(&from) {
                    return;
                }
                let (client, read, mut recorded) = (*client, *read, recorded.clone());
                recorded.insert(from);
                let replica = replica.to_mut();
                if recorded.len() < self.size() {
                    let phase = Phase::Recording { read, recorded };
                    replica.operation = Some(Operation { request, client, phase });
                    return;
                }
                replica.operation = None;
                out.send(
                    client,
                    match read {
                        Some(value) => RegisterMsg::GetOk(request, value),
                        None => RegisterMsg::PutOk(request),
                    },
                );
            }
            _ => {}
        }
    }
}
