//! The schema, embedded; a newer binary brings an older database forward.

use std::borrow::Cow;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::{Db, Error, Result, when_free};

const STEPS: &[(i64, &str, &str)] = &[
    (1, "house", include_str!("../../migrations/0001_house.sql")),
    (2, "keys", include_str!("../../migrations/0002_keys.sql")),
    (3, "scopes", include_str!("../../migrations/0003_scopes.sql")),
    (4, "farewells", include_str!("../../migrations/0004_farewells.sql")),
    (5, "renewal", include_str!("../../migrations/0005_renewal.sql")),
    (6, "registration", include_str!("../../migrations/0006_registration.sql")),
];

impl Db {
    /// Applies what is missing. Running it twice does nothing the second time.
    ///
    /// # Errors
    /// `Corrupt` where the database was made by a newer release or its steps were changed.
    pub async fn migrate(&self) -> Result<()> {
        let steps = STEPS
            .iter()
            .map(|(version, name, sql)| {
                Migration::new(
                    *version,
                    Cow::Borrowed(*name),
                    MigrationType::Simple,
                    sqlx::SqlStr::from_static(sql),
                    false,
                )
            })
            .collect();
        let migrator = Migrator::with_migrations(steps);
        let run = async || match on!(self, pool => migrator.run(pool).await) {
            // Several processes may start together: each step is a transaction, and whoever comes second tries again.
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => Err(error),
            outcome => Ok(outcome),
        };
        when_free(run).await?.map_err(|error| Error::Corrupt(error.to_string()))
    }
}
