//! The schema, embedded; a newer binary brings an older database forward.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::{Db, Error, Result};

const STEPS: &[(i64, &str, &str)] = &[(1, "house", include_str!("../../migrations/0001_house.sql"))];

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
        on!(self, pool => migrator.run(pool).await).map_err(|error| match error {
            sqlx::migrate::MigrateError::Execute(inner) => Error::from(inner),
            other => Error::Corrupt(other.to_string()),
        })
    }
}
