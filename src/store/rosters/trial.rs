//! What tests of rosters need besides: fresh databases, open sessions, a process that died halfway.

use std::path::PathBuf;

use uuid::Uuid;

use crate::{
    domain::id::{PatronId, SourceId},
    store::Db,
};

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// An empty, migrated database of each engine that is there: SQLite always, PostgreSQL where
/// `ONEACCESS_TEST_POSTGRES` names a server.
pub(crate) async fn databases() -> Vec<(Db, Folder, String)> {
    let name = format!("oneaccess_{}", Uuid::now_v7().simple());
    let folder = || Folder(std::env::temp_dir().join(&name));
    let url = format!("sqlite:{}", folder().0.join("oneaccess.db").display());
    let mut all = vec![(Db::open(&url).await.unwrap(), folder(), url)];
    if let Ok(server) = std::env::var("ONEACCESS_TEST_POSTGRES") {
        let admin = Db::open(&server).await.unwrap();
        let create = format!("CREATE DATABASE {name}");
        on!(admin, pool => sqlx::query(sqlx::AssertSqlSafe(create)).execute(pool).await.map(drop)).unwrap();
        admin.close().await;
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        all.push((Db::open(url.as_str()).await.unwrap(), Folder(PathBuf::new()), url.into()));
    }
    for (db, ..) in &all {
        db.migrate().await.unwrap();
    }
    all
}

/// A session with one passage.
pub(crate) async fn sign_in(db: &Db, patron: PatronId, at: i64) -> String {
    let id = Uuid::now_v7().simple().to_string();
    let session = "INSERT INTO session (id, handle, patron, authenticated_at, last_seen, pin_change_due) \
                   VALUES ($1, $1, $2, $3, $3, FALSE)";
    let passage = "INSERT INTO passage (id, session, patron, vendor, protocol, relying_party, scopes, \
                   authenticated_at, created_at, expires_at) VALUES ($1, $1, $2, 'v', 'oidc', 'c', '', $3, $3, $4)";
    on!(db, pool => {
        sqlx::query(session).bind(&id).bind(patron.to_string()).bind(at).execute(pool).await.unwrap();
        sqlx::query(passage).bind(&id).bind(patron.to_string()).bind(at).bind(at + 3_600_000)
            .execute(pool).await.unwrap();
    });
    id
}

/// Whether the session is open and its passage unrevoked; they never differ.
pub(crate) async fn is_signed_in(db: &Db, session: &str) -> bool {
    let sql = "SELECT s.ended_at, p.revoked_at FROM session s JOIN passage p ON p.session = s.id WHERE s.id = $1";
    let (ended, revoked): (Option<i64>, Option<i64>) =
        on!(db, pool => sqlx::query_as(sql).bind(session).fetch_one(pool).await).unwrap();
    assert_eq!(ended.is_some(), revoked.is_some());
    ended.is_none()
}

pub(crate) async fn rows_of(db: &Db, source: &SourceId) -> i64 {
    let sql = "SELECT COUNT(*) FROM roster_entry WHERE source = $1";
    let (n,): (i64,) = on!(db, pool => sqlx::query_as(sql).bind(source.as_str()).fetch_one(pool).await).unwrap();
    n
}

pub(crate) async fn version(db: &Db) -> i64 {
    let sql = "SELECT n FROM version WHERE name = 'patrons'";
    let (n,): (i64,) = on!(db, pool => sqlx::query_as(sql).fetch_one(pool).await).unwrap();
    n
}

/// One session and one passage for each patron there is.
pub(crate) async fn sign_in_everybody(db: &Db, at: i64) {
    let session = "INSERT INTO session (id, handle, patron, authenticated_at, last_seen, pin_change_due) \
                   SELECT id, id, id, CAST($1 AS BIGINT), CAST($1 AS BIGINT), FALSE FROM patron";
    let passage = "INSERT INTO passage (id, session, patron, vendor, protocol, relying_party, scopes, \
                   authenticated_at, created_at, expires_at) SELECT id, id, id, 'v', 'oidc', 'c', '', \
                   CAST($1 AS BIGINT), CAST($1 AS BIGINT), CAST($2 AS BIGINT) FROM patron";
    on!(db, pool => {
        sqlx::query(session).bind(at).execute(pool).await.unwrap();
        sqlx::query(passage).bind(at).bind(at + 3_600_000).execute(pool).await.unwrap();
    });
}

/// The one number that a question is answered with.
pub(crate) async fn number(db: &Db, sql: &'static str) -> i64 {
    let (n,): (i64,) = on!(db, pool => sqlx::query_as(sql).fetch_one(pool).await).unwrap();
    n
}
