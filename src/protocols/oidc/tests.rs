//! The click, from the vendor's door to userinfo, on a real database: what one endpoint hands the next. Attacks over
//! HTTP are in `tests/`.

mod asking;
mod certified;
mod device;
mod proving;
mod registering;
mod renewal;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    body::{Bytes, to_bytes},
    extract::{ConnectInfo, Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::*;
use crate::{
    app::Programme,
    config,
    directory::{
        self,
        roster::{ImportOptions, Merge},
    },
    domain::{catalogue::Catalogue, clock::Clock, id::VendorUid, patron::Role},
    ephemeral::Shelf,
    keyring::{Expect, KeyRing, Lifetime},
    pages::{Pages, ThemeSettings},
    signon::{Answer, ChangedPin},
    store::{Db, journal::Journal},
};

const ISSUER: &str = "https://access.library.example";
const CALLBACK: &str = "https://maple.example/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const SECRET: &str = "maple-secret-long-enough";

const HOUSE: &str = r#"
issuer = "https://access.library.example"
[oidc]
dynamic_registration = true
[library]
name = "Example Library"
time_zone = "America/New_York"
scope_domain = "library.example"
[[scope]]
name = "library.ebooks"
[[organisation]]
id = "cms"
name = "Example Schools"
roster = ["s1"]
card = { scheme = "raw", from = "identifier" }
initial_pin = "password"
[[agreement]]
id = "cms-2026"
organisation = "cms"
roles = ["student"]
grades = ["06", "12"]
privileges = ["library.ebooks"]
from = 2026-07-01
to = 2031-06-30
[[agreement]]
id = "cms-staff"
organisation = "cms"
roles = ["staff"]
privileges = ["library.ebooks"]
from = 2026-07-01
to = 2031-06-30
[[vendor]]
id = "maple"
name = "Maple Books"
audience = ["juvenile", "young-adult", "adult"]
scopes = ["library.ebooks"]
[[vendor.oidc]]
client_id = "maple-web"
client_secret = "maple-secret-long-enough"
redirect_uris = ["https://maple.example/callback"]
post_logout_redirect_uris = ["https://maple.example/bye"]
[[vendor.oidc]]
client_id = "maple-other"
client_secret = "other-secret-long-enough"
redirect_uris = ["https://maple.example/callback"]
[[vendor.oidc]]
client_id = "maple-app"
client_secret = "app-secret-long-enough"
redirect_uris = ["https://maple.example/callback"]
grant_types = ["authorization_code", "refresh_token", "client_credentials"]
offline_access = true
[[vendor.oidc]]
client_id = "maple-reader"
token_endpoint_auth_method = "none"
grant_types = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
offline_access = true
[[vendor.oidc]]
client_id = "maple-kiosk"
client_secret = "kiosk-secret-long-enough"
grant_types = ["urn:ietf:params:oauth:grant-type:device_code"]
[[vendor]]
id = "birch"
name = "Birch Databases"
audience = ["young-adult", "adult"]
scopes = ["library.ebooks"]
release = [{ name = "profile", purpose = "the reference desk greets teachers by name" }]
[[vendor.oidc]]
client_id = "birch-web"
userinfo_signed_response_alg = "ES256"
client_secret = "birch-secret-long-enough"
redirect_uris = ["https://maple.example/callback"]
"#;

/// A library with one vendor, a seventh grader (4417), an eighth grader (4418) and a fifth grader (4415),
/// who is not covered.
struct House {
    folder: PathBuf,
    clock: Clock,
    provider: Provider,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl House {
    async fn open() -> House {
        let folder = std::env::temp_dir().join(format!("oidc-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("house.toml");
        std::fs::write(&file, HOUSE).unwrap();
        let read = config::load(
            &file,
            config::Kinds { protocols: &[("oidc", Oidc.settings())], sources: &[] },
            &Catalogue::default(),
        )
        .unwrap();
        let mut catalogue = Catalogue::default();
        let declared = read.declared;
        catalogue.scopes.extend(declared.scopes.into_iter().map(|scope| (scope.name.clone().into(), scope)));
        catalogue.organisations.extend(declared.organisations.into_iter().map(|o| (o.id.clone(), o)));
        catalogue.agreements.extend(declared.agreements.into_iter().map(|a| (a.id.clone(), a)));
        for vendor in declared.vendors {
            let vendor = vendor.with_identity(VendorUid::new(), false);
            for party in &vendor.relying_parties {
                Oidc.check(&vendor, party).unwrap();
            }
            catalogue.vendors.insert(vendor.id.clone(), vendor);
        }
        // 2026-10-01, noon in UTC.
        let clock = Clock::standing_at(Timestamp(1_790_856_000_000));
        let db = Db::open(&format!("sqlite:{}", folder.join("house.db").display())).await.unwrap();
        db.migrate().await.unwrap();
        keep(&db, &catalogue, &clock).await;
        let keyring = KeyRing::open(&db, &folder.join("keys/kek"), &clock).await.unwrap();
        let source = "cms".parse().unwrap();
        let rules =
            directory::roster::Rules::of(&catalogue, &source, clock.now(), &crate::domain::clock::TimeZone::utc());
        let merge =
            Merge { db: &db, clock: &clock, pin_key: keyring.pin_key(), rules: &rules, progress: &|_, _, _| {} };
        let orgs = vec![directory::Org { sourced_id: "s1".into(), parent: None, name: "School".into() }];
        let mut teacher = pupil("9001", "");
        teacher.posts[0].role = Role::Staff;
        let people = vec![pupil("4417", "07"), pupil("4415", "05"), pupil("4418", "08"), teacher];
        let roster = directory::Roster { orgs, people, ..directory::Roster::default() };
        let options = ImportOptions { dry_run: false, accept_removals: false };
        merge.import(&"cms".parse().unwrap(), "test", roster, options).await.unwrap();
        let theme = crate::pages::Theme::load("Example Library", ThemeSettings::default()).unwrap();
        let outbound = crate::outbound::Outbound::new(&[], None).unwrap();
        let means = directory::source::Means { outbound: outbound.clone(), issuer: "https://access.example".into() };
        let app = App {
            sources: crate::app::Directories::new(Vec::new(), means, &catalogue),
            journal: Journal::start(db.clone()),
            metrics: Default::default(),
            looked: Default::default(),
            store: db,
            shelf: Shelf::default(),
            catalogue: Programme::new(catalogue.indexed()),
            exchanges: crate::ephemeral::Recent::new(crate::app::EXCHANGES),
            keyring,
            pages: Pages::new(theme).unwrap(),
            clock: clock.clone(),
            outbound,
            config: read.settings.unwrap(),
            leaving: crate::app::Leaving::default(),
        };
        let provider = Provider::new(SignOn::new(Arc::new(app), Vec::new()).unwrap());
        House { folder, clock, provider }
    }

    fn visitor(&self, cookie: Option<&str>) -> Visitor {
        Visitor { cookie: cookie.map(str::to_owned), device: None, address: [192, 0, 2, 1].into() }
    }

    /// Signs `card` in and chooses a PIN; returns the browser's headers and where the sign-in leads.
    async fn sign_in(&self, card: &str, ticket: Option<&str>) -> (HeaderMap, String) {
        let signon = &self.provider.signon;
        let opened = signon.answer(ticket, card, &format!("pin-{card}"), &self.visitor(None)).await.unwrap();
        let Answer::SignedIn { mut cookie, mut to } = opened else { panic!("{opened:?}") };
        if to.starts_with("/change-pin") {
            let visitor = self.visitor(Some(&cookie));
            let changed = signon.change_pin(ticket, &format!("pin-{card}"), "730518", &visitor).await.unwrap();
            let ChangedPin::Done { cookie: renewed, to: next } = changed else { panic!("{changed:?}") };
            (cookie, to) = (renewed, next);
        }
        let name = crate::signon::visitor::session_cookie_name(ISSUER);
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("{name}={cookie}").parse().unwrap());
        (headers, to)
    }

    async fn authorize(&self, headers: &HeaderMap, change: &[(&str, &str)]) -> Response {
        let query = query(change);
        authorize::arrive(State(self.provider.clone()), peer(), headers.clone(), RawQuery(Some(query))).await
    }

    async fn resume(&self, headers: &HeaderMap, ticket: &str) -> Response {
        resume::resume(State(self.provider.clone()), Path(ticket.to_owned()), peer(), headers.clone()).await
    }

    async fn code(&self, headers: &HeaderMap, change: &[(&str, &str)]) -> String {
        let response = self.authorize(headers, change).await;
        sent_back(&response, "code").unwrap_or_else(|| panic!("{response:?}"))
    }

    async fn token(&self, change: &[(&str, &str)]) -> (StatusCode, Value) {
        let other = change.iter().any(|(name, _)| *name == "as_other");
        let client = if other { "maple-other:other-secret-long-enough" } else { &format!("maple-web:{SECRET}") };
        self.token_as(client, change).await
    }

    async fn token_as(&self, client: &str, change: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut form =
            vec![("grant_type", "authorization_code"), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        form.retain(|(name, _)| change.iter().all(|(changed, _)| changed != name));
        form.extend(change);
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, client);
        headers.insert(header::AUTHORIZATION, format!("Basic {basic}").parse().unwrap());
        let response = token::token(State(self.provider.clone()), headers, Bytes::from(body)).await;
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        (response.status(), json(response).await)
    }

    async fn userinfo(&self, token: &str) -> (StatusCode, Value) {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        let response =
            userinfo::userinfo(State(self.provider.clone()), axum::http::Method::GET, headers, Bytes::new()).await;
        (response.status(), json(response).await)
    }

    async fn end_session(&self, headers: &HeaderMap, change: &[(&str, &str)]) -> Response {
        let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(change).finish();
        end_session::arrive(State(self.provider.clone()), peer(), headers.clone(), RawQuery(Some(query))).await
    }

    fn claims(&self, token: &Value, typ: &str) -> Value {
        let expect = Expect { typ, issuer: ISSUER, lifetime: Lifetime::LiveAt(self.clock.now()) };
        self.provider.app().keyring.verify(token.as_str().unwrap(), &expect).unwrap()
    }
}

/// The programme as `apply` keeps it, for what reads it anew.
async fn keep(db: &Db, catalogue: &Catalogue, clock: &Clock) {
    use crate::store::catalogue::Kind;
    let (mut tx, now) = (db.begin().await.unwrap(), clock.now());
    for (id, scope) in &catalogue.scopes {
        tx.catalogue().put(Kind::Scope, id.as_str(), scope, now).await.unwrap();
    }
    for (id, organisation) in &catalogue.organisations {
        tx.catalogue().put(Kind::Organisation, id.as_str(), organisation, now).await.unwrap();
    }
    for (id, agreement) in &catalogue.agreements {
        tx.catalogue().put(Kind::Agreement, id.as_str(), agreement, now).await.unwrap();
    }
    for (id, vendor) in &catalogue.vendors {
        tx.catalogue().put(Kind::Vendor, id.as_str(), vendor, now).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn pupil(id: &str, grade: &str) -> directory::Person {
    directory::Person {
        sourced_id: format!("u-{id}"),
        given_name: "Pupil".into(),
        family_name: format!("Example-{id}"),
        identifier: Some(id.into()),
        username: None,
        email: None,
        grade: None,
        user_ids: Vec::new(),
        enabled: true,
        posts: vec![directory::Post::new("s1", Role::Student, grade.parse().ok())],
        password: Some(format!("pin-{id}").into()),
        birthday: None,
        line: 2,
        ..directory::Person::default()
    }
}

fn peer() -> Peer {
    ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 50_000)))
}

fn query(change: &[(&str, &str)]) -> String {
    let mut query = vec![
        ("client_id", "maple-web"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid library.ebooks profile"),
        ("state", "st&te"),
        ("nonce", "n-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("access_type", "offline"),
    ];
    query.retain(|(name, _)| change.iter().all(|(changed, _)| changed != name));
    query.extend(change);
    form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
}

fn location(response: &Response) -> &str {
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "{response:?}");
    response.headers()[header::LOCATION].to_str().unwrap()
}

/// One parameter of an answer at the client's own address.
fn sent_back(response: &Response, name: &str) -> Option<String> {
    let to = Url::parse(location(response)).ok()?;
    assert!(to.as_str().starts_with(CALLBACK), "{to}");
    to.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

async fn json(response: Response) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn a_seventh_grader_clicks_into_the_vendor() {
    let house = House::open().await;
    // Nobody is signed in: the sign-in page, and back by its ticket.
    let response = house.authorize(&HeaderMap::new(), &[]).await;
    let ticket = location(&response).strip_prefix("/sign-in/").unwrap().to_owned();
    let (browser, to) = house.sign_in("4417", Some(&ticket)).await;
    assert_eq!(to, format!("/oidc/resume/{ticket}"));
    let answer = house.resume(&browser, &ticket).await;
    assert_eq!(sent_back(&answer, "state").as_deref(), Some("st&te"));
    assert_eq!(sent_back(&answer, "iss").as_deref(), Some(ISSUER));
    assert_eq!(house.resume(&browser, &ticket).await.status(), StatusCode::GONE, "a ticket is good once");
    let code = sent_back(&answer, "code").unwrap();

    let (status, tokens) = house.token(&[("code", &code)]).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&"Bearer".into(), &300.into()));
    assert_eq!(tokens["scope"], "openid library.ebooks");
    let id = house.claims(&tokens["id_token"], "JWT");
    assert_eq!((&id["aud"], &id["nonce"]), (&"maple-web".into(), &"n-1".into()));
    assert_eq!((&id["audience_band"], &id["patron_type"]), (&"young-adult".into(), &"student".into()));
    assert_eq!(
        id["at_hash"],
        crate::wire::jose::half_hash(crate::keyring::Algorithm::Rs256, tokens["access_token"].as_str().unwrap())
    );
    assert_eq!(id.get("card_number"), None);
    let access = house.claims(&tokens["access_token"], "at+jwt");
    assert_eq!(access["aud"], serde_json::json!([format!("{ISSUER}/vendors/maple"), ISSUER]));
    assert_eq!((&access["client_id"], &access["sub"]), (&"maple-web".into(), &id["sub"]));
    assert_eq!(access["scope"], "openid library.ebooks");

    let (status, claims) = house.userinfo(tokens["access_token"].as_str().unwrap()).await;
    let expected = serde_json::json!({ "sub": id["sub"], "audience_band": "young-adult", "patron_type": "student" });
    assert_eq!((status, claims), (StatusCode::OK, expected));
    let (status, error) = house.userinfo(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!((status, &error["error"]), (StatusCode::UNAUTHORIZED, &"invalid_token".into()));
    house.clock.advance(Duration::from_secs(300));
    let (status, _) = house.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "five minutes are over");
}

#[tokio::test]
async fn a_live_session_goes_straight_through_and_a_stale_one_does_not() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    house.code(&browser, &[("prompt", "none")]).await;
    house.clock.advance(Duration::from_secs(90));
    house.code(&browser, &[("max_age", "100")]).await;
    let answer = house.authorize(&browser, &[("prompt", "none"), ("max_age", "60")]).await;
    assert_eq!(sent_back(&answer, "error").as_deref(), Some("login_required"));
    assert_eq!(sent_back(&answer, "iss").as_deref(), Some(ISSUER));
    assert!(location(&house.authorize(&browser, &[("prompt", "login")]).await).starts_with("/sign-in/"));
    let answer = house.authorize(&HeaderMap::new(), &[("prompt", "none")]).await;
    assert_eq!(sent_back(&answer, "error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_code_works_only_once_and_a_replay_takes_down_what_it_won() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let code = house.code(&browser, &[]).await;
    let (_, tokens) = house.token(&[("code", &code)]).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(house.userinfo(token).await.0, StatusCode::OK);
    let (status, error) = house.token(&[("code", &code)]).await;
    assert_eq!((status, &error["error"]), (StatusCode::BAD_REQUEST, &"invalid_grant".into()));
    assert_eq!(house.userinfo(token).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_code_is_burnt_by_whoever_presents_it_wrongly() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    for wrong in [
        ("code_verifier", "x".repeat(43)),
        ("code_verifier", String::new()),
        ("redirect_uri", "https://maple.example/other".into()),
        ("redirect_uri", String::new()),
        ("as_other", "yes".into()),
    ] {
        let code = house.code(&browser, &[]).await;
        for change in [&[("code", code.as_str()), (wrong.0, &wrong.1)][..], &[("code", &code)]] {
            let (status, error) = house.token(change).await;
            assert_eq!((status, &error["error"]), (StatusCode::BAD_REQUEST, &"invalid_grant".into()), "{wrong:?}");
        }
    }
}

#[tokio::test]
async fn a_patron_who_is_not_entitled_reads_why_and_the_vendor_learns_only_that() {
    let house = House::open().await;
    let response = house.authorize(&HeaderMap::new(), &[]).await;
    let ticket = location(&response).strip_prefix("/sign-in/").unwrap().to_owned();
    let visitor = house.visitor(None);
    let refused = house.provider.signon.answer(Some(&ticket), "4415", "pin-4415", &visitor).await.unwrap();
    let Answer::Refused { page: Some(page), .. } = refused else { panic!("{refused:?}") };
    let ticket = page.strip_prefix("/refused/").unwrap();
    let answer = house.resume(&HeaderMap::new(), ticket).await;
    assert_eq!(sent_back(&answer, "error").as_deref(), Some("access_denied"));
    assert_eq!(sent_back(&answer, "state").as_deref(), Some("st&te"));
    assert!(!location(&answer).contains("grade"));
}

#[tokio::test]
async fn a_lapsed_agreement_shuts_every_door_at_once() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let (spent, waiting) = (house.code(&browser, &[]).await, house.code(&browser, &[]).await);
    let (_, tokens) = house.token(&[("code", &spent)]).await;
    let mut catalogue = (*house.provider.app().catalogue()).clone();
    catalogue.agreements.clear();
    house.provider.app().catalogue.replace(catalogue.indexed());

    assert_eq!(house.userinfo(tokens["access_token"].as_str().unwrap()).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(house.token(&[("code", &waiting)]).await.1["error"], "invalid_grant");
    let answer = house.authorize(&browser, &[("prompt", "none")]).await;
    assert_eq!(sent_back(&answer, "error").as_deref(), Some("access_denied"));
    let page = house.authorize(&browser, &[]).await;
    let ticket = location(&page).strip_prefix("/refused/").unwrap();
    let answer = house.resume(&browser, ticket).await;
    assert_eq!(sent_back(&answer, "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn an_unknown_client_or_address_gets_a_page_and_never_a_redirect() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    for change in [
        &[("client_id", "nobody")][..],
        &[("client_id", "")],
        &[("redirect_uri", "https://maple.example/callback/")],
        &[("redirect_uri", "")],
        &[("client_id", "maple-web"), ("client_id", "maple-web")],
        &[("redirect_uri", CALLBACK), ("redirect_uri", CALLBACK)],
    ] {
        let response = house.authorize(&browser, change).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{change:?}");
        assert_eq!(response.headers().get(header::LOCATION), None);
    }
    let answer = house.authorize(&browser, &[("state", "a"), ("state", "a")]).await;
    assert_eq!(sent_back(&answer, "error").as_deref(), Some("invalid_request"));
    assert_eq!(sent_back(&answer, "state"), None);
}

#[tokio::test]
async fn without_openid_there_is_no_id_token_and_userinfo_stays_shut() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let code = house.code(&browser, &[("scope", "library.ebooks")]).await;
    let (_, tokens) = house.token(&[("code", &code)]).await;
    assert_eq!(tokens.get("id_token"), None);
    assert_eq!(tokens["scope"], "library.ebooks");
    let (status, error) = house.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!((status, &error["error"]), (StatusCode::FORBIDDEN, &"insufficient_scope".into()));
}

#[tokio::test]
async fn who_asks_for_openid_alone_is_told_who_is_there_and_no_more() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let code = house.code(&browser, &[("scope", "openid")]).await;
    let (_, tokens) = house.token(&[("code", &code)]).await;
    assert_eq!(tokens["scope"], "openid");
    assert_eq!(house.userinfo(tokens["access_token"].as_str().unwrap()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_vendor_signs_out_only_the_session_that_its_hint_is_of() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let code = house.code(&browser, &[]).await;
    let (_, tokens) = house.token(&[("code", &code)]).await;
    let (hint, access) = (tokens["id_token"].as_str().unwrap(), tokens["access_token"].as_str().unwrap());
    let (bye, out) = ("https://maple.example/bye", ("post_logout_redirect_uri", "https://maple.example/bye"));

    assert_eq!(location(&house.end_session(&browser, &[out]).await), "/sign-out", "without a hint it asks");
    let named = house.end_session(&browser, &[out, ("client_id", "maple-web")]).await;
    assert!(location(&named).starts_with("/sign-out/"), "and says whose wish it is");
    for change in [
        &[("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")][..],
        &[("id_token_hint", access), out],
        &[("id_token_hint", hint), ("client_id", "maple-other"), out],
        &[("id_token_hint", hint), out, out],
    ] {
        assert_eq!(house.end_session(&browser, change).await.status(), StatusCode::BAD_REQUEST, "{change:?}");
    }
    let (neighbour, _) = house.sign_in("4418", None).await;
    let of_another = house.end_session(&neighbour, &[("id_token_hint", hint), out]).await;
    assert!(location(&of_another).starts_with("/sign-out/"), "the hint is another's");
    assert_eq!(house.userinfo(access).await.0, StatusCode::OK, "nobody was signed out yet");

    let response = house.end_session(&browser, &[("id_token_hint", hint), out, ("state", "s")]).await;
    assert_eq!(location(&response), format!("{bye}?state=s"));
    assert!(location(&house.authorize(&browser, &[]).await).starts_with("/sign-in/"));
    assert_eq!(house.userinfo(access).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_hint_lets_nobody_else_in() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let code = house.code(&browser, &[]).await;
    let (_, tokens) = house.token(&[("code", &code)]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    house.code(&browser, &[("id_token_hint", hint)]).await;
    let (neighbour, _) = house.sign_in("4418", None).await;
    let answer = house.authorize(&neighbour, &[("id_token_hint", hint)]).await;
    assert_eq!(sent_back(&answer, "error").as_deref(), Some("login_required"));
    let answer = house.authorize(&browser, &[("id_token_hint", "a.b.c")]).await;
    assert_eq!(sent_back(&answer, "error").as_deref(), Some("invalid_request"));
    let access = tokens["access_token"].as_str().unwrap();
    let answer = house.authorize(&browser, &[("id_token_hint", access)]).await;
    assert_eq!(sent_back(&answer, "error").as_deref(), Some("invalid_request"));
}
