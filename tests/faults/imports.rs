//! An import is killed at any point: the roster in force is the one of before or the new one.

use std::time::{Duration, Instant};

use super::{
    Rounds,
    ledger::{note, unchanged},
};
use crate::{actors::*, promise};

/// What the two deliveries share, what only the first has, and what only the second brings.
const BOTH: usize = 260;
const LEAVE: usize = 20;
const COME: usize = 120;

fn deliveries() -> [Vec<Person>; 2] {
    let all: Vec<Person> = (1..=BOTH + LEAVE + COME).map(Person::pupil).collect();
    let old = all[..BOTH + LEAVE].to_vec();
    let mut new = [&all[..BOTH], &all[BOTH + LEAVE..]].concat();
    for person in &mut new[100..160] {
        person.given = format!("Re{}", person.given);
        person.grade = "08";
    }
    [old, new]
}

fn chance(below: Duration) -> Duration {
    let mut byte = [0];
    aws_lc_rs::rand::fill(&mut byte).unwrap();
    below * u32::from(byte[0]) / 256
}

promise! { founded, async fn an_import_that_is_killed_leaves_the_old_roster_or_the_new(library) {
    let rosters = deliveries();
    let paths: Vec<String> = rosters.iter().enumerate().map(|(n, people)| {
        let folder = Delivery::of(people).folder(&library.path().join(format!("roster-{n}")));
        folder.to_string_lossy().into_owned()
    }).collect();
    library.import(&Delivery::of(&rosters[0]), &[]).fine();
    let reader = Browser::new();
    reader.sign_in(&library, &rosters[0][0].card()).await;
    let words = |to: usize| ["directory", "import", "cms", &paths[to], "--accept-removals"];
    let began = Instant::now();
    library.run(&words(1)).fine();
    let whole = began.elapsed();

    let (mut holds, mut old, mut new) = (1, 0, 0);
    let operator = library.operator();
    for _ in Rounds::at_least(6) {
        let mut import = operator.begin(&words(1 - holds));
        std::thread::sleep(chance(whole));
        let finished = import.try_wait().unwrap().is_some_and(|status| status.success());
        import.kill().unwrap();
        import.wait().unwrap();
        let in_force: Vec<usize> = (0..2).filter(|n| unchanged(&library, &rosters[*n])).collect();
        assert_eq!(in_force.len(), 1, "one of the two, whole");
        assert!(!finished || in_force[0] == 1 - holds, "what was told to be in force is not");
        if in_force[0] == holds { old += 1 } else { new += 1 }
        holds = in_force[0];
        assert!(reader.is_signed_in(&library).await, "who is in both goes on");
        // The minute for which the dead one is waited for has passed.
        library.tamper("UPDATE roster_source SET beat_at = 0").await;
    }
    note("an import, killed", "rosters in force, whole: old or new", old + new, old + new);
    note("an import, killed", "of these the old one", old, old);
    library.run(&words(1 - holds)).fine();
    assert!(unchanged(&library, &rosters[1 - holds]), "and the next import is as good as ever");
    library.run(&["audit", "verify"]).fine();
}}
