//! What the journal, the audit log and the retention job promise, on both engines.

use std::time::Duration;

use serde_json::json;
use sqlx::Row;

use super::{Db, audit, journal::Journal, journal::Record, rosters::trial::databases};
use crate::domain::{
    audit::{AuditEvent, Kind},
    clock::{TimeZone, Timestamp},
    grant::{Grant, Renewal},
    id::{GrantId, PatronId, SessionId},
    method::Method,
    scope::Scopes,
    session::Session,
};

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn event(kind: Kind, at: Timestamp, vendor: &str) -> AuditEvent {
    AuditEvent { at, kind, payload: json!({ "patron": "p", "vendor": vendor, "organisation": "cms" }) }
}

fn session(at: Timestamp) -> Session {
    let (id, patron) = (SessionId::new(), PatronId::new());
    Session {
        id,
        patron,
        method: Method::Pin,
        authenticated_at: at,
        last_seen: at,
        ended_at: None,
        pin_change_due: false,
        shared: false,
    }
}

fn grant(session: &Session, at: Timestamp) -> Grant {
    Grant {
        id: GrantId::new(),
        session: session.id,
        patron: session.patron,
        vendor: "maple".parse().unwrap(),
        protocol: "oidc".into(),
        relying_party: "maple-web".into(),
        scopes: Scopes::from_iter(["library.ebooks".parse().unwrap()]),
        method: Method::BadgeAndPicture,
        authenticated_at: at,
        created_at: at,
        expires_at: at + DAY,
        revoked_at: None,
        offline: false,
        renewal: Some(Renewal { generation: 0, turned_at: at, terms: serde_json::json!({ "openid": true }) }),
    }
}

