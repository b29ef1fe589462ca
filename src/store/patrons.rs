//! Patrons as sign-on reads them: what the live roster says, joined with what the library keeps.
//! Rosters are written by `rosters`; what a patron may do is decided in `policy`.

use std::collections::BTreeMap;

use super::{Db, Result, Tx, corrupt};
use crate::domain::{
    card::{CardNumber, CardStatus},
    clock::Timestamp,
    id::{OrganisationId, PatronId},
    patron::{Affiliation, Patron, Standing},
    test_patron,
};

/// A patron and what opens the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatronRecord {
    pub patron: Patron,
    pub pin: Pin,
}

/// The PIN that holds now. A chosen one beats whatever a roster supplies.
#[derive(Clone, PartialEq, Eq)]
pub enum Pin {
    None,
    /// `KeyedPin` in hex, as the roster's run left it.
    Initial(String),
    /// A password hash over the keyed PIN.
    Chosen {
        verifier: String,
        change_due: bool,
    },
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Pin::None => "None",
            Pin::Initial(_) => "Initial(…)",
            Pin::Chosen { .. } => "Chosen(…)",
        })
    }
}

pub struct Patrons<'a> {
    db: &'a Db,
}

impl Db {
    pub fn patrons(&self) -> Patrons<'_> {
        Patrons { db: self }
    }
}

/// The newest visible row of a patron; `$1` is bound by what follows.
macro_rules! holding {
    ($rest:literal) => {
        concat!(
            "SELECT p.id, p.source, p.sourced_id, p.card_status, p.pin_verifier, p.pin_change_due, e.given_name, ",
            "e.family_name, e.affiliations, e.present, e.card, e.initial_pin, p.standard_claims, e.bridged_until, ",
            super::numbers::numbers!(),
            " , p.kept ",
            "FROM roster_entry e JOIN roster_source s ON s.source = e.source JOIN patron p ON p.id = e.patron ",
            "WHERE e.run <= s.live_run AND ",
            $rest
        )
    };
}

const BY_ID: &str = holding!("e.patron = $1 ORDER BY e.run DESC LIMIT 1");

/// Found by the roster's number or by one of the library's, each by its index; then it must be one that opens.
const BY_CARD: &str = holding!(
    "e.patron IN (SELECT c.patron FROM roster_entry c WHERE c.card = $1 UNION SELECT o.id FROM patron o \
     WHERE o.own_card = $1 UNION SELECT l.id FROM patron l WHERE l.library_card = $1) \
     AND (COALESCE(p.own_card, e.card) = $1 OR p.library_card = $1) \
     AND NOT EXISTS (SELECT 1 FROM roster_entry n WHERE n.patron = e.patron AND n.run > e.run \
     AND n.run <= s.live_run) ORDER BY e.present DESC, e.bridged_until DESC, e.run DESC LIMIT 1"
);

/// A row that holds in the place of `e`, of the source `s`.
pub(super) const NEWER: &str =
    "SELECT 1 FROM roster_entry n WHERE n.patron = e.patron AND n.run > e.run AND n.run <= s.live_run";

/// Whose newest visible row says that they are there, or were until the summer, in the order of ids.
const ENROLLED: &str = holding!(
    "e.patron > $1 AND (e.present OR e.bridged_until > 0) AND NOT EXISTS (SELECT 1 FROM roster_entry n WHERE n.patron = e.patron \
     AND n.run > e.run AND n.run <= s.live_run) ORDER BY e.patron LIMIT $2"
);

/// The same with those who left.
const EVERYBODY: &str = holding!(
    "e.patron > $1 AND NOT EXISTS (SELECT 1 FROM roster_entry n WHERE n.patron = e.patron \
     AND n.run > e.run AND n.run <= s.live_run) ORDER BY e.patron LIMIT $2"
);

const PINS_CHANGED: &str = "UPDATE version SET n = n + 1 WHERE name = 'pins'";

