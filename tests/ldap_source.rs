//! What an LDAP directory hands over and says of passwords, by a real OpenLDAP. What differs with Active Directory, of which
//! there is none here, is held by the unit tests of `src/directory/ldap`.

use std::net::TcpListener;

use oneaccess::{
    directory::{
        Extent, Roster,
        ldap::LdapKind,
        source::{Delivery, Kind, Means, PullError, Source, Wish},
        verify::{Account, Name, State, Verdict},
    },
    domain::{
        catalogue::SourceSettings,
        clock::{Clock, Timestamp},
    },
    outbound::Outbound,
};
use serde_json::{Value, json};

use crate::actors::*;

const NOW: Timestamp = Timestamp(1_795_000_000_000);

const OKAFOR: Colleague<'_> = Colleague { uid: "okafor", id: "9001", kind: "Teacher", more: "" };
const LIND: Colleague<'_> = Colleague { uid: "lind", id: "9002", kind: "Teacher", more: "" };
const MIRA: Colleague<'_> = Colleague { uid: "mira", id: "4417", kind: "Pupil", more: "departmentNumber: 7\n" };
const GUEST: Colleague<'_> = Colleague { uid: "guest", id: "1", kind: "Visitor", more: "" };
const LOCKED: Colleague<'_> =
    Colleague { uid: "locked", id: "9003", kind: "Teacher", more: "pwdAccountLockedTime: 000001010000Z\n" };
const EXPIRED: Colleague<'_> = Colleague { uid: "expired", id: "9004", kind: "Teacher", more: "shadowExpire: 100\n" };
const RESET: Colleague<'_> = Colleague { uid: "reset", id: "9005", kind: "Teacher", more: "pwdReset: TRUE\n" };

fn settings(slapd: &Slapd, more: &Value) -> SourceSettings {
    let mut settings = json!({
        "urls": [slapd.ldap], "bind_dn": READER, "bind_password_file": slapd.password_file(), "base_dn": BASE,
        "roster_filter": "(objectClass=inetOrgPerson)", "user_filter": "(&(objectClass=inetOrgPerson)(uid={username}))",
        "role_values": { "Teacher": "staff", "Pupil": "student" }, "incremental": "entryCSN", "page_size": 7,
        "roster": "maple", "match_field": "identifier", "timeout": 2,
    });
    more.as_object().unwrap().iter().for_each(|(name, value)| settings[name] = value.clone());
    serde_json::from_value(json!({ "id": "maple", "kind": "ldap", "settings": settings })).unwrap()
}

fn open(slapd: &Slapd, more: &Value) -> Box<dyn Source> {
    let outbound = Outbound::new(&[], None).unwrap();
    let means = Means { outbound, issuer: "https://library.example".into() };
    let settings = settings(slapd, more);
    LdapKind.check(&settings).unwrap();
    LdapKind.open(&settings, &means).unwrap()
}

async fn pull(source: &dyn Source, bookmark: Option<&str>, now: Timestamp) -> Result<Option<Delivery>, PullError> {
    let today = "2026-11-27".parse().unwrap();
    let wish = Wish { now, today, birthdays: false, classes: Default::default(), bookmark, progress: &|_, _| () };
    source.roster().unwrap().pull(&wish).await
}

fn ids(roster: &Roster) -> Vec<&str> {
    let mut ids: Vec<&str> = roster.people.iter().filter_map(|person| person.identifier.as_deref()).collect();
    ids.sort_unstable();
    ids
}

async fn try_it(source: &dyn Source, name: &str, password: &str) -> (Option<Account>, Verdict) {
    let verify = source.verify().unwrap();
    match verify.find(Name::Typed(name), NOW).await {
        Ok(account) => {
            let verdict = verify.prove(account.as_ref(), password).await;
            (account, verdict)
        }
        Err(error) => (None, Verdict::Away(error.to_string())),
    }
}

