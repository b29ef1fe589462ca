//! A morning's load, for as long as things break: readers who sign in and click, vendors who redeem and renew, staff at
//! their commands. Whatever somebody is told stands in the ledger.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::task::JoinSet;

use super::ledger::{Ledger, renewal};
use crate::actors::*;

/// Readers at the same time.
const READERS: usize = 4;
/// Whoever got no answer breathes before trying again.
const BREATH: Duration = Duration::from_millis(30);
/// How long a round may take to be felt by the crowd.
const PATIENCE: Duration = Duration::from_secs(120);
/// The audit shows ten thousand events: a longer run makes fewer refusals.
const REFUSALS: usize = 2000;
const KEYS: usize = 3;

/// A vendor that renews, and one for adults, who refuses every pupil.
const VENDORS: [Declared; 2] = [
    Declared {
        id: "stays",
        auth_method: "client_secret_basic",
        pkce: "required",
        redirect_uris: &["https://stays.example/callback"],
        scopes: &["library.ebooks"],
        audience: &["juvenile", "young-adult", "adult"],
        vendor_lines: "",
        oidc_lines: "grant_types = [\"authorization_code\", \"refresh_token\"]\n",
    },
    Declared {
        id: "grown",
        auth_method: "client_secret_basic",
        pkce: "required",
        redirect_uris: &["https://grown.example/callback"],
        scopes: &["library.ebooks"],
        audience: &["adult"],
        vendor_lines: "",
        oidc_lines: "",
    },
];

const EXPORT: &str = "[[export]]\nname = \"all\"\napproved_by = [\"Ada Quill\", \"Bo Marsh\"]\n\
    columns = [{ header = \"CARD\", value = \"card\" }, { header = \"STATUS\", value = \"status\" }]\n";

/// A lab of children signs in from one address, again and again.
pub const SETTINGS: &str = "[throttle]\ncard_tries = 100\ninitial_pin_tries = 100\npattern_tries = 1000\n";

pub struct Crowd {
    ledger: Arc<Mutex<Ledger>>,
    over: Over,
    tasks: JoinSet<()>,
    vendor: OidcVendor,
    roster: Vec<Person>,
}

/// However an experiment ends, nobody goes on: staff at their commands are a thread that nothing else can stop.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Everybody whom the crowd may ever need, the first `FIRST` of them in the first roster.
pub fn people() -> Vec<Person> {
    (1..=200).map(Person::pupil).collect()
}

/// Pupils of the first roster: one settled reader for each task, then whose cards are blocked, then newcomers.
pub const FIRST: usize = 100;
const BLOCKED: std::ops::Range<usize> = 10..40;
const NEWCOMERS: std::ops::Range<usize> = 40..FIRST;

#[derive(Clone)]
struct Task {
    ledger: Arc<Mutex<Ledger>>,
    over: Arc<AtomicBool>,
}

impl Crowd {
    /// At it.
    pub async fn gather(fleet: &Fleet) -> Crowd {
        let library = &fleet.library;
        library.apply(EXPORT).fine();
        let mut vendors = Vec::new();
        for declared in VENDORS {
            let party = library.declare(declared).await;
            vendors.push(OidcVendor::of(library, party).await);
        }
        let [vendor, grown] = <[OidcVendor; 2]>::try_from(vendors).ok().unwrap();
        let roster = people();
        for person in &roster[..=READERS] {
            let browser = Browser::new();
            browser.sign_in(library, &person.card()).await;
        }
        let ledger = Ledger { imported: FIRST, ..Ledger::default() };
        let task = Task { ledger: Arc::new(Mutex::new(ledger)), over: Arc::default() };
        let mut tasks = JoinSet::new();
        for n in 0..READERS {
            let newcomers: Vec<Person> = roster[NEWCOMERS].iter().skip(n).step_by(READERS).cloned().collect();
            tasks.spawn(task.clone().read(vendor.clone(), Patron::new(roster[n].card().card, CHANGED_PIN), newcomers));
        }
        let refused = Patron::new(roster[READERS].card().card, CHANGED_PIN);
        tasks.spawn(task.clone().be_refused(grown, refused));
        let (operator, people, folder) = (library.operator(), roster.clone(), library.path().join("rosters"));
        tasks.spawn_blocking({
            let task = task.clone();
            move || task.run_commands(&operator, &people, &folder)
        });
        let Task { ledger, over } = task;
        Crowd { ledger, over: Over(over), tasks, vendor, roster }
    }

