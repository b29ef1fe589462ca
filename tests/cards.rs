//! The numbers of a card: another one for a lost card, and the library card that a patron had before. The ILS that says
//! whether a library card is its bearer's is another library, asked over real SIP2.

use std::fs;

use serde_json::json;

use crate::{actors::*, promise};

const PASSWORD: &str = "a-password-of-a-fictional-vendor";
const LOST: &[&str] = &["--reason", "lost on the bus"];
/// Keeps card numbers: what a vendor sees of them.
const LEDGER: &str = "patron_identifier = \"as-sent\"\nlook_up = true\n";

/// A vendor `ledger` that asks by SIP2 and PATRONAPI and keeps the numbers that it is answered.
async fn ledger(library: &Library, doors: &Doors) {
    let vendor = format!(
        "[[vendor]]\nid = \"ledger\"\nname = \"Ledger Loans\"\naudience = [\"juvenile\", \"young-adult\", \"adult\"]\n\
         scopes = [\"library.ebooks\"]\n[[vendor.sip2]]\nlogin = \"ledger\"\npassword = \"{PASSWORD}\"\n{LEDGER}\
         [[vendor.patronapi]]\nid = \"ledger-api\"\nsecret = \"{PASSWORD}-api\"\n{LEDGER}"
    );
    library.apply(&vendor).fine();
    let address = doors.plain;
    library
        .logs_in("ledger", || async { Sip2::connect(address).await.log_in("ledger", PASSWORD).await == "941" })
        .await;
}

/// What `ledger` is answered by SIP2.
async fn by_sip2(doors: &Doors, card: &str, pin: &str) -> Message {
    let mut line = Sip2::connect(doors.plain).await;
    assert_eq!(line.log_in("ledger", PASSWORD).await, "941");
    line.information(card, Some(pin)).await
}

/// What `ledger` is answered by PATRONAPI: whether the PIN is right, and the record.
async fn by_patronapi(library: &Library, card: &str, pin: &str) -> (String, String) {
    let at = |rest: &str| library.url(&format!("/f/{PASSWORD}-api/PATRONAPI/{card}/{rest}"));
    let tested = Browser::new().get(at(&format!("{pin}/pintest"))).await;
    (tested.body, Browser::new().get(at("dump")).await.body)
}

async fn is_good(doors: &Doors, card: &str, pin: &str) -> bool {
    by_sip2(doors, card, pin).await.verdict() == (Some("Y"), Some("Y"))
}

/// Who wants to know a card number by OIDC, with a purpose.
const KEEPER: Declared = Declared {
    id: "keeper",
    auth_method: "client_secret_basic",
    pkce: "required",
    redirect_uris: &["https://keeper.example/callback"],
    scopes: &["library.ebooks"],
    audience: &["juvenile", "young-adult", "adult"],
    vendor_lines: "release = [{ name = \"card_number\", purpose = \"keeps loans by card\" }]",
    oidc_lines: "id_token_claims = true",
};

async fn card_by_oidc(library: &Library, patron: &Patron) -> (String, String) {
    let vendor = OidcVendor::of(library, KEEPER.relying_party()).await;
    let tokens = vendor.click(library, &Browser::new(), patron, &["openid", "library.ebooks"]).await;
    let told = vendor.userinfo(&tokens.access_token).await.1;
    (tokens.subject, told["card_number"].as_str().unwrap_or_default().to_owned())
}

// ── Reissue ────────────────────────────────────────────────────────────────────────────────────────────────────────

