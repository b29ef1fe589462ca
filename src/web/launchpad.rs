//! The shelf of what a patron may use, and why the rest is not on it.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    browser::{Browser, see},
    refusal::Why,
};
use crate::{
    domain::vendor::{Shelf, Vendor},
    pages::Frame,
    signon::SignOn,
};

/// From this many tiles on there is a search.
const MANY: usize = 13;

#[derive(Default, Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
}

#[derive(Serialize)]
struct Page {
    frame: Frame,
    shelves: Vec<Row>,
    query: String,
    found: usize,
    searchable: bool,
    missing: bool,
    /// Why the shelf is empty, where the patron as such is refused.
    reason: Option<Why>,
}

#[derive(Serialize)]
struct Row {
    kind: Shelf,
    tiles: Vec<Tile>,
}

#[derive(Debug, Serialize)]
struct Tile {
    id: String,
    name: String,
    description: Option<String>,
    href: String,
    /// The cover's colour, the same for a vendor wherever it stands.
    hue: usize,
}

#[derive(Serialize)]
struct MissingPage {
    frame: Frame,
    missing: Vec<Missing>,
}

#[derive(Serialize)]
struct Missing {
    name: String,
    reason: &'static str,
}

pub async fn show(
    State(signon): State<SignOn>,
    search: Result<Query<Search>, QueryRejection>,
    browser: Browser,
) -> Result<Response, Failure> {
    let Some(who) = signon.who(&browser.visitor).await? else { return see("/sign-in") };
    if who.session.pin_change_due {
        return see("/change-pin");
    }
    let Query(search) = search.unwrap_or_default();
    let vendors = signon.vendors_for(&who);
    let issuer = &signon.app().config.issuer;
    let usable = vendors.iter().filter(|(_, reason)| reason.is_none());
    let tiles: Vec<(Shelf, Tile)> = usable.filter_map(|(v, _)| Some((v.shelf, tile(v, issuer)?))).collect();

    let searchable = tiles.len() >= MANY;
    let query = if searchable { search.q.trim().chars().take(60).collect() } else { String::new() };
    let tiles: Vec<_> = tiles.into_iter().filter(|(_, tile)| tile.matches(&query)).collect();
    let page = Page {
        frame: Frame { csrf: browser.token()?.0, ..browser.frame(Some(&who)) },
        found: tiles.len(),
        shelves: shelves(tiles),
        query,
        searchable,
        missing: vendors.iter().any(|(_, reason)| reason.is_some()),
        reason: who.refused.as_ref().map(Why::from),
    };
    browser.page(StatusCode::OK, "launchpad/launchpad.html", page)
}

pub async fn missing(State(signon): State<SignOn>, browser: Browser) -> Result<Response, Failure> {
    let Some(who) = signon.who(&browser.visitor).await? else { return see("/sign-in") };
    let missing = signon.vendors_for(&who).into_iter();
    let missing = missing.filter_map(|(v, reason)| Some(Missing { name: v.name, reason: reason?.code() })).collect();
    let frame = Frame { csrf: browser.token()?.0, ..browser.frame(Some(&who)) };
    browser.page(StatusCode::OK, "launchpad/missing.html", MissingPage { frame, missing })
}

/// Tiles by kind, each kind by name; neighbours never share a colour.
fn shelves(mut tiles: Vec<(Shelf, Tile)>) -> Vec<Row> {
    tiles.sort_by(|(one_shelf, one), (next_shelf, next)| {
        (one_shelf, one.name.to_lowercase()).cmp(&(next_shelf, next.name.to_lowercase()))
    });
    let mut rows: Vec<Row> = Vec::new();
    for (kind, mut tile) in tiles {
        match rows.last_mut().filter(|row| row.kind == kind) {
            Some(row) => {
                if row.tiles.last().is_some_and(|before| before.hue == tile.hue) {
                    tile.hue = (tile.hue + 3) % HUES;
                }
                row.tiles.push(tile);
            }
            None => rows.push(Row { kind, tiles: vec![tile] }),
        }
    }
    rows
}

