//! The roster of a directory: everything in pages, or only what changed since the last time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aws_lc_rs::digest::{SHA256, digest};
use ldap3::Scope;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        Changes, Extent, Org, Report, Roster, share,
        source::{Delivery, PullError, Wish},
    },
    account,
    entry::{self, Entry, Meaning},
    filter,
    line::{Line, Search, Servers},
    settings::{Incremental, Settings},
    stamp,
};
use crate::domain::clock::Timestamp;

/// From where to go on. Good only for the same directory, asked in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bookmark {
    /// Which directory, and with uSNChanged which of its servers.
    server: String,
    /// How it was asked.
    way: String,
    /// The latest change that was seen.
    at: String,
    /// What stood from the next question's beginning on.
    #[serde(default)]
    held: String,
    /// Nothing with an earlier mark can arrive any more.
    #[serde(default)]
    settled: bool,
    /// When that was.
    asked: Timestamp,
    /// When everything was asked for last.
    whole: Timestamp,
}

pub(super) async fn pull(
    servers: &Servers,
    settings: &Settings,
    wish: &Wish<'_>,
) -> Result<Option<Delivery>, PullError> {
    let Some(roster_filter) = &settings.roster_filter else {
        return Err(PullError::Wrong("roster_filter is missing: this directory hands over no roster".into()));
    };
    let mut line = servers.connect(true).await?;
    let way = way(settings);
    let place = whereabouts(&mut line, settings).await?;
    let known = wish.bookmark.and_then(|text| serde_json::from_str::<Bookmark>(text).ok());
    let known = known.filter(|mark| {
        let fresh = wish.now.apart(mark.whole) < settings.whole_every;
        settings.incremental != Incremental::None && mark.server == place.server && mark.way == way && fresh
    });
    // One fetch asks until there is nothing new.
    if known.as_ref().is_some_and(|mark| mark.asked == wish.now) {
        return Ok(None);
    }
    let by_usn = settings.incremental == Incremental::UsnChanged;
    let from = known.as_ref().and_then(|mark| stamp::after(settings.incremental, &mark.at, mark.settled));
    let known = known.filter(|_| from.is_some());
    if by_usn && known.as_ref().is_some_and(|mark| place.highest_usn.as_ref() == Some(&mark.at)) {
        return Ok(None);
    }
    let filter = match (settings.incremental.attribute(), &from) {
        (Some(attribute), Some(from)) => filter::at_least(roster_filter, attribute, from),
        _ => roster_filter.clone(),
    };
    let mut reading = Reading::new(settings, wish.now);
    read_all(&mut line, settings, filter, &mut reading, wish).await?;
    let origin = format!("{}/{}", line.url, settings.base_dn);
    let whole = known.as_ref().map_or(wish.now, |mark| mark.whole);
    let mark = |at: String, settled: bool, held: String| {
        let bookmark = Bookmark { server: place.server.clone(), way, at, held, settled, asked: wish.now, whole };
        serde_json::to_string(&bookmark).ok()
    };
    if by_usn {
        let bookmark = place.highest_usn.clone().and_then(|at| mark(at, true, String::new()));
        return Ok(Some(Delivery { roster: reading.into_roster(known.is_some()), origin, bookmark }));
    }
    let before = known.as_ref().map(|mark| mark.at.clone());
    let Some(latest) = reading.latest.clone().max(before) else {
        return Ok(Some(Delivery { roster: reading.into_roster(false), origin, bookmark: None }));
    };
    if let Some(known) = &known
        && reading.held_from(known.settled, &latest) == known.held
        && latest == known.at
    {
        if known.settled || !stamp::is_settled(&latest, wish.now) {
            return Ok(None);
        }
        // Once more nothing, late enough: from now on less is asked for, which only a delivery can leave with us.
        let bookmark = mark(latest.clone(), true, reading.held_from(true, &latest));
        let roster = Roster {
            extent: Extent::Changes(Changes { posts_are_whole: true, ..Changes::default() }),
            ..Roster::default()
        };
        return Ok(Some(Delivery { roster, origin, bookmark }));
    }
    let bookmark = mark(latest.clone(), false, reading.held_from(false, &latest));
    Ok(Some(Delivery { roster: reading.into_roster(known.is_some()), origin, bookmark }))
}

async fn read_all(
    line: &mut Line,
    settings: &Settings,
    filter: String,
    reading: &mut Reading<'_>,
    wish: &Wish<'_>,
) -> Result<(), PullError> {
    let asked =
        settings.attributes.all().into_iter().chain(account::ATTRIBUTES).chain(settings.incremental.attribute());
    let attributes = asked.map(str::to_owned).collect();
    let search = Search { base: settings.base_dn.clone(), scope: Scope::Subtree, filter, attributes, most: 0 };
    let mut cookie = Vec::new();
    loop {
        let page = line.page(&search, settings.page_size, cookie).await?;
        page.entries.iter().for_each(|entry| reading.take(entry));
        reading.forget_the_old();
        (wish.progress)(reading.place, 0);
        match page.next {
            Some(next) => cookie = next,
            None => return Ok(()),
        }
    }
}

