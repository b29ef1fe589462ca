//! What vendors' servers are promised that ask by SIP2.

use std::{net::SocketAddr, time::Duration};

use crate::{
    actors::{Browser, Delivery, Doors, Library, OidcVendor, Patron, Person, Sip2, sip2_address, with_trailer},
    promise,
};

/// What the demo's `maple` is told of a reader by OIDC.
async fn subject_by_oidc(library: &Library, patron: &Patron) -> String {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let tokens = vendor.click(library, &Browser::new(), patron, &["openid", "library.ebooks"]).await;
    crate::actors::payload_of(&tokens.id_token)["sub"].as_str().unwrap().to_owned()
}

promise! { shared, async fn a_card_and_its_pin_are_good_and_the_vendor_keeps_the_name_it_knows_from_its_web_site(library) {
    let mira = library.patron("district_grade_7");
    let mut vendor = Sip2::of(library).await;
    let status = vendor.ask("9900802.00").await;
    assert_eq!((status.code(), &status.0[2..8], status.field("BX")), ("98", "YNNNNN", Some("YNNNYYYYYNNNNNNN")));
    let found = vendor.information(&mira.card, Some(&mira.pin)).await;
    assert_eq!(found.verdict(), (Some("Y"), Some("Y")), "{found:?}");
    assert_eq!(found.field("AA"), Some(&*subject_by_oidc(library, &mira).await));
    assert_eq!((found.status(), found.field("AE")), ("              ", Some("Library patron")));
    assert_eq!((found.field("PC"), found.field("AO")), (Some("young-adult"), Some("MARBLEWICK")));
    for private in ["BD", "BE", "BF", "BC", "AF"] {
        assert_eq!(found.field(private), None, "{private}");
    }
    let short = vendor.status(&mira.card, Some(&mira.pin)).await;
    assert_eq!((short.code(), short.verdict()), ("24", (Some("Y"), Some("Y"))));
    assert_eq!(short.field("AA"), found.field("AA"));
    let ended = vendor.end(&mira.card).await;
    assert_eq!(&ended.0[..3], "36Y");
}}

promise! { shared, async fn each_audience_band_reaches_the_vendor_and_only_the_name_of_an_adult_who_is_released(library) {
    let mut vendor = Sip2::of(library).await;
    for (who, band, name) in [
        ("district_grade_2", "juvenile", "Library patron"),
        ("district_grade_7", "young-adult", "Library patron"),
        ("all_claims_staff", "adult", "Wilhelmina Quill Testwright"),
    ] {
        let patron = library.patron(who);
        let found = vendor.information(&patron.card, Some(&patron.pin)).await;
        assert_eq!((found.field("PC"), found.field("AE")), (Some(band), Some(name)), "{who}");
    }
}}

promise! { shared, async fn who_is_not_entitled_is_refused_with_a_reason_in_the_readers_language(library) {
    let mut vendor = Sip2::of(library).await;
    for (who, reason) in [
        ("charter_grade_5", "grade-not-covered"),
        ("opted_out", "opted-out"),
        ("withdrawn", "withdrawn"),
        ("first_pin", "pin-must-change"),
    ] {
        let patron = library.patron(who);
        let refused = vendor.information(&patron.card, Some(&patron.pin)).await;
        assert_eq!((refused.verdict(), refused.reason()), ((Some("N"), Some("N")), Some(reason)), "{who}");
        assert_eq!((refused.field("AA"), refused.field("PC")), (Some(&*patron.card), None), "as it was sent");
        assert_eq!(refused.status(), "YYYY          ");
    }
    let patron = library.patron("charter_grade_5");
    let spanish = format!("63008{}          AOx|AA{}|AD{}|", "20261127    081500", patron.card, patron.pin);
    let refused = vendor.ask(&spanish).await;
    assert!(refused.field("AF").unwrap().contains("escuela"), "{refused:?}");
}}

