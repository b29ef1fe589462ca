//! Lines about cards for the library's ILS: everybody, or whose line has changed. A standing export is declared in a file
//! and approved by two; each one that is made says so in the audit before its first line and after its last.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, BufWriter, Write},
    str::FromStr,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::digest;
use serde::Serialize;
use serde_json::{Value, json};

use super::Desk;
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        card::{CardNumber, CardStatus},
        catalogue::Catalogue,
        clock::{Date, Timestamp},
        export::{Cell, Export, Status},
        id::PatronId,
        patron::{Patron, Standing},
        pin::KeyedPin,
        reason::Reason,
    },
    policy::{Entitlement, Facts, entitlement::entitled},
    store::{audit, exports::Told},
};

/// Which lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Everybody who has a card to use.
    Always,
    /// Whose line became what it is on that day or later.
    Day(Date),
    /// The same from the instant when a roster's run went live.
    Run(i64),
    /// Whose line is not what this export told last.
    Last,
}

impl FromStr for Since {
    type Err = String;
    fn from_str(text: &str) -> Result<Since, String> {
        if text == "last" {
            return Ok(Since::Last);
        }
        let day = text.parse().map(Since::Day).ok();
        day.or_else(|| text.parse().map(Since::Run).ok())
            .ok_or_else(|| format!("{text:?} is neither a day such as 2026-11-23, nor the number of a run, nor last"))
    }
}

/// What was made.
#[derive(Debug, Serialize)]
pub struct Made {
    pub export: String,
    /// Without the one that names the columns.
    pub lines: u64,
    /// Lines by status.
    pub by_status: BTreeMap<Status, u64>,
    /// RFC 3339; absent where everybody was told.
    pub changed_since: Option<String>,
    /// Of the whole file, hex.
    pub sha256: String,
}

/// People looked at in one statement.
const PORTION: i64 = 2_000;

/// Writes the lines to `out` and lets `place` put the whole file where it belongs. Only then it counts as told.
///
/// # Errors
/// Where there is no such export, the day or run makes no sense, or something cannot be read or written.
pub async fn export(
    desk: &Desk,
    name: Option<&str>,
    since: Since,
    why: &str,
    out: impl Write,
    place: impl FnOnce() -> Result<()>,
) -> Result<Made> {
    let catalogue = desk.db.catalogue().load().await?;
    let export = chosen(&catalogue, name)?;
    let now = desk.clock.now();
    let since = instant(desk, since, now).await?;
    let changed_since = since.map(|at| if at == now { "last".to_owned() } else { at.rfc3339() });
    note(desk, json!({ "what": "begun", "export": export.name, "why": why, "changed_since": changed_since })).await?;

    let mut sheet = Sheet::new(export, out)?;
    let mut teller =
        Teller { desk, catalogue: &catalogue, export, now, since, told: Vec::new(), forgotten: Vec::new() };
    let mut last: Option<PatronId> = None;
    loop {
        let people = desk.db.patrons().everybody_after(last, PORTION).await?;
        let end = people.last().map(|patron| patron.id);
        let mut before = desk.db.exports().told(&export.name, last, end).await?;
        for patron in people.iter().filter(|patron| !patron.is_test()) {
            teller.tell(&mut sheet, patron, before.remove(&patron.id)).await?;
        }
        teller.tell_of_the_gone(&mut sheet, before).await?;
        if end.is_none() {
            break;
        }
        last = end;
    }
    let Teller { told, forgotten, .. } = teller;
    let (lines, by_status, sha256) = sheet.finish()?;
    place()?;
    let payload = json!({
        "what": "made", "export": export.name, "why": why, "lines": lines, "sha256": sha256,
        "approved_by": export.approved_by,
    });
    note(desk, payload).await?;
    desk.db.exports().remember(&export.name, &told).await?;
    desk.db.exports().forget(&export.name, &forgotten).await?;
    Ok(Made { export: export.name.to_string(), lines, by_status, changed_since, sha256 })
}

fn chosen<'c>(catalogue: &'c Catalogue, name: Option<&str>) -> Result<&'c Export> {
    let all = &catalogue.exports;
    match name {
        Some(name) => all.get(name).with_context(|| format!("there is no export {name:?}: declare it with [[export]]")),
        None if all.len() > 1 => {
            let names: Vec<&str> = all.keys().map(|name| name.as_str()).collect();
            bail!("name one of the exports: {}", names.join(", "))
        }
        None => all.values().next().context("no export is declared: write [[export]] and apply the file"),
    }
}