/// How it was asked: with another filter or mapping, what is unchanged there is changed here.
fn way(settings: &Settings) -> String {
    let Settings { base_dn, roster_filter, attributes, role_values, role, org, incremental, .. } = settings;
    let all = format!("{base_dn:?} {roster_filter:?} {attributes:?} {role_values:?} {role:?} {org:?} {incremental:?}");
    hex::encode(digest(&SHA256, all.as_bytes()).as_ref().get(..16).unwrap_or_default())
}

struct Whereabouts {
    server: String,
    highest_usn: Option<String>,
}

/// Which directory this is: the identity of its base, which a directory that is set up anew does not keep. Active
/// Directory counts changes on each server apart, so there it is the server's own identity as well.
async fn whereabouts(line: &mut Line, settings: &Settings) -> Result<Whereabouts, PullError> {
    let url = line.url.clone();
    let one = async |line: &mut Line, base: &str, attributes: &[&str]| {
        let attributes = attributes.iter().map(|name| (*name).to_owned()).collect();
        let filter = "(objectClass=*)".to_owned();
        let search = Search { base: base.to_owned(), scope: Scope::Base, filter, attributes, most: 1 };
        let (mut found, result) = line.search(&search).await.map_err(|why| PullError::Away(format!("{url}: {why}")))?;
        match (found.pop(), result.rc) {
            (Some(entry), _) => Ok(entry),
            (None, 10) => Err(PullError::Wrong(format!("{url} refers to another server for {base:?}"))),
            (None, code) => Err(PullError::Wrong(format!("{url} shows no entry {base:?} to bind_dn (result {code})"))),
        }
    };
    let base = one(line, &settings.base_dn, &["entryUUID", "objectGUID", "nsUniqueId"]).await?;
    let names = ["entryUUID", "objectGUID", "nsUniqueId"];
    let mut server = names.iter().find_map(|name| base.text(name)).unwrap_or_else(|| settings.base_dn.clone());
    let mut highest_usn = None;
    if settings.incremental == Incremental::UsnChanged {
        let root = one(line, "", &["dsServiceName", "highestCommittedUSN"]).await?;
        let missing = || PullError::Wrong(format!("{url} counts no uSNChanged: use another incremental"));
        let service = root.text("dsServiceName").ok_or_else(missing)?;
        highest_usn = Some(root.text("highestCommittedUSN").ok_or_else(missing)?);
        let invocation = one(line, &service, &["invocationId"]).await?;
        let invocation = invocation.bytes("invocationId").map(hex::encode).ok_or_else(missing)?;
        server = format!("{server} {service} {invocation}");
    }
    Ok(Whereabouts { server, highest_usn })
}

/// What was read so far.
struct Reading<'s> {
    settings: &'s Settings,
    now: Timestamp,
    place: u64,
    people: Vec<super::super::Person>,
    gone: Vec<String>,
    orgs: BTreeSet<Arc<str>>,
    report: Report,
    latest: Option<String>,
    /// For each second of the last minutes, a digest over all entries that changed in it, in whatever order they come.
    held: BTreeMap<String, [u8; 32]>,
}

impl Reading<'_> {
    fn new(settings: &Settings, now: Timestamp) -> Reading<'_> {
        Reading {
            settings,
            now,
            place: 0,
            people: Vec::new(),
            gone: Vec::new(),
            orgs: BTreeSet::new(),
            report: Report::default(),
            latest: None,
            held: BTreeMap::new(),
        }
    }

    fn take(&mut self, entry: &Entry) {
        self.place += 1;
        if let Some(at) = self.settings.incremental.attribute().and_then(|name| entry.text(name)) {
            let one = entry.digest();
            let second = stamp::second(&at).unwrap_or_default();
            let held = self.held.entry(second).or_default();
            held.iter_mut().zip(one).for_each(|(all, one)| *all ^= one);
            self.latest = self.latest.take().max(Some(at));
        }
        match entry::read(entry, self.settings, self.now, self.place, &mut self.report) {
            Meaning::Person(mut person) => {
                for post in &mut person.posts {
                    share(&mut self.orgs, &mut post.org);
                }
                self.people.push(*person);
            }
            Meaning::Gone(sourced_id) => self.gone.push(sourced_id),
            Meaning::Nothing => {}
        }
    }

    fn forget_the_old(&mut self) {
        let from = self.latest.as_ref().and_then(|at| stamp::after(Incremental::ModifyTimestamp, at, false));
        if let Some(from) = from.and_then(|from| stamp::second(&from)) {
            self.held = self.held.split_off(&from);
        }
    }

    /// What the next question should find, unless something changes.
    fn held_from(&self, settled: bool, latest: &str) -> String {
        let from = stamp::after(Incremental::ModifyTimestamp, latest, settled);
        let from = from.and_then(|from| stamp::second(&from)).unwrap_or_default();
        let mut all = [0; 32];
        for (_, held) in self.held.range(from..) {
            all.iter_mut().zip(held).for_each(|(all, one)| *all ^= one);
        }
        hex::encode(all)
    }

    fn into_roster(self, changes: bool) -> Roster {
        let org = |id: Arc<str>| Org { name: id.to_string(), sourced_id: id, parent: None };
        let extent = if changes {
            Extent::Changes(Changes { gone: self.gone, posts_are_whole: true, ..Changes::default() })
        } else {
            Extent::Whole
        };
        let orgs = self.orgs.into_iter().map(org).collect();
        Roster { orgs, people: self.people, report: self.report, extent, ..Roster::default() }
    }
}