async fn run(db: &Db, sql: &'static str) {
    on!(db, pool => sqlx::query(sql).execute(pool).await.map(drop)).unwrap();
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    on!(db, pool => sqlx::query(sql).fetch_one(pool).await.unwrap().try_get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hundred_requests_write_at_once_is_all_there_and_one_chain() {
    for (db, _folder, _) in databases().await {
        let journal = Journal::start(db.clone());
        let writers: Vec<_> = (0..100)
            .map(|_| {
                let journal = journal.clone();
                tokio::spawn(async move {
                    let session = session(NOW);
                    let grant = grant(&session, NOW);
                    let records =
                        vec![Record::SessionStarted(session, grant.id.to_string()), Record::Passage(grant.clone())];
                    journal
                        .keep(records, vec![event(Kind::SignIn, NOW, ""), event(Kind::Issue, NOW, "maple")])
                        .await
                        .unwrap();
                    grant
                })
            })
            .collect();
        for writer in writers {
            let grant = writer.await.unwrap();
            assert_eq!(db.passages().by_id(grant.id).await.unwrap().as_ref(), Some(&grant));
            assert!(db.sessions().by_handle(&grant.id.to_string()).await.unwrap().is_some());
        }
        let verdict = db.audit().verify().await.unwrap();
        assert_eq!((verdict.chains, verdict.events, verdict.breaks.len()), (1, 200, 0));
    }
}

#[tokio::test]
async fn an_entry_that_cannot_be_written_fails_alone_and_the_journal_goes_on() {
    for (db, _folder, _) in databases().await {
        let journal = Journal::start(db.clone());
        let twice = session(NOW);
        let start = |handle: &str| vec![Record::SessionStarted(twice.clone(), handle.into())];
        journal.keep(start("a"), vec![event(Kind::SignIn, NOW, "")]).await.unwrap();
        assert!(journal.keep(start("b"), vec![event(Kind::SignIn, NOW, "")]).await.is_err());
        journal.keep(Vec::new(), vec![event(Kind::SignIn, NOW, "")]).await.unwrap();
        let verdict = db.audit().verify().await.unwrap();
        assert_eq!((verdict.events, verdict.breaks.len()), (2, 0));
    }
}

#[tokio::test]
async fn a_session_that_ends_takes_its_passages_with_it() {
    for (db, _folder, _) in databases().await {
        let journal = Journal::start(db.clone());
        let (here, there) = (session(NOW), Session { patron: PatronId::new(), ..session(NOW) });
        let (mine, other) = (grant(&here, NOW), grant(&there, NOW));
        for (session, grant) in [(&here, &mine), (&there, &other)] {
            let records =
                vec![Record::SessionStarted(session.clone(), session.id.to_string()), Record::Passage(grant.clone())];
            journal.keep(records, Vec::new()).await.unwrap();
        }
        journal.keep(vec![Record::SessionEnded(here.id, NOW)], Vec::new()).await.unwrap();
        let passages = &db;
        let revoked = |id| async move { passages.passages().by_id(id).await.unwrap().unwrap().revoked_at };
        assert_eq!((revoked(mine.id).await, revoked(other.id).await), (Some(NOW), None));
        assert_eq!(db.sessions().by_handle(&here.id.to_string()).await.unwrap().unwrap().ended_at, Some(NOW));
    }
}

#[tokio::test]
async fn whoever_changes_takes_out_or_cuts_off_an_event_is_caught() {
    for sabotage in [
        "UPDATE audit_event SET payload = '{}' WHERE seq = 2",
        "UPDATE audit_event SET kind = 'refusal' WHERE seq = 2",
        "UPDATE audit_event SET at = at + 1 WHERE seq = 2",
        "DELETE FROM audit_event WHERE seq = 2",
        "DELETE FROM audit_event WHERE seq = 3",
        "DELETE FROM audit_chain",
        "UPDATE audit_event SET payload = NULL, salt = NULL WHERE kind = 'import'",
    ] {
        for (db, _folder, _) in databases().await {
            let mut tx = db.begin().await.unwrap();
            let events = [event(Kind::SignIn, NOW, ""), event(Kind::Issue, NOW, "maple"), event(Kind::Import, NOW, "")];
            audit::append_alone(&mut tx, &events).await.unwrap();
            tx.commit().await.unwrap();
            assert!(db.audit().verify().await.unwrap().breaks.is_empty());
            run(&db, sabotage).await;
            assert_eq!(db.audit().verify().await.unwrap().breaks.len(), 1, "{sabotage}");
        }
    }
}

#[tokio::test]
async fn after_its_time_who_went_where_is_gone_and_the_chain_still_holds() {
    for (db, _folder, _) in databases().await {
        let journal = Journal::start(db.clone());
        let old = NOW - DAY * 32;
        for (at, times) in [(old, 700), (NOW, 3)] {
            let events = (0..times).map(|_| event(Kind::Issue, at, "maple")).chain([event(Kind::Import, at, "")]);
            let session = session(at);
            let records = vec![Record::Passage(grant(&session, at)), Record::SessionStarted(session, at.0.to_string())];
            journal.keep(records, events.collect()).await.unwrap();
        }
        let erased = db.retention().erase(NOW - DAY * 30, NOW - DAY, &TimeZone::utc()).await.unwrap();
        assert_eq!((erased.events, erased.passages, erased.sessions), (700, 1, 1));
        let verdict = db.audit().verify().await.unwrap();
        assert_eq!((verdict.events, verdict.erased, verdict.breaks.len()), (705, 700, 0));
        let left = db.audit().tail(1000).await.unwrap();
        assert!(left.iter().all(|e| (e.at == NOW || e.kind == "import") == e.payload.is_some()));
        assert_eq!(count(&db, "SELECT n FROM usage_daily WHERE kind = 'issue' AND vendor = 'maple'").await, 700);
        assert_eq!(count(&db, "SELECT COUNT(*) FROM passage").await, 1);
        assert_eq!(
            db.retention().erase(NOW - DAY * 30, NOW - DAY, &TimeZone::utc()).await.unwrap(),
            Default::default()
        );
    }
}

#[tokio::test]
async fn where_nothing_is_kept_a_live_session_still_is() {
    for (db, _folder, _) in databases().await {
        let journal = Journal::start(db.clone());
        let (live, ended) = (session(NOW - DAY / 24), session(NOW - DAY / 24));
        for session in [&live, &ended] {
            let records = vec![Record::SessionStarted(session.clone(), session.id.to_string())];
            journal.keep(records, vec![event(Kind::SignIn, NOW - DAY / 24, "")]).await.unwrap();
        }
        journal.keep(vec![Record::SessionEnded(ended.id, NOW - DAY / 48)], Vec::new()).await.unwrap();
        let erased = db.retention().erase(NOW, NOW - DAY, &TimeZone::utc()).await.unwrap();
        assert_eq!((erased.events, erased.sessions), (2, 0), "its vendors must still be told");
        db.farewells().part(&[ended.id], &[], NOW, NOW).await.unwrap();
        assert_eq!(db.retention().erase(NOW, NOW - DAY, &TimeZone::utc()).await.unwrap().sessions, 1);
        assert!(db.sessions().by_handle(&live.id.to_string()).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_file_opens_whoever_else_opens_it() {
    for _ in 0..20 {
        let folder = std::env::temp_dir().join(format!("oneaccess-new-{}", uuid::Uuid::now_v7()));
        let url = format!("sqlite:{}", folder.join("new.db").display());
        let all: Vec<_> = (0..4)
            .map(|_| {
                tokio::spawn({
                    let url = url.clone();
                    async move {
                        let db = Db::open(&url).await.unwrap();
                        db.migrate().await.unwrap();
                        db.close().await;
                    }
                })
            })
            .collect();
        for one in all {
            one.await.unwrap();
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