#[tokio::test]
async fn a_roster_is_read_in_pages_beyond_the_servers_size_limit() {
    let many: Vec<(String, String)> = (0..3 * SIZE_LIMIT).map(|n| (format!("c{n:03}"), format!("7{n:03}"))).collect();
    let mut people: Vec<Colleague<'_>> =
        many.iter().map(|(uid, id)| Colleague { uid, id, kind: "Teacher", more: "" }).collect();
    people.extend([MIRA, GUEST, LOCKED, EXPIRED]);
    let Some(slapd) = Slapd::with(&people) else { return };
    let source = open(&slapd, &json!({}));
    let whole = pull(source.as_ref(), None, NOW).await.unwrap().unwrap();
    assert!(matches!(whole.roster.extent, Extent::Whole));
    let here = whole.roster.people.iter().filter(|person| person.enabled).count();
    assert_eq!(here, many.len() + 1, "neither guests nor who is locked or expired");
    let mira = whole.roster.people.iter().find(|person| person.identifier.as_deref() == Some("4417")).unwrap();
    assert_eq!(mira.posts[0].grade.map(|grade| grade.code()), Some("07"));
    assert_eq!(mira.username.as_deref(), Some("mira"));
    assert_eq!(whole.roster.report.counts.get("left-out disabled"), Some(&2));
    assert_eq!(whole.roster.report.counts.get("left-out role"), Some(&1));
    assert!(whole.bookmark.is_some());

    // Somebody who may not read is told so, and an answer cut short is never a roster.
    fn wrong(outcome: Result<Option<Delivery>, PullError>) -> String {
        match outcome {
            Err(PullError::Wrong(why)) => why,
            other => panic!("taken: {}", other.is_ok()),
        }
    }
    let nobody = open(&slapd, &json!({ "bind_dn": null, "bind_password_file": null }));
    wrong(pull(nobody.as_ref(), None, NOW).await);
    let referred = open(&slapd, &json!({ "base_dn": format!("ou=elsewhere,{BASE}") }));
    let why = wrong(pull(referred.as_ref(), None, NOW).await);
    assert!(why.contains("refers to another server"), "{why}");
}

#[tokio::test]
async fn what_changed_is_asked_for_and_everything_where_that_is_not_known() {
    let Some(mut slapd) = Slapd::with(&[OKAFOR, LIND, MIRA]) else { return };
    // The server's marks are by its own clock, which is the machine's.
    let now = Clock::system().now();
    let later = |minutes: i64| Timestamp(now.0 + minutes * 60_000);
    for incremental in ["entryCSN", "modifyTimestamp"] {
        slapd.stop();
        slapd.fill(&[OKAFOR, LIND, MIRA]);
        slapd.start();
        let source = open(&slapd, &json!({ "incremental": incremental }));
        let first = pull(source.as_ref(), None, now).await.unwrap().unwrap();
        assert_eq!(ids(&first.roster), ["4417", "9001", "9002"]);
        let mark = first.bookmark.unwrap();

        let (okafor, lind) = (OKAFOR.dn(), LIND.dn());
        slapd.change(&format!("dn: {okafor}\nchangetype: modify\nreplace: sn\nsn: Okafor-Reyes\n"));
        slapd.change(&format!("dn: {lind}\nchangetype: modify\nreplace: shadowExpire\nshadowExpire: 100\n"));
        let newcomer = Colleague { uid: "new", id: "9009", kind: "Teacher", more: "" };
        slapd.change(&newcomer.ldif().replacen('\n', "\nchangetype: add\n", 1));
        assert!(pull(source.as_ref(), Some(&mark), now).await.unwrap().is_none(), "asked at this very moment");
        let next = pull(source.as_ref(), Some(&mark), later(1)).await.unwrap().unwrap();
        let Extent::Changes(changes) = &next.roster.extent else { panic!("a whole one") };
        assert!(changes.posts_are_whole);
        let closed = next.roster.people.iter().filter(|person| !person.enabled).count();
        assert_eq!((closed, changes.gone.len()), (1, 0), "who expired is told as closed: {changes:?}");
        assert!(ids(&next.roster).contains(&"9009"));
        assert!(next.roster.people.iter().any(|person| person.family_name == "Okafor-Reyes"));
        let mark = next.bookmark.unwrap();
        assert!(pull(source.as_ref(), Some(&mark), later(2)).await.unwrap().is_none(), "nothing is new");

        // Late enough, when nothing of before can arrive any more, less is asked for.
        let calm = pull(source.as_ref(), Some(&mark), later(60)).await.unwrap().unwrap();
        assert!(calm.roster.people.is_empty() && matches!(calm.roster.extent, Extent::Changes(_)));
        let settled = calm.bookmark.unwrap();
        assert!(pull(source.as_ref(), Some(&settled), later(61)).await.unwrap().is_none());
        slapd.change(&format!("dn: {okafor}\nchangetype: modify\nreplace: sn\nsn: Okafor\n"));
        let again = pull(source.as_ref(), Some(&settled), later(62)).await.unwrap().unwrap();
        assert!(again.roster.people.iter().any(|person| person.family_name == "Okafor"));

        // Everything again: after a day, with another mapping, at a directory that was set up anew.
        let is_whole = |outcome: Result<Option<Delivery>, PullError>| {
            matches!(outcome.unwrap().unwrap().roster.extent, Extent::Whole)
        };
        assert!(is_whole(pull(source.as_ref(), Some(&mark), later(25 * 60)).await));
        assert!(is_whole(pull(source.as_ref(), Some("from another age"), later(3)).await));
        let other = open(&slapd, &json!({ "incremental": incremental, "attributes": { "identifier": "uid" } }));
        assert!(is_whole(pull(other.as_ref(), Some(&mark), later(3)).await));
        slapd.stop();
        slapd.fill(&[OKAFOR, LIND, MIRA]);
        slapd.start();
        assert!(is_whole(pull(source.as_ref(), Some(&mark), later(3)).await));
    }
}