async fn instant(desk: &Desk, since: Since, now: Timestamp) -> Result<Option<Timestamp>> {
    let zone = &desk.config.library.time_zone;
    match since {
        Since::Always => Ok(None),
        Since::Last => Ok(Some(now)),
        Since::Day(day) => {
            let at = zone.start_of(day);
            ensure!(at <= now, "{day} has not begun: today is {}", zone.date(now));
            Ok(Some(at))
        }
        Since::Run(id) => {
            let runs = desk.db.rosters().runs(None).await?;
            let run = runs.iter().find(|run| run.id == id);
            let run = run.with_context(|| format!("there is no run {id}: oneaccess directory runs lists them"))?;
            let live = matches!(run.state.as_str(), "live" | "undone" | "closed");
            ensure!(live, "run {id} is {}: nothing came of it", run.state);
            Ok(Some(run.started_at))
        }
    }
}

async fn note(desk: &Desk, payload: Value) -> Result<()> {
    let mut tx = desk.db.begin().await?;
    audit::append_alone(&mut tx, &[AuditEvent { at: desk.clock.now(), kind: Kind::Export, payload }]).await?;
    tx.commit().await?;
    Ok(())
}

/// Says who is told of, and remembers what was said.
struct Teller<'a> {
    desk: &'a Desk,
    catalogue: &'a Catalogue,
    export: &'a Export,
    now: Timestamp,
    /// `None`: everybody.
    since: Option<Timestamp>,
    told: Vec<Told>,
    forgotten: Vec<PatronId>,
}

impl Teller<'_> {
    async fn tell(&mut self, sheet: &mut Sheet<impl Write>, patron: &Patron, before: Option<Told>) -> Result<()> {
        let (status, entitlement) = self.standing(patron);
        if let Some(before) = before.as_ref().filter(|before| before.card != patron.card && self.since.is_some())
            && !self.is_taken(&before.card, patron.id).await?
        {
            sheet.line(Status::Withdrawn, &self.bare(&before.card, Status::Withdrawn))?;
        }
        if !status.is_reader() {
            return self.tell_of_who_left(sheet, patron.id, &patron.card, status, before).await;
        }
        let cells = match entitlement {
            Some(yes) => self.whole(patron, status, &yes),
            None => self.bare(&patron.card, status),
        };
        self.say(sheet, patron.id, &patron.card, status, &cells, before)
    }

    /// Whom no roster shows any more, not even as withdrawn: the run that brought them was undone.
    async fn tell_of_the_gone(&mut self, sheet: &mut Sheet<impl Write>, gone: HashMap<PatronId, Told>) -> Result<()> {
        for (patron, before) in gone {
            let card = before.card.clone();
            self.tell_of_who_left(sheet, patron, &card, Status::Withdrawn, Some(before)).await?;
        }
        Ok(())
    }

    /// Of those who left the ILS hears once, and only where it has heard of them before.
    async fn tell_of_who_left(
        &mut self,
        sheet: &mut Sheet<impl Write>,
        patron: PatronId,
        card: &CardNumber,
        status: Status,
        before: Option<Told>,
    ) -> Result<()> {
        if before.is_none() || self.since.is_none() {
            return Ok(());
        }
        // Somebody else has the number by now, and their line speaks for it.
        if self.is_taken(card, patron).await? {
            self.forgotten.push(patron);
            return Ok(());
        }
        self.say(sheet, patron, card, status, &self.bare(card, status), before)
    }

    fn say(
        &mut self,
        sheet: &mut Sheet<impl Write>,
        patron: PatronId,
        card: &CardNumber,
        status: Status,
        cells: &[String],
        before: Option<Told>,
    ) -> Result<()> {
        let parts: Vec<&[u8]> = cells.iter().map(String::as_bytes).collect();
        let digest: KeyedPin = self.desk.keyring.pin_key().digest(&parts);
        let same = before.filter(|before| before.digest == digest && before.card == *card);
        let changed_at = same.as_ref().map_or(self.now, |before| before.changed_at);
        if self.since.is_none_or(|since| changed_at >= since) {
            sheet.line(status, cells)?;
        }
        if same.is_none() {
            self.told.push(Told { patron, card: card.clone(), digest, changed_at });
        }
        Ok(())
    }

    fn standing(&self, patron: &Patron) -> (Status, Option<Entitlement>) {
        let of_ours = patron.affiliations.first().is_some_and(|first| {
            self.export.organisations.is_empty() || self.export.organisations.contains(&first.organisation)
        });
        // A blocked card's account stays what it is, and is blocked.
        let unblocked = (patron.card_status == CardStatus::Blocked)
            .then(|| Patron { card_status: CardStatus::Active, ..patron.clone() });
        let facts = Facts {
            patron: unblocked.as_ref().unwrap_or(patron),
            opted_out: self.catalogue.has_opted_out(patron),
            agreements: &self.catalogue.agreements,
            scopes: &self.catalogue.scopes,
            bands: &self.desk.config.bands,
            time_zone: &self.desk.config.library.time_zone,
            narrow: None,
        };
        match entitled(&facts, self.now, &mut |_| ()) {
            Err(Reason::OptedOut) => (Status::OptedOut, None),
            Err(Reason::Withdrawn) => (Status::Withdrawn, None),
            _ if !of_ours => (Status::Withdrawn, None),
            Err(_) => (Status::Lapsed, None),
            Ok(yes) if unblocked.is_some() => (Status::Blocked, Some(yes)),
            Ok(yes) => (Status::Active, Some(yes)),
        }
    }

    /// Of a reader, all that the columns ask for.
    fn whole(&self, patron: &Patron, status: Status, yes: &Entitlement) -> Vec<String> {
        let first = patron.affiliations.first();
        // The end is the first instant after the last good day.
        let expires = || self.desk.config.library.time_zone.date(yes.until - Duration::from_millis(1)).to_string();
        let cell = |cell: &Cell| match cell {
            Cell::Card => patron.card.to_string(),
            Cell::GivenName => patron.given_name.clone(),
            Cell::FamilyName => patron.family_name.clone(),
            Cell::Organisation => first.map(|a| a.organisation.to_string()).unwrap_or_default(),
            Cell::Role => first.map(|a| a.role.to_string()).unwrap_or_default(),
            Cell::Grade => first.and_then(|a| a.grade).map(|grade| grade.to_string()).unwrap_or_default(),
            Cell::Band => yes.audience_band.as_str().to_owned(),
            Cell::PatronType => yes.role.to_string(),
            Cell::Expires => expires(),
            Cell::Status => status.to_string(),
            Cell::LoanLimit => yes.loans.limit.map(|limit| limit.to_string()).unwrap_or_default(),
            Cell::OverdueFines => {
                yes.loans.overdue_fines.map(|fines| if fines { "yes" } else { "no" }).unwrap_or_default().to_owned()
            }
            Cell::Text(fixed) => fixed.clone(),
        };
        self.export.columns.iter().map(|column| cell(&column.value)).collect()
    }

    /// Of who is no reader any more, what it takes to close the account.
    fn bare(&self, card: &CardNumber, status: Status) -> Vec<String> {
        let cell = |cell: &Cell| match cell {
            Cell::Card => card.to_string(),
            Cell::Status => status.to_string(),
            Cell::Text(fixed) => fixed.clone(),
            _ => String::new(),
        };
        self.export.columns.iter().map(|column| cell(&column.value)).collect()
    }

    async fn is_taken(&self, card: &CardNumber, by_other_than: PatronId) -> Result<bool> {
        let holder = self.desk.db.patrons().by_card(card).await?;
        Ok(holder
            .is_some_and(|holder| holder.patron.id != by_other_than && holder.patron.standing == Standing::Enrolled))
    }
}

