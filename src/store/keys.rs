//! Keys and secrets at rest: each private half wrapped, each signing key with the dates of its life.
//! What wraps them, what they are for and when they turn is `keyring`'s.

use sqlx::Row;

use super::{Db, Result, Tx, corrupt};
use crate::domain::{
    clock::Timestamp,
    holding::{Holding, How},
    key::Life,
};

pub struct Keys<'a>(&'a Db);

/// One wrapped secret. `id` names its purpose and generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    pub id: String,
    pub purpose: String,
    pub algorithm: String,
    /// Nonce, ciphertext and tag, in hex.
    pub wrapped: String,
    pub created_at: Timestamp,
}

/// A signing key's life and its public half, as JWK in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRow {
    pub life: Life,
    pub jwk: String,
}

/// All keys at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Grows with every change of any key.
    pub version: i64,
    /// Oldest first.
    pub material: Vec<WrappedKey>,
    /// Oldest first.
    pub signing: Vec<SigningRow>,
    /// What is known of who has which certificate.
    pub holdings: Vec<Holding>,
}

/// How often a published key set was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetches {
    pub count: i64,
    pub last_at: Timestamp,
}

impl Db {
    pub fn keys(&self) -> Keys<'_> {
        Keys(self)
    }
}

const VERSION: &str = "SELECT n FROM version WHERE name = 'keys'";
const MATERIAL: &str = "SELECT id, purpose, algorithm, wrapped, created_at FROM key_material ORDER BY created_at, id";
const SIGNING: &str = "SELECT id, kid, algorithm, jwk, published_at, active_from, pinned_from, retiring_from, \
                       retired_at, lost_at FROM signing_key ORDER BY published_at, id";
const HOLDINGS: &str = "SELECT entity_id, kid, how, at FROM certificate_seen ORDER BY entity_id, kid";

impl Keys<'_> {
    /// # Errors
    /// `Unavailable` where the database is away, `Corrupt` where its tables are not those of this release.
    pub async fn version(&self) -> Result<i64> {
        on!(self.0, pool => Ok(sqlx::query(VERSION).fetch_one(pool).await?.try_get(0)?))
    }

    /// Every key, all as of one moment.
    ///
    /// # Errors
    /// As `version`.
    pub async fn load(&self) -> Result<Snapshot> {
        let mut version = self.version().await?;
        loop {
            let (material, signing) = (self.material().await?, self.signing().await?);
            let holdings = self.holdings().await?;
            match self.version().await? {
                same if same == version => return Ok(Snapshot { version, material, signing, holdings }),
                // Changed between our looks.
                newer => version = newer,
            }
        }
    }

    async fn material(&self) -> Result<Vec<WrappedKey>> {
        on!(self.0, pool => {
            let rows = sqlx::query(MATERIAL).fetch_all(pool).await?;
            rows.iter()
                .map(|row| Ok(WrappedKey {
                    id: row.try_get(0)?,
                    purpose: row.try_get(1)?,
                    algorithm: row.try_get(2)?,
                    wrapped: row.try_get(3)?,
                    created_at: Timestamp(row.try_get(4)?),
                }))
                .collect()
        })
    }

    async fn signing(&self) -> Result<Vec<SigningRow>> {
        on!(self.0, pool => {
            let rows = sqlx::query(SIGNING).fetch_all(pool).await?;
            rows.iter()
                .map(|row| Ok(SigningRow {
                    jwk: row.try_get(3)?,
                    life: Life {
                        id: row.try_get(0)?,
                        kid: row.try_get(1)?,
                        algorithm: row.try_get(2)?,
                        published_at: Timestamp(row.try_get(4)?),
                        active_from: Timestamp(row.try_get(5)?),
                        pinned_from: Timestamp(row.try_get(6)?),
                        retiring_from: row.try_get::<Option<i64>, _>(7)?.map(Timestamp),
                        retired_at: row.try_get::<Option<i64>, _>(8)?.map(Timestamp),
                        lost_at: row.try_get::<Option<i64>, _>(9)?.map(Timestamp),
                    },
                }))
                .collect()
        })
    }

    async fn holdings(&self) -> Result<Vec<Holding>> {
        on!(self.0, pool => {
            let rows = sqlx::query(HOLDINGS).fetch_all(pool).await?;
            let read = rows.iter().map(|row| {
                // A word of a newer release counts for nothing here.
                let Some(how) = How::named(row.try_get(2)?) else { return Ok(None) };
                let (party, kid, at) = (row.try_get(0)?, row.try_get(1)?, Timestamp(row.try_get(3)?));
                Ok(Some(Holding { party, kid, how, at }))
            });
            read.filter_map(Result::transpose).collect()
        })
    }

    /// Adds fetches of a published key set to those that other processes saw.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn count_fetches(&self, etag: &str, seen: Fetches) -> Result<()> {
        let sql = "INSERT INTO jwks_fetch (etag, fetches, last_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (etag) DO UPDATE SET fetches = jwks_fetch.fetches + excluded.fetches, \
                   last_at = CASE WHEN jwks_fetch.last_at > excluded.last_at THEN jwks_fetch.last_at \
                   ELSE excluded.last_at END";
        let mut tx = self.0.begin().await?;
        within!(tx, conn => {
            sqlx::query(sql).bind(etag).bind(seen.count).bind(seen.last_at.millis()).execute(conn).await?;
        });
        tx.commit().await
    }

    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn fetches(&self, etag: &str) -> Result<Option<Fetches>> {
        let sql = "SELECT fetches, last_at FROM jwks_fetch WHERE etag = $1";
        on!(self.0, pool => {
            let row = sqlx::query(sql).bind(etag).fetch_optional(pool).await?;
            row.map(|row| Ok(Fetches { count: row.try_get(0)?, last_at: Timestamp(row.try_get(1)?) })).transpose()
        })
    }
}

