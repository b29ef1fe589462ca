//! Figures, taken by hand: `cargo test --release --lib roster -- --ignored --nocapture`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::*;
use crate::{directory::Person, domain::id::PatronId};

const STUDENTS: usize = 147_000;
const STAFF: usize = 18_000;

/// The district on night `night`: each night another 2 % changed, left or joined.
fn district(night: usize) -> Vec<Person> {
    let moved = (STUDENTS + STAFF) / 50;
    let person = |i: usize| {
        let (sourced_id, id) = (format!("{i:08}-aaaa-4bbb-8ccc-{:012x}", i * 7919), format!("{}", 4_000_000 + i));
        let mut person = if i < STUDENTS { pupil(&sourced_id, &id) } else { teacher(&sourced_id, &id) };
        person.given_name = format!("Given{}", i % 997);
        person.family_name = format!("Familyname{}", i % 4001);
        if night > 0 && (night - 1) * moved <= i && i < night * moved {
            person.family_name.push_str("-New");
        }
        person.on_line(i as u64 + 2)
    };
    // A fifth of the movement is people who leave and as many who join.
    (0..STUDENTS + STAFF)
        .skip(night * moved / 5)
        .chain(STUDENTS + STAFF..STUDENTS + STAFF + night * moved / 5)
        .map(person)
        .collect()
}

/// Another process's clicks: one small write after the other.
async fn clicks(url: String, patron: PatronId, stop: Arc<AtomicBool>) -> Vec<u128> {
    let db = Db::open(&url).await.unwrap();
    let mut took = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let mut tx = db.begin().await.unwrap();
        db.patrons().clear_pin(&mut tx, patron).await.unwrap();
        tx.commit().await.unwrap();
        took.push(began.elapsed().as_micros());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    took.sort_unstable();
    took
}

async fn timed(house: &House, what: &str, people: Vec<Person>, options: ImportOptions) {
    let stop = Arc::new(AtomicBool::new(false));
    let clicking = tokio::spawn(clicks(house.url.clone(), PatronId::new(), stop.clone()));
    let roster = fixture::delivery(people);
    let began = Instant::now();
    let staged = house.merge().stage(&house.source, "measured", roster, options).await.unwrap();
    let stage = began.elapsed();
    let switching = Instant::now();
    let mut tx = house.db.begin().await.unwrap();
    let ended = house.merge().switch(&mut tx, &staged, None).await.unwrap();
    tx.commit().await.unwrap();
    let switch = switching.elapsed();
    let all = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    let took = clicking.await.unwrap();
    let at = |q: usize| took.get(took.len() * q / 1000).copied().unwrap_or(0);
    let t = &staged.preview.totals;
    println!("  {what}: {all:?} = stage {stage:?} + switch {switch:?}; peak memory {}", peak());
    println!("    +{} ~{} -{} ={}; ended {} sessions", t.added, t.changed, t.withdrawn, t.unchanged, ended.sessions);
    println!(
        "    another process's {} writes meanwhile, µs: p50 {} p99 {} max {}",
        took.len(),
        at(500),
        at(990),
        at(1000 - 1)
    );
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("").trim_start_matches("VmHWM:").trim().to_owned()
}

async fn look_ups(house: &House) {
    let mut took = [Vec::new(), Vec::new()];
    for i in (0..STUDENTS).step_by(97) {
        let began = Instant::now();
        let record = house.by_card(&(4_000_000 + i).to_string()).await;
        took[0].push(began.elapsed().as_nanos() / 1000);
        let Some(record) = record else { continue };
        let began = Instant::now();
        assert!(house.db.patrons().by_id(record.patron.id).await.unwrap().is_some());
        took[1].push(began.elapsed().as_nanos() / 1000);
    }
    for (what, took) in ["by_card", "by_id"].iter().zip(&mut took) {
        took.sort_unstable();
        println!("  {what}, µs: p50 {} p99 {}", took[took.len() / 2], took[took.len() * 99 / 100]);
    }
    let began = Instant::now();
    house.db.patrons().count_by_organisation().await.unwrap();
    println!("  count_by_organisation: {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "figures, taken by hand in a release build"]
async fn a_whole_district() {
    for house in houses().await {
        println!("{}:", if house.db.is_sqlite() { "SQLite" } else { "PostgreSQL" });
        timed(&house, "first import", district(0), NO).await;
        look_ups(&house).await;
        trial::sign_in_everybody(&house.db, house.clock.now().millis()).await;
        for night in 1..4 {
            timed(&house, "a night", district(night), NO).await;
        }
        timed(&house, "the same again", district(3), NO).await;
        look_ups(&house).await;
        let began = Instant::now();
        house.merge().undo(&house.source, None, false).await.unwrap();
        house.merge().undo(&house.source, None, false).await.unwrap();
        println!("  undo of a night: {:?}", began.elapsed());
        let mut few = district(2);
        few.truncate(STUDENTS / 10);
        timed(&house, "nine tenths withdrawn", few, YES).await;
        let began = Instant::now();
        let undoing = house.merge().prepare_undo(&house.source, None, false).await.unwrap();
        println!("  undo of that, prepared: {:?}", began.elapsed());
        let began = Instant::now();
        let mut tx = house.db.begin().await.unwrap();
        house.merge().unswitch(&mut tx, &undoing).await.unwrap();
        tx.commit().await.unwrap();
        println!("  unswitched: {:?}", began.elapsed());
        let began = Instant::now();
        house.merge().settle(&undoing).await;
        println!("  settled: {:?}", began.elapsed());
        house.merge().undo(&house.source, None, false).await.unwrap();
        let began = Instant::now();
        house.merge().undo(&house.source, None, false).await.unwrap();
        println!("  undo of the first import: {:?}", began.elapsed());
    }
}
