//! A student system that answers by OneRoster REST, 1.1 or 1.2, with the people of a delivery: records in the shapes of
//! the specifications' examples, tokens for client credentials, pages, and the moods of real services.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path as At, Query, State},
    http::{HeaderMap, Response, StatusCode, header},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

pub const CLIENT: &str = "one access";
pub const SECRET: &str = "a secret: with colons & spaces";

/// Ends when it is dropped.
pub struct OneRosterService {
    pub url: String,
    state: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

struct Shared {
    v1p2: bool,
    url: String,
    collections: Mutex<BTreeMap<&'static str, Vec<Value>>>,
    moods: Mutex<Moods>,
    /// Of the token that is good now.
    token: AtomicU64,
    answered: AtomicU64,
    asked: Mutex<Vec<String>>,
    agents: Mutex<Vec<String>>,
}

/// What a service does besides answering.
#[derive(Debug, Clone, Default)]
pub struct Moods {
    /// How many of the next pages break off in the middle.
    pub broken: u32,
    /// How many of the next questions are answered with 429, and when to come again, in seconds.
    pub busy: u32,
    pub retry_after: u64,
    /// A token is good for so many pages; 0: for ever.
    pub pages_per_token: u64,
    /// It neither counts nor links: whoever asks must go on until nothing comes.
    pub silent: bool,
    /// It cannot sort or choose fields.
    pub plain: bool,
    /// It never gives more than so many at a time; 0: as many as are asked for.
    pub most: usize,
    /// After the first page one record more is there, once.
    pub grows: bool,
    /// It links to another server.
    pub leads_astray: bool,
}

impl OneRosterService {
    /// One that has nobody yet.
    pub async fn open(v1p2: bool) -> OneRosterService {
        OneRosterService::open_at("127.0.0.1:0", v1p2).await
    }

    pub async fn open_at(address: &str, v1p2: bool) -> OneRosterService {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Shared {
            v1p2,
            url: url.clone(),
            collections: Mutex::default(),
            moods: Mutex::default(),
            token: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            asked: Mutex::default(),
            agents: Mutex::default(),
        });
        let place = if v1p2 { "/ims/oneroster/rostering/v1p2/{what}" } else { "/ims/oneroster/v1p1/{what}" };
        let routes = Router::new().route("/token", post(token)).route(place, get(page)).with_state(state.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        OneRosterService { url, state, server }
    }

    pub fn token_url(&self) -> String {
        format!("{}/token", self.url)
    }

    /// From now on it has what the delivery in this folder holds. What is new or otherwise than before was modified
    /// `at` that time; what is there no more stays as a record to be deleted.
    pub fn hold(&self, folder: &Path, at: &str) {
        let mut collections = self.state.collections.lock().unwrap();
        for (what, records) in records_of(folder, self.state.v1p2, &self.state.url) {
            let old = collections.remove(what).unwrap_or_default();
            let mut old: BTreeMap<String, Value> = old.into_iter().map(|record| (id(&record), record)).collect();
            let mut all = Vec::with_capacity(records.len());
            for mut record in records {
                let before = old.remove(&id(&record));
                let modified = before.as_ref().map(|before| before["dateLastModified"].clone());
                record["dateLastModified"] = modified.unwrap_or_else(|| at.into());
                if before.is_some_and(|before| before != record) {
                    record["dateLastModified"] = at.into();
                }
                all.push(record);
            }
            for (_, mut gone) in old {
                if gone["status"] != "tobedeleted" {
                    (gone["status"], gone["dateLastModified"]) = ("tobedeleted".into(), at.into());
                }
                all.push(gone);
            }
            all.sort_by_key(id);
            collections.insert(what, all);
        }
    }

    pub fn mood(&self, moods: Moods) {
        *self.state.moods.lock().unwrap() = moods;
    }

    /// The questions since this was last asked, path and query.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.asked.lock().unwrap())
    }

    /// What those who asked call themselves.
    pub fn agents(&self) -> Vec<String> {
        self.state.agents.lock().unwrap().clone()
    }
}