/// As many as the stylesheet has covers.
const HUES: usize = 8;

fn tile(vendor: &Vendor, issuer: &str) -> Option<Tile> {
    let hue = vendor.id.as_str().bytes().fold(0usize, |hue, byte| hue.wrapping_mul(31).wrapping_add(byte.into()));
    Some(Tile {
        id: vendor.id.to_string(),
        name: vendor.name.clone(),
        description: vendor.description.clone(),
        href: start_of(vendor, issuer)?,
        hue: hue % HUES,
    })
}

impl Tile {
    fn matches(&self, query: &str) -> bool {
        let (query, about) = (query.to_lowercase(), self.description.as_deref().unwrap_or_default());
        self.name.to_lowercase().contains(&query) || about.to_lowercase().contains(&query)
    }
}

/// Where a click begins: the vendor's own address, or the relying party's `initiate_login_uri`, told who asks it to
/// begin (OpenID Connect Core section 4), or our own way there. `None` where the vendor has none, as one reached by its own app only.
fn start_of(vendor: &Vendor, issuer: &str) -> Option<String> {
    let begun_here = vendor.relying_parties.iter().find_map(|party| {
        let mut url = url::Url::parse(party.settings.get("initiate_login_uri")?.as_str()?).ok()?;
        url.query_pairs_mut().append_pair("iss", issuer);
        Some(url)
    });
    let through_us = vendor.relying_parties.iter().any(|party| party.settings["begins_here"] == true);
    let through_us = through_us.then(|| url::Url::parse(&format!("{issuer}/go/{}", vendor.id)).ok()).flatten();
    let launch = vendor.launch_url.as_deref().and_then(|launch| url::Url::parse(launch).ok());
    launch.or(begun_here).or(through_us).filter(|url| matches!(url.scheme(), "https" | "http")).map(String::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{
        id::VendorUid,
        scope::Scopes,
        vendor::{RelyingParty, Shelf},
    };

    fn vendor(launch_url: Option<&str>, initiate: Option<&str>) -> Vendor {
        Vendor {
            id: "maple".parse().unwrap(),
            uid: VendorUid::new(),
            name: "Maple Books".into(),
            description: None,
            shelf: Shelf::Books,
            audience: Vec::new(),
            scopes: Scopes::default(),
            release: Vec::new(),
            launch_url: launch_url.map(str::to_owned),
            disabled: false,
            relying_parties: vec![RelyingParty {
                protocol: "oidc".into(),
                key: "maple-web".into(),
                settings: initiate.map_or(json!({}), |url| json!({ "initiate_login_uri": url })),
                registered: None,
                published: None,
            }],
        }
    }

    #[test]
    fn a_tile_leads_to_the_vendors_own_start() {
        let start = |launch, initiate| start_of(&vendor(launch, initiate), "https://access.library.example");
        assert_eq!(start(Some("https://maple.example/in"), None).as_deref(), Some("https://maple.example/in"));
        assert_eq!(
            start(None, Some("https://maple.example/login?a=1")).as_deref(),
            Some("https://maple.example/login?a=1&iss=https%3A%2F%2Faccess.library.example")
        );
        assert_eq!(start(Some("javascript:alert(1)"), None), None);
        assert_eq!(start(None, None), None);
    }

    #[test]
    fn neighbours_on_a_shelf_differ_in_colour() {
        let tiles = ["b", "a", "c"].map(|name| {
            let mut one = tile(&vendor(Some("https://maple.example/"), None), "https://i.example").unwrap();
            one.name = name.into();
            (Shelf::Books, one)
        });
        let rows = shelves(tiles.into());
        assert_eq!(rows.len(), 1);
        assert!(rows[0].tiles.windows(2).all(|pair| pair[0].hue != pair[1].hue && pair[0].name < pair[1].name));
    }
}