promise! { founded, async fn a_lost_card_opens_nothing_at_once_and_its_holder_stays_who_she_is_to_vendors(library) {
    let mira = Person::pupil(1);
    library.import(&Delivery::of(&[mira.clone(), Person::pupil(2)]), &[]).fine();
    let doors = Doors::open(&mut library, PASSWORD, "");
    ledger(&library, &doors).await;
    library.declare(KEEPER).await;
    let old = mira.card();
    let (subject, told) = card_by_oidc(&library, &old).await;
    assert_eq!(told, old.card);
    let browser = Browser::new();
    browser.sign_in(&library, &Patron::new(&*old.card, CHANGED_PIN)).await;
    assert!(is_good(&doors, &old.card, CHANGED_PIN).await);

    let done = library.run(&[&["card", "reissue", &old.card, "--json"], LOST].concat()).fine().json();
    assert_eq!(done, json!({ "card": "700001-2", "before": "700001", "roster_card": "700001" }));
    library.soon("the old number is no card", || async { !is_good(&doors, &old.card, CHANGED_PIN).await }).await;
    library.soon("the session has ended", || async { !browser.is_signed_in(&library).await }).await;
    let (unknown, lost) = (by_sip2(&doors, "700777", "640917").await, by_sip2(&doors, &old.card, CHANGED_PIN).await);
    assert_eq!((lost.verdict(), lost.reason()), ((Some("N"), Some("N")), Some("sign-in-failed")));
    assert_eq!(lost.reason(), unknown.reason(), "like a card that never was");
    let (tested, dumped) = by_patronapi(&library, &old.card, CHANGED_PIN).await;
    assert!(tested.contains("RETCOD=1") && dumped.contains("ERRNUM=1"), "{tested} {dumped}");
    let page = Browser::new().try_sign_in(&library, &Patron::new(&*old.card, CHANGED_PIN)).await;
    assert_eq!(page.reason().as_deref(), Some("sign-in-failed"));

    let new = Patron::new("700001-2", CHANGED_PIN);
    assert!(is_good(&doors, &new.card, &new.pin).await, "the PIN is her own and stays");
    assert!(by_patronapi(&library, &new.card, &new.pin).await.1.contains("[pb]=700001-2<BR>"));
    assert_eq!(card_by_oidc(&library, &new).await, (subject.clone(), new.card.clone()), "the same reader to the vendor");
    let hint = library.run(&["card", "show", &old.card, "--reason", "who is this?"]).refused().stderr;
    assert!(hint.contains("another number"), "{hint}");

    let undone = library.run(&[&["card", "reissue", &new.card, "--undo", "--json"], LOST].concat()).fine().json();
    assert_eq!((&undone["card"], &undone["before"]), (&json!("700001"), &json!("700001-2")));
    library.soon("the roster's number is back", || async { is_good(&doors, &old.card, CHANGED_PIN).await }).await;
    library.soon("the other opens nothing", || async { !is_good(&doors, &new.card, CHANGED_PIN).await }).await;
    let next = library.run(&[&["card", "reissue", &old.card, "--json"], LOST].concat()).fine().json();
    assert_eq!(next["card"], "700001-3", "what was out there once is given out to nobody");
    assert!(library.run(&["audit", "tail", "--json"]).fine().stdout.contains("lost on the bus"));
    library.run(&["audit", "verify"]).fine();
}}

promise! { founded, async fn no_later_roster_brings_an_exchanged_number_back_or_gives_it_to_somebody(library) {
    let (mira, theo) = (Person::pupil(1), Person::pupil(2));
    library.import(&Delivery::of(&[mira.clone(), theo.clone()]), &[]).fine();
    library.run(&[&["card", "reissue", "700001", "--number", "MB-77"], LOST].concat()).fine();
    let doors = Doors::open(&mut library, PASSWORD, "");
    ledger(&library, &doors).await;

    let renamed = Person { given: "Mirabel".into(), pin: mira.pin.clone(), ..mira.clone() };
    let night = library.import(&Delivery::of(&[renamed.clone(), theo.clone()]), &[]).fine();
    assert!(night.notes().is_empty(), "her own number is no collision: {:?}", night.notes());
    assert!(is_good(&doors, "MB-77", &mira.pin).await && !is_good(&doors, "700001", &mira.pin).await);

    for stolen in ["700001", "mb-77"] {
        let thief = Person { identifier: stolen.into(), ..Person::pupil(3) };
        let night = library.import(&Delivery::of(&[renamed.clone(), theo.clone(), thief]), &[]).fine();
        let notes = night.notes();
        assert!(notes.iter().any(|n| n.column == "identifier" && n.what.contains("by the library")), "{notes:?}");
        assert!(!is_good(&doors, stolen, &Person::pupil(3).pin).await);
    }
    // Not even once she has left.
    let thief = Person { identifier: "700001".into(), ..Person::pupil(3) };
    let night = library.import(&Delivery::of(&[theo.clone(), thief]), &["--accept-removals"]).fine();
    assert!(night.notes().iter().any(|n| n.what.contains("by the library")), "{:?}", night.notes());
    library.import(&Delivery::of(&[renamed, theo.clone()]), &[]).fine();
    assert!(is_good(&doors, "MB-77", &mira.pin).await, "whoever comes back has her newer number");

    for taken in ["700002", "700001", "MB-77", " mb-77 "] {
        let refused = library.run(&[&["card", "reissue", "700002", "--number", taken], LOST].concat());
        refused.refused();
    }
    library.run(&[&["card", "reissue", "700002", "--undo"], LOST].concat()).refused();
    library.run(&["card", "reissue", "700002", "--reason", " "]).refused();
    // Undoing a night brings no number back that somebody else has by now.
    let moved = Person { identifier: "700099".into(), ..theo.clone() };
    library.import(&Delivery::of(&[Person { given: "Mirabel".into(), ..mira.clone() }, moved]), &[]).fine();
    library.run(&[&["card", "reissue", "MB-77", "--number", "700002"], LOST].concat()).fine();
    let undo = library.run(&["directory", "undo", "cms"]).refused();
    assert!(undo.stderr.contains("700002"), "{}", undo.stderr);
}}

