//! The roster of a directory: everything in pages, or only what changed since the last time.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use ldap3::Scope;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        Changes, Extent, Org, Report, Roster,
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
    /// What the last delivery of changes held.
    #[serde(default)]
    held: String,
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
        let fresh = wish.now.since(mark.whole) < settings.whole_every;
        settings.incremental != Incremental::None && mark.server == place.server && mark.way == way && fresh
    });
    let from = known.as_ref().and_then(|mark| stamp::after(settings.incremental, &mark.at));
    let known = known.filter(|_| from.is_some());
    if let (Some(mark), Incremental::UsnChanged) = (&known, settings.incremental)
        && place.highest_usn.as_deref() == Some(mark.at.as_str())
    {
        return Ok(None);
    }
    let filter = match (settings.incremental.attribute(), &from) {
        (Some(attribute), Some(from)) if known.is_some() => filter::at_least(roster_filter, attribute, from),
        _ => roster_filter.clone(),
    };
    let mut reading = Reading::new(settings, wish.now);
    read_all(&mut line, settings, filter, &mut reading, wish).await?;
    let held = hex::encode(reading.held);
    if known.as_ref().is_some_and(|mark| settings.incremental != Incremental::UsnChanged && mark.held == held) {
        return Ok(None);
    }
    let latest = match settings.incremental {
        Incremental::UsnChanged => place.highest_usn,
        _ => reading.latest.take().max(known.as_ref().map(|mark| mark.at.clone())),
    };
    let bookmark = latest.map(|at| Bookmark {
        server: place.server,
        way,
        at,
        held: if known.is_some() { held } else { String::new() },
        whole: known.as_ref().map_or(wish.now, |mark| mark.whole),
    });
    let bookmark = bookmark.filter(|_| settings.incremental != Incremental::None);
    Ok(Some(Delivery {
        roster: reading.into_roster(known.is_some()),
        origin: format!("{}/{}", line.url, settings.base_dn),
        bookmark: bookmark.and_then(|mark| serde_json::to_string(&mark).ok()),
    }))
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
    orgs: BTreeMap<String, ()>,
    report: Report,
    latest: Option<String>,
    /// Over all entries and when they changed, in whatever order they come.
    held: [u8; 32],
}

impl Reading<'_> {
    fn new(settings: &Settings, now: Timestamp) -> Reading<'_> {
        Reading {
            settings,
            now,
            place: 0,
            people: Vec::new(),
            gone: Vec::new(),
            orgs: BTreeMap::new(),
            report: Report::default(),
            latest: None,
            held: [0; 32],
        }
    }

    fn take(&mut self, entry: &Entry) {
        self.place += 1;
        if let Some(at) = self.settings.incremental.attribute().and_then(|name| entry.text(name)) {
            let one = digest(&SHA256, format!("{}\0{at}", entry.dn).as_bytes());
            self.held.iter_mut().zip(one.as_ref()).for_each(|(all, one)| *all ^= one);
            self.latest = self.latest.take().max(Some(at));
        }
        match entry::read(entry, self.settings, self.now, self.place, &mut self.report) {
            Meaning::Here(person) => {
                for post in &person.posts {
                    if !self.orgs.contains_key(&post.org) {
                        self.orgs.insert(post.org.clone(), ());
                    }
                }
                self.people.push(person);
            }
            Meaning::Gone(sourced_id) => self.gone.push(sourced_id),
            Meaning::Nothing => {}
        }
    }

    fn into_roster(self, changes: bool) -> Roster {
        let org = |id: String| Org { name: id.clone(), sourced_id: id, parent: None };
        let extent = if changes {
            Extent::Changes(Changes { gone: self.gone, posts_are_whole: true, ..Changes::default() })
        } else {
            Extent::Whole
        };
        let orgs = self.orgs.into_keys().map(org).collect();
        Roster { orgs, people: self.people, report: self.report, extent }
    }
}
