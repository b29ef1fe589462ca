//! A process dies in the middle of whatever it does, again and again.

use super::{
    Rounds,
    crowd::{Crowd, FIRST, SETTINGS, people},
};
use crate::actors::*;

/// So much is answered between two deaths.
const BETWEEN: usize = 40;

async fn dies_again_and_again(experiment: &str, engine: Engine, replicas: usize) {
    let wish = Founding { people: &people()[..FIRST], lines: SETTINGS, ..Founding::of(engine, replicas) };
    let Some(mut fleet) = Fleet::founded(&wish) else { return };
    let crowd = Crowd::gather(&fleet).await;
    for round in Rounds::at_least(3) {
        crowd.hears(BETWEEN).await;
        let one = round % fleet.size();
        fleet.kill(one);
        fleet.begin(one);
    }
    crowd.hears(BETWEEN).await;
    crowd.count(experiment, &fleet).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_answered_before_it_was_killed_is_there_when_it_is_back() {
    dies_again_and_again("one process on SQLite, killed", Engine::Sqlite, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_replica_answered_before_it_was_killed_the_others_know() {
    dies_again_and_again("three replicas, one killed after the other", Engine::Postgres, 3).await;
}