promise! { own, async fn an_unknown_card_and_a_wrong_pin_look_alike_and_no_pin_is_never_a_right_one(library) {
    let mira = library.patron("district_grade_7");
    let mut vendor = Sip2::of(&library).await;
    let same = |message: &crate::actors::Message, card: &str| message.without_trailer().replace(card, "CARD")
        .split_at(37 + 24).1.to_owned();
    let wrong = vendor.information(&mira.card, Some("991188")).await;
    let unknown = vendor.information("1000001", Some("991188")).await;
    assert_eq!(wrong.verdict(), (Some("N"), Some("N")));
    assert_eq!((wrong.status(), same(&wrong, &mira.card)), (unknown.status(), same(&unknown, "1000001")));
    for pin in [None, Some(""), Some("    ")] {
        for card in [&*mira.card, "1000001", ""] {
            let refused = vendor.information(card, pin).await;
            assert_eq!(refused.verdict(), (Some("N"), Some("N")), "{card} {pin:?}");
            assert_eq!(vendor.status(card, pin).await.verdict(), (Some("N"), Some("N")), "{card} {pin:?}");
        }
    }
}}

promise! { own, async fn a_changed_pin_a_block_and_a_withdrawal_count_at_the_next_question(library) {
    let mira = library.patron("district_grade_7");
    let mut vendor = Sip2::of(&library).await;
    assert_eq!(vendor.information(&mira.card, Some(&mira.pin)).await.verdict(), (Some("Y"), Some("Y")));
    library.run_with(&["card", "set-pin", &mira.card], "640917\n").fine();
    let vendor = tokio::sync::Mutex::new(vendor);
    let verdict = |pin: &'static str| {
        let (vendor, card) = (&vendor, mira.card.clone());
        async move { vendor.lock().await.information(&card, Some(pin)).await }
    };
    library.soon("the new PIN is good", || async { verdict("640917").await.field("CQ") == Some("Y") }).await;
    let old = || async {
        let mut vendor = vendor.lock().await;
        vendor.information(&mira.card, Some(&mira.pin)).await.field("CQ") == Some("N")
    };
    library.soon("the old PIN is not", old).await;
    library.run(&["card", "block", &mira.card, "--reason", "lost"]).fine();
    library.soon("the block counts", || async { verdict("640917").await.reason() == Some("card-blocked") }).await;
    library.run(&["card", "unblock", &mira.card, "--reason", "found"]).fine();
    library.soon("the card is good again", || async { verdict("640917").await.field("BL") == Some("Y") }).await;
}}

promise! { own, async fn guesses_by_way_of_a_vendor_lock_the_card_and_not_the_others(library) {
    let (mira, theo) = (library.patron("district_grade_7"), library.patron("district_grade_2"));
    let mut vendor = Sip2::of(&library).await;
    assert_eq!(vendor.information(&mira.card, Some(&mira.pin)).await.field("CQ"), Some("Y"));
    let mut answered = 0;
    for n in 0..100 {
        let refused = vendor.information(&mira.card, Some(&format!("77{n:04}"))).await;
        if refused.reason() == Some("too-many-tries") {
            break;
        }
        answered += 1;
    }
    assert!(answered < 100, "{answered} guesses were answered");
    let locked = vendor.information(&mira.card, Some(&mira.pin)).await;
    assert_eq!((locked.field("CQ"), locked.reason()), (Some("N"), Some("too-many-tries")));
    assert_eq!(vendor.information(&theo.card, Some(&theo.pin)).await.field("CQ"), Some("Y"));
}}

promise! { shared, async fn loans_are_refused_in_the_form_that_a_station_awaits(library) {
    let mut vendor = Sip2::of(library).await;
    const DATE: &str = "20261127    081500";
    for (asked, answered) in [
        (format!("11YN{DATE}{DATE}AOx|AA4417|AB99|AC|"), "120NUN"),
        (format!("09N{DATE}{DATE}APx|AOx|AB99|AC|"), "100NUN"),
        (format!("15+{DATE}AOx|AA4417|AB99|"), "160N"),
        (format!("17{DATE}AOx|AB99|AC|"), "18"),
        (format!("29NN{DATE}{DATE}AOx|AA4417|AB99|"), "300NUN"),
        (format!("37{DATE}0100USDAOx|AA4417|"), "38N"),
        (format!("65{DATE}AOx|AA4417|"), "660"),
        (format!("25{DATE}AOx|AA4417|AC|"), "26"),
        (format!("01N{DATE}AOx|ALlost|AA4417|AC|"), "24"),
        (format!("19{DATE}AOx|AB99|"), "200"),
    ] {
        let refused = vendor.ask(&asked).await;
        assert!(refused.0.starts_with(answered), "{asked}: {refused:?}");
        assert!(refused.field("AF").is_some_and(|text| !text.is_empty()), "{refused:?}");
    }
}}

