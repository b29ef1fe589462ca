//! Badges: the youngest open a little with them, at school, and whoever finds one cannot do much.

use crate::{actors::*, promise};

mod pictures;
mod sheets;
mod vendors;

/// What a badge is refused with, on whatever page that is.
async fn shown(library: &Library, typed: &str) -> Option<String> {
    Browser::new().show_badge(library, typed).await.reason()
}

promise! { founded, async fn a_badge_opens_the_shelf_without_a_pin_and_shows_no_card_number(library) {
    library.with_badges("");
    let (done, ..) = library.print_badges("room-1", &["--class", "room-1"]);
    let said = done.fine().json();
    assert_eq!((said["badges"].as_u64(), said["voided"].as_u64()), (Some(2), Some(0)), "{said}");
    assert_eq!(said["left_out"][0]["why"], "grade-or-role", "Olive can type: {said}");
    let mira = Primary::card(1);
    let secret = library.known_badge(&mira.card).await;
    for typed in [
        format!("{}/badge#{secret}", library.issuer),
        secret.clone(),
        secret.to_lowercase(),
        format!("  {secret}\t"),
        format!("httpÑ--127.0.0.1-badge§{secret}"),
    ] {
        let browser = Browser::new();
        let page = browser.show_badge(&library, &typed).await;
        assert!(page.status.is_success() && browser.is_signed_in(&library).await, "{typed}: {}", page.body);
        assert!(!page.body.contains(&secret));
        let card = browser.open(library.url("/card")).await;
        assert_eq!(card.reason().as_deref(), Some("pin-needed"), "{}", card.body);
        assert!(!card.body.contains(&mira.card));
    }
    // With her PIN she gets there, in the same browser.
    let browser = Browser::new();
    browser.show_badge(&library, &secret).await;
    let page = browser.open(library.url("/sign-in")).await;
    let page = browser.submit_and_follow(&page, "sign-in", &[("card", &mira.card), ("pin", &mira.pin)]).await;
    browser.change_pin(&page, &mira.pin, CHANGED_PIN).await;
    assert!(browser.open(library.url("/card")).await.body.contains("card-number"));
}}

promise! { founded, async fn no_badge_is_made_for_staff_older_pupils_or_other_schools(library) {
    library.with_badges("");
    for n in [5, 8, 9] {
        let said = library.print_badges(&format!("card-{n}"), &["--card", &Primary::card(n).card]).0.refused();
        assert!(said.stderr.contains("gets no badge"), "{}", said.stderr);
    }
    let sheet = library.path().join("card-5.html");
    assert!(!sheet.exists(), "a sheet without badges is not left behind");
    for args in [["--class", "room-9"], ["--school", "school-birch"], ["--class", "reading"]] {
        library.print_badges(args[1], &args).0.refused();
    }
    let out = library.path().join("cedar.html").to_string_lossy().into_owned();
    let cedar = ["badge", "print", "--organisation", "cedar", "--class", "room-1", "--out", &out, "--reason", "x"];
    assert!(library.run(&cedar).refused().stderr.contains("cedar"));
    // Who becomes staff, or grows out of it, has a badge no more, whatever is printed.
    library.print_badges("room-1", &["--class", "room-1"]).0.fine();
    let secret = library.known_badge(&Primary::card(2).card).await;
    assert_eq!(shown(&library, &secret).await, None);
    let mut people = Primary::people();
    people[1].grade = "03";
    library.import(&Primary::delivery(&people), &[]).fine();
    library.soon("she has grown", || async { shown(&library, &secret).await.as_deref() == Some("badge-void") }).await;
    people[1].role = "teacher";
    library.import(&Primary::delivery(&people), &[]).fine();
    library.soon("staff has none", || async { shown(&library, &secret).await.as_deref() == Some("badge-void") }).await;
}}

promise! { founded, async fn a_wrong_badge_opens_nothing_whatever_is_wrong_with_it(library) {
    library.with_badges("");
    library.print_badges("room-2", &["--class", "room-2"]).0.fine();
    let secret = library.known_badge(&Primary::card(3).card).await;
    for place in [0, 7, 25] {
        let mut bent: Vec<u8> = secret.clone().into_bytes();
        bent[place] = if bent[place] == b'A' { b'B' } else { b'A' };
        let bent = String::from_utf8(bent).unwrap();
        assert_eq!(shown(&library, &bent).await.as_deref(), Some("badge-void"), "letter {place}");
    }
    for typed in ["", "x", &secret[1..], &format!("{secret}1"), &Primary::card(3).card, "' OR 1=1 --", &"A".repeat(390)] {
        let browser = Browser::new();
        let page = browser.show_badge(&library, typed).await;
        assert!(page.has("badge") && !browser.is_signed_in(&library).await, "{typed:?}: {}", page.body);
    }
    assert_eq!(shown(&library, &secret).await, None);
    // Reprinted: what was lost is worth nothing.
    let again = library.print_badges("again", &["--card", &Primary::card(3).card]).0.fine().json();
    assert_eq!((again["badges"].as_u64(), again["voided"].as_u64()), (Some(1), Some(1)), "{again}");
    assert_eq!(shown(&library, &secret).await.as_deref(), Some("badge-void"));
}}

