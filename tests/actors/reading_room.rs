//! A vendor with a page of its own in the reader's browser: it knows her by a cookie, shows by which name, and puts her
//! out when the library says that she has left.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
};

use axum::{
    Form, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::{
    library::{Declared, Library},
    vendor::{Challenge, OidcVendor, payload_of, random_word},
};

pub struct ReadingRoom {
    pub url: String,
    inside: Arc<Inside>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Inside {
    vendor: OnceLock<OidcVendor>,
    on_the_way: Mutex<HashMap<String, Challenge>>,
    /// By the value of the room's cookie.
    readers: Mutex<HashMap<String, Reader>>,
    farewells: Mutex<Vec<String>>,
}

#[derive(Clone)]
struct Reader {
    name: String,
    sid: String,
}

impl ReadingRoom {
    pub const ID: &'static str = "room";

    /// Opens it and makes it known to the library.
    pub async fn open(library: &Library) -> ReadingRoom {
        let inside = Arc::new(Inside::default());
        let routes = Router::new()
            .route("/", get(enter))
            .route("/callback", get(back))
            .route("/bye", post(bye))
            .with_state(inside.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kept = |text: String| -> &'static str { text.leak() };
        let declared = Declared {
            id: ReadingRoom::ID,
            redirect_uris: vec![kept(format!("{url}/callback"))].leak(),
            oidc_lines: kept(format!("initiate_login_uri = \"{url}/\"\nbackchannel_logout_uri = \"{url}/bye\"")),
            ..Declared::default()
        };
        let party = library.declare(declared).await;
        let _ = inside.vendor.set(OidcVendor::of(library, party).await);
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        ReadingRoom { url, inside, server }
    }

    /// How many readers it has put out because the library said so.
    pub fn farewells(&self) -> usize {
        self.inside.farewells.lock().unwrap().len()
    }

    /// How many it still takes for being there.
    pub fn readers(&self) -> usize {
        self.inside.readers.lock().unwrap().len()
    }
}

impl Drop for ReadingRoom {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// With `?fresh` whoever comes must sign in, whoever sits there.
async fn enter(
    State(inside): State<Arc<Inside>>,
    Query(asked): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let cookies = headers.get(header::COOKIE).and_then(|line| line.to_str().ok()).unwrap_or_default();
    let mine = cookies.split("; ").find_map(|pair| pair.strip_prefix("room="));
    let reader = mine.and_then(|cookie| inside.readers.lock().unwrap().get(cookie).cloned());
    match reader.filter(|_| !asked.contains_key("fresh")) {
        Some(reader) => {
            let page = Html(format!("<!doctype html><title>Room</title><p id=\"reader\">{}</p>", reader.name));
            ([(header::CACHE_CONTROL, "no-store")], page).into_response()
        }
        None => {
            let challenge = Challenge::new();
            let vendor = inside.vendor.get().unwrap();
            let mut request = vendor.request(&challenge);
            if asked.contains_key("fresh") {
                request.push(("prompt".into(), "login".into()));
            }
            let to = vendor.authorize_url(&request);
            inside.on_the_way.lock().unwrap().insert(challenge.state.clone(), challenge);
            Redirect::to(&to).into_response()
        }
    }
}

async fn back(State(inside): State<Arc<Inside>>, Query(asked): Query<HashMap<String, String>>) -> Response {
    let challenge = asked.get("state").and_then(|state| inside.on_the_way.lock().unwrap().remove(state));
    let (Some(challenge), Some(code)) = (challenge, asked.get("code")) else {
        return (StatusCode::BAD_REQUEST, format!("{asked:?}")).into_response();
    };
    let vendor = inside.vendor.get().unwrap();
    let (status, tokens) = vendor.token(&vendor.exchange(code, &challenge)).await;
    if status != 200 {
        return (StatusCode::BAD_GATEWAY, tokens.to_string()).into_response();
    }
    let claims = payload_of(tokens["id_token"].as_str().unwrap());
    let of = |name: &str| claims[name].as_str().unwrap().to_owned();
    let cookie = random_word(16);
    inside.readers.lock().unwrap().insert(cookie.clone(), Reader { name: of("sub"), sid: of("sid") });
    let keep = format!("room={cookie}; Path=/; HttpOnly");
    ([(header::SET_COOKIE, keep)], Redirect::to("/")).into_response()
}

#[derive(serde::Deserialize)]
struct Bye {
    logout_token: String,
}

async fn bye(State(inside): State<Arc<Inside>>, Form(bye): Form<Bye>) -> StatusCode {
    let sid = payload_of(&bye.logout_token)["sid"].as_str().unwrap().to_owned();
    inside.readers.lock().unwrap().retain(|_, reader| reader.sid != sid);
    inside.farewells.lock().unwrap().push(sid);
    StatusCode::OK
}