/// The file as it is written: RFC 4180, with what was written summed up.
struct Sheet<W: Write> {
    csv: csv::Writer<Summed<W>>,
    lines: u64,
    by_status: BTreeMap<Status, u64>,
}

impl<W: Write> Sheet<W> {
    fn new(export: &Export, out: W) -> Result<Sheet<W>> {
        let summed = Summed { out: BufWriter::new(out), sum: digest::Context::new(&digest::SHA256) };
        let delimiter = u8::try_from(export.delimiter).unwrap_or(b',');
        let mut csv =
            csv::WriterBuilder::new().delimiter(delimiter).terminator(csv::Terminator::CRLF).from_writer(summed);
        if export.header {
            csv.write_record(export.columns.iter().map(|column| &column.header))?;
        }
        Ok(Sheet { csv, lines: 0, by_status: BTreeMap::new() })
    }

    fn line(&mut self, status: Status, cells: &[String]) -> Result<()> {
        self.csv.write_record(cells).context("the export cannot be written")?;
        self.lines += 1;
        *self.by_status.entry(status).or_default() += 1;
        Ok(())
    }

    fn finish(self) -> Result<(u64, BTreeMap<Status, u64>, String)> {
        let summed = self.csv.into_inner().map_err(|error| error.into_error())?;
        let Summed { mut out, sum } = summed;
        out.flush().context("the export cannot be written")?;
        Ok((self.lines, self.by_status, hex::encode(sum.finish())))
    }
}

struct Summed<W: Write> {
    out: BufWriter<W>,
    sum: digest::Context,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.sum.update(bytes.get(..n).unwrap_or_default());
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