promise! { shared, async fn what_was_damaged_on_its_way_is_asked_for_again_and_an_answer_that_was_lost_is_given_again(library) {
    let mira = library.patron("district_grade_7");
    let mut vendor = Sip2::of(library).await;
    let found = vendor.information(&mira.card, Some(&mira.pin)).await;
    vendor.send(b"97\r").await;
    assert_eq!(vendor.answer().await.unwrap(), found);
    vendor.send(b"9900802.00AY1AZ0000\r").await;
    assert!(vendor.answer().await.unwrap().0.starts_with("96"));
    vendor.send(b"9900802.00\r\n").await;
    let plain = vendor.answer().await.unwrap();
    assert!(plain.0.starts_with("98Y") && !plain.0.contains("AZ"), "no trailer where none was sent: {plain:?}");
    vendor.send(b"\x00\xff\xfegarbage\r").await;
    assert!(vendor.answer().await.unwrap().0.starts_with("96"));
    assert_eq!(vendor.information(&mira.card, Some(&mira.pin)).await.field("CQ"), Some("Y"), "and goes on");
}}

promise! { shared, async fn a_connection_that_is_no_vendors_is_hung_up_on(library) {
    let address = sip2_address(library);
    let mira = library.patron("district_grade_7");
    let mut stranger = Sip2::connect(address).await;
    let question = format!("63001{}          AOx|AA{}|AD{}|", "20261127    081500", mira.card, mira.pin);
    stranger.send(format!("{}\r", with_trailer(&question, 0)).as_bytes()).await;
    assert_eq!(stranger.answer().await, None, "no login, no answer");

    let mut guesser = Sip2::connect(address).await;
    for _ in 0..2 {
        assert_eq!(guesser.log_in("maple", "not-the-password").await, "940");
    }
    guesser.send(b"9300CNmaple|COnot-the-password|\r").await;
    assert_eq!(guesser.answer().await.unwrap().0, "940");
    assert_eq!(guesser.answer().await, None, "three are enough");

    let mut endless = Sip2::connect(address).await;
    endless.send(&[b'x'; 4000]).await;
    assert_eq!(endless.answer().await, None, "a message without end");

    let mut babbler = Sip2::connect(address).await;
    for _ in 0..10 {
        babbler.send(b"\xff\x01\r").await;
        assert_eq!(babbler.answer().await.unwrap().0, "96AZFEF6");
    }
    assert_eq!(babbler.answer().await, None, "who says nothing but nonsense");
}}

promise! { shared, async fn a_thousand_idle_and_slow_connections_hold_nobody_up(library) {
    // As the server does for itself: some systems let a program open no more than 1024.
    rlimit::increase_nofile_limit(8192).unwrap();
    let address = sip2_address(library);
    let mut others = Vec::new();
    for n in 0..1000 {
        let mut one = Sip2::connect(address).await;
        if n % 3 == 0 {
            one.send(b"9300CNma").await;
        }
        others.push(one);
    }
    let mira = library.patron("district_grade_7");
    let mut vendor = Sip2::of(library).await;
    for _ in 0..20 {
        let asked = vendor.information(&mira.card, Some(&mira.pin));
        let found = tokio::time::timeout(Duration::from_secs(10), asked).await.expect("an answer while others idle");
        assert_eq!(found.field("CQ"), Some("Y"));
    }
}}

/// A vendor of its own with these lines, known to the server.
async fn declared(library: &Library, id: &str, lines: &str) -> SocketAddr {
    let toml = format!(
        "[[vendor]]\nid = \"{id}\"\nname = \"{id} books\"\naudience = [\"juvenile\", \"young-adult\", \"adult\"]\n\
         scopes = [\"library.ebooks\", \"library.checkout\"]\n[[vendor.sip2]]\nlogin = \"{id}\"\n\
         password = \"{PASSWORD}\"\n{lines}\n"
    );
    library.apply(&toml).fine();
    let address = sip2_address(library);
    library.logs_in(id, || async { Sip2::connect(address).await.log_in(id, PASSWORD).await == "941" }).await;
    address
}

