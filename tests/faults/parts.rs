//! The database and the shelf go away, come back, forget, and hang, while everybody is at work.

use super::{
    Rounds,
    crowd::{Crowd, FIRST, SETTINGS, people},
};
use crate::actors::*;

const BETWEEN: usize = 40;

async fn library(replicas: usize, own_postgres: bool) -> Option<Fleet> {
    let lines = format!("{SETTINGS}[database_pool]\nacquire_timeout = \"2s\"\n");
    let people = people();
    let wish =
        Founding { people: &people[..FIRST], lines: &lines, own_postgres, ..Founding::of(Engine::Postgres, replicas) };
    Fleet::founded(&wish)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cuts_connections_stops_and_crashes_loses_nothing_that_was_answered() {
    let Some(mut fleet) = library(2, true).await else { return };
    let crowd = Crowd::gather(&fleet).await;
    for round in Rounds::at_least(3) {
        crowd.hears(BETWEEN).await;
        match round % 3 {
            0 => {
                for _ in 0..3 {
                    fleet.library.cut_connections().await;
                    crowd.hears(5).await;
                }
            }
            n => {
                let postgres = fleet.postgres.as_mut().unwrap();
                if n == 1 {
                    postgres.stop()
                } else {
                    postgres.crash()
                }
                crowd.feels(503).await;
                for (status, why) in fleet.ready().await {
                    assert_eq!((status, why.trim()), (503, "the database does not answer"));
                }
                fleet.postgres.as_mut().unwrap().begin();
            }
        }
    }
    crowd.hears(BETWEEN).await;
    crowd.count("PostgreSQL cut, stopped, crashed", &fleet).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_keeps_nobody_waiting_for_long_and_loses_nothing() {
    let Some(fleet) = library(1, true).await else { return };
    let crowd = Crowd::gather(&fleet).await;
    let shelf = OidcVendor::of(&fleet.library, fleet.library.shelf()).await;
    let (browser, patron) = (Browser::new(), Patron::new(people()[0].card().card, CHANGED_PIN));
    browser.sign_in(&fleet.library, &patron).await;
    for _ in Rounds::at_least(1) {
        crowd.hears(BETWEEN).await;
        let postgres = fleet.postgres.as_ref().unwrap();
        postgres.pause();
        // The crowd's own may be on their way in a connection that hangs; who clicks now is told, one after the other.
        for _ in 0..3 {
            let url = shelf.authorize_url(&shelf.request(&Challenge::new()));
            let told = browser.get(url).await;
            assert_eq!(told.status, 503, "{}", told.body);
            assert_ne!(told.header("retry-after"), "");
        }
        for (status, why) in fleet.ready().await {
            assert_eq!((status, why.trim()), (503, "the database does not answer"));
        }
        postgres.go_on();
    }
    crowd.hears(BETWEEN).await;
    crowd.count("PostgreSQL hangs", &fleet).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shelf_that_stops_forgets_and_hangs_lets_nothing_be_spent_twice() {
    let Some(mut fleet) = library(2, false).await else { return };
    let crowd = Crowd::gather(&fleet).await;
    for round in Rounds::at_least(4) {
        crowd.hears(BETWEEN).await;
        let redis = fleet.redis.as_mut().unwrap();
        match round % 4 {
            0 => drop(redis.ask("FLUSHALL")),
            1 => {
                redis.pause();
                crowd.feels(503).await;
                redis.go_on();
            }
            n => {
                // Codes that were spent stand in the snapshot.
                drop(redis.ask("SAVE"));
                if n == 2 {
                    redis.stop()
                } else {
                    redis.kill()
                }
                crowd.feels(503).await;
                redis.begin();
            }
        }
    }
    crowd.hears(BETWEEN).await;
    crowd.count("Redis flushed, hung, stopped, killed", &fleet).await;
}
