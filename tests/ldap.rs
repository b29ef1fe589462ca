//! Signing in with the user name and password of a school's directory, beside card and PIN: a real OpenLDAP behind a real
//! library.

use crate::{actors::*, promise};

const OKAFOR: Colleague<'_> = Colleague { uid: "okafor", id: "9001", kind: "Teacher", more: "" };
const LIND: Colleague<'_> = Colleague { uid: "lind", id: "9002", kind: "Teacher", more: "" };
const MIRA: Colleague<'_> = Colleague { uid: "mira", id: "4417", kind: "Pupil", more: "departmentNumber: 7\n" };
const EXPIRED: Colleague<'_> = Colleague { uid: "expired", id: "9004", kind: "Teacher", more: "" };
const RESET: Colleague<'_> = Colleague { uid: "reset", id: "9005", kind: "Teacher", more: "pwdReset: TRUE\n" };
const FACE_SECRET: &str = "fictional-vendor-secret-of-owls-5518";

/// Declares the directory as the source `ad`, with these further lines, and waits until the sign-in page knows it.
async fn declare(library: &Library, slapd: &Slapd, more: &str) {
    let toml = format!(
        "[[source]]\nid = \"ad\"\nkind = \"ldap\"\nurls = [{:?}]\nbind_dn = {READER:?}\nbind_password_file = {:?}\n\
         base_dn = {BASE:?}\nroster_filter = \"(objectClass=inetOrgPerson)\"\n\
         role_values = {{ Teacher = \"staff\", Pupil = \"student\" }}\nincremental = \"entryCSN\"\n\
         user_filter = \"(&(objectClass=inetOrgPerson)(uid={{username}}))\"\nroster = \"ad\"\n\
         match_field = \"identifier\"\n{more}\n",
        slapd.ldap,
        slapd.password_file(),
    );
    library.apply(&toml).fine();
    let asks = || async { Browser::new().open(library.url("/sign-in")).await.body.contains("school user name") };
    library.soon("the page asks for a user name as well", asks).await;
}

fn pull(library: &Library) {
    library.run(&["directory", "pull", "ad", "--accept-removals", "--json"]).fine();
}

async fn refused(library: &Library, name: &str, password: &str) -> String {
    let page = Browser::new().try_sign_in(library, &Patron::new(name, password)).await;
    assert!(page.has("sign-in"), "{name} is signed in: {}", page.body);
    page.reason().unwrap_or_default()
}

promise! { founded, async fn staff_sign_in_with_the_name_and_password_of_their_school_account(library) {
    let Some(slapd) = Slapd::with(&[OKAFOR, LIND, MIRA, EXPIRED, RESET]) else { return };
    declare(&library, &slapd, "roles = [\"staff\"]").await;
    pull(&library);
    let right = OKAFOR.password();
    let signed_in = Browser::new();
    signed_in.sign_in(&library, &Patron::new("okafor", &right)).await;
    assert!(signed_in.is_signed_in(&library).await);
    Browser::new().sign_in(&library, &Patron::new(" OKAFOR ", &right)).await;
    Browser::new().sign_in(&library, &Patron::new("9001", &right)).await; // her card

    // Wrong, unknown, somebody else's, syntax: all read alike.
    let plain = |page: Page, typed: &str| page.words().replace(typed, "NAME");
    let wrong = Browser::new().try_sign_in(&library, &Patron::new("okafor", "a guess")).await;
    let unknown = Browser::new().try_sign_in(&library, &Patron::new("nobody", "a guess")).await;
    assert_eq!((wrong.status, wrong.reason()), (unknown.status, unknown.reason()));
    assert_eq!(plain(wrong, "okafor"), plain(unknown, "nobody"));
    for (name, password) in [
        ("lind", right.as_str()),
        ("*", &right),
        ("*)(uid=*", &right),
        ("okafor)(uid=okafor", &right),
        ("9002", &right),
        ("mira", &MIRA.password()), // a pupil, whom this source does not cover
        ("4417", &MIRA.password()),
    ] {
        assert_eq!(refused(&library, name, password).await, "sign-in-failed", "{name}");
    }
    // What the directory says of an account, it says to who knows its password.
    assert_eq!(refused(&library, "reset", &RESET.password()).await, "directory-password-change");
    let expire = format!("dn: {}\nchangetype: modify\nreplace: shadowExpire\nshadowExpire: 100\n", EXPIRED.dn());
    slapd.change(&expire);
    assert_eq!(refused(&library, "expired", &EXPIRED.password()).await, "directory-expired");
    assert_eq!(refused(&library, "expired", "a guess").await, "sign-in-failed");

    // A password that was typed stands nowhere.
    let (logs, records) = (library.logs(), library.records().await);
    for typed in [&right, &RESET.password(), READER_PASSWORD, "a guess"] {
        assert!(!logs.contains(typed) && !records.contains(typed), "{typed}");
    }
}}

promise! { founded, async fn a_leaver_is_out_with_the_next_look_at_what_changed(library) {
    let Some(slapd) = Slapd::with(&[OKAFOR, LIND, MIRA]) else { return };
    declare(&library, &slapd, "").await;
    pull(&library);
    let browser = Browser::new();
    browser.sign_in(&library, &Patron::new("lind", LIND.password())).await;
    let expire = format!("dn: {}\nchangetype: modify\nreplace: shadowExpire\nshadowExpire: 100\n", LIND.dn());
    slapd.change(&expire);
    pull(&library);
    library.soon("the session is over", || async { !browser.is_signed_in(&library).await }).await;
    Browser::new().sign_in(&library, &Patron::new("okafor", OKAFOR.password())).await;
    Browser::new().sign_in(&library, &Patron::new("mira", MIRA.password())).await;
}}

