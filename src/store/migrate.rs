//! The schema, embedded; a newer binary brings an older database forward, and an older one works on a newer database as
//! long as nothing was taken away that it needs (docs/decisions/0018-expand-and-contract.md).

use std::{borrow::Cow, time::Duration};

use serde::Serialize;
use sqlx::{
    AssertSqlSafe, Connection, Executor,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
};

use tokio::time::Instant;

use super::{Db, Engine, Error, Result, Tx, WRITER_PATIENCE, is_busy};

const STEPS: &[(i64, &str, &str)] = &[
    (1, "house", include_str!("../../migrations/0001_house.sql")),
    (2, "keys", include_str!("../../migrations/0002_keys.sql")),
    (3, "scopes", include_str!("../../migrations/0003_scopes.sql")),
    (4, "farewells", include_str!("../../migrations/0004_farewells.sql")),
    (5, "renewal", include_str!("../../migrations/0005_renewal.sql")),
    (6, "registration", include_str!("../../migrations/0006_registration.sql")),
    (7, "saml_keys", include_str!("../../migrations/0007_saml_keys.sql")),
    (8, "pins", include_str!("../../migrations/0008_pins.sql")),
    (9, "rosters", include_str!("../../migrations/0009_rosters.sql")),
    (10, "cards", include_str!("../../migrations/0010_cards.sql")),
    (11, "facts", include_str!("../../migrations/0011_facts.sql")),
    (12, "shared_devices", include_str!("../../migrations/0012_shared_devices.sql")),
    (13, "badges", include_str!("../../migrations/0013_badges.sql")),
    (14, "upstreams", include_str!("../../migrations/0014_upstreams.sql")),
    (15, "partings", include_str!("../../migrations/0015_partings.sql")),
];

/// Where the steps taken are kept; made by sqlx.
pub(super) const TAKEN: &str = "_sqlx_migrations";

/// A step that takes something away says in its name which step a binary must know to go on working after it:
/// `contract_after_0014_old_columns`.
const CONTRACT: &str = "contract_";
const AFTER: &str = "contract_after_";

/// How often a step that failed is tried again, and how long after.
const PATIENCE: usize = 20;
const BREATH: Duration = Duration::from_millis(50);

/// How a database's schema stands to that of this release. Steps are named like their files, `0014_upstreams`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Schema {
    /// The newest step taken; 0 where none was.
    pub at: i64,
    /// Steps of this release that were not taken yet.
    pub waiting: Vec<String>,
    /// Steps that only a newer release knows.
    pub newer: Vec<String>,
    /// Of those the ones after which this release cannot work.
    pub beyond: Vec<String>,
    /// Steps whose text was another one when they were taken.
    pub changed: Vec<String>,
}

impl Schema {
    /// Whether this release can work with the database as it is.
    pub fn is_current(&self) -> bool {
        self.waiting.is_empty() && self.misfit().is_none()
    }

    /// Why this release must not touch the database.
    pub fn misfit(&self) -> Option<String> {
        if let Some(step) = self.beyond.first() {
            return Some(format!(
                "a newer release brought the schema to {step}, after which this one cannot work: run that release"
            ));
        }
        let step = self.changed.first()?;
        Some(format!("step {step} of the schema was another one when it was taken: the release was changed since"))
    }
}

/// The newest step that this release knows.
pub fn newest() -> i64 {
    STEPS.last().map_or(0, |(version, ..)| *version)
}

/// How the schema of a database stands that is not there yet.
pub fn none() -> Schema {
    judge(&[])
}

/// A step as it is told.
fn spelled(version: i64, name: &str) -> String {
    format!("{version:04}_{name}")
}

fn migrations() -> Vec<Migration> {
    let step = |(version, name, sql): &(i64, &'static str, &'static str)| {
        let sql = sqlx::SqlStr::from_static(sql);
        Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql, false)
    };
    STEPS.iter().map(step).collect()
}

