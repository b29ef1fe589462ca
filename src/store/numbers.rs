//! Numbers that the library gives to a card beside the roster's, and takes back. Each is one patron's at most; read with
//! the patron, by `patrons`.

use std::collections::{HashMap, HashSet};

use sqlx::AssertSqlSafe;

use super::{Db, Error, Result, Tx, corrupt, marks, patrons::NEWER, rosters::BUMP};
use crate::domain::{
    card::CardNumber,
    id::PatronId,
    ils::Unlinkable,
    numbers::{Linked, Numbers, Way},
};

/// Tells imports under way that a number which they compared with may have gone to somebody.
const CARDS_CHANGED: &str = "UPDATE version SET n = n + 1 WHERE name = 'cards'";

/// The columns of `patron p` beside the roster's number as one text: own, library card, its way, and what was replaced.
/// NULL of nearly everybody.
macro_rules! numbers {
    () => {
        "CASE WHEN p.earlier_cards IS NULL AND p.library_card IS NULL THEN NULL ELSE COALESCE(p.own_card, '') || ' ' \
         || COALESCE(p.library_card, '') || ' ' || COALESCE(p.library_card_way, '') || ' ' \
         || COALESCE(p.earlier_cards, '') END"
    };
}
pub(super) use numbers;

pub(super) fn read(roster: CardNumber, text: Option<&str>) -> Result<Numbers> {
    let mut numbers = Numbers::of_roster(roster);
    let Some(text) = text else { return Ok(numbers) };
    let mut parts = text.split(' ');
    let mut part = || parts.next().unwrap_or_default();
    let (own, library, way) = (part(), part(), part());
    let card = |text: &str| CardNumber::try_from(text.to_owned()).map_err(corrupt);
    if !own.is_empty() {
        numbers.reissued = Some(card(own)?);
    }
    if !library.is_empty() {
        let way = match way {
            "parallel" => Way::Parallel,
            "merge" => Way::Merge,
            other => return Err(corrupt(format!("way of a library card {other:?}"))),
        };
        numbers.linked = Some(Linked { number: card(library)?, way });
    }
    numbers.earlier = parts.filter(|text| !text.is_empty()).map(card).collect::<Result<_>>()?;
    Ok(numbers)
}

impl Db {
    /// Every number that the library keeps for one patron, whatever a roster says: given out, replaced or linked.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn kept_numbers(&self) -> Result<HashMap<CardNumber, PatronId>> {
        let rows: Vec<Kept> = on!(self, pool => sqlx::query_as(KEPT).fetch_all(pool).await)?;
        all_kept(rows)
    }
}

/// Each half by an index of its own, which holds nobody else. Whoever has a number of the library's own has an earlier.
const KEPT: &str = "SELECT id, own_card, earlier_cards, library_card FROM patron WHERE earlier_cards IS NOT NULL UNION \
                    SELECT id, own_card, earlier_cards, library_card FROM patron WHERE library_card IS NOT NULL";

type Kept = (String, Option<String>, Option<String>, Option<String>);

fn all_kept(rows: Vec<Kept>) -> Result<HashMap<CardNumber, PatronId>> {
    let mut kept = HashMap::new();
    for (id, own, earlier, library) in rows {
        let id: PatronId = id.parse().map_err(corrupt)?;
        let texts = [own, earlier, library];
        for text in texts.iter().flatten().flat_map(|text| text.split(' ')).filter(|text| !text.is_empty()) {
            kept.insert(CardNumber::try_from(text.to_owned()).map_err(corrupt)?, id);
        }
    }
    Ok(kept)
}

impl Tx {
    pub fn card_numbers(&mut self) -> CardNumbers<'_> {
        CardNumbers(self)
    }
}

pub struct CardNumbers<'t>(&'t mut Tx);

/// Numbers of one question.
const AT_ONCE: usize = 64;