const PASSWORD: &str = "a-password-of-a-fictional-vendor";

promise! { shared, async fn a_vendor_without_the_rule_looks_nothing_up_and_one_with_it_is_told_no_pin_was_right(library) {
    let address = declared(library, "lookup-heron", "look_up = true\npatron_identifier = \"as-sent\"").await;
    let mira = library.patron("district_grade_7");
    let mut heron = Sip2::connect(address).await;
    heron.log_in("lookup-heron", PASSWORD).await;
    let found = heron.information(&mira.card, None).await;
    assert_eq!(found.verdict(), (Some("Y"), Some("N")));
    assert_eq!(found.field("AA"), Some(&*mira.card));
    let refused = heron.information("1000001", None).await;
    assert_eq!((refused.verdict(), refused.field("AA")), ((Some("N"), Some("N")), Some("1000001")));
    let blanks = heron.information(&mira.card, Some("   ")).await;
    assert_eq!(blanks.verdict(), (Some("Y"), Some("N")));
}}

promise! { shared, async fn a_vendor_may_ask_by_the_name_it_keeps_and_another_vendor_knows_another(library) {
    let address = declared(library, "loon-reads", "look_up = true").await;
    let mira = library.patron("district_grade_7");
    let mut loon = Sip2::connect(address).await;
    loon.log_in("loon-reads", PASSWORD).await;
    let name = loon.information(&mira.card, Some(&mira.pin)).await.field("AA").unwrap().to_owned();
    assert_ne!(name, subject_by_oidc(library, &mira).await, "two vendors never share one");
    assert_eq!(loon.information(&name, None).await.field("AA"), Some(&*name));
    assert_eq!(loon.information(&name, Some(&mira.pin)).await.verdict(), (Some("Y"), Some("Y")));
    let mut maple = Sip2::of(library).await;
    assert_eq!(maple.information(&name, Some(&mira.pin)).await.verdict(), (Some("N"), Some("N")));
}}

promise! { shared, async fn no_print_loans_is_no_mark_unless_the_vendor_lends_print(library) {
    let address = declared(library, "print-wren", "loans = \"library.checkout\"").await;
    let (district, charter) = (library.patron("district_grade_7"), library.patron("charter_grade_8"));
    let mut wren = Sip2::connect(address).await;
    wren.log_in("print-wren", PASSWORD).await;
    let of_district = wren.information(&district.card, Some(&district.pin)).await;
    let of_charter = wren.information(&charter.card, Some(&charter.pin)).await;
    assert_eq!((of_district.status(), of_district.verdict()), ("              ", (Some("Y"), Some("Y"))));
    assert_eq!((of_charter.status(), of_charter.verdict()), ("YYYY          ", (Some("Y"), Some("Y"))));
    let mut maple = Sip2::of(library).await;
    assert_eq!(maple.information(&charter.card, Some(&charter.pin)).await.status(), "              ");
}}

promise! { shared, async fn a_vendor_writes_its_own_letters_and_has_words_of_its_own(library) {
    let lines = "encoding = \"cp850\"\npatron_name = \"Leser für alle\"\npatron_classes = \"J YA A\"\nlocation = \"desk\"";
    let address = declared_at(library, "dos-ibis", lines).await;
    let mira = library.patron("district_grade_7");
    let mut ibis = Sip2::connect(address).await;
    assert_eq!(ibis.log_in("dos-ibis", PASSWORD).await, "940", "without its location");
    assert_eq!(ibis.ask(&format!("9300CNdos-ibis|CO{PASSWORD}|CPdesk|")).await.without_trailer(), "941");
    let asked = format!("63001{}          AOx|AA{}|AD{}|", "20261127    081500", mira.card, mira.pin);
    ibis.send(format!("{asked}\r").as_bytes()).await;
    let answer = ibis.answer_bytes().await.unwrap();
    assert!(answer.windows(18).any(|w| w == b"AELeser f\x81r alle|B"), "{}", String::from_utf8_lossy(&answer));
    assert!(answer.windows(5).any(|w| w == b"PCYA|"));
}}

