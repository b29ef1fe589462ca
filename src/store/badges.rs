//! Badges at rest: what each opens, whether it still does, and how often its pictures were picked wrong. Of a badge's
//! secret only the SHA-256 is here.

use super::{Db, Result, Tx, corrupt};
use crate::domain::{
    clock::Timestamp,
    id::{OrganisationId, PatronId, SourceId},
};

pub struct Badges<'a>(&'a Db);

impl Db {
    pub fn badges(&self) -> Badges<'_> {
        Badges(self)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    pub id: String,
    pub patron: PatronId,
    pub organisation: OrganisationId,
    /// sourcedId of the class that it was printed for; empty where it was printed by itself.
    pub class: String,
    /// `2026-27`.
    pub school_year: String,
    pub made_at: Timestamp,
    pub void_at: Option<Timestamp>,
    /// A password hash over the keyed pictures.
    pub pictures: Option<String>,
    /// Since the last right ones.
    pub wrong_picks: u64,
}

/// Which badges are taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    Of(PatronId),
    /// Printed for this class.
    Class(String),
    SchoolYear(String),
    Organisation(OrganisationId),
}

type Row = (String, String, String, String, String, i64, Option<i64>, Option<String>, i64);

macro_rules! badges {
    ($rest:literal) => {
        concat!(
            "SELECT id, patron, organisation, class, school_year, made_at, void_at, pictures, wrong_picks FROM badge ",
            $rest
        )
    };
}

impl Badges<'_> {
    /// The badge behind a secret's hex SHA-256, void or not.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn by_secret(&self, digest: &str) -> Result<Option<Badge>> {
        self.one(badges!("WHERE secret = $1"), digest).await
    }

    /// # Errors
    /// Those of the database.
    pub async fn by_id(&self, id: &str) -> Result<Option<Badge>> {
        self.one(badges!("WHERE id = $1"), id).await
    }

    /// All that were ever made of a patron, the newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of(&self, patron: PatronId) -> Result<Vec<Badge>> {
        let sql = badges!("WHERE patron = $1 ORDER BY made_at DESC, id DESC");
        let rows: Vec<Row> = on!(self.0, pool => sqlx::query_as(sql).bind(patron.to_string()).fetch_all(pool).await)?;
        rows.into_iter().map(badge).collect()
    }

    async fn one(&self, sql: &'static str, by: &str) -> Result<Option<Badge>> {
        let row: Option<Row> = on!(self.0, pool => sqlx::query_as(sql).bind(by).fetch_optional(pool).await)?;
        row.map(badge).transpose()
    }

    /// The patron whom a source calls so.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn patron_named(&self, source: &SourceId, sourced_id: &str) -> Result<Option<PatronId>> {
        let sql = "SELECT id FROM patron WHERE source = $1 AND sourced_id = $2";
        let id: Option<String> = on!(self.0, pool => sqlx::query_scalar(sql).bind(source.as_str()).bind(sourced_id)
            .fetch_optional(pool).await)?;
        id.map(|id| id.parse().map_err(corrupt)).transpose()
    }

    /// Takes one of `most` wrong picks, before it is known whether it is one: guesses side by side gain nothing.
    /// `false` where none is left.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn take_pick(&self, id: &str, most: u64) -> Result<bool> {
        let sql =
            "UPDATE badge SET wrong_picks = wrong_picks + 1 WHERE id = $1 AND wrong_picks < $2 AND void_at IS NULL";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut tx = self.0.begin().await?;
        let taken = within!(tx, conn => sqlx::query(sql).bind(id).bind(most).execute(conn).await?.rows_affected());
        tx.commit().await?;
        Ok(taken == 1)
    }

    /// It was never looked at.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn give_pick_back(&self, id: &str) -> Result<()> {
        self.count("UPDATE badge SET wrong_picks = wrong_picks - 1 WHERE id = $1 AND wrong_picks > 0", id).await
    }

    /// The pictures were right.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn picked_right(&self, id: &str) -> Result<()> {
        self.count("UPDATE badge SET wrong_picks = 0 WHERE id = $1", id).await
    }

    async fn count(&self, sql: &'static str, id: &str) -> Result<()> {
        let mut tx = self.0.begin().await?;
        within!(tx, conn => sqlx::query(sql).bind(id).execute(conn).await.map(drop))?;
        tx.commit().await
    }
}

/// Keeps a new badge under its secret's hex SHA-256.
///
/// # Errors
/// Those of the database.
pub async fn insert(tx: &mut Tx, badge: &Badge, secret: &str) -> Result<()> {
    let sql = "INSERT INTO badge (id, secret, patron, organisation, class, school_year, made_at, pictures, wrong_picks) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)";
    within!(tx, conn => sqlx::query(sql).bind(&badge.id).bind(secret).bind(badge.patron.to_string())
        .bind(badge.organisation.as_str()).bind(&badge.class).bind(&badge.school_year).bind(badge.made_at.0)
        .bind(&badge.pictures).execute(conn).await.map(drop))?;
    Ok(())
}

/// Takes badges back for good, and says whose they were.
///
/// # Errors
/// Those of the database.
pub async fn void(tx: &mut Tx, which: &Which, at: Timestamp) -> Result<Vec<PatronId>> {
    let (sql, by) = match which {
        Which::Of(patron) => {
            ("UPDATE badge SET void_at = $2 WHERE void_at IS NULL AND patron = $1 RETURNING patron", patron.to_string())
        }
        Which::Class(class) => {
            ("UPDATE badge SET void_at = $2 WHERE void_at IS NULL AND class = $1 RETURNING patron", class.clone())
        }
        Which::SchoolYear(year) => {
            ("UPDATE badge SET void_at = $2 WHERE void_at IS NULL AND school_year = $1 RETURNING patron", year.clone())
        }
        Which::Organisation(organisation) => (
            "UPDATE badge SET void_at = $2 WHERE void_at IS NULL AND organisation = $1 RETURNING patron",
            organisation.to_string(),
        ),
    };
    let whose: Vec<String> = within!(tx, conn => sqlx::query_scalar(sql).bind(by).bind(at.0).fetch_all(conn).await)?;
    whose.into_iter().map(|patron| patron.parse().map_err(corrupt)).collect()
}

/// New pictures, and every pick to be taken again.
///
/// # Errors
/// Those of the database.
pub async fn set_pictures(tx: &mut Tx, id: &str, verifier: &str) -> Result<()> {
    let sql = "UPDATE badge SET pictures = $2, wrong_picks = 0 WHERE id = $1 AND void_at IS NULL";
    within!(tx, conn => sqlx::query(sql).bind(id).bind(verifier).execute(conn).await.map(drop))?;
    Ok(())
}

fn badge(row: Row) -> Result<Badge> {
    let (id, patron, organisation, class, school_year, made_at, void_at, pictures, wrong_picks) = row;
    Ok(Badge {
        id,
        patron: patron.parse().map_err(corrupt)?,
        organisation: organisation.parse().map_err(corrupt)?,
        class,
        school_year,
        made_at: Timestamp(made_at),
        void_at: void_at.map(Timestamp),
        pictures,
        wrong_picks: u64::try_from(wrong_picks).unwrap_or(0),
    })
}