impl CardNumbers<'_> {
    /// Comes before looking at what is to be changed: whoever else changes numbers or switches a roster waits from
    /// there on. Every process hears of it when this commits.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn changing(&mut self) -> Result<()> {
        for sql in [BUMP, CARDS_CHANGED] {
            within!(self.0, conn => sqlx::query(sql).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// A patron's numbers as they are now.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`; `Conflict` where the patron is not there any more.
    pub async fn of(&mut self, id: PatronId) -> Result<Numbers> {
        const SQL: &str = concat!(
            "SELECT e.card, ",
            numbers!(),
            " FROM roster_entry e JOIN roster_source s ON s.source = e.source JOIN patron p ON p.id = e.patron \
             WHERE e.patron = $1 AND e.run <= s.live_run ORDER BY e.run DESC LIMIT 1"
        );
        let row: Option<(String, Option<String>)> =
            within!(self.0, conn => sqlx::query_as(SQL).bind(id.to_string()).fetch_optional(conn).await)?;
        let (roster, more) = row.ok_or_else(|| Error::Conflict("this patron has just gone".into()))?;
        read(CardNumber::try_from(roster).map_err(corrupt)?, more.as_deref())
    }

    /// Keeps all of them but the roster's, which is the roster's.
    ///
    /// # Errors
    /// `Conflict` where one of them is somebody else's, `Unavailable`.
    pub async fn put(&mut self, id: PatronId, numbers: &Numbers) -> Result<()> {
        const SQL: &str = "UPDATE patron SET own_card = $1, earlier_cards = $2, library_card = $3, library_card_way = $4 \
                           WHERE id = $5";
        let earlier: Vec<&str> = numbers.earlier.iter().map(CardNumber::as_str).collect();
        let earlier = (!earlier.is_empty()).then(|| earlier.join(" "));
        let linked = numbers.linked.as_ref();
        within!(self.0, conn => sqlx::query(SQL)
            .bind(numbers.reissued.as_ref().map(CardNumber::as_str))
            .bind(earlier)
            .bind(linked.map(|linked| linked.number.as_str()))
            .bind(linked.map(|linked| linked.way.as_str()))
            .bind(id.to_string())
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Whose number the library keeps this for: given out, replaced or linked.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn keeper(&mut self, number: &CardNumber) -> Result<Option<PatronId>> {
        Ok(self.kept().await?.get(number).copied())
    }

    async fn kept(&mut self) -> Result<HashMap<CardNumber, PatronId>> {
        all_kept(within!(self.0, conn => sqlx::query_as(KEPT).fetch_all(conn).await)?)
    }

    /// Whether nobody but `by` has this number, or ever had it replaced.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn is_free(&mut self, number: &CardNumber, by: PatronId) -> Result<bool> {
        Ok(self.taken(std::slice::from_ref(number), Some(by)).await?.is_empty())
    }

    /// The first of `candidates` that nobody at all has or had.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn first_free(&mut self, mut candidates: impl Iterator<Item = CardNumber>) -> Result<Option<CardNumber>> {
        loop {
            let some: Vec<CardNumber> = candidates.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                return Ok(None);
            }
            let taken = self.taken(&some, None).await?;
            if let Some(free) = some.into_iter().find(|number| !taken.contains(number)) {
                return Ok(Some(free));
            }
        }
    }

    /// Links a library card, where the patron has none yet and the number is nobody's.
    ///
    /// # Errors
    /// Inside: why not. `Unavailable` or `Corrupt`.
    pub async fn link(&mut self, id: PatronId, linked: Linked) -> Result<std::result::Result<(), Unlinkable>> {
        self.changing().await?;
        let mut numbers = self.of(id).await?;
        if numbers.linked.is_some() {
            return Ok(Err(Unlinkable::LinkedAlready));
        }
        if numbers.all().any(|number| *number == linked.number) || !self.is_free(&linked.number, id).await? {
            return Ok(Err(Unlinkable::Taken));
        }
        numbers.linked = Some(linked);
        self.put(id, &numbers).await.map(Ok)
    }

    /// Takes the link back; what held before it holds again. Returns the card that was linked.
    ///
    /// # Errors
    /// Inside: `NotLinked`. `Unavailable` or `Corrupt`.
    pub async fn unlink(&mut self, id: PatronId) -> Result<std::result::Result<Linked, Unlinkable>> {
        self.changing().await?;
        let mut numbers = self.of(id).await?;
        let Some(linked) = numbers.linked.take() else { return Ok(Err(Unlinkable::NotLinked)) };
        self.put(id, &numbers).await?;
        Ok(Ok(linked))
    }

    /// Which of these are somebody's: on the newest visible row of a roster, enrolled or not, or kept by the library.
    async fn taken(&mut self, numbers: &[CardNumber], but: Option<PatronId>) -> Result<HashSet<CardNumber>> {
        let mut marks = marks(self.0.is_sqlite());
        let list: Vec<String> = numbers.iter().map(|_| marks()).collect();
        let sql = format!(
            "SELECT e.card FROM roster_entry e JOIN roster_source s ON s.source = e.source \
             WHERE e.card IN ({}) AND e.patron <> {} AND e.run <= s.live_run AND NOT EXISTS ({NEWER})",
            list.join(","),
            marks(),
        );
        let but_text = but.map(|id| id.to_string()).unwrap_or_default();
        let rows: Vec<(String,)> = within!(self.0, conn => {
            let query = sqlx::query_as(AssertSqlSafe(sql)).persistent(false);
            let query = numbers.iter().fold(query, |query, number| query.bind(number.as_str().to_owned()));
            query.bind(but_text).fetch_all(conn).await
        })?;
        let mut taken: HashSet<CardNumber> =
            rows.into_iter().map(|(card,)| CardNumber::try_from(card).map_err(corrupt)).collect::<Result<_>>()?;
        let kept = self.kept().await?;
        taken.extend(numbers.iter().filter(|number| kept.get(*number).is_some_and(|id| Some(*id) != but)).cloned());
        Ok(taken)
    }
}