/// As `declared`, for a vendor that has more to say at its login.
async fn declared_at(library: &Library, id: &str, lines: &str) -> SocketAddr {
    let toml = format!(
        "[[vendor]]\nid = \"{id}\"\nname = \"{id} books\"\naudience = [\"juvenile\", \"young-adult\", \"adult\"]\n\
         scopes = [\"library.ebooks\"]\n[[vendor.sip2]]\nlogin = \"{id}\"\npassword = \"{PASSWORD}\"\n{lines}\n"
    );
    library.apply(&toml).fine();
    let address = sip2_address(library);
    library
        .logs_in(id, || async {
            let mut one = Sip2::connect(address).await;
            one.ask(&format!("9300CN{id}|CO{PASSWORD}|CPdesk|")).await.without_trailer() == "941"
        })
        .await;
    address
}

promise! { shared, async fn an_adults_address_is_told_by_rule_and_purpose_alone_and_a_pupils_never(library) {
    let vendor = |release: &str| {
        format!(
            "[[vendor]]\nid = \"mail-swift\"\nname = \"Mail Swift\"\naudience = [\"juvenile\", \"young-adult\", \"adult\"]\n\
             scopes = [\"library.ebooks\"]\n{release}\n[[vendor.sip2]]\nlogin = \"mail-swift\"\npassword = \"{PASSWORD}\"\n\
             personal_fields = [\"BE\", \"BF\"]\n"
        )
    };
    let refused = library.apply(&vendor("release = [{ name = \"email\", purpose = \"Course news.\" }]")).refused();
    assert!(refused.stderr.contains("personal_fields") && refused.stderr.contains("BF"), "{}", refused.stderr);
    let both = "release = [{ name = \"email\", purpose = \"Course news.\" }, { name = \"phone\", purpose = \"Help.\" }]";
    library.apply(&vendor(both)).fine();
    let address = sip2_address(library);
    library
        .logs_in("mail-swift", || async {
            Sip2::connect(address).await.log_in("mail-swift", PASSWORD).await == "941"
        })
        .await;
    let mut swift = Sip2::connect(address).await;
    swift.log_in("mail-swift", PASSWORD).await;
    let (adult, pupil) = (library.patron("all_claims_staff"), library.patron("district_grade_7"));
    let found = swift.information(&adult.card, Some(&adult.pin)).await;
    assert_eq!((found.field("BE"), found.field("BF")), (Some("wtestwright@library.example"), Some("+1 704 555 0100")));
    assert_eq!((found.field("BD"), found.field("BC"), found.field("AE")), (None, None, Some("Library patron")));
    let found = swift.information(&pupil.card, Some(&pupil.pin)).await;
    assert_eq!((found.field("CQ"), found.field("BE"), found.field("BF")), (Some("Y"), None, None));
}}

promise! { shared, async fn a_login_from_an_address_that_is_not_the_vendors_is_refused(library) {
    let lines = "addresses = [\"192.0.2.0/24\"]";
    let toml = format!(
        "[[vendor]]\nid = \"far-gull\"\nname = \"Far Gull\"\naudience = [\"adult\"]\nscopes = [\"library.ebooks\"]\n\
         [[vendor.sip2]]\nlogin = \"far-gull\"\npassword = \"{PASSWORD}\"\n{lines}\n"
    );
    library.apply(&toml).fine();
    declared(library, "near-gull", "").await;
    assert_eq!(Sip2::connect(sip2_address(library)).await.log_in("far-gull", PASSWORD).await, "940");
}}

promise! { founded, async fn a_district_pin_is_good_at_once_and_a_withdrawn_pupil_is_refused_the_same_second(library) {
    let pupils = [Person::pupil(1), Person::pupil(2)];
    library.import(&Delivery::of(&pupils), &[]).fine();
    let doors = Doors::open(&mut library, PASSWORD, "");
    let mut shelf = Sip2::connect(doors.plain).await;
    assert_eq!(shelf.log_in("shelf", PASSWORD).await, "941");
    let card = pupils[0].card();
    assert_eq!(shelf.information(&card.card, Some(&card.pin)).await.verdict(), (Some("Y"), Some("Y")));
    library.import(&Delivery::of(&pupils[1..]), &["--accept-removals"]).fine();
    let shelf = tokio::sync::Mutex::new(shelf);
    library
        .soon("the pupil who left is refused", || async {
            let refused = shelf.lock().await.information(&card.card, Some(&card.pin)).await;
            refused.reason() == Some("withdrawn")
        })
        .await;
}}