fn migrator() -> Migrator {
    let mut migrator = Migrator::with_migrations(migrations());
    // `Schema::beyond` has judged them.
    migrator.set_ignore_missing(true);
    migrator
}

/// `Migrator::run` says of its connection that it may be acquired, which no future that is sent between threads can show.
async fn take(upto: Option<i64>, connection: &mut impl Migrate) -> std::result::Result<(), MigrateError> {
    migrator().run_direct(upto, connection, false).await
}

/// Version, name, checksum.
type Taken = (i64, String, Vec<u8>);

fn judge(taken: &[Taken]) -> Schema {
    let mut schema = Schema { at: taken.iter().map(|(version, ..)| *version).max().unwrap_or(0), ..Schema::default() };
    let known = migrations();
    for step in &known {
        let name = spelled(step.version, &step.description);
        match taken.iter().find(|(version, ..)| *version == step.version) {
            None => schema.waiting.push(name),
            Some((.., checksum)) if *checksum != *step.checksum => schema.changed.push(name),
            Some(_) => {}
        }
    }
    for (version, name, _) in taken.iter().filter(|(v, ..)| known.iter().all(|step| step.version != *v)) {
        let works = match name.strip_prefix(AFTER).and_then(|rest| rest.split('_').next()?.parse::<i64>().ok()) {
            Some(after) => known.iter().any(|step| step.version >= after),
            None => !name.starts_with(CONTRACT),
        };
        if !works {
            schema.beyond.push(spelled(*version, name));
        }
        schema.newer.push(spelled(*version, name));
    }
    schema
}

impl Db {
    /// How the schema stands, without changing anything.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn schema(&self) -> Result<Schema> {
        let give_up = Instant::now() + WRITER_PATIENCE;
        loop {
            match self.taken().await {
                Err(error) if is_busy(&error) && Instant::now() < give_up => tokio::time::sleep(BREATH).await,
                taken => return Ok(judge(&taken?)),
            }
        }
    }

    async fn taken(&self) -> sqlx::Result<Vec<Taken>> {
        let there = match &self.engine {
            Engine::Sqlite(_) => {
                "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'"
            }
            Engine::Postgres(_) => {
                "SELECT COUNT(*) FROM information_schema.tables \
                 WHERE table_schema = current_schema() AND table_name = '_sqlx_migrations'"
            }
        };
        let (tables,): (i64,) = on!(self, pool => sqlx::query_as(there).fetch_one(pool).await)?;
        if tables == 0 {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT version, description, checksum FROM {TAKEN} WHERE success ORDER BY version");
        on!(self, pool => sqlx::query_as(AssertSqlSafe(sql)).fetch_all(pool).await)
    }

    /// Applies what is missing. Running it twice does nothing the second time. Of processes that start together one
    /// does it, and the others wait for it: on PostgreSQL for a lock, on SQLite for its writer.
    ///
    /// # Errors
    /// `Corrupt` where a newer release took something away that this one needs, or the steps were changed.
    pub async fn migrate(&self) -> Result<()> {
        let schema = self.schema().await?;
        if let Some(why) = schema.misfit() {
            return Err(Error::Corrupt(why));
        }
        if !schema.newer.is_empty() {
            tracing::info!(newer = schema.newer.join(", "), "the schema is a newer release's; it fits this one");
        }
        if schema.waiting.is_empty() {
            return Ok(());
        }
        // Whoever comes second to a step of SQLite's finds it done when trying again.
        let (give_up, mut tries) = (Instant::now() + WRITER_PATIENCE, 0);
        loop {
            match self.take_steps().await {
                Err(MigrateError::Execute(error)) if is_busy(&error) && Instant::now() < give_up => {}
                Err(MigrateError::Execute(error)) => return Err(error.into()),
                Err(MigrateError::ExecuteMigration(..)) if tries < PATIENCE => tries += 1,
                outcome => return outcome.map_err(|error| Error::Corrupt(error.to_string())),
            }
            tokio::time::sleep(BREATH).await;
        }
    }

    async fn take_steps(&self) -> std::result::Result<(), MigrateError> {
        match &self.engine {
            Engine::Sqlite(pool) => take(None, &mut *pool.acquire().await?).await,
            Engine::Postgres(pool) => {
                // A connection of its own: a step may take longer than a click's statement, and where one fails the
                // lock must go with the connection.
                let mut connection = pool.acquire().await?.detach();
                connection.execute("SET statement_timeout = 0").await?;
                let outcome = take(None, &mut connection).await;
                connection.close().await.ok();
                outcome
            }
        }
    }
}