impl Drop for OneRosterService {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn id(record: &Value) -> String {
    record["sourcedId"].as_str().unwrap_or_default().to_owned()
}

async fn token(State(state): State<Arc<Shared>>, headers: HeaderMap, form: String) -> (StatusCode, Json<Value>) {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET))));
    let by_header = headers.get(header::AUTHORIZATION).is_some_and(|shown| shown.as_bytes() == basic.as_bytes());
    let field = |name: &str| form.get(name).map(String::as_str);
    let by_form = (field("client_id"), field("client_secret")) == (Some(CLIENT), Some(SECRET));
    if !by_header && !by_form {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" })));
    }
    if field("grant_type") != Some("client_credentials") {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "unsupported_grant_type" })));
    }
    if !field("scope").is_some_and(|scope| scope.contains("roster-core.readonly")) {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_scope" })));
    }
    let number = state.token.fetch_add(1, Ordering::SeqCst) + 1;
    state.answered.store(0, Ordering::SeqCst);
    (
        StatusCode::OK,
        Json(json!({ "access_token": format!("token-{number}"), "token_type": "bearer", "expires_in": 3600 })),
    )
}

async fn page(
    State(state): State<Arc<Shared>>,
    At(what): At<String>,
    Query(query): Query<BTreeMap<String, String>>,
    uri: axum::http::Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let asked = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    state.asked.lock().unwrap().push(asked);
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    state.agents.lock().unwrap().push(agent.to_owned());
    let mut moods = state.moods.lock().unwrap();
    if moods.busy > 0 {
        moods.busy -= 1;
        let busy = Response::builder().status(429).header(header::RETRY_AFTER, moods.retry_after);
        return busy.body(Body::empty()).unwrap();
    }
    let good = format!("Bearer token-{}", state.token.load(Ordering::SeqCst));
    let shown = headers.get(header::AUTHORIZATION).is_some_and(|shown| shown.as_bytes() == good.as_bytes());
    let pages = state.answered.fetch_add(1, Ordering::SeqCst);
    if !shown || (moods.pages_per_token > 0 && pages >= moods.pages_per_token) {
        return failing(401, "unauthorised");
    }
    if moods.plain && (query.contains_key("fields") || query.contains_key("sort")) {
        return failing(400, "invalid_selection_field");
    }
    let mut collections = state.collections.lock().unwrap();
    let Some(records) = collections.get_mut(what.as_str()) else { return failing(404, "unknown_object") };
    let number = |name: &str, default: usize| query.get(name).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (mut limit, offset) = (number("limit", 100), number("offset", 0));
    if moods.most > 0 {
        limit = limit.min(moods.most);
    }
    let since = query.get("filter").map(|filter| {
        let since = filter.strip_prefix("dateLastModified>'").and_then(|rest| rest.strip_suffix('\''));
        since.unwrap_or_else(|| panic!("a filter that no service understands: {filter}")).to_owned()
    });
    let wanted = |record: &&Value| {
        since.as_deref().is_none_or(|since| record["dateLastModified"].as_str().unwrap_or_default() > since)
    };
    let matching: Vec<&Value> = records.iter().filter(wanted).collect();
    let total = matching.len();
    let fields: Option<Vec<&str>> = query.get("fields").map(|fields| fields.split(',').collect());
    let chosen = |record: &Value| match (&fields, record) {
        (Some(fields), Value::Object(all)) => {
            let some = all.iter().filter(|(name, _)| fields.contains(&name.as_str()));
            Value::Object(some.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        _ => record.clone(),
    };
    let list: Vec<Value> = matching.into_iter().skip(offset).take(limit).map(chosen).collect();
    if moods.grows && what == "users" && offset == 0 {
        moods.grows = false;
        let mut one_more = records[0].clone();
        one_more["sourcedId"] = "0-the-newest".into();
        records.insert(0, one_more);
    }
    let given = offset + list.len();
    let mut body = json!({ what.as_str(): list }).to_string();
    if moods.broken > 0 {
        moods.broken -= 1;
        body.truncate(body.len() / 2);
        while std::str::from_utf8(body.as_bytes()).is_err() {
            body.pop();
        }
    }
    let mut response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    if !moods.silent {
        response = response.header("X-Total-Count", total);
        let place = if moods.leads_astray { "http://127.0.0.1:9" } else { state.url.as_str() };
        let link = |offset: usize, rel: &str| {
            let mut query = query.clone();
            query.insert("offset".into(), offset.to_string());
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            format!("<{place}{}?{query}>; rel=\"{rel}\"", uri.path())
        };
        let next = if given < total { format!("{}, ", link(given, "next")) } else { String::new() };
        response = response.header(header::LINK, format!("{next}{}", link(0, "first")));
    }
    response.body(body.into()).unwrap()
}

/// As the specification's `imsx_StatusInfo`.
fn failing(status: u16, minor: &str) -> Response<Body> {
    let body = json!({ "imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_codeMinor":
        { "imsx_codeMinorField": [{ "imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": minor }] } });
    Response::builder().status(status).body(body.to_string().into()).unwrap()
}

type Line = BTreeMap<String, String>;

fn records_of(folder: &Path, v1p2: bool, url: &str) -> Vec<(&'static str, Vec<Value>)> {
    let link = |org: &str| json!({ "href": format!("{url}/orgs/{org}"), "sourcedId": org, "type": "org" });
    let mut roles: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    if v1p2 {
        for line in lines(&folder.join("roles.csv")) {
            let mut role =
                json!({ "roleType": line["roleType"], "role": line["role"], "org": link(&line["orgSourcedId"]) });
            for day in ["beginDate", "endDate"].into_iter().filter(|day| !line[*day].is_empty()) {
                role[day] = line[day].as_str().into();
            }
            roles.entry(line["userSourcedId"].clone()).or_default().push(role);
        }
    }
    let orgs = lines(&folder.join("orgs.csv")).into_iter().map(|line| {
        let mut org = start(&line, &["name", "type", "identifier"]);
        if !line["parentSourcedId"].is_empty() {
            org["parent"] = link(&line["parentSourcedId"]);
        }
        org["children"] = json!([]);
        org
    });
    let users = lines(&folder.join("users.csv")).into_iter().map(|line| {
        let same =
            ["username", "givenName", "familyName", "middleName", "identifier", "email", "sms", "phone", "password"];
        let mut user = start(&line, &same);
        // Truths are texts in the examples of 1.1.
        user["enabledUser"] = line["enabledUser"].as_str().into();
        user["userIds"] = line["userIds"]
            .trim_matches(['{', '}'])
            .split_once(':')
            .map_or(json!([]), |(kind, id)| json!([{ "type": kind, "identifier": id }]));
        user["agents"] = json!([]);
        user["grades"] = if line["grades"].is_empty() { json!([]) } else { json!([line["grades"]]) };
        if v1p2 {
            user["roles"] = roles.remove(&line["sourcedId"]).unwrap_or_default().into();
            user["preferredFirstName"] = line["preferredGivenName"].as_str().into();
            user["primaryOrg"] = link(&line["primaryOrgSourcedId"]);
            user["userProfiles"] = json!([]);
        } else {
            user["role"] = line["role"].as_str().into();
            user["orgs"] = line["orgSourcedIds"].split(',').map(link).collect();
        }
        user
    });
    let mut all = vec![("orgs", orgs.collect::<Vec<_>>()), ("users", users.collect())];
    if folder.join("demographics.csv").exists() {
        let demographics = lines(&folder.join("demographics.csv")).into_iter();
        all.push(("demographics", demographics.map(|line| start(&line, &["birthDate", "sex"])).collect()));
    }
    all
}

fn start(line: &Line, same: &[&str]) -> Value {
    let mut record = Map::new();
    record.insert("sourcedId".into(), line["sourcedId"].as_str().into());
    record.insert("status".into(), "active".into());
    record.insert("dateLastModified".into(), Value::Null);
    record.insert("metadata".into(), json!({}));
    for name in same {
        record.insert((*name).into(), line.get(*name).map(String::as_str).unwrap_or_default().into());
    }
    Value::Object(record)
}

fn lines(file: &Path) -> Vec<Line> {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let header = reader.headers().unwrap().clone();
    let named = |row: csv::StringRecord| header.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect();
    reader.records().map(|row| named(row.unwrap())).collect()
}