#[tokio::test]
async fn a_password_is_tried_by_bind_and_by_nothing_less() {
    let Some(slapd) = Slapd::with(&[OKAFOR, MIRA, LOCKED, EXPIRED, RESET]) else { return };
    let source = open(&slapd, &json!({}));
    let (account, verdict) = try_it(source.as_ref(), "Okafor", &OKAFOR.password()).await;
    assert_eq!((account.unwrap().values, verdict), (vec!["9001".to_owned()], Verdict::Right));
    assert_eq!(try_it(source.as_ref(), "okafor", &MIRA.password()).await.1, Verdict::Wrong);
    assert_eq!(try_it(source.as_ref(), "nobody", &OKAFOR.password()).await, (None, Verdict::Wrong));

    // Without a password a bind would be nobody's, and right: it never gets there.
    let binds = || slapd.log().matches("BIND dn=").count();
    let before = binds();
    for nothing in ["", " ", "\t \n"] {
        let (account, verdict) = try_it(source.as_ref(), "okafor", nothing).await;
        assert_eq!((account.is_some(), verdict), (true, Verdict::Wrong));
    }
    assert_eq!(binds(), before);

    for syntax in ["*", "*)(uid=*", "okafor)(uid=okafor", "ok*", "okafor\\", "(uid=okafor)"] {
        let (account, verdict) = try_it(source.as_ref(), syntax, &OKAFOR.password()).await;
        assert_eq!((account, verdict), (None, Verdict::Wrong), "{syntax}");
    }
    assert!(!slapd.log().contains("uid=*"), "{}", slapd.log());

    for (one, verdict) in [(EXPIRED, Verdict::Expired), (RESET, Verdict::MustChange), (LOCKED, Verdict::Wrong)] {
        assert_eq!(try_it(source.as_ref(), one.uid, &one.password()).await.1, verdict, "{}", one.uid);
        assert_eq!(try_it(source.as_ref(), one.uid, "a guess").await.1, Verdict::Wrong, "{}", one.uid);
    }
    let by_value = source.verify().unwrap().find(Name::Matching("9001"), NOW).await.unwrap();
    assert_eq!(by_value.map(|account| (account.name, account.state)), Some((OKAFOR.dn(), State::Good)));
    let two = open(&slapd, &json!({ "user_filter": "(|(uid={username})(employeeType=Teacher))" }));
    assert_eq!(try_it(two.as_ref(), "okafor", &OKAFOR.password()).await.0, None, "several are nobody");
}

