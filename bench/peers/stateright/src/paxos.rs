//! Single-decree Paxos behind a register (Lamport, "Paxos Made Simple", 2001). A server proposes once, when a client puts.

use crate::registers::{register_model, Message, RegisterModel, Request, Value};
use stateright::actor::register::RegisterMsg::{Get, GetOk, Internal, Put, PutOk};
use stateright::actor::{majority, model_peers, Actor, Id, Out};
use stateright::util::{HashableHashMap, HashableHashSet};
use std::borrow::Cow;

type Ballot = (u32, Id);
type Proposal = (Request, Id, Value);
type Accepted = Option<(Ballot, Proposal)>;

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    peers: Vec<Id>,
}

pub fn model(servers: usize, clients: usize) -> RegisterModel<Server> {
    register_model(servers, clients, |index| Server { peers: model_peers(index, servers) })
}

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Inner {
    Prepare(Ballot),
    Promise(Ballot, Accepted),
    Accept(Ballot, Proposal),
    Acceptance(Ballot),
    Decision(Ballot, Proposal),
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct State {
    ballot: Ballot,
    proposal: Option<Proposal>,
    promises: HashableHashMap<Id, Accepted>,
    acceptances: HashableHashSet<Id>,
    accepted: Accepted,
    decided: bool,
}

impl Actor for Server {
    type Msg = Message<Inner>;
    type State = State;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, _: &mut Out<Self>) -> State {
        State {
            ballot: (0, Id::from(0)),
            proposal: None,
            promises: HashableHashMap::default(),
            acceptances: HashableHashSet::default(),
            accepted: None,
            decided: false,
        }
    }

    fn on_msg(&self, id: Id, state: &mut Cow<State>, from: Id, message: Self::Msg, out: &mut Out<Self>) {
        let quorum = majority(self.peers.len() + 1);
        if state.decided {
            if let (Get(request), Some((_, (_, _, value)))) = (message, state.accepted) {
                out.send(from, GetOk(request, value));
            }
            return;
        }
        match message {
            Put(request, value) if state.proposal.is_none() => {
                let state = state.to_mut();
                state.proposal = Some((request, from, value));
                state.ballot = (state.ballot.0 + 1, id);
                state.promises.insert(id, state.accepted);
                out.broadcast(&self.peers, &Internal(Inner::Prepare(state.ballot)));
            }
            Internal(Inner::Prepare(ballot)) if ballot > state.ballot => {
                let state = state.to_mut();
                state.ballot = ballot;
                out.send(from, Internal(Inner::Promise(ballot, state.accepted)));
            }
            Internal(Inner::Promise(ballot, accepted)) if ballot == state.ballot => {
                let state = state.to_mut();
                state.promises.insert(from, accepted);
                if state.promises.len() != quorum {
                    return;
                }
                let latest = state.promises.values().flatten().max();
                let proposal = latest.map(|(_, proposal)| *proposal).or(state.proposal).unwrap();
                state.proposal = Some(proposal);
                state.accepted = Some((ballot, proposal));
                state.acceptances.insert(id);
                out.broadcast(&self.peers, &Internal(Inner::Accept(ballot, proposal)));
            }
            Internal(Inner::Accept(ballot, proposal)) if ballot >= state.ballot => {
                let state = state.to_mut();
                state.ballot = ballot;
                state.accepted = Some((ballot, proposal));
                out.send(from, Internal(Inner::Acceptance(ballot)));
            }
            Internal(Inner::Acceptance(ballot)) if ballot == state.ballot => {
                let state = state.to_mut();
                state.acceptances.insert(from);
                if state.acceptances.len() != quorum {
                    return;
                }
                state.decided = true;
                let proposal = state.proposal.unwrap();
                out.broadcast(&self.peers, &Internal(Inner::Decision(ballot, proposal)));
                out.send(proposal.1, PutOk(proposal.0));
            }
            Internal(Inner::Decision(ballot, proposal)) => {
                let state = state.to_mut();
                state.ballot = ballot;
                state.accepted = Some((ballot, proposal));
                state.decided = true;
            }
            _ => {}
        }
    }
}