promise! { founded, async fn a_barcode_is_replaced_by_a_barcode(library) {
    let organisation = "[[organisation]]\nid = \"maple\"\nname = \"Maple Schools\"\nroster = [\"org-maple\"]\n\
        card = { scheme = \"barcode14\", institution = \"3023\", from = \"identifier\" }\ninitial_pin = \"password\"\n";
    library.apply(organisation).fine();
    library.import(&Delivery::of(&[Person::pupil(1), Person::pupil(2)]), &[]).fine();
    let cards = ["2302300700001", "2302300700002"].map(with_check_digit);
    let first = library.run(&[&["card", "reissue", &cards[0], "--json"], LOST].concat()).fine().json();
    let second = library.run(&[&["card", "reissue", &cards[1], "--json"], LOST].concat()).fine().json();
    assert_eq!(first["card"], with_check_digit("2302390000000"));
    assert_eq!(second["card"], with_check_digit("2302390000001"));
    let wrong = format!("{}{}", &cards[0][..13], (cards[0].as_bytes()[13] - b'0' + 1) % 10);
    let refused = library.run(&[&["card", "reissue", &with_check_digit("2302390000000"), "--number", &wrong], LOST].concat());
    assert!(refused.refused().stderr.contains("check digit"));
}}

/// As the standard of library barcodes says: odd places doubled.
fn with_check_digit(body: &str) -> String {
    let sum: u32 = body
        .bytes()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

promise! { founded, async fn a_no_of_the_family_holds_whichever_number_it_names(library) {
    let people: Vec<Person> = (1..=4).map(Person::pupil).collect();
    library.import(&Delivery::of(&people), &[]).fine();
    for card in ["700001", "700002", "700003"] {
        library.run(&[&["card", "reissue", card], LOST].concat()).fine();
    }
    library.run(&[&["card", "reissue", "700003-2"], LOST].concat()).fine();
    let browser = Browser::new();
    browser.sign_in(&library, &Patron::new("700003-3", &*people[2].pin)).await;
    library.apply("[[opt_out]]\ncard = \"700001\"\n[[opt_out]]\ncard = \"700002-2\"\n[[opt_out]]\ncard = \"700003-2\"\n").fine();
    library.soon("her session has ended", || async { !browser.is_signed_in(&library).await }).await;
    for (card, pin) in [("700001-2", &*people[0].pin), ("700002-2", &people[1].pin), ("700003-3", CHANGED_PIN)] {
        let page = Browser::new().try_sign_in(&library, &Patron::new(card, pin)).await;
        assert_eq!(page.reason().as_deref(), Some("opted-out"), "{card}: {}", page.body);
    }
    Browser::new().sign_in(&library, &people[3].card()).await;
}}

// ── The library card that a patron had before ──────────────────────────────────────────────────────────────────────

const LIBRARY_CARD: &str = "21234000000017";

/// A library that has cards of its own and answers SIP2, and the password for its door.
async fn ils() -> (Library, Doors, Patron) {
    let mut ils = Library::founded(Engine::Sqlite).unwrap();
    let doors = Doors::open(&mut ils, PASSWORD, "");
    ledger(&ils, &doors).await;
    let reader = Person { identifier: LIBRARY_CARD.into(), pin: "385162".into(), ..Person::pupil(9) };
    let other = Person { identifier: "21234000000025".into(), pin: "497203".into(), ..Person::pupil(8) };
    ils.import(&Delivery::of(&[reader.clone(), other]), &[]).fine();
    (ils, doors, reader.card())
}

/// Opens the doors of a library that asks this ILS and takes existing cards in this way.
async fn with_ils(library: &mut Library, doors: &Doors, way: &str) -> Doors {
    let secret = library.write("ils-password", PASSWORD);
    let ils = format!(
        "[ils]\nsip2 = \"{}\"\nlogin = \"ledger\"\npassword_file = {secret:?}\ninstitution = \"LIB\"\n[library]",
        doors.plain
    );
    let text = fs::read_to_string(&library.config).unwrap().replacen("[library]", &ils, 1);
    let pin = "initial_pin = \"password\"";
    fs::write(&library.config, text.replacen(pin, &format!("{pin}\nexisting_card = \"{way}\""), 1)).unwrap();
    let people = [Person::pupil(1), Person::pupil(2), Person { org: "org-cedar", ..Person::pupil(3) }];
    library.import(&Delivery::of(&people), &[]).fine();
    for n in 1..=2 {
        library.run_with(&["card", "set-pin", &people[n - 1].identifier], &format!("{}\n", PINS[n - 1])).fine();
    }
    let own = Doors::open(library, PASSWORD, "");
    ledger(library, &own).await;
    library.declare(KEEPER).await;
    own
}

const PINS: [&str; 2] = ["640917", "518263"];

fn link<'a>(card: &'a str, library_card: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["card", "link", card, "--library-card", library_card, "--reason", "showed both cards"], more].concat()
}