/// Test patrons have one row each.
const OF_SOURCE: &str = holding!("e.source = $1 AND e.present ORDER BY p.sourced_id LIMIT 20");

const COUNT: &str = "SELECT e.affiliations, COUNT(*) FROM roster_entry e JOIN roster_source s ON s.source = e.source \
     WHERE e.run <= s.live_run AND e.present AND NOT EXISTS (SELECT 1 FROM roster_entry n \
     WHERE n.patron = e.patron AND n.run > e.run AND n.run <= s.live_run) GROUP BY e.affiliations";

impl Patrons<'_> {
    /// Who holds this number: the enrolled holder, or else the one withdrawn last.
    /// A number that its holder has exchanged for another belongs to nobody.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn by_card(&self, card: &CardNumber) -> Result<Option<PatronRecord>> {
        let row: Option<Row> =
            on!(self.db, pool => sqlx::query_as(BY_CARD).bind(card.as_str()).fetch_optional(pool).await)?;
        row.map(record).transpose()
    }

    /// `None` also for somebody whom only an undone run has brought.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn by_id(&self, id: PatronId) -> Result<Option<PatronRecord>> {
        let row: Option<Row> =
            on!(self.db, pool => sqlx::query_as(BY_ID).bind(id.to_string()).fetch_optional(pool).await)?;
        row.map(record).transpose()
    }

    /// The first twenty whom the configuration declares to try a sign-in with.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn test_patrons(&self) -> Result<Vec<PatronRecord>> {
        let rows: Vec<Row> =
            on!(self.db, pool => sqlx::query_as(OF_SOURCE).bind(test_patron::SOURCE).fetch_all(pool).await)?;
        rows.into_iter().map(record).collect()
    }

    /// The next so many who are enrolled, in the order of their ids: everybody, portion by portion.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn enrolled_after(&self, last: Option<PatronId>, most: i64) -> Result<Vec<Patron>> {
        self.after(ENROLLED, last, most).await
    }

    /// The same with those who left.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn everybody_after(&self, last: Option<PatronId>, most: i64) -> Result<Vec<Patron>> {
        self.after(EVERYBODY, last, most).await
    }

    async fn after(&self, sql: &'static str, last: Option<PatronId>, most: i64) -> Result<Vec<Patron>> {
        let last = last.map(|id| id.to_string()).unwrap_or_default();
        let rows: Vec<Row> = on!(self.db, pool => sqlx::query_as(sql).bind(last).bind(most).fetch_all(pool).await)?;
        rows.into_iter().map(|row| Ok(record(row)?.patron)).collect()
    }

    /// Everybody who was ever known.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn all_ids(&self) -> Result<Vec<PatronId>> {
        let rows: Vec<(String,)> = on!(self.db, pool => sqlx::query_as("SELECT id FROM patron").fetch_all(pool).await)?;
        rows.into_iter().map(|(id,)| id.parse().map_err(corrupt)).collect()
    }

    /// How many are enrolled, each counted at the organisation that made the card. Reads every row.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn count_by_organisation(&self) -> Result<BTreeMap<OrganisationId, u64>> {
        let rows: Vec<(String, i64)> = on!(self.db, pool => sqlx::query_as(COUNT).fetch_all(pool).await)?;
        let mut counts = BTreeMap::new();
        for (affiliations, n) in rows {
            if let Some(first) = read_affiliations(&affiliations)?.into_iter().next() {
                *counts.entry(first.organisation).or_insert(0) += u64::try_from(n).unwrap_or(0);
            }
        }
        Ok(counts)
    }

    /// The PIN that the patron chose, or an operator's with `change_due`. Whoever remembers
    /// a PIN that was shown forgets it by the version `pins`. `false` where there is no such patron.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn set_pin(
        &self,
        tx: &mut Tx,
        id: PatronId,
        verifier: &str,
        change_due: bool,
        at: Timestamp,
    ) -> Result<bool> {
        within!(tx, conn => sqlx::query(PINS_CHANGED).execute(conn).await.map(drop))?;
        let sql = "UPDATE patron SET pin_verifier = $1, pin_change_due = $2, pin_set_at = $3 WHERE id = $4";
        let done = within!(tx, conn => sqlx::query(sql).bind(verifier).bind(change_due).bind(at.millis())
            .bind(id.to_string()).execute(conn).await?.rows_affected());
        Ok(done == 1)
    }

    /// Forgets the chosen PIN, so that the roster's initial one holds again.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn clear_pin(&self, tx: &mut Tx, id: PatronId) -> Result<bool> {
        within!(tx, conn => sqlx::query(PINS_CHANGED).execute(conn).await.map(drop))?;
        let sql = "UPDATE patron SET pin_verifier = NULL, pin_change_due = FALSE, pin_set_at = NULL WHERE id = $1";
        let done = within!(tx, conn => sqlx::query(sql).bind(id.to_string()).execute(conn).await?.rows_affected());
        Ok(done == 1)
    }

    /// Blocks or unblocks, and tells every process by the version `patrons`.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn set_card_status(&self, tx: &mut Tx, id: PatronId, status: CardStatus) -> Result<bool> {
        let word = match status {
            CardStatus::Active => "active",
            CardStatus::Blocked => "blocked",
        };
        // The version first, as in a roster's switch, so that the two never wait for each other in a circle.
        within!(tx, conn => sqlx::query(super::rosters::BUMP).execute(conn).await.map(drop))?;
        let sql = "UPDATE patron SET card_status = $1 WHERE id = $2";
        let done =
            within!(tx, conn => sqlx::query(sql).bind(word).bind(id.to_string()).execute(conn).await?.rows_affected());
        Ok(done == 1)
    }
}

