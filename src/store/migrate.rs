//! The schema, embedded; a newer binary brings an older database forward.

use std::{borrow::Cow, time::Duration};

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::{Db, Error, Result, when_free};

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

/// How often a step that failed is tried again, and how long after.
const PATIENCE: usize = 20;
const BREATH: Duration = Duration::from_millis(50);

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
            Err(MigrateError::Execute(error)) => Err(error),
            outcome => Ok(outcome),
        };
        // Several processes may start together. Whoever comes second to a step finds it done when trying again.
        let mut tries = 0;
        loop {
            match when_free(run).await? {
                Err(MigrateError::ExecuteMigration(..)) if tries < PATIENCE => {
                    tries += 1;
                    tokio::time::sleep(BREATH).await;
                }
                outcome => return outcome.map_err(|error| Error::Corrupt(error.to_string())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_in_the_folder_is_taken() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let steps: Vec<String> = STEPS.iter().map(|(version, name, _)| format!("{version:04}_{name}.sql")).collect();
        assert_eq!(steps, files);
    }
}