promise! { founded, async fn whoever_is_withdrawn_opted_out_or_blocked_is_told_so_by_a_badge_as_by_a_pin(library) {
    library.with_badges("");
    library.print_badges("all", &["--school", "school-willow"]).0.fine();
    let mut secrets = Vec::new();
    for n in 1..=4 {
        secrets.push(library.known_badge(&Primary::card(n).card).await);
    }
    library.run(&["card", "block", &Primary::card(1).card, "--reason", "a test"]).fine();
    library.apply("[[opt_out]]\nsource = \"cms\"\nsourced_id = \"user-2\"\n").fine();
    let rest: Vec<Person> = Primary::people().into_iter().filter(|person| person.given != "Ada").collect();
    library.import(&Primary::delivery(&rest), &["--accept-removals"]).fine();
    for (secret, reason) in secrets.iter().zip(["card-blocked", "opted-out", "withdrawn"]) {
        library.soon(reason, || async { shown(&library, secret).await.as_deref() == Some(reason) }).await;
    }
    assert_eq!(shown(&library, &secrets[3]).await, None, "nobody else is touched");
    // None of them is on the next sheet.
    let said = library.print_badges("next", &["--school", "school-willow"]).0.fine().json();
    assert_eq!(said["badges"], 1, "{said}");
}}

promise! { founded, async fn badges_are_taken_back_singly_by_class_by_year_and_all_at_once_and_what_they_opened_ends(library) {
    library.with_badges("");
    let year = library.print_badges("first", &["--class", "room-1"]).0.fine().json()["school_year"].as_str().unwrap().to_owned();
    let mira = Primary::card(1).card;
    let ways: [&[&str]; 4] = [
        &["--card", &mira],
        &["--class", "room-1"],
        &["--year", &year],
        &["--all", "--organisation", "maple"],
    ];
    for (n, way) in ways.iter().enumerate() {
        library.print_badges(&format!("again-{n}"), &["--class", "room-1"]).0.fine();
        let secret = library.known_badge(&mira).await;
        let (by_badge, by_pin) = (Browser::new(), Browser::new());
        by_pin.sign_in(&library, &Patron::new(mira.clone(), if n == 0 { Primary::card(1).pin } else { CHANGED_PIN.into() })).await;
        by_badge.show_badge(&library, &secret).await;
        assert!(by_badge.is_signed_in(&library).await, "{way:?}");
        let mut args = vec!["badge", "void", "--reason", "lost", "--json"];
        args.extend(*way);
        let said = library.run(&args).fine().json();
        assert_eq!(said["voided"], if n == 0 { 1 } else { 2 }, "{way:?}: {said}");
        library.soon("what it opened has ended", || async { !by_badge.is_signed_in(&library).await }).await;
        assert!(by_pin.is_signed_in(&library).await, "a PIN's session goes on");
        assert_eq!(shown(&library, &secret).await.as_deref(), Some("badge-void"), "{way:?}");
        assert_eq!(library.run(&args).fine().json()["voided"], 0, "twice is once");
    }
    assert_eq!(library.run(&["badge", "void", "--all", "--reason", "x"]).status, 2);
    assert_eq!(library.run(&["badge", "void", "--reason", "x"]).status, 2);
    let view = library.run(&["badge", "list", "--class", "room-1", "--reason", "x", "--json"]).fine().json();
    let room = &view["classes"][0];
    assert_eq!((room["pupils"].as_u64(), room["with_badge"].as_u64()), (Some(2), Some(0)), "{view}");
    assert!(!view.to_string().contains("Mira"), "numbers, no names: {view}");
}}

promise! { founded, async fn badges_open_at_school_and_a_session_of_theirs_is_left_there(library) {
    library.with_badges("networks = [\"127.0.0.0/8\"]\n");
    library.print_badges("room-1", &["--class", "room-1"]).0.fine();
    let secret = library.known_badge(&Primary::card(1).card).await;
    let browser = Browser::new();
    browser.show_badge(&library, &secret).await;
    assert!(browser.is_signed_in(&library).await);
    assert!(Browser::new().open(library.url("/sign-in")).await.has("badge-way"));
    let inside = browser.open(library.url("/badge")).await;

    library.with_badges("networks = [\"198.51.100.0/24\"]\n");
    assert!(!browser.is_signed_in(&library).await, "the session stays at school");
    let page = browser.open(library.url("/badge")).await;
    assert_eq!((page.status.as_u16(), page.reason().as_deref()), (403, Some("badge-not-here")));
    let page = browser.submit(&inside, "badge", &[("badge", &secret)]).await;
    assert_eq!(page.reason().as_deref(), Some("badge-not-here"));
    // A badge that never was looks the same from outside.
    let page = browser.submit(&inside, "badge", &[("badge", &"A".repeat(26))]).await;
    assert_eq!(page.reason().as_deref(), Some("badge-not-here"));
    assert!(!Browser::new().open(library.url("/sign-in")).await.has("badge-way"));

    // An hour that is not now, whenever this is run: the other half of the day.
    for (hours, open) in [("00:00-24:00", true), ("00:00-00:01", false)] {
        library.with_badges(&format!("hours = \"{hours}\"\n"));
        let reason = shown(&library, &secret).await;
        if open {
            assert_eq!(reason, None);
        } else if reason.is_some() {
            assert_eq!(reason.as_deref(), Some("badge-not-here"));
        }
    }
    library.with_lines("");
    assert_eq!(browser.open(library.url("/badge")).await.status, 404, "no badges, no page");
}}