    /// Waits until so much more was answered: what broke is felt, or over.
    pub async fn hears(&self, more: usize) {
        let wanted = self.ledger.lock().unwrap().told() + more;
        let give_up = Instant::now() + PATIENCE;
        while self.ledger.lock().unwrap().told() < wanted {
            assert!(Instant::now() < give_up, "nobody is answered: {:?}", self.ledger.lock().unwrap().turned_away);
            tokio::time::sleep(BREATH).await;
        }
    }

    /// Waits until so much more was answered by this status instead.
    pub async fn feels(&self, status: u16) {
        let count = || self.ledger.lock().unwrap().turned_away.get(&status).map_or(0, |(count, _)| *count);
        let (before, give_up) = (count(), Instant::now() + PATIENCE);
        while count() <= before {
            assert!(Instant::now() < give_up, "nobody is told: {:?}", self.ledger.lock().unwrap().turned_away);
            tokio::time::sleep(BREATH).await;
        }
    }

    /// What was issued for minutes is over by a clock that is set.
    pub fn is_out_of_time(&self) {
        self.ledger.lock().unwrap().out_of_time = true;
    }

    /// Goes home, and counts.
    pub async fn count(mut self, experiment: &str, fleet: &Fleet) -> Ledger {
        drop(self.over);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        let ready = async || fleet.are_ready().await;
        fleet.library.soon_enough(PATIENCE, "all are ready again", ready).await;
        let ledger = Arc::into_inner(self.ledger).unwrap().into_inner().unwrap();
        ledger.hold_against(experiment, &fleet.library, &self.vendor, &self.roster).await;
        ledger
    }
}

impl Task {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// Not answered, or asked to come back.
    async fn turned_away(&self, status: u16, body: &str) {
        self.ledger().turn_away(status, body);
        tokio::time::sleep(BREATH).await;
    }

    /// Signs in at the vendor, now as somebody known and now as a newcomer who chooses a PIN; the vendor redeems the code,
    /// sometimes twice at once, and renews what it won.
    async fn read(self, vendor: OidcVendor, known: Patron, newcomers: Vec<Person>) {
        let mut newcomers = newcomers.into_iter();
        for turn in 0.. {
            if !self.goes_on() {
                return;
            }
            let newcomer = if turn % 3 == 2 { newcomers.next() } else { None };
            let patron = newcomer.as_ref().map_or_else(|| known.clone(), Person::card);
            let (browser, challenge) = (Browser::through_a_proxy(), Challenge::new());
            let url = vendor.authorize_url(&vendor.request(&challenge));
            let back = match browser.click(&url, &patron, &vendor.party).await {
                Arrival::Left(back) => back,
                Arrival::Page(page) => {
                    self.turned_away(page.status.as_u16(), &page.body).await;
                    continue;
                }
            };
            let Some(code) = query_of(&back, "code") else {
                self.turned_away(0, back.as_str()).await;
                continue;
            };
            {
                let mut ledger = self.ledger();
                ledger.sessions.push(browser.cookies());
                ledger.event("sign-in");
                ledger.event("issue");
                if newcomer.is_some() {
                    ledger.chosen.insert(patron.card.clone());
                    ledger.event("pin-set");
                }
            }
            self.redeem(&vendor, code, &challenge, turn % 4 == 3).await;
        }
    }

    async fn redeem(&self, vendor: &OidcVendor, code: String, challenge: &Challenge, twice: bool) {
        let fields = vendor.exchange(&code, challenge);
        let answers = if twice {
            let (one, other) = tokio::join!(vendor.try_token(&fields), vendor.try_token(&fields));
            vec![one, other]
        } else {
            let mut answers = vec![vendor.try_token(&fields).await];
            // An answer that was lost may have won: nobody may win by asking again then.
            while answers.last().is_some_and(|(status, _)| *status >= 500) && answers.len() < 5 {
                tokio::time::sleep(BREATH).await;
                answers.push(vendor.try_token(&fields).await);
            }
            answers
        };
        let abused = answers.len() > 1;
        let won = answers.iter().find(|(status, _)| *status == 200).map(|(_, tokens)| tokens.clone());
        for (status, said) in answers.iter().filter(|(status, _)| !matches!(status, 200 | 400)) {
            self.ledger().turn_away(*status, &said.to_string());
        }
        let answers = answers.iter().map(|(status, _)| *status).collect();
        self.ledger().codes.insert(code, super::ledger::Code { fields, answers });
        if let Some(tokens) = won.filter(|_| !abused) {
            self.renew(vendor, &tokens).await;
        }
    }

