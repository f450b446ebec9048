//! Models for Stateright, as peers of Aviary's: `aviary-peer <model> <size> <threads> <search>` checks one and prints
//! what it has counted as JSON.
//!
//! Two-phase commit is written as Stateright's own example is, on plain values with the `Model` trait; the register
//! systems with its actors, its register clients and its linearizability tester. In each one property is judged, which
//! always holds, so that a search goes to the end.

mod paxos;
mod registers;
mod two_phase_commit;

use stateright::{Checker, CheckerBuilder, Model};
use std::hash::Hash;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, size, threads, search] = arguments.as_slice() else {
        fail("usage: aviary-peer <2pc|paxos|single-copy|linearizable> <size> <threads> <bfs|dfs>");
    };
    let size: usize = whole(size);
    let threads: usize = whole(threads);
    match model.as_str() {
        "2pc" => run(two_phase_commit::TwoPhaseCommit { managers: size }.checker(), threads, search),
        "paxos" => run(paxos::model(3, size).checker(), threads, search),
        "single-copy" => run(registers::single_copy(1, size).checker(), threads, search),
        "linearizable" => run(registers::linearizable(2, size).checker(), threads, search),
        other => fail(&format!("there is no model called {other}")),
    }
}

fn run<M>(builder: CheckerBuilder<M>, threads: usize, search: &str)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + std::fmt::Debug + Hash + Send + Sync + PartialEq + 'static,
    M::Action: Clone + std::fmt::Debug + PartialEq + Send + Sync,
{
    let builder = builder.threads(threads);
    match search {
        "bfs" => say(builder.spawn_bfs().join()),
        "dfs" => say(builder.spawn_dfs().join()),
        other => fail(&format!("there is no search called {other}")),
    }
}

fn say<M: Model>(checker: impl Checker<M>)
where
    M::State: Clone + std::fmt::Debug + Hash + PartialEq,
    M::Action: Clone + std::fmt::Debug + PartialEq,
{
    checker.assert_properties();
    println!(
        "{{\"distinct\":{},\"generated\":{}}}",
        checker.unique_state_count(),
        checker.state_count()
    );
}

fn whole(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| fail(&format!("{text} is not a whole number")))
}

fn fail(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(2)
}
