//! People found by what another directory calls them. Which digests a person has, a roster's run says.

use super::{Db, Result, corrupt};
use crate::domain::{
    id::{PatronId, SourceId},
    pin::KeyedPin,
};

pub struct Lookups<'a>(&'a Db);

impl Db {
    pub fn lookups(&self) -> Lookups<'_> {
        Lookups(self)
    }
}

/// The newest visible row of a candidate still says so, and that the person is here.
const MEANT: &str = "SELECT e.patron FROM roster_lookup l JOIN roster_entry e ON e.patron = l.patron \
     JOIN roster_source s ON s.source = e.source WHERE l.source = $1 AND l.digest = $2 AND e.source = $1 \
     AND e.run <= s.live_run AND e.present AND e.lookups LIKE '%' || CAST($2 AS TEXT) || '%' \
     AND NOT EXISTS (SELECT 1 FROM roster_entry n WHERE n.patron = e.patron AND n.run > e.run \
     AND n.run <= s.live_run) ORDER BY e.patron LIMIT 3";

impl Lookups<'_> {
    /// The enrolled people of `source` whom this digest means: at most three, since two are too many already.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn meant(&self, source: &SourceId, digest: &KeyedPin) -> Result<Vec<PatronId>> {
        let digest = digest.hex();
        let rows: Vec<(String,)> =
            on!(self.0, pool => sqlx::query_as(MEANT).bind(source.as_str()).bind(&digest).fetch_all(pool).await)?;
        rows.into_iter().map(|(id,)| id.parse().map_err(corrupt)).collect()
    }
}