    /// Three times in a row. An answer that was lost is asked for again, at once, as the contract allows.
    async fn renew(&self, vendor: &OidcVendor, tokens: &Value) {
        let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
        self.ledger().access.push((text(tokens, "access_token"), Instant::now()));
        let mut newest = text(tokens, "refresh_token");
        for _ in 0..3 {
            let began = Instant::now();
            let mut lost = 0;
            let next = loop {
                let (status, said) = vendor.try_token(&renewal(&newest)).await;
                match status {
                    200 => break text(&said, "refresh_token"),
                    500.. if began.elapsed() < Duration::from_secs(8) => {
                        lost += 1;
                        self.turned_away(status, &said.to_string()).await;
                    }
                    // What was lost for longer than the contract's ten seconds ends the grant: nothing was promised.
                    _ if lost > 0 => return,
                    _ => {
                        let mut ledger = self.ledger();
                        ledger.newest.insert(newest.clone());
                        ledger.turn_away(status, &said.to_string());
                        return;
                    }
                }
            };
            let mut ledger = self.ledger();
            ledger.renewals.entry(newest).or_default().insert(next.clone());
            ledger.event("renew");
            newest = next;
        }
        self.ledger().newest.insert(newest);
    }

    /// Asks for what is for adults, and is shown why not, with a code.
    async fn be_refused(self, vendor: OidcVendor, patron: Patron) {
        let browser = Browser::through_a_proxy();
        while self.goes_on() && self.ledger().refusals.len() < REFUSALS {
            let url = vendor.authorize_url(&vendor.request(&Challenge::new()));
            match browser.click(&url, &patron, &vendor.party).await {
                Arrival::Page(page) => match page.code() {
                    Some(code) => {
                        let mut ledger = self.ledger();
                        ledger.refusals.push(code);
                        ledger.event("refusal");
                    }
                    None => self.turned_away(page.status.as_u16(), &page.body).await,
                },
                Arrival::Left(back) => panic!("a pupil was let in: {back}"),
            }
        }
    }

    /// One command after the other, as staff types them: a block, a vendor, a roster, a key.
    fn run_commands(self, operator: &Operator, people: &[Person], folder: &std::path::Path) {
        let mut blocked = people[BLOCKED].iter();
        let mut rosters = FIRST + 1..=people.len();
        for turn in 0.. {
            if !self.goes_on() {
                return;
            }
            let (kind, done) = match turn % 4 {
                0 => {
                    let Some(person) = blocked.next() else { continue };
                    let card = person.card().card;
                    let done = operator.run(&["card", "block", &card, "--reason", "lost", "--json"]);
                    if done.status == 0 {
                        self.ledger().blocked.insert(card);
                    }
                    ("card-status", done)
                }
                1 => {
                    let id = format!("vendor-{turn}");
                    let file = folder.with_file_name(format!("{id}.toml"));
                    let audience = "audience = [\"adult\"]\nscopes = [\"library.ebooks\"]";
                    std::fs::write(&file, format!("[[vendor]]\nid = \"{id}\"\nname = \"{id}\"\n{audience}\n")).unwrap();
                    let done = operator.run(&["apply", &file.to_string_lossy(), "--json"]);
                    if done.status == 0 {
                        self.ledger().vendors.insert(id);
                    }
                    ("apply", done)
                }
                2 => {
                    let Some(count) = rosters.next() else { continue };
                    let path = Delivery::of(&people[..count]).folder(&folder.join(count.to_string()));
                    self.ledger().tried = count;
                    let done = operator.run(&["directory", "import", "cms", &path.to_string_lossy(), "--json"]);
                    if done.status == 0 {
                        self.ledger().imported = count;
                    }
                    ("import", done)
                }
                _ => {
                    if self.ledger().keys.len() == KEYS {
                        continue;
                    }
                    let done = operator.run(&["keys", "rotate", "--algorithm", "ES256", "--force", "--json"]);
                    if done.status == 0 {
                        let kid = done.json()["begun"][0]["kid"].as_str().unwrap().to_owned();
                        self.ledger().keys.insert(kid);
                    }
                    ("key-made", done)
                }
            };
            let mut ledger = self.ledger();
            match done.status {
                0 => ledger.event(kind),
                1 => ledger.failed.push(format!("{kind}: {}", done.stderr.trim())),
                status => panic!("{kind} ended with {status}: {}", done.stderr),
            }
        }
    }
}