type Row = (
    String,
    String,
    String,
    String,
    Option<String>,
    bool,
    String,
    String,
    String,
    bool,
    String,
    Option<String>,
    Option<String>,
    i64,
    Option<String>,
    Option<String>,
);

fn record(row: Row) -> Result<PatronRecord> {
    let (id, source, sourced_id, status, verifier, change_due, given_name, family_name, affiliations, present, ..) =
        &row;
    let numbers = super::numbers::read(CardNumber::try_from(row.10.clone()).map_err(corrupt)?, row.14.as_deref())?;
    let patron = Patron {
        id: id.parse().map_err(corrupt)?,
        source: source.parse().map_err(corrupt)?,
        sourced_id: sourced_id.clone(),
        given_name: given_name.clone(),
        family_name: family_name.clone(),
        affiliations: read_affiliations(affiliations)?,
        standing: match (*present, row.13) {
            (true, _) => Standing::Enrolled,
            (false, 0) => Standing::Withdrawn,
            (false, until) => Standing::Bridged { until: Timestamp(until) },
        },
        card: numbers.told().clone(),
        numbers,
        card_status: match status.as_str() {
            "active" => CardStatus::Active,
            "blocked" => CardStatus::Blocked,
            other => return Err(corrupt(format!("card status {other:?}"))),
        },
        standard_claims: row.12.as_deref().map(serde_json::from_str).transpose().map_err(corrupt)?,
        kept: super::kept::read(row.15.as_deref())?,
    };
    let pin = match (verifier, &row.11) {
        (Some(verifier), _) => Pin::Chosen { verifier: verifier.clone(), change_due: *change_due },
        (None, Some(keyed)) => Pin::Initial(keyed.clone()),
        (None, None) => Pin::None,
    };
    Ok(PatronRecord { patron, pin })
}

pub(super) fn read_affiliations(text: &str) -> Result<Vec<Affiliation>> {
    text.split(',').filter(|part| !part.is_empty()).map(|part| part.parse().map_err(corrupt)).collect()
}

impl Tx {
    /// Tells every process, when this commits, to look at patrons, sessions and grants again.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn patrons_changed(&mut self) -> Result<()> {
        within!(self, conn => sqlx::query(super::rosters::BUMP).execute(conn).await.map(drop))?;
        Ok(())
    }
}