promise! { founded, async fn guesses_are_counted_and_the_school_goes_on(library) {
    library.with_badges("");
    library.print_badges("room-1", &["--class", "room-1"]).0.fine();
    let secret = library.known_badge(&Primary::card(1).card).await;
    let browser = Browser::new();
    let page = browser.open(library.url("/badge")).await;
    let mut stopped = 0;
    for n in 0..40 {
        let guess: String = format!("{n:02}").bytes().map(|b| char::from(b - b'0' + b'A')).collect();
        let answer = browser.submit(&page, "badge", &[("badge", &format!("{guess}{}", "Q".repeat(24)))]).await;
        match answer.reason().as_deref() {
            Some("badge-void") => assert_eq!(stopped, 0, "guess {n}"),
            Some("too-many-tries") => stopped += 1,
            other => panic!("{other:?}: {}", answer.body),
        }
        assert!(stopped == 0 || (answer.status == 429 && !answer.header("retry-after").is_empty()));
    }
    assert_eq!(stopped, 10);
    assert_eq!(shown(&library, &secret).await, None, "her classmate is not shut out");
}}

promise! { founded, async fn a_badges_secret_is_in_no_log_no_record_and_no_answer(library) {
    library.with_badges("second_step = \"picture\"\n");
    let (_, sheet, list) = library.print_badges("room-1", &["--class", "room-1"]);
    let secret = library.known_badge(&Primary::card(1).card).await;
    let browser = Browser::new();
    let page = browser.show_badge(&library, &format!("{}/badge#{secret}", library.issuer)).await;
    assert!(page.has("pictures") && !page.body.contains(&secret));
    let wrong = browser.show_badge(&library, &format!("{}Z", &secret[..25])).await;
    assert!(!wrong.body.contains(&secret[..25]));
    library.run(&["badge", "void", "--card", &Primary::card(1).card, "--reason", "x"]).fine();
    let kept = library.records().await;
    for (place, text) in [("a log", library.logs()), ("a record", kept.clone())] {
        assert!(!text.contains(&secret) && !text.contains(&secret.to_lowercase()), "the secret is in {place}");
    }
    // Both files are their owner's alone, and hold no name but the given one.
    use std::os::unix::fs::PermissionsExt;
    for name in ["room-1.html", "room-1-list.html"] {
        let mode = std::fs::metadata(library.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(sheet.contains("Mira") && list.contains("Mira"));
    for word in ["Fictional", &Primary::card(1).card, "user-1", "KG"] {
        assert!(!sheet.contains(word) && !list.contains(word), "{word}");
    }
    // The pictures are not on the badges, and the badges' codes not on the list.
    assert!(!sheet.contains("data-picture") && !list.contains("crispEdges"));
    assert!(library.print_badges("room-1", &["--class", "room-1"]).0.refused().stderr.contains("anew"), "nothing is overwritten");
    let events = library.run(&["audit", "tail", "-n", "300", "--json"]).fine().stdout;
    assert!(events.contains("\"badge\"") && events.contains("a new year") && !events.contains(&secret));
}}

promise! { founded, async fn a_child_who_is_erased_leaves_neither_badge_nor_place_in_a_class(library) {
    library.with_badges("");
    library.print_badges("room-1", &["--class", "room-1"]).0.fine();
    let mira = Primary::card(1);
    let secret = library.known_badge(&mira.card).await;
    assert_eq!(shown(&library, &secret).await, None);
    let show = ["patron", "show", &mira.card, "--reason", "the family asks", "--json"];
    let id = library.run(&show).fine().json()["patron"].as_str().unwrap().to_owned();
    assert!(library.records().await.contains("s user-1"));
    let erase = ["patron", "erase", &mira.card, "--reason", "the family asks", "--yes", "--though-enrolled"];
    library.run(&erase).fine();
    for trace in [&*id, "s user-1"] {
        let gone = || async { !library.records().await.contains(trace) };
        library.soon(&format!("{trace} is nowhere"), gone).await;
    }
    library.soon("her badge opens nothing", || async { shown(&library, &secret).await.as_deref() == Some("badge-void") })
        .await;
    // A roster that names her again makes somebody new, who is in her class.
    library.import(&Primary::delivery(&Primary::people()), &[]).fine();
    let said = library.print_badges("anew", &["--class", "room-1"]).0.fine().json();
    assert_eq!((said["badges"].as_u64(), said["voided"].as_u64()), (Some(2), Some(1)), "{said}");
}}