promise! { founded, async fn a_library_card_is_linked_beside_the_student_card_once_the_ils_confirms_it(library) {
    let (mut ils, ils_doors, reader) = ils().await;
    let doors = with_ils(&mut library, &ils_doors, "parallel").await;
    let by_pin = |card: &str, number: &str, pin: &str| {
        library.run_with(&link(card, number, &["--pin-file", "-", "--json"]), &format!("{pin}\n"))
    };

    let wrong = by_pin("700001", LIBRARY_CARD, "111222").refused().stderr;
    assert!(wrong.contains("does not take this card"), "{wrong}");
    assert!(by_pin("700001", "21234000000033", &reader.pin).refused().stderr.contains("does not take this card"));
    assert!(by_pin("CC700003", LIBRARY_CARD, &reader.pin).refused().stderr.contains("existing_card"));
    assert!(by_pin("700001", "700002", &reader.pin).refused().stderr.contains("patron's card here already"));
    assert!(!is_good(&doors, LIBRARY_CARD, PINS[0]).await, "nothing was changed");

    let done = by_pin("700001", LIBRARY_CARD, &reader.pin).fine().json();
    assert_eq!(done, json!({ "card": "700001", "library_card": LIBRARY_CARD, "way": "parallel", "proof": "ils" }));
    library.soon("either number opens", || async { is_good(&doors, LIBRARY_CARD, PINS[0]).await }).await;
    assert!(is_good(&doors, "700001", PINS[0]).await);
    assert!(!is_good(&doors, LIBRARY_CARD, &reader.pin).await, "the PIN is the student card's");
    assert_eq!(by_sip2(&doors, LIBRARY_CARD, PINS[0]).await.field("AA"), Some("700001"));
    assert!(by_patronapi(&library, LIBRARY_CARD, PINS[0]).await.1.contains("[pb]=700001<BR>"));
    let (student, library_card) = (Patron::new("700001", PINS[0]), Patron::new(LIBRARY_CARD, PINS[0]));
    let told = card_by_oidc(&library, &student).await;
    assert_eq!(told.1, "700001");
    assert_eq!(card_by_oidc(&library, &library_card).await, told, "one reader by either card");

    for (card, number) in [("700002", LIBRARY_CARD), ("700001", "21234000000025")] {
        let refused = library.run(&link(card, number, &["--staff"])).refused().stderr;
        assert!(refused.contains("already"), "one card, one patron: {refused}");
    }
    let stolen = Person { identifier: LIBRARY_CARD.into(), ..Person::pupil(5) };
    let people = [Person::pupil(1), Person::pupil(2), Person { org: "org-cedar", ..Person::pupil(3) }, stolen];
    let night = library.import(&Delivery::of(&people), &[]).fine();
    assert!(night.notes().iter().any(|n| n.what.contains("by the library")), "{:?}", night.notes());

    let back = library.run(&["card", "unlink", LIBRARY_CARD, "--reason", "by mistake", "--json"]).fine().json();
    assert_eq!(back, json!({ "card": "700001", "library_card": LIBRARY_CARD, "way": "parallel" }));
    library.soon("it opens nothing any more", || async { !is_good(&doors, LIBRARY_CARD, PINS[0]).await }).await;
    assert!(is_good(&doors, "700001", PINS[0]).await);
    let view = library.run(&["card", "show", "700001", "--reason", "looking"]).fine().stdout;
    assert!(!view.contains(LIBRARY_CARD), "{view}");

    ils.stop();
    let away = by_pin("700001", LIBRARY_CARD, &reader.pin).refused().stderr;
    assert!(away.contains("cannot be asked now"), "{away}");
    assert!(!is_good(&doors, LIBRARY_CARD, PINS[0]).await);
    let (records, logs) = (library.records().await, library.logs());
    assert!(records.contains("library-card-unknown") && records.contains("ils-away"), "tries leave traces");
    for secret in [&*reader.pin, "111222", PASSWORD] {
        assert!(!records.contains(secret) && !logs.contains(secret), "{secret} was kept or logged");
    }
    library.run(&["audit", "verify"]).fine();
}}

