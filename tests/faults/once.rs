//! What runs on a clock runs in every replica and happens once; and is done by another where the one at it dies.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{actors::*, promise};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_turn_and_rosters_come_once_however_many_replicas_look_and_die() {
    let lines = "[keys]\nrotate_every = \"4s\"\ncache_lifetime = \"1s\"\nmargin = \"1s\"\n";
    let Some(mut fleet) = Fleet::founded(&Founding { lines, ..Founding::of(Engine::Postgres, 3) }) else { return };
    let folder = fleet.library.path().join("drop");
    let people: Vec<Person> = (1..=20).map(Person::pupil).collect();
    let source = format!(
        "[[source]]\nid = \"night\"\nkind = \"oneroster-csv\"\npath = {folder:?}\nsettle_after = \"0s\"\nevery = \"10s\"\n"
    );
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("night.zip"), Delivery::of(&people).zip()).unwrap();
    fleet.library.apply(&source).fine();

    let listed = |fleet: &Fleet| fleet.library.run(&["keys", "list", "--all", "--json"]).fine().stdout;
    let runs = |fleet: &Fleet| fleet.library.run(&["directory", "runs", "--json"]).fine().json();
    for replica in 0..fleet.size() {
        let wanted = format!("es256-{}", replica + 2);
        let turned = async || listed(&fleet).contains(&wanted);
        fleet.library.by_timetable("the next keys are there", turned).await;
        fleet.kill(replica);
        fleet.begin(replica);
    }
    let came = async || {
        // Whoever was killed in the middle of it has been waited for long enough.
        fleet.library.tamper(LONG_AGO).await;
        runs(&fleet).to_string().contains("\"live\"")
    };
    fleet.library.by_timetable("the roster came", came).await;

    let runs = runs(&fleet);
    let live = runs.as_array().unwrap().iter().filter(|run| run["state"] == "live").count();
    assert_eq!(live, 1, "one delivery, one run in force: {runs}");
    let tail = fleet.library.run(&["audit", "tail", "-n", "10000", "--json"]).fine().json();
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for event in tail.as_array().unwrap().iter().filter(|event| event["kind"] == "key-made") {
        *made.entry(event["payload"]["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(made.len() > 5 && made.values().all(|times| *times == 1), "{made:?}");
    fleet.library.run(&["audit", "verify"]).fine();
}

/// An hour passes for whoever fetches and says no more that it is alive.
const LONG_AGO: &str = "UPDATE source_schedule SET started_at = started_at - 3600000 WHERE outcome = 'running'";

promise! { founded, async fn a_roster_whose_fetch_dies_with_its_process_is_fetched_again_and_not_tomorrow(library) {
    // A service that takes calls and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let called = Arc::new(AtomicUsize::new(0));
    thread::spawn({
        let called = called.clone();
        move || {
            let mut held = Vec::new();
            for call in silent.incoming().flatten() {
                called.fetch_add(1, Ordering::SeqCst);
                held.push(call);
            }
        }
    });
    library.write("service.secret", "a-secret-of-a-fictional-service\n");
    let source = format!(
        "[[source]]\nid = \"night\"\nkind = \"oneroster-rest\"\nurl = \"{url}\"\nversion = \"1.1\"\n\
         token_url = \"{url}/token\"\nclient_id = \"library\"\nclient_secret_file = \"service.secret\"\nspool = \".\"\n\
         every = \"15m\"\n"
    );
    library.apply(&source).fine();
    library.tamper("UPDATE source_schedule SET due_at = 0").await;
    let due = || async {
        // Its first time is a quarter of an hour away: that has passed.
        library.tamper("UPDATE source_schedule SET due_at = 0 WHERE outcome = 'never'").await;
        called.load(Ordering::SeqCst) > 0
    };
    library.by_timetable("the service is called", due).await;
    library.crash();
    let before = called.load(Ordering::SeqCst);
    assert_eq!(status(&library), "running");
    library.tamper(LONG_AGO).await;
    let again = || async { called.load(Ordering::SeqCst) > before };
    library.by_timetable("it is called again", again).await;
}}

fn status(library: &Library) -> String {
    let all = library.run(&["directory", "status", "--json"]).fine().json();
    let night = all.as_array().unwrap().iter().find(|of| of["source"] == "night").unwrap();
    night["last_fetch"].as_str().unwrap_or_default().to_owned()
}