promise! { founded, async fn a_directory_that_lost_its_people_takes_no_cards_away_unasked(library) {
    let many: Vec<(String, String)> = (10..30).map(|n| (format!("c{n}"), format!("70{n}"))).collect();
    let people: Vec<Colleague<'_>> =
        many.iter().map(|(uid, id)| Colleague { uid, id, kind: "Teacher", more: "" }).collect();
    let Some(slapd) = Slapd::with(&people) else { return };
    declare(&library, &slapd, "").await;
    pull(&library);
    for gone in &people[..15] {
        slapd.change(&format!("dn: {}\nchangetype: delete\n", gone.dn()));
    }
    // What is deleted, changes do not show; a whole reading does, and the guard stops it.
    library.run(&["directory", "pull", "ad", "--json"]).fine();
    let stopped = library.run(&["directory", "pull", "ad", "--whole", "--json"]);
    assert_eq!(stopped.status, 1);
    assert!(stopped.stderr.contains("maple would lose 15 of 20 people"), "{}", stopped.stderr);
    Browser::new().sign_in(&library, &Patron::new("c29", people[19].password())).await;
    library.run(&["directory", "pull", "ad", "--whole", "--accept-removals", "--json"]).fine();
    assert_eq!(refused(&library, "c10", &people[0].password()).await, "sign-in-failed");
}}

promise! { founded, async fn guessing_at_an_account_ends_whichever_of_its_names_is_typed(library) {
    let Some(slapd) = Slapd::with(&[OKAFOR, LIND]) else { return };
    declare(&library, &slapd, "").await;
    pull(&library);
    let binds = || slapd.log().matches(&format!("BIND dn=\"{}\" method", OKAFOR.dn())).count();
    for guess in 0..3 {
        assert_eq!(refused(&library, "okafor", &format!("guess {guess}")).await, "sign-in-failed");
        assert_eq!(refused(&library, "9001", &format!("another {guess}")).await, "sign-in-failed");
    }
    let before = binds();
    assert_eq!(refused(&library, "okafor", &OKAFOR.password()).await, "too-many-tries");
    assert_eq!(refused(&library, "9001", &OKAFOR.password()).await, "too-many-tries");
    assert_eq!(binds(), before, "the directory is not asked any more");
    Browser::new().sign_in(&library, &Patron::new("lind", LIND.password())).await;
}}

promise! { founded, async fn while_the_directory_is_away_a_pin_still_opens_its_card(library) {
    let Some(mut slapd) = Slapd::with(&[OKAFOR, LIND]) else { return };
    declare(&library, &slapd, "").await;
    pull(&library);
    library.run_with(&["card", "set-pin", "9002"], "582047\n").fine();
    slapd.stop();
    let away = Browser::new().try_sign_in(&library, &Patron::new("okafor", OKAFOR.password())).await;
    assert_eq!((away.status.as_u16(), away.reason().as_deref()), (503, Some("directory-away")), "{}", away.body);
    assert_eq!(refused(&library, "nobody", "a guess").await, "directory-away");
    Browser::new().sign_in(&library, &Patron::new("9002", "582047")).await;
    slapd.start();
    Browser::new().sign_in(&library, &Patron::new("okafor", OKAFOR.password())).await;
}}

promise! { founded, async fn where_the_pin_never_counts_only_the_password_opens_the_card(library) {
    let Some(mut slapd) = Slapd::with(&[OKAFOR, MIRA]) else { return };
    declare(&library, &slapd, "roles = [\"staff\"]\npin = \"never\"").await;
    pull(&library);
    library.run_with(&["card", "set-pin", "9001"], "582047\n").fine();
    library.run_with(&["card", "set-pin", "4417"], "691358\n").fine();
    assert_eq!(refused(&library, "9001", "582047").await, "sign-in-failed");
    Browser::new().sign_in(&library, &Patron::new("9001", OKAFOR.password())).await;
    Browser::new().sign_in(&library, &Patron::new("4417", "691358")).await;
    slapd.stop();
    assert_eq!(refused(&library, "9001", "582047").await, "directory-away");
}}

promise! { founded, async fn a_vendors_server_learns_nothing_of_passwords_unless_the_source_says_so(library) {
    let Some(slapd) = Slapd::with(&[OKAFOR]) else { return };
    declare(&library, &slapd, "").await;
    pull(&library);
    let vendor = format!(
        "[[vendor]]\nid = \"owl\"\nname = \"Owl films\"\naudience = [\"adult\"]\nscopes = [\"library.ebooks\"]\n\
         [[vendor.patronapi]]\nid = \"owl-api\"\nsecret = \"{FACE_SECRET}\"\n"
    );
    library.apply(&vendor).fine();
    let password = OKAFOR.password().replace(' ', "%20");
    let ask = || async {
        Browser::new().get(library.url(&format!("/f/{FACE_SECRET}/PATRONAPI/9001/{password}/pintest"))).await
    };
    library.soon("the server knows the vendor", || async { ask().await.status.as_u16() == 200 }).await;
    let binds = || slapd.log().matches(&format!("BIND dn=\"{}\" method", OKAFOR.dn())).count();
    assert!(ask().await.body.contains("sign-in-failed"));
    assert_eq!(binds(), 0, "nothing of it reached the directory");
    declare(&library, &slapd, "faces = true").await;
    // What is known later than that is known with it.
    library.declare(Declared { id: "later", ..Declared::default() }).await;
    assert!(ask().await.body.contains("RETCOD=0"));
    let before = binds();
    assert!(ask().await.body.contains("RETCOD=0"));
    assert_eq!(binds(), before + 1, "and is remembered by nobody");
}}
