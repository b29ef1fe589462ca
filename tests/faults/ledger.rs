//! What readers, vendors and staff were told while things broke, held against what is there afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::actors::*;

/// What was answered. Whoever got no answer, or one that asks to come back, was promised nothing.
#[derive(Default)]
pub struct Ledger {
    /// The cookies of whoever was let in.
    pub sessions: Vec<Vec<(String, String)>>,
    /// Cards whose new PIN was taken.
    pub chosen: BTreeSet<String>,
    /// Each code with the status of every answer to it.
    pub codes: BTreeMap<String, Code>,
    /// Each refresh token with every successor that was handed out for it.
    pub renewals: BTreeMap<String, BTreeSet<String>>,
    /// The newest refresh tokens, one for each grant that goes on.
    pub newest: BTreeSet<String>,
    pub access: Vec<(String, Instant)>,
    /// The clock was set meanwhile: access tokens are over by it.
    pub out_of_time: bool,
    /// The short codes of refusals that readers saw.
    pub refusals: Vec<String>,
    pub blocked: BTreeSet<String>,
    pub keys: BTreeSet<String>,
    pub vendors: BTreeSet<String>,
    /// How many people the newest roster has that was brought in, and the newest that was tried.
    pub imported: usize,
    pub tried: usize,
    /// Audit events that somebody was told of, by kind.
    pub events: BTreeMap<&'static str, usize>,
    /// What was answered instead, by status, with one of the answers.
    pub turned_away: BTreeMap<u16, (usize, String)>,
    /// Commands that failed, with their words.
    pub failed: Vec<String>,
}

#[derive(Default)]
pub struct Code {
    pub fields: Vec<(String, String)>,
    pub answers: Vec<u16>,
}

/// A token is good for five minutes; this long after it was handed out it must be.
const SURELY_GOOD: Duration = Duration::from_secs(240);

impl Ledger {
    pub fn event(&mut self, kind: &'static str) {
        *self.events.entry(kind).or_default() += 1;
    }

    /// Not answered, or asked to come back.
    pub fn turn_away(&mut self, status: u16, body: &str) {
        let seen = self.turned_away.entry(status).or_insert_with(|| (0, body.chars().take(600).collect()));
        seen.0 += 1;
    }

    /// Everything that somebody was told so far.
    pub fn told(&self) -> usize {
        self.events.values().sum()
    }

    /// Panics where anything that was promised is not there. `experiment` names it in the table of `scripts/soak`.
    pub async fn hold_against(&self, experiment: &str, library: &Library, vendor: &OidcVendor, roster: &[Person]) {
        let mut table = Table { experiment, missing: Vec::new() };

        let mut found = 0;
        for cookies in &self.sessions {
            let browser = Browser::new();
            cookies.iter().for_each(|(name, value)| browser.set_cookie(name, value));
            found += usize::from(browser.is_signed_in(library).await);
        }
        table.row("sign-ins whose session goes on", self.sessions.len(), found);

        let mut found = 0;
        for card in &self.chosen {
            let page = Browser::new().try_sign_in(library, &Patron::new(card.clone(), CHANGED_PIN)).await;
            found += usize::from(page.status.is_success() && !page.has("sign-in") && !page.has("change-pin"));
        }
        table.row("PINs that were chosen", self.chosen.len(), found);

        let (mut promised, mut found) = (0, 0);
        for (token, at) in &self.access {
            if at.elapsed() < SURELY_GOOD && !self.out_of_time {
                promised += 1;
                found += usize::from(vendor.userinfo(token).await.0 == 200);
            }
        }
        table.row("access tokens that are good", promised, found);

        let (mut once, mut spent) = (0, 0);
        for code in self.codes.values() {
            once += usize::from(code.answers.iter().filter(|status| **status == 200).count() <= 1);
            spent += usize::from(code.answers.contains(&200));
        }
        table.row("codes that won once at most", self.codes.len(), once);
        let one_successor = self.renewals.values().filter(|successors| successors.len() == 1).count();
        table.row("refresh tokens with one successor", self.renewals.len(), one_successor);
        let mut found = 0;
        for token in &self.newest {
            found += usize::from(settled(vendor, &renewal(token)).await == 200);
        }
        table.row("grants that are renewed", self.newest.len(), found);
        let mut refused = 0;
        for code in self.codes.values().filter(|code| code.answers.contains(&200)) {
            refused += usize::from(settled(vendor, &code.fields).await == 400);
        }
        table.row("spent codes that are refused", spent, refused);

        let tail = library.run(&["audit", "tail", "-n", "10000", "--json"]).fine().json();
        let tail = tail.as_array().unwrap();
        let shown: BTreeSet<&str> = tail.iter().filter_map(|event| event["payload"]["code"].as_str()).collect();
        let found = self.refusals.iter().filter(|code| shown.contains(code.as_str())).count();
        table.row("refusals by their codes in the audit", self.refusals.len(), found);
        for (kind, promised) in &self.events {
            let found = tail.iter().filter(|event| event["kind"] == *kind).count();
            table.at_least(&format!("audit events: {kind}"), *promised, found);
        }
        let verdict = library.run(&["audit", "verify", "--json"]).fine().json();
        table.row("audit chains that hold", count_of(&verdict["chains"]), count_of(&verdict["chains"]));

        let export = library.run(&["card", "export", "all", "--reason", "counting"]).fine().stdout;
        let blocked = |card: &&String| export.contains(&format!("\n{card},blocked\r"));
        table.row("cards that were blocked", self.blocked.len(), self.blocked.iter().filter(blocked).count());
        let listed = library.run(&["keys", "list", "--all", "--json"]).fine().json();
        let kids: BTreeSet<&str> =
            listed["keys"].as_array().unwrap().iter().filter_map(|key| key["kid"].as_str()).collect();
        table.row(
            "keys that were made",
            self.keys.len(),
            self.keys.iter().filter(|kid| kids.contains(kid.as_str())).count(),
        );
        let vendors = library.run(&["vendor", "list", "--json"]).fine().stdout;
        let known = |id: &&String| vendors.contains(&format!("\"{id}\""));
        table.row("vendors that were declared", self.vendors.len(), self.vendors.iter().filter(known).count());

        // The newest roster that was taken, or one that was under way when its answer was lost: nothing in between.
        let counts: BTreeSet<usize> = (self.imported..=self.tried.max(self.imported)).collect();
        let whole = counts.iter().filter(|count| unchanged(library, &roster[..**count])).count();
        table.row("rosters that are in force, whole", 1, whole);
        table.told(self);
    }
}