#[tokio::test]
async fn the_connection_is_sealed_for_whom_it_is_meant_to_be() {
    let Some(slapd) = Slapd::with(&[OKAFOR]) else { return };
    let (authority, stranger) = (slapd.authority(), slapd.path("stranger.pem"));
    let ways = [json!({ "urls": [slapd.ldaps] }), json!({ "urls": [slapd.ldap], "start_tls": true })];
    for way in ways {
        let with = |file: &std::path::Path| {
            let mut way = way.clone();
            way["trusted_certificates"] = json!(file);
            open(&slapd, &way)
        };
        assert_eq!(try_it(with(&authority).as_ref(), "okafor", &OKAFOR.password()).await.1, Verdict::Right);
        let Verdict::Away(why) = try_it(with(&stranger).as_ref(), "okafor", &OKAFOR.password()).await.1 else {
            panic!("a stranger's certificate was taken: {way}")
        };
        assert!(why.contains("certificate"), "{why}");
        let public = try_it(open(&slapd, &way).as_ref(), "okafor", &OKAFOR.password()).await.1;
        assert!(matches!(public, Verdict::Away(_)), "public authorities do not vouch for it");
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_passed_over_and_taken_up_again() {
    let Some(mut slapd) = Slapd::with(&[OKAFOR]) else { return };
    let right = OKAFOR.password();
    // One that refuses, one that never answers, and the one that is there.
    let refuses = format!("ldap://127.0.0.1:{}", parts_free_port());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let says_nothing = format!("ldap://{}", silent.local_addr().unwrap());
    let urls = json!({ "urls": [refuses, says_nothing, slapd.ldap], "timeout": 1, "start_tls": true,
        "trusted_certificates": slapd.authority() });
    let source = open(&slapd, &urls);
    assert_eq!(try_it(source.as_ref(), "okafor", &right).await.1, Verdict::Right);

    let source = open(&slapd, &json!({}));
    assert_eq!(try_it(source.as_ref(), "okafor", &right).await.1, Verdict::Right);
    slapd.stop();
    assert!(matches!(try_it(source.as_ref(), "okafor", &right).await.1, Verdict::Away(_)));
    assert!(matches!(pull(source.as_ref(), None, NOW).await, Err(PullError::Away(_))));
    slapd.start();
    assert_eq!(try_it(source.as_ref(), "okafor", &right).await.1, Verdict::Right, "at once, when it is back");

    // The account that searches: its password is read anew, and is told apart from a server that is away.
    let file = slapd.path("wrong");
    std::fs::write(&file, "not-the-password").unwrap();
    let source = open(&slapd, &json!({ "bind_password_file": file }));
    let Err(PullError::Wrong(why)) = pull(source.as_ref(), None, NOW).await else { panic!("let in") };
    assert!(why.contains("bind_dn") && !why.contains("not-the-password"), "{why}");
    std::fs::write(&file, READER_PASSWORD).unwrap();
    assert!(pull(source.as_ref(), None, NOW).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_school_that_starts_its_day_shares_a_few_connections() {
    let Some(slapd) = Slapd::with(&[OKAFOR, LIND]) else { return };
    let source: std::sync::Arc<dyn Source> = open(&slapd, &json!({ "pool": 2 })).into();
    assert_eq!(try_it(source.as_ref(), "okafor", &OKAFOR.password()).await.1, Verdict::Right);
    let before = slapd.log().matches("ACCEPT from").count();
    let tries: Vec<_> = (0..40)
        .map(|n| {
            let source = source.clone();
            let one = if n % 2 == 0 { OKAFOR } else { LIND };
            // Every fourth is wrong, and takes nobody else's answer with it.
            let (password, verdict) =
                if n % 4 == 0 { ("a guess".into(), Verdict::Wrong) } else { (one.password(), Verdict::Right) };
            tokio::spawn(async move { (try_it(source.as_ref(), one.uid, &password).await.1, verdict) })
        })
        .collect();
    for one in tries {
        let (said, expected) = one.await.unwrap();
        assert_eq!(said, expected);
    }
    let more = slapd.log().matches("ACCEPT from").count() - before;
    assert!(more <= 2, "{more} more connections, where one of each kind was there");
}