impl Tx {
    /// The keys, for changing. `claim` them first.
    pub fn keys(&mut self) -> Writer<'_> {
        Writer(self)
    }
}

pub struct Writer<'t>(&'t mut Tx);

impl Writer<'_> {
    /// Whether the keys are still as they were when `seen` was their version; then nobody else changes them until this
    /// transaction ends, and every process looks again after it. `false`: read again, think again.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn claim(&mut self, seen: i64) -> Result<bool> {
        let sql = "UPDATE version SET n = n + 1 WHERE name = 'keys' AND n = $1";
        let done = within!(self.0, conn => sqlx::query(sql).bind(seen).execute(conn).await?.rows_affected());
        Ok(done == 1)
    }

    /// Every process looks again after this transaction; whoever would `claim` the keys meanwhile must look first.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn touch(&mut self) -> Result<()> {
        let sql = "UPDATE version SET n = n + 1 WHERE name = 'keys'";
        within!(self.0, conn => sqlx::query(sql).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Writes down what is known of a party and a key. What an operator said stands in place of what was seen, and
    /// nothing seen in place of anything.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn hold(&mut self, known: &Holding) -> Result<()> {
        let seen = "INSERT INTO certificate_seen (entity_id, kid, how, at) VALUES ($1, $2, $3, $4) \
                    ON CONFLICT (entity_id, kid) DO NOTHING";
        let said = "INSERT INTO certificate_seen (entity_id, kid, how, at) VALUES ($1, $2, $3, $4) \
                    ON CONFLICT (entity_id, kid) DO UPDATE SET how = excluded.how, at = excluded.at";
        let sql = if known.how == How::Fetched { seen } else { said };
        within!(self.0, conn => {
            let insert = sqlx::query(sql).bind(&known.party).bind(&known.kid);
            insert.bind(known.how.as_str()).bind(known.at.millis()).execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Forgets who has keys that nobody needs any more.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn forget_holdings(&mut self) -> Result<()> {
        let sql = "DELETE FROM certificate_seen WHERE kid IN \
                   (SELECT kid FROM signing_key WHERE retired_at IS NOT NULL OR lost_at IS NOT NULL)";
        within!(self.0, conn => sqlx::query(sql).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// # Errors
    /// `Conflict` where there is one of this id.
    pub async fn add_material(&mut self, key: &WrappedKey) -> Result<()> {
        let sql = "INSERT INTO key_material (id, purpose, algorithm, wrapped, created_at) VALUES ($1, $2, $3, $4, $5)";
        within!(self.0, conn => {
            let insert = sqlx::query(sql).bind(&key.id).bind(&key.purpose).bind(&key.algorithm).bind(&key.wrapped);
            insert.bind(key.created_at.millis()).execute(conn).await?;
        });
        Ok(())
    }

    /// Wraps a secret anew: `wrapped` takes the place of what was there.
    ///
    /// # Errors
    /// `Corrupt` where there is no such row.
    pub async fn rewrap(&mut self, id: &str, wrapped: &str) -> Result<()> {
        let sql = "UPDATE key_material SET wrapped = $2 WHERE id = $1";
        let done =
            within!(self.0, conn => sqlx::query(sql).bind(id).bind(wrapped).execute(conn).await?.rows_affected());
        if done == 1 { Ok(()) } else { Err(corrupt(format!("key {id} is gone"))) }
    }

    /// Forgets a private half.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn forget_material(&mut self, id: &str) -> Result<()> {
        let sql = "DELETE FROM key_material WHERE id = $1";
        within!(self.0, conn => sqlx::query(sql).bind(id).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Adds a signing key, or puts its life in place of what it was.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn put_signing(&mut self, row: &SigningRow) -> Result<()> {
        let sql = "INSERT INTO signing_key (id, kid, algorithm, jwk, published_at, active_from, pinned_from, \
                   retiring_from, retired_at, lost_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                   ON CONFLICT (id) DO UPDATE SET active_from = excluded.active_from, \
                   pinned_from = excluded.pinned_from, retiring_from = excluded.retiring_from, \
                   retired_at = excluded.retired_at, lost_at = excluded.lost_at";
        let life = &row.life;
        within!(self.0, conn => {
            let insert = sqlx::query(sql).bind(&life.id).bind(&life.kid).bind(&life.algorithm).bind(&row.jwk);
            let insert = insert.bind(life.published_at.millis()).bind(life.active_from.millis());
            let insert = insert.bind(life.pinned_from.millis()).bind(life.retiring_from.map(Timestamp::millis));
            insert.bind(life.retired_at.map(Timestamp::millis)).bind(life.lost_at.map(Timestamp::millis))
                .execute(conn).await?;
        });
        Ok(())
    }
}

/// As a release left it that kept no dates, and knew nothing of SAML.
#[cfg(test)]
pub(crate) async fn forget_dates(db: &Db) {
    for sql in ["DELETE FROM signing_key", "DELETE FROM key_material WHERE algorithm = 'RSA-SHA256'"] {
        on!(db, pool => sqlx::query(sql).execute(pool).await.map(drop)).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rosters::trial::databases;

    const NOON: Timestamp = Timestamp(1_790_000_000_000);

    fn row(id: &str) -> SigningRow {
        let life = Life {
            id: id.into(),
            kid: format!("kid of {id}"),
            algorithm: "ES256".into(),
            published_at: NOON,
            active_from: NOON,
            pinned_from: NOON,
            retiring_from: None,
            retired_at: None,
            lost_at: None,
        };
        SigningRow { life, jwk: "{}".into() }
    }

    fn material(id: &str) -> WrappedKey {
        let (purpose, algorithm) = ("sign".into(), "ES256".into());
        WrappedKey { id: id.into(), purpose, algorithm, wrapped: "00".into(), created_at: NOON }
    }

    #[tokio::test]
    async fn of_two_who_change_the_keys_after_the_same_look_one_is_told_to_look_again() {
        for (db, ..) in databases().await {
            let seen = db.keys().load().await.unwrap();
            let mut tx = db.begin().await.unwrap();
            assert!(tx.keys().claim(seen.version).await.unwrap());
            tx.keys().add_material(&material("es256-1")).await.unwrap();
            tx.keys().put_signing(&row("es256-1")).await.unwrap();
            tx.commit().await.unwrap();
            let mut tx = db.begin().await.unwrap();
            assert!(!tx.keys().claim(seen.version).await.unwrap());
            drop(tx);
            let now = db.keys().load().await.unwrap();
            assert_eq!(
                (now.version, now.material, now.signing),
                (seen.version + 1, vec![material("es256-1")], vec![row("es256-1")])
            );
        }
    }

    #[tokio::test]
    async fn a_life_goes_on_and_the_public_half_outlives_the_private_one() {
        for (db, ..) in databases().await {
            let mut key = row("es256-1");
            let mut tx = db.begin().await.unwrap();
            tx.keys().add_material(&material("es256-1")).await.unwrap();
            tx.keys().put_signing(&key).await.unwrap();
            (key.life.retiring_from, key.life.retired_at) = (Some(NOON), Some(NOON));
            key.life.lost_at = Some(NOON);
            tx.keys().put_signing(&key).await.unwrap();
            tx.keys().rewrap("es256-1", "01").await.unwrap();
            assert!(tx.keys().rewrap("es256-2", "01").await.is_err());
            tx.keys().forget_material("es256-1").await.unwrap();
            tx.commit().await.unwrap();
            let now = db.keys().load().await.unwrap();
            assert_eq!((now.material, now.signing), (vec![], vec![key]));
        }
    }

    #[tokio::test]
    async fn what_an_operator_says_of_a_party_beats_what_was_seen_and_goes_with_the_key() {
        for (db, ..) in databases().await {
            let known = |how, at| Holding { party: "https://sp".into(), kid: row("a").life.kid, how, at };
            let later = Timestamp(NOON.0 + 5);
            let write = async |holding: &Holding, key: Option<SigningRow>| {
                let mut tx = db.begin().await.unwrap();
                tx.keys().touch().await.unwrap();
                tx.keys().hold(holding).await.unwrap();
                if let Some(key) = key {
                    tx.keys().put_signing(&key).await.unwrap();
                    tx.keys().forget_holdings().await.unwrap();
                }
                tx.commit().await.unwrap();
                db.keys().load().await.unwrap()
            };
            let before = db.keys().version().await.unwrap();
            let seen = write(&known(How::Fetched, NOON), Some(row("a"))).await;
            assert_eq!((seen.version, seen.holdings), (before + 1, vec![known(How::Fetched, NOON)]));
            let again = write(&known(How::Fetched, later), None).await;
            assert_eq!(again.holdings, [known(How::Fetched, NOON)]);
            for how in [How::Withdrawn, How::Attested] {
                assert_eq!(write(&known(how, later), None).await.holdings, [known(how, later)]);
                assert_eq!(write(&known(How::Fetched, later), None).await.holdings, [known(how, later)]);
            }
            let mut gone = row("a");
            gone.life.retired_at = Some(NOON);
            assert_eq!(write(&known(How::Attested, later), Some(gone)).await.holdings, []);
        }
    }

    #[tokio::test]
    async fn fetches_that_several_servers_saw_are_added_up() {
        for (db, ..) in databases().await {
            assert_eq!(db.keys().fetches("\"a\"").await.unwrap(), None);
            let later = Timestamp(NOON.0 + 5);
            db.keys().count_fetches("\"a\"", Fetches { count: 3, last_at: later }).await.unwrap();
            db.keys().count_fetches("\"a\"", Fetches { count: 4, last_at: NOON }).await.unwrap();
            assert_eq!(db.keys().fetches("\"a\"").await.unwrap(), Some(Fetches { count: 7, last_at: later }));
        }
    }
}