/// Whether the roster in force is exactly this one.
pub fn unchanged(library: &Library, people: &[Person]) -> bool {
    let dry = library.import(&Delivery::of(people), &["--dry-run"]);
    // The guard's no tells of a change as well.
    assert!(dry.stdout.starts_with('{'), "{}: {}", dry.status, dry.stderr);
    let totals = &dry.json()["preview"]["totals"];
    ["added", "changed", "withdrawn", "returning"].iter().all(|kind| totals[kind] == 0)
        && count_of(&totals["present_before"]) == people.len()
}

/// What is answered in the end: a busy machine may ask to come back.
async fn settled(vendor: &OidcVendor, fields: &[(String, String)]) -> u16 {
    for _ in 0..100 {
        let status = vendor.token(fields).await.0;
        if status < 500 {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    503
}

pub fn renewal(token: &str) -> Vec<(String, String)> {
    [("grant_type", "refresh_token"), ("refresh_token", token)].map(|(n, v)| (n.to_owned(), v.to_owned())).into()
}

fn count_of(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap_or_default()).unwrap()
}

/// What was promised and what was found, for the eye and for `scripts/soak`.
struct Table<'e> {
    experiment: &'e str,
    missing: Vec<String>,
}

impl Table<'_> {
    fn row(&mut self, what: &str, promised: usize, found: usize) {
        self.judged(what, promised, found, promised == found);
    }

    fn at_least(&mut self, what: &str, promised: usize, found: usize) {
        self.judged(what, promised, found, promised <= found);
    }

    fn judged(&mut self, what: &str, promised: usize, found: usize, holds: bool) {
        note(self.experiment, what, promised, found);
        if !holds {
            self.missing.push(format!("{what}: {promised} promised, {found} found"));
        }
    }

    fn told(self, ledger: &Ledger) {
        for (status, (count, body)) in &ledger.turned_away {
            eprintln!("{}: {count} times {status}: {body}", self.experiment);
        }
        for words in &ledger.failed {
            eprintln!("{}: a command failed: {words}", self.experiment);
        }
        assert!(self.missing.is_empty(), "{}: {:#?}", self.experiment, self.missing);
    }
}

/// One line of the table.
pub fn note(experiment: &str, what: &str, promised: usize, found: usize) {
    let line = format!("{experiment}\t{what}\t{promised}\t{found}");
    eprintln!("{line}");
    if let Ok(path) = std::env::var("ONEACCESS_SOAK_TABLE")
        && let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(path)
    {
        let _ = writeln!(file, "{line}");
    }
}