impl Tx {
    /// Takes the steps up to `version`, within this transaction.
    pub(super) async fn migrate_to(&mut self, version: i64) -> Result<()> {
        let taken = within!(self, conn => take(Some(version), conn).await);
        taken.map_err(|error| Error::Corrupt(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(upto: i64, more: &[(i64, &str)]) -> Vec<Taken> {
        let known = migrations().into_iter().filter(|step| step.version <= upto);
        let mut taken: Vec<Taken> =
            known.map(|step| (step.version, step.description.into_owned(), step.checksum.to_vec())).collect();
        taken.extend(more.iter().map(|(version, name)| (*version, (*name).to_owned(), vec![1])));
        taken
    }

    #[test]
    fn every_step_in_the_folder_is_taken() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let steps: Vec<String> = STEPS.iter().map(|(version, name, _)| format!("{version:04}_{name}.sql")).collect();
        assert_eq!(steps, files);
    }

    #[test]
    fn what_waits_is_named() {
        assert!(judge(&taken(newest(), &[])).is_current());
        let behind = judge(&taken(newest() - 1, &[]));
        assert!(!behind.is_current() && behind.misfit().is_none());
        assert_eq!(behind.waiting.len(), 1);
        assert_eq!(judge(&[]).waiting.len(), STEPS.len());
    }

    #[test]
    fn a_newer_schema_fits_unless_it_took_away_what_this_release_needs() {
        let fits = judge(&taken(newest(), &[(9001, "more_columns"), (9002, "contract_after_0014_old_ones")]));
        assert!(fits.is_current());
        assert_eq!(fits.newer, ["9001_more_columns", "9002_contract_after_0014_old_ones"]);
        for name in ["contract_after_9001_old_ones", "contract_old_ones"] {
            let beyond = judge(&taken(newest(), &[(9001, "more_columns"), (9002, name)]));
            assert_eq!(beyond.beyond, [format!("9002_{name}")]);
            assert!(!beyond.is_current() && beyond.misfit().unwrap().contains("newer release"));
        }
    }

    #[test]
    fn a_step_with_another_text_is_refused() {
        let mut taken = taken(newest(), &[]);
        taken[0].2 = vec![0];
        assert_eq!(judge(&taken).changed, ["0001_house"]);
        assert!(!judge(&taken).is_current());
    }

    /// What the previous release does must work while replicas of both are there.
    #[test]
    fn steps_only_add_unless_their_name_says_otherwise() {
        for (version, name, sql) in STEPS.iter().filter(|(_, name, _)| !name.starts_with(CONTRACT)) {
            let text =
                sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
            let text = text.to_uppercase();
            for word in ["DROP ", "RENAME ", "ALTER COLUMN", "SERIAL", "IDENTITY", "AUTOINCREMENT", "REFERENCES"] {
                assert!(!text.contains(word), "{} has {word}", spelled(*version, name));
            }
            for added in text.split(';').filter(|statement| statement.contains("ADD COLUMN")) {
                let bare = added.contains("NOT NULL") && !added.contains("DEFAULT");
                assert!(!bare, "{}: an older release cannot fill {}", spelled(*version, name), added.trim());
            }
        }
    }
}