promise! { founded, async fn a_merged_library_card_is_the_number_that_everybody_is_told(library) {
    let (_ils, ils_doors, _) = ils().await;
    let doors = with_ils(&mut library, &ils_doors, "merge").await;
    let student = Patron::new("700002", PINS[1]);
    let before = card_by_oidc(&library, &student).await;
    let done = library.run(&link("700002", LIBRARY_CARD, &["--staff", "--json"])).fine().json();
    assert_eq!((&done["card"], &done["proof"]), (&json!(LIBRARY_CARD), &json!("staff")));
    library.soon("either number opens", || async { is_good(&doors, LIBRARY_CARD, PINS[1]).await }).await;
    for card in ["700002", LIBRARY_CARD] {
        assert_eq!(by_sip2(&doors, card, PINS[1]).await.field("AA"), Some(LIBRARY_CARD), "{card}");
        assert!(by_patronapi(&library, card, PINS[1]).await.1.contains(&format!("[pb]={LIBRARY_CARD}<BR>")), "{card}");
        let told = card_by_oidc(&library, &Patron::new(card, PINS[1])).await;
        assert_eq!(told, (before.0.clone(), LIBRARY_CARD.to_owned()), "{card}");
    }
    let browser = Browser::new();
    browser.sign_in(&library, &student).await;
    let page = browser.open(library.url("/card")).await;
    assert!(page.words().contains("2 1234 0000 0001 7"), "{}", page.words());

    // The student card may still be lost; the library card stays.
    library.run(&[&["card", "reissue", "700002"], LOST].concat()).fine();
    library.soon("the student card is another", || async { !is_good(&doors, "700002", PINS[1]).await }).await;
    assert_eq!(by_sip2(&doors, "700002-2", PINS[1]).await.field("AA"), Some(LIBRARY_CARD));
    library.run(&[&["card", "reissue", LIBRARY_CARD, "--undo"], LOST].concat()).fine();
    library.run(&["card", "unlink", "700002", "--reason", "moved away"]).fine();
    library.soon("it opens nothing any more", || async { !is_good(&doors, LIBRARY_CARD, PINS[1]).await }).await;
    assert_eq!(by_sip2(&doors, "700002", PINS[1]).await.field("AA"), Some("700002"));
    assert_eq!(card_by_oidc(&library, &student).await, before, "as if it had never been");
    assert!(library.records().await.contains("showed both cards"));
}}

