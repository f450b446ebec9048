//! Two-phase commit; one action is one step of the system `2pc`.
//! Source: Gray and Lamport, "Consensus on Transaction Commit" (2006), section 3.

use stateright::{Model, Property};
use std::collections::BTreeSet;

pub struct TwoPhaseCommit {
    pub managers: usize,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Role {
    Working,
    Prepared,
    Committed,
    Aborted,
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Message {
    Vote(usize),
    Commit,
    Abort,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct State {
    roles: Vec<Role>,
    decision: Option<bool>,
    counted: Vec<bool>,
    network: BTreeSet<Message>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    Prepare(usize),
    ChooseToAbort(usize),
    CountVote(usize),
    Decide(bool),
    Hear(usize, bool),
}

impl Model for TwoPhaseCommit {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            roles: vec![Role::Working; self.managers],
            decision: None,
            counted: vec![false; self.managers],
            network: BTreeSet::new(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let undecided = state.decision.is_none();
        if undecided {
            if state.counted.iter().all(|counted| *counted) {
                actions.push(Action::Decide(true));
            }
            actions.push(Action::Decide(false));
        }
        let committed = state.network.contains(&Message::Commit);
        let aborted = state.network.contains(&Message::Abort);
        for manager in 0..self.managers {
            if state.roles[manager] == Role::Working {
                actions.push(Action::Prepare(manager));
                actions.push(Action::ChooseToAbort(manager));
            }
            if undecided && state.network.contains(&Message::Vote(manager)) {
                actions.push(Action::CountVote(manager));
            }
            if committed {
                actions.push(Action::Hear(manager, true));
            }
            if aborted {
                actions.push(Action::Hear(manager, false));
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Prepare(manager) => {
                state.roles[manager] = Role::Prepared;
                state.network.insert(Message::Vote(manager));
            }
            Action::ChooseToAbort(manager) => state.roles[manager] = Role::Aborted,
            Action::CountVote(manager) => state.counted[manager] = true,
            Action::Decide(commit) => {
                state.decision = Some(commit);
                let word = if commit { Message::Commit } else { Message::Abort };
                state.network.insert(word);
            }
            Action::Hear(manager, commit) => {
                state.roles[manager] = if commit { Role::Committed } else { Role::Aborted };
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("consistent", |_, state: &State| {
            let any = |role: Role| state.roles.contains(&role);
            !(any(Role::Committed) && any(Role::Aborted))
        })]
    }
}
