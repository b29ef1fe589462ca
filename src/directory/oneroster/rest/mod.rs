//! `oneroster-rest`: a OneRoster service, 1.1 or 1.2, asked page by page. It is a transport alone: what the pages say is
//! spooled as a OneRoster CSV delivery, whole or of changes, and read by the same rules as any other.
//!
//! `service` holds the settings, `caller` asks and asks again, `paging` fetches a collection, `shape` knows JSON and
//! columns, `spool` is the delivery in the making, `bookmark` says from where to go on.

mod bookmark;
mod caller;
mod paging;
mod service;
mod shape;
mod spool;
#[cfg(test)]
mod tests;

use self::{
    bookmark::Bookmark,
    caller::Caller,
    service::Service,
    shape::{DEMOGRAPHICS, ORGS, Shape, USERS_1P1, USERS_1P2},
    spool::Spool,
};
use super::{Version, kind::Files};
use crate::{
    directory::{
        Extent, Roster, apart,
        source::{Delivery, Kind, Means, Pull, PullError, Soon, Source, Wish},
    },
    domain::{
        catalogue::SourceSettings,
        field::{Field, Misfit},
    },
    outbound::Outbound,
};

pub struct OneRosterRest;

impl Kind for OneRosterRest {
    fn name(&self) -> &'static str {
        "oneroster-rest"
    }

    fn settings(&self) -> &'static [Field] {
        service::FIELDS
    }

    fn check(&self, source: &SourceSettings) -> Result<(), Misfit> {
        Service::of(source).map(drop).map_err(|(field, why)| Misfit { field, why })
    }

    fn open(&self, source: &SourceSettings, means: &Means) -> Result<Box<dyn Source>, String> {
        let service = Service::of(source).map_err(|(field, why)| format!("{field} {why}"))?;
        Ok(Box::new(Asked { service, outbound: means.outbound.clone() }))
    }
}

struct Asked {
    service: Service,
    outbound: Outbound,
}

impl Source for Asked {
    fn roster(&self) -> Option<&dyn Pull> {
        Some(self)
    }
}

impl Pull for Asked {
    fn pull<'a>(&'a self, wish: &'a Wish<'a>) -> Soon<'a, Result<Option<Delivery>, PullError>> {
        Box::pin(self.fetch(wish))
    }
}

impl Asked {
    async fn fetch(&self, wish: &Wish<'_>) -> Result<Option<Delivery>, PullError> {
        let service = &self.service;
        let known = wish.bookmark.and_then(|text| Bookmark::read(text, &service.root));
        let known = known.filter(|known| wish.now.apart(known.whole_at) < service.whole_every);
        let since = known.as_ref().map(|known| known.since);
        let mut caller = Caller::new(service, &self.outbound, wish.birthdays);
        let mut spool = Spool::new(&service.spool)?;
        let mut seen = bookmark::Seen::default();

        // The offices and schools are few: they come whole, so that nothing depends on their dates.
        let mut count = 0;
        let users = if service.version == Version::V1p1 { &USERS_1P1 } else { &USERS_1P2 };
        let mut shapes: Vec<(&Shape, bool)> = vec![(&ORGS, false), (users, true)];
        if wish.birthdays {
            shapes.push((&DEMOGRAPHICS, true));
        }
        for (shape, by_date) in shapes {
            let since = since.filter(|_| by_date);
            let before = count;
            let told = move |done, total| (wish.progress)(before + done, before + total);
            count += paging::collect(&mut caller, shape, since, &mut spool, &mut seen, &told).await?;
        }
        spool.close(service.version, since.is_some(), wish.birthdays)?;

        let mut roster = match apart::read(&Files, spool.path(), wish).await? {
            Ok(roster) => roster,
            Err(error) if error.may_pass() => return Err(PullError::Away(error.to_string())),
            Err(error) => return Err(PullError::Wrong(format!("{}: {error}", service.root))),
        };
        fold_posts(&mut roster);
        for note in &mut roster.report.notes {
            // The spooled file is gone by now. Its lines count what the service handed over, the header being 1.
            note.file = note.file.trim_end_matches(".csv").to_owned();
        }
        let next = match &known {
            Some(known) => Bookmark { since: seen.since(wish.now).unwrap_or(known.since), whole_at: known.whole_at },
            None => Bookmark { since: seen.since(wish.now).unwrap_or(wish.now), whole_at: wish.now },
        };
        Ok(Some(Delivery { roster, origin: service.root.clone(), bookmark: Some(next.write(&service.root)) }))
    }
}

/// A service of 1.2 tells all roles of whom it tells, and its roles have no keys of their own: so in a delivery of
/// changes people come with their posts, and whoever has none is here no more.
fn fold_posts(roster: &mut Roster) {
    let Extent::Changes(changes) = &mut roster.extent else { return };
    if changes.posts_are_whole {
        return;
    }
    changes.posts_are_whole = true;
    let mut posts = std::mem::take(&mut changes.posts);
    // By person, each one's in the order in which they were told.
    posts.sort_by(|one, other| one.0.cmp(&other.0));
    for person in &mut roster.people {
        let from = posts.partition_point(|(user, ..)| *user < person.sourced_id);
        let own = posts.get(from..).unwrap_or_default().iter().take_while(|(user, ..)| *user == person.sourced_id);
        person.posts = own.filter_map(|(_, _, post)| post.clone()).collect();
        for post in &mut person.posts {
            post.id.clear();
            post.grade = person.grade.filter(|_| post.role == crate::domain::patron::Role::Student);
        }
        let first = person.primary_org.take();
        person.posts.sort_by_key(|post| (!post.primary, first.as_deref() != Some(&*post.org)));
    }
    let (staying, gone): (Vec<_>, Vec<_>) =
        std::mem::take(&mut roster.people).into_iter().partition(|person| !person.posts.is_empty());
    roster.people = staying;
    changes.gone.extend(gone.into_iter().map(|person| person.sourced_id));
}
