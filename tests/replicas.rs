//! Two processes over one PostgreSQL and one Redis: what one knows the other knows, what works once works once on both
//! together, and where the shelf is away nobody gets anywhere.

use std::{collections::BTreeSet, sync::Arc};

use crate::actors::*;

const STAYS: Declared = Declared {
    id: "stays",
    auth_method: "client_secret_basic",
    pkce: "required",
    redirect_uris: &["https://stays.example/callback"],
    scopes: &["library.ebooks"],
    audience: &["young-adult"],
    vendor_lines: "",
    oidc_lines: "grant_types = [\"authorization_code\", \"refresh_token\"]\n",
};

fn pupil() -> Patron {
    Person::pupil(1).card()
}

fn changed(patron: &Patron) -> Patron {
    Patron::new(patron.card.clone(), CHANGED_PIN)
}

fn two(lines: &str) -> Option<Replicas> {
    Replicas::with(&[Person::pupil(1), Person::pupil(2)], lines)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_of_one_replica_works_at_the_other_and_then_nowhere() {
    let Some(replicas) = two("") else { return };
    let library = &replicas.library;
    let vendor = OidcVendor::of(library, library.shelf()).await;
    replicas.only(0);
    let (code, challenge) = vendor.code(&Browser::new(), &pupil()).await;
    let fields = vendor.exchange(&code, &challenge);
    replicas.only(1);
    let (status, tokens) = vendor.token(&fields).await;
    assert_eq!(status, 200, "{tokens}");
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(vendor.userinfo(access).await.0, 200);
    replicas.only(0);
    assert_eq!(vendor.userinfo(access).await.0, 200);
    let (status, answer) = vendor.token(&fields).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{answer}");
    assert_eq!(vendor.userinfo(access).await.0, 401, "a replay revokes what the first use won");
    replicas.only(1);
    let revoked = || async { vendor.userinfo(access).await.0 == 401 };
    library.soon("the other replica knows that the grant was revoked", revoked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_four_who_spend_a_code_over_both_replicas_one_wins() {
    let Some(replicas) = two("") else { return };
    let vendor = Arc::new(OidcVendor::of(&replicas.library, replicas.library.shelf()).await);
    let (code, challenge) = vendor.code(&Browser::new(), &pupil()).await;
    replicas.warm().await;
    let answers = of_many(&vendor, vendor.exchange(&code, &challenge)).await;
    let won = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(won, 1, "{answers:?}");
    let lost = answers.iter().filter(|(status, said)| *status == 400 && said["error"] == "invalid_grant").count();
    assert_eq!(lost, 63, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_has_one_successor_over_both_replicas() {
    let Some(replicas) = two("") else { return };
    let party = replicas.library.declare(STAYS).await;
    let vendor = Arc::new(OidcVendor::of(&replicas.library, party).await);
    replicas.only(1);
    let known = || async { vendor.token(&[]).await.1["error"] != "invalid_client" };
    replicas.library.soon("both replicas know the vendor", known).await;
    replicas.both();
    let (code, challenge) = vendor.code(&Browser::new(), &pupil()).await;
    let (status, tokens) = vendor.token(&vendor.exchange(&code, &challenge)).await;
    assert_eq!(status, 200, "{tokens}");
    let first = tokens["refresh_token"].as_str().unwrap().to_owned();
    replicas.warm().await;
    let form = [("grant_type", "refresh_token".to_owned()), ("refresh_token", first)];
    let answers = of_many(&vendor, form.map(|(name, value)| (name.to_owned(), value)).into()).await;
    let successors: BTreeSet<&str> = answers.iter().filter_map(|(_, said)| said["refresh_token"].as_str()).collect();
    assert_eq!(successors.len(), 1, "{successors:?}");
    let odd: Vec<u16> = answers.iter().map(|(status, _)| *status).filter(|status| *status != 200).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

/// Sixty-four at once over both replicas.
async fn of_many(vendor: &Arc<OidcVendor>, fields: Vec<(String, String)>) -> Vec<(u16, serde_json::Value)> {
    let tries: Vec<_> = (0..64)
        .map(|_| {
            let (vendor, fields) = (vendor.clone(), fields.clone());
            tokio::spawn(async move { vendor.token(&fields).await })
        })
        .collect();
    let mut answers = Vec::new();
    for one in tries {
        answers.push(one.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_pins_are_counted_over_both_replicas() {
    let Some(replicas) = two("[throttle]\ncard_tries = 6\n") else { return };
    let library = &replicas.library;
    // A Redis that has been there for years.
    replicas.redis.ask("SET oneaccess:epoch 1");
    assert_eq!(guesses(&replicas, &pupil().card).await, 6);
    for replica in [0, 1] {
        replicas.only(replica);
        let page = Browser::new().try_sign_in(library, &pupil()).await;
        assert_eq!(page.reason().as_deref(), Some("too-many-tries"), "even the right PIN waits: {}", page.body);
    }
    Browser::new().sign_in(library, &Person::pupil(2).card()).await;
    // Who knows what it had counted: half of the tries are gone.
    replicas.redis.ask("FLUSHALL");
    assert_eq!(guesses(&replicas, &pupil().card).await, 3);
}

/// How many wrong PINs on this card are answered before no more are looked at, asked in turn of both.
async fn guesses(replicas: &Replicas, card: &str) -> usize {
    for n in 0..20 {
        replicas.only(n % 2);
        let page = Browser::new().try_sign_in(&replicas.library, &Patron::new(card, format!("83{n:03}"))).await;
        if page.reason().as_deref() == Some("too-many-tries") {
            return n;
        }
    }
    20
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_at_one_replica_is_known_to_the_other() {
    let Some(replicas) = two("") else { return };
    let library = &replicas.library;
    let browser = Browser::new();
    replicas.only(0);
    browser.sign_in(library, &pupil()).await;
    let stolen = browser.copy();
    replicas.only(1);
    assert!(stolen.is_signed_in(library).await, "remembered by both");
    replicas.only(0);
    browser.sign_out(library).await;
    assert!(!stolen.is_signed_in(library).await);
    replicas.only(1);
    let out = || async { !stolen.is_signed_in(library).await };
    library.soon("the other replica knows of the sign-out", out).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_shelf_nobody_gets_anywhere_and_with_it_all_goes_on() {
    let Some(mut replicas) = two("") else { return };
    let vendor = OidcVendor::of(&replicas.library, replicas.library.shelf()).await;
    let browser = Browser::new();
    browser.sign_in(&replicas.library, &pupil()).await;
    let patron = changed(&pupil());
    let form = Browser::new();
    let page = form.open(replicas.library.url("/")).await;

    for paused in [true, false] {
        let (code, challenge) = vendor.code(&browser, &patron).await;
        let fields = vendor.exchange(&code, &challenge);
        if paused {
            replicas.redis.pause()
        } else {
            replicas.redis.stop()
        }

        for (status, why) in replicas.ready().await {
            assert_eq!((status, why.trim()), (503, "the shelf does not answer"));
        }
        let signing_in = form.submit(&page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await;
        assert_eq!(signing_in.status, 503, "the right PIN waits as well: {}", signing_in.body);
        assert_ne!(signing_in.header("retry-after"), "");
        let url = vendor.authorize_url(&vendor.request(&Challenge::new()));
        let click = browser.get(url).await;
        assert_eq!(click.status, 503, "{}", click.body);
        assert_ne!(click.header("retry-after"), "");
        let (status, said) = vendor.token(&fields).await;
        assert_eq!(status, 503, "{said}");
        assert!(browser.is_signed_in(&replicas.library).await, "sessions are not on the shelf");

        if paused {
            replicas.redis.go_on()
        } else {
            replicas.redis.begin()
        }
        let ready = || async { replicas.ready().await.iter().all(|(status, _)| *status == 200) };
        replicas.library.soon("both are ready again", ready).await;
        for replica in [0, 1] {
            replicas.only(replica);
            let (code, challenge) = vendor.code(&browser, &patron).await;
            assert_eq!(vendor.token(&vendor.exchange(&code, &challenge)).await.0, 200);
        }
        replicas.both();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_code_works_twice_because_redis_forgot_or_remembered() {
    let Some(mut replicas) = two("") else { return };
    let vendor = OidcVendor::of(&replicas.library, replicas.library.shelf()).await;
    let browser = Browser::new();
    browser.sign_in(&replicas.library, &pupil()).await;
    let patron = changed(&pupil());
    for how in ["flushed", "read back from a snapshot"] {
        let (spent, challenge) = vendor.code(&browser, &patron).await;
        let spent = vendor.exchange(&spent, &challenge);
        let (unspent, challenge) = vendor.code(&browser, &patron).await;
        let unspent = vendor.exchange(&unspent, &challenge);
        // Both codes stand in the snapshot.
        replicas.redis.ask("SAVE");
        assert_eq!(vendor.token(&spent).await.0, 200);
        if how == "flushed" {
            replicas.redis.ask("FLUSHALL");
        } else {
            replicas.redis.kill();
            replicas.redis.begin();
            // From here on no request is lost: nobody has to find out first.
            assert!(!replicas.redis.ask("DBSIZE").contains(":0\r\n"), "it read the snapshot");
        }
        for fields in [&spent, &unspent] {
            let (status, said) = vendor.token(fields).await;
            assert_eq!((status, said["error"].as_str()), (400, Some("invalid_grant")), "{how}: {said}");
        }
        let (code, challenge) = vendor.code(&browser, &patron).await;
        assert_eq!(vendor.token(&vendor.exchange(&code, &challenge)).await.0, 200, "{how}: the next click works");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shelf_is_reached_by_tls_with_a_password_from_a_file() {
    let identity = Identity::new("127.0.0.1");
    let Some(redis) = Redis::secure(&identity) else { return };
    let folder = Folder::new();
    let password = folder.write("redis-password", format!("{}\n", redis.password()));
    let lines = format!(
        "shelf = \"rediss://127.0.0.1:{}/0\"\nshelf_password_file = {password:?}\ntrusted_certificates = {:?}\n",
        redis.tls_port, identity.certificate
    );
    let Some(library) = Library::founded_at(Engine::Sqlite, None, &lines) else { return };
    library.import(&Delivery::of(&[Person::pupil(1)]), &[]).fine();
    Browser::new().sign_in(&library, &pupil()).await;
    let checked = library.run(&["check"]).fine();
    assert!(checked.stdout.contains(&format!("rediss://127.0.0.1:{}/0", redis.tls_port)), "{}", checked.stdout);
    for told in [&checked.stdout, &checked.stderr, &library.logs()] {
        assert!(!told.contains(redis.password()), "{told}");
    }
    assert!(checked.stderr.contains("SQLite serves one process"), "{}", checked.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_sentinels_make_another_server_the_primary_all_goes_on_and_no_code_is_found_again() {
    let Some(mut primary) = Redis::running() else { return };
    let port = primary.port.to_string();
    let Some(replica) = Redis::running_with(&["--replicaof", "127.0.0.1", &port]) else { return };
    let sentinel = Sentinel::over(&primary, &replica).await;
    let lines = format!("shelf = \"{}\"\n", sentinel.url());
    let Some(library) = Library::founded_at(Engine::Sqlite, None, &lines) else { return };
    library.import(&Delivery::of(&[Person::pupil(1)]), &[]).fine();
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let browser = Browser::new();
    browser.sign_in(&library, &pupil()).await;
    let (code, challenge) = vendor.code(&browser, &changed(&pupil())).await;
    let before = vendor.exchange(&code, &challenge);

    primary.kill();

    let ready = || async { browser.get(library.url("/health/ready")).await.status == 200 };
    library.soon_enough(std::time::Duration::from_secs(60), "the other server is the primary", ready).await;
    let (status, said) = vendor.token(&before).await;
    assert_eq!((status, said["error"].as_str()), (400, Some("invalid_grant")), "{said}");
    let (code, challenge) = vendor.code(&browser, &changed(&pupil())).await;
    assert_eq!(vendor.token(&vendor.exchange(&code, &challenge)).await.0, 200);
}
