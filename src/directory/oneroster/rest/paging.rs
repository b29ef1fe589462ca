//! One collection, page after page. Rows may come and go while it is read: then pages overlap or leave a gap, the count
//! does not come out, and it is read anew.

use serde_json::Value;
use url::Url;

use super::{
    super::ids::Ids,
    bookmark::Seen,
    caller::{Answer, Caller, Unanswered},
    shape::{self, Shape},
    spool::Spool,
};
use crate::{directory::source::PullError, domain::clock::Timestamp};

/// How often a collection that moves is read before it is given up.
const READINGS: usize = 3;
/// No district has as many people; a service that goes on for ever does.
const MOST: u64 = 5_000_000;

/// Fetches all of `shape`, or what was modified after `since`, into the spool. Answers how many records.
pub(super) async fn collect(
    caller: &mut Caller<'_>,
    shape: &Shape,
    since: Option<Timestamp>,
    spool: &mut Spool,
    seen: &mut Seen,
    told: &(dyn Fn(u64, u64) + Sync),
) -> Result<u64, PullError> {
    let mut asking = Asking { shape, since, sorted: true };
    let mut readings = 0;
    loop {
        shape.begin(spool)?;
        match read(caller, &asking, spool, seen, told).await {
            Ok(Some(count)) => return Ok(count),
            Ok(None) => readings += 1,
            // Not every service can sort, or choose fields.
            Err(Unanswered::NotSo(_)) if asking.sorted => asking.sorted = false,
            Err(Unanswered::NotSo(error) | Unanswered::Failed(error)) => return Err(error),
        }
        if readings == READINGS {
            let what = shape.collection;
            return Err(PullError::Away(format!(
                "{}/{what} changed while it was read, {READINGS} times: the number of records did not come out",
                caller.service.root
            )));
        }
    }
}

struct Asking<'a> {
    shape: &'a Shape,
    since: Option<Timestamp>,
    sorted: bool,
}

impl Asking<'_> {
    fn address(&self, root: &str, limit: u64, offset: u64) -> Result<Url, PullError> {
        let address = format!("{root}/{}", self.shape.collection);
        let mut url =
            Url::parse(&address).map_err(|error| PullError::Wrong(format!("{address:?} is no URL: {error}")))?;
        let mut query = url.query_pairs_mut();
        query.append_pair("limit", &limit.to_string()).append_pair("offset", &offset.to_string());
        if self.sorted {
            query.append_pair("sort", "sourcedId").append_pair("orderBy", "asc");
            query.append_pair("fields", &self.shape.fields.join(","));
        }
        if let Some(since) = self.since {
            query.append_pair("filter", &format!("dateLastModified>'{}'", since.rfc3339()));
        }
        drop(query);
        Ok(url)
    }
}

/// `None` where the count does not come out.
async fn read(
    caller: &mut Caller<'_>,
    asking: &Asking<'_>,
    spool: &mut Spool,
    seen: &mut Seen,
    told: &(dyn Fn(u64, u64) + Sync),
) -> Result<Option<u64>, Unanswered> {
    let (root, limit) = (caller.service.root.clone(), caller.service.page_size);
    let mut ids = Ids::default();
    let (mut received, mut kept) = (0u64, 0u64);
    let mut first_total = None;
    let mut url = asking.address(&root, limit, 0)?;
    loop {
        let page = caller.get(url.as_str()).await?;
        let records = records(&page, asking.shape, &url)?;
        let total = total(&page);
        let kept_before = kept;
        for record in records {
            let id = shape::id(record);
            // What has no id is told of by the reader of rows.
            if id.is_empty() || ids.number(&id).1 {
                kept += 1;
                seen.note(&shape::modified(record));
                asking.shape.write(record, spool)?;
            }
        }
        received += records.len() as u64;
        told(kept, total.unwrap_or(0).max(kept));
        let first_total = *first_total.get_or_insert(total);
        if first_total != total {
            return Ok(None);
        }
        let next = match link(&page) {
            Link::Next(next) => Some(same_place(&url, &next)?),
            Link::Last => None,
            Link::None if total.is_some_and(|total| received >= total) => None,
            Link::None => Some(asking.address(&root, limit, received)?),
        };
        // A page without anything new is the end, whatever it says of a next one.
        let Some(next) = next.filter(|_| kept > kept_before) else {
            return Ok(Some(kept).filter(|kept| total.is_none_or(|total| *kept == total)));
        };
        if kept > MOST {
            let what = format!("{url}: more than {MOST} records, as no district has");
            return Err(PullError::Wrong(what).into());
        }
        url = next;
    }
}

fn records<'p>(page: &'p Answer, shape: &Shape, url: &Url) -> Result<&'p [Value], PullError> {
    let list = page.body.get(shape.collection).and_then(Value::as_array);
    let none =
        || PullError::Wrong(format!("{url} answers with no list of {}: check url and version", shape.collection));
    list.map(Vec::as_slice).ok_or_else(none)
}

fn total(page: &Answer) -> Option<u64> {
    page.headers.get("x-total-count")?.to_str().ok()?.trim().parse().ok()
}

enum Link {
    Next(String),
    /// There are links, and none onwards.
    Last,
    None,
}

/// RFC 8288: `<https://…?offset=100>; rel="next", <…>; rel="last"`.
fn link(page: &Answer) -> Link {
    let mut any = false;
    for value in page.headers.get_all(http::header::LINK) {
        let Ok(mut rest) = value.to_str() else { continue };
        while let Some((_, after)) = rest.split_once('<') {
            let Some((target, parameters)) = after.split_once('>') else { break };
            let (own, further) = parameters
                .split_once('<')
                .map_or((parameters, ""), |(own, _)| (own, parameters.get(own.len()..).unwrap_or_default()));
            any = true;
            if own.split([';', ',']).any(is_next) {
                return Link::Next(target.trim().to_owned());
            }
            rest = further;
        }
    }
    if any { Link::Last } else { Link::None }
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let value = value.trim().trim_matches(['"', '\'']);
    name.trim().eq_ignore_ascii_case("rel") && value.split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
}

/// The token goes nowhere but to the service that it is for.
fn same_place(here: &Url, next: &str) -> Result<Url, PullError> {
    let url =
        here.join(next).map_err(|error| PullError::Wrong(format!("the next page {next:?} is no URL: {error}")))?;
    if url.origin() != here.origin() {
        return Err(PullError::Wrong(format!("{here} sends us on to another server, {url}: that is not followed")));
    }
    Ok(url)
}