promise! { founded, async fn a_patron_links_her_library_card_by_herself_and_takes_it_back(library) {
    let (_ils, ils_doors, reader) = ils().await;
    with_ils(&mut library, &ils_doors, "parallel").await;
    let browser = Browser::new();
    browser.sign_in(&library, &Patron::new("700001", PINS[0])).await;
    let card = browser.open(library.url("/card")).await;
    assert!(card.links().iter().any(|link| link.path() == "/card/link"), "{}", card.body);
    let form = browser.open(library.url("/card/link")).await;
    let send = async |page: &Page, number: &str, pin: &str| {
        browser.submit_and_follow(page, "link", &[("library_card", number), ("library_pin", pin)]).await
    };
    let empty = send(&form, LIBRARY_CARD, " ").await;
    assert_eq!(empty.reason().as_deref(), Some("missing"));
    let wrong = send(&form, LIBRARY_CARD, "111222").await;
    assert_eq!((wrong.status.as_u16(), wrong.reason().as_deref()), (422, Some("library-card-unproven")));
    let unknown = send(&form, "21234000000033", "111222").await;
    assert_eq!(unknown.reason(), wrong.reason(), "the page does not tell which numbers are library cards");
    assert!(!wrong.body.contains("111222"), "a PIN is not shown again");

    let linked = send(&form, "2 1234 0000 0001 7", &reader.pin).await;
    assert!(linked.has("linked") && linked.has("unlink"), "{}", linked.body);
    assert!(browser.open(library.url("/card")).await.words().contains("2 1234 0000 0001 7"));
    Browser::new().sign_in(&library, &Patron::new(LIBRARY_CARD, PINS[0])).await;
    let spanish = browser.open(library.url("/card/link?lang=es")).await;
    assert!(spanish.words().contains("está unida"), "{}", spanish.words());

    let other = Browser::new();
    other.sign_in(&library, &Patron::new("700002", PINS[1])).await;
    let page = other.open(library.url("/card/link")).await;
    let taken = other.submit_and_follow(&page, "link", &[("library_card", LIBRARY_CARD), ("library_pin", &reader.pin)]).await;
    assert_eq!(taken.reason().as_deref(), Some("library-card-taken"));

    let forged = browser.post(&library.url("/card/link/undo").parse().unwrap(), &[]).await;
    assert_eq!(forged.status.as_u16(), 403, "a form that we did not give");
    let back = browser.submit_and_follow(&linked, "unlink", &[]).await;
    assert!(back.has("link") && !back.has("linked"), "{}", back.body);
    assert!(Browser::new().try_sign_in(&library, &Patron::new(LIBRARY_CARD, PINS[0])).await.has("sign-in"));

    let charter = Browser::new();
    charter.sign_in(&library, &Patron::new("CC700003", &*Person::pupil(3).pin)).await;
    assert!(!charter.open(library.url("/card")).await.body.contains("/card/link"));
    assert_eq!(charter.open(library.url("/card/link")).await.url.path(), "/card", "not where the school takes none");

    let mut last = back;
    for guess in 0..12 {
        last = send(&last, "21234000000025", &format!("77{guess:04}")).await;
        if last.reason().as_deref() == Some("too-many-tries") {
            break;
        }
    }
    assert_eq!(last.reason().as_deref(), Some("too-many-tries"), "guesses count");
}}

promise! { founded, async fn without_an_ils_staff_vouch_and_the_page_says_so(library) {
    let text = fs::read_to_string(&library.config).unwrap();
    let pin = "initial_pin = \"password\"";
    fs::write(&library.config, text.replacen(pin, &format!("{pin}\nexisting_card = \"merge\""), 1)).unwrap();
    library.restart();
    library.import(&Delivery::of(&[Person::pupil(1)]), &[]).fine();
    let refused = library.run_with(&link("700001", LIBRARY_CARD, &["--pin-file", "-"]), "385162\n").refused().stderr;
    assert!(refused.contains("[ils]"), "{refused}");
    library.run(&["card", "link", "700001", "--library-card", LIBRARY_CARD, "--staff", "--reason", " "]).refused();
    let browser = Browser::new();
    browser.sign_in(&library, &Person::pupil(1).card()).await;
    let page = browser.open(library.url("/card/link")).await;
    assert!(page.has("ask-staff") && !page.has("link"), "{}", page.body);
    library.run(&link("700001", LIBRARY_CARD, &["--staff"])).fine();
    let merged = || async { browser.open(library.url("/card")).await.words().contains("2 1234 0000 0001 7") };
    library.soon("the card page shows it", merged).await;
}}
