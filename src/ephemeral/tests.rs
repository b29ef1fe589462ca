//! One suite for both shelves: in memory, and the Redis that `scripts/test` starts (`ONEACCESS_TEST_REDIS`).

use std::{sync::Arc, time::Duration};

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// Both shelves, and a key that no other test uses.
fn shelves(of: &str) -> Vec<(Arc<Shelf>, String)> {
    let key = format!("{of} {:016x}", rand());
    let mut shelves = vec![(Arc::new(Shelf::default()), key.clone())];
    match std::env::var("ONEACCESS_TEST_REDIS") {
        Ok(url) => {
            let redis = Shelf::at(&url.parse().unwrap(), None).unwrap();
            shelves.push((Arc::new(redis), key));
        }
        Err(_) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "ONEACCESS_TEST_REDIS is not set: run scripts/test");
            eprintln!("skipped: the shelf in Redis (ONEACCESS_TEST_REDIS is not set: run scripts/test)");
        }
    }
    shelves
}

fn rand() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_who_take_at_once_one_gets_it() {
    for (shelf, key) in shelves("take") {
        shelf.put(Namespace::Code, &key, b"grant".to_vec(), LONG).await.unwrap();
        let takers: Vec<_> = (0..64)
            .map(|_| {
                let (shelf, key) = (shelf.clone(), key.clone());
                tokio::spawn(async move { shelf.take(Namespace::Code, &key).await.unwrap() })
            })
            .collect();
        let mut won = Vec::new();
        for taker in takers {
            won.extend(taker.await.unwrap());
        }
        assert_eq!(won, [b"grant".to_vec()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_who_put_the_same_at_once_one_is_the_first() {
    for (shelf, key) in shelves("put_new") {
        let putters: Vec<_> = (0..64)
            .map(|n: u8| {
                let (shelf, key) = (shelf.clone(), key.clone());
                tokio::spawn(async move { shelf.put_new(Namespace::SeenToken, &key, vec![n], LONG).await.unwrap() })
            })
            .collect();
        let mut first = 0;
        for putter in putters {
            first += usize::from(putter.await.unwrap());
        }
        assert_eq!(first, 1);
    }
}

#[tokio::test]
async fn a_ticket_is_no_code() {
    for (shelf, key) in shelves("ticket") {
        shelf.put(Namespace::Ticket, &key, b"x".to_vec(), LONG).await.unwrap();
        assert_eq!(shelf.take(Namespace::Code, &key).await.unwrap(), None);
        assert_eq!(shelf.take(Namespace::Ticket, &key).await.unwrap(), Some(b"x".to_vec()));
    }
}

#[tokio::test]
async fn what_is_put_is_there_as_it_was_until_it_is_forgotten() {
    for (shelf, key) in shelves("put") {
        let bytes: Vec<u8> = (0..=255).collect();
        for value in [bytes, Vec::new(), vec![b'x'; 100_000]] {
            shelf.put(Namespace::Wish, &key, value.clone(), LONG).await.unwrap();
            assert_eq!(shelf.get(Namespace::Wish, &key).await.unwrap(), Some(value));
        }
        shelf.forget(Namespace::Wish, &key).await.unwrap();
        shelf.forget(Namespace::Wish, &key).await.unwrap();
        assert_eq!(shelf.get(Namespace::Wish, &key).await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_is_over_is_not_there() {
    for (shelf, key) in shelves("over") {
        shelf.put(Namespace::Code, &key, b"x".to_vec(), Duration::ZERO).await.unwrap();
        assert_eq!(shelf.get(Namespace::Code, &key).await.unwrap(), None);
        assert!(shelf.put_new(Namespace::Code, &key, b"w".to_vec(), Duration::ZERO).await.unwrap());
        assert!(shelf.put_new(Namespace::Code, &key, b"y".to_vec(), LONG).await.unwrap());
        assert!(!shelf.put_new(Namespace::Code, &key, b"z".to_vec(), LONG).await.unwrap());
        shelf.put(Namespace::Code, &key, b"x".to_vec(), Duration::from_millis(1)).await.unwrap();
        until(|| async { shelf.get(Namespace::Code, &key).await.unwrap().is_none() }).await;
        assert_eq!(shelf.take(Namespace::Code, &key).await.unwrap(), None);
    }
}

#[tokio::test]
async fn looking_at_a_counter_does_not_count() {
    for (shelf, key) in shelves("look") {
        let count = async |by| shelf.count(Namespace::Throttle, &key, by, LONG).await.unwrap().0;
        assert_eq!([count(0).await, count(1).await, count(0).await, count(2).await], [0, 1, 1, 3]);
    }
}

#[tokio::test]
async fn a_counters_window_begins_with_the_first_count_and_ends() {
    for (shelf, key) in shelves("window") {
        let (_, left) = shelf.count(Namespace::Throttle, &key, 1, LONG).await.unwrap();
        assert!(left <= LONG && left > LONG / 2, "{left:?}");
        let (count, later) = shelf.count(Namespace::Throttle, &key, 1, LONG * 10).await.unwrap();
        assert!(count == 2 && later <= left, "{later:?} is not less than {left:?}");
        let short = format!("{key} short");
        shelf.count(Namespace::Throttle, &short, 5, Duration::from_millis(1)).await.unwrap();
        until(|| async { shelf.count(Namespace::Throttle, &short, 0, LONG).await.unwrap().0 == 0 }).await;
        assert_eq!(shelf.count(Namespace::Throttle, &short, 1, LONG).await.unwrap().0, 1);
    }
}

#[tokio::test]
async fn what_is_given_back_is_taken_off_and_never_more() {
    for (shelf, key) in shelves("give back") {
        let count = async |by| shelf.count(Namespace::Throttle, &key, by, LONG).await.unwrap();
        shelf.give_back(Namespace::Throttle, &key, 1).await.unwrap();
        assert_eq!(count(3).await.0, 3);
        shelf.give_back(Namespace::Throttle, &key, 2).await.unwrap();
        assert_eq!(count(0).await.0, 1);
        shelf.give_back(Namespace::Throttle, &key, 5).await.unwrap();
        assert_eq!(count(0).await.0, 0);
        let (one, left) = count(1).await;
        assert!(one == 1 && left > Duration::ZERO, "it still ends: {left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_count_is_lost_between_many() {
    for (shelf, key) in shelves("many") {
        let counters: Vec<_> = (0..64)
            .map(|_| {
                let (shelf, key) = (shelf.clone(), key.clone());
                tokio::spawn(async move { shelf.count(Namespace::Throttle, &key, 1, LONG).await.unwrap().0 })
            })
            .collect();
        let mut seen = Vec::new();
        for counter in counters {
            seen.push(counter.await.unwrap());
        }
        seen.sort_unstable();
        assert_eq!(seen, (1..=64).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_shelf_says_since_when_it_remembers() {
    for (shelf, _) in shelves("since") {
        let first = shelf.remembers_since().await.unwrap();
        until(|| async { first == Duration::MAX || shelf.remembers_since().await.unwrap() > first }).await;
    }
}

#[tokio::test]
async fn a_redis_that_nobody_runs_is_away_at_once_and_for_everybody() {
    // Discard's port: nobody listens there.
    let shelf = Arc::new(Shelf::at(&"redis://:hunter2@127.0.0.1:9".parse().unwrap(), None).unwrap());
    let askers: Vec<_> = (0..64)
        .map(|_| {
            let shelf = shelf.clone();
            tokio::spawn(async move { shelf.take(Namespace::Code, "c").await })
        })
        .collect();
    for asker in askers {
        let why = asker.await.unwrap().unwrap_err().to_string();
        assert!(!why.contains("hunter2"), "{why}");
    }
}

async fn until<F: Future<Output = bool>>(look: impl Fn() -> F) {
    while !look().await {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
