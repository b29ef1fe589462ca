//! A vendor's own server, as far as sign-out goes: it takes logout tokens, is loaded in frames, and keeps what it heard.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Form, Router,
    extract::{RawQuery, State},
    http::StatusCode,
    response::Html,
    routing::{get, post},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;

use super::{
    library::{Declared, Library},
    vendor::json_of,
};

pub struct Ear {
    pub url: String,
    heard: Arc<Heard>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Heard {
    tokens: Mutex<Vec<(Instant, String)>>,
    frames: Mutex<Vec<String>>,
    /// What is answered to a logout token; 0 stands for 200.
    answer: AtomicU16,
    delay: Mutex<Duration>,
    now: AtomicUsize,
    busiest: AtomicUsize,
}

/// Longer than a session's expiry and two tries of a message take.
const PATIENCE: Duration = Duration::from_secs(40);

impl Ear {
    pub async fn open() -> Ear {
        let heard = Arc::new(Heard::default());
        let routes = Router::new()
            .route("/bye", post(bye))
            .route("/frame", get(frame))
            .route("/callback", get(async || Html("<h1>Back at the vendor</h1>")))
            .route("/done", get(async || Html("<h1>Signed out</h1>")))
            .with_state(heard.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Ear { url, heard, server }
    }

    /// A vendor with this ear; `lines` are more of its `[[vendor.oidc]]`, where EAR stands for its address.
    pub fn declared(&self, id: &'static str, lines: &str) -> Declared {
        let kept = |text: String| -> &'static str { text.leak() };
        Declared {
            id,
            redirect_uris: vec![kept(format!("{}/callback", self.url))].leak(),
            oidc_lines: kept(lines.replace("EAR", &self.url)),
            ..Declared::default()
        }
    }

    pub fn answers(&self, status: u16) {
        self.heard.answer.store(status, Ordering::SeqCst);
    }

    pub fn takes(&self, delay: Duration) {
        *self.heard.delay.lock().unwrap() = delay;
    }

    /// Logout tokens, each with when it came.
    pub fn heard(&self) -> Vec<(Instant, String)> {
        self.heard.tokens.lock().unwrap().clone()
    }

    /// Waits until that many logout tokens were heard.
    pub async fn hears(&self, many: usize) -> Vec<String> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let heard = self.heard();
            if heard.len() >= many {
                return heard.into_iter().map(|(_, token)| token).collect();
            }
            assert!(Instant::now() < give_up, "{} of {many} logout tokens", heard.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The queries of frames that were loaded.
    pub fn frames(&self) -> Vec<String> {
        self.heard.frames.lock().unwrap().clone()
    }

    /// The most that were on the line at once.
    pub fn busiest(&self) -> usize {
        self.heard.busiest.load(Ordering::SeqCst)
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(serde::Deserialize)]
struct Bye {
    logout_token: String,
}

async fn bye(State(heard): State<Arc<Heard>>, Form(bye): Form<Bye>) -> StatusCode {
    let now = heard.now.fetch_add(1, Ordering::SeqCst) + 1;
    heard.busiest.fetch_max(now, Ordering::SeqCst);
    heard.tokens.lock().unwrap().push((Instant::now(), bye.logout_token));
    let delay = *heard.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    heard.now.fetch_sub(1, Ordering::SeqCst);
    match heard.answer.load(Ordering::SeqCst) {
        0 => StatusCode::OK,
        status => StatusCode::from_u16(status).unwrap(),
    }
}

async fn frame(State(heard): State<Arc<Heard>>, RawQuery(query): RawQuery) -> Html<&'static str> {
    heard.frames.lock().unwrap().push(query.unwrap_or_default());
    Html("<title>Signed out</title>")
}

/// Verifies a logout token as Back-Channel Logout section 2.6 says, by the published keys; hands out its claims.
pub async fn verified(library: &Library, client_id: &str, token: &str) -> Value {
    let discovery = json_of(&library.url("/.well-known/openid-configuration")).await;
    let keys: JwkSet = serde_json::from_value(json_of(discovery["jwks_uri"].as_str().unwrap()).await).unwrap();
    let header = decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("logout+jwt"));
    assert_eq!(header.alg, Algorithm::RS256, "the alg of its ID tokens");
    let key = keys.find(header.kid.as_deref().unwrap()).expect("a published key");
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_issuer(&[&library.issuer]);
    rules.set_audience(&[client_id]);
    rules.set_required_spec_claims(&["iss", "aud", "exp"]);
    let claims = decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &rules).unwrap().claims;
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!((1..=120).contains(&life), "{claims}");
    assert!(claims["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object(), "{claims}");
    assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() >= 16), "{claims}");
    assert!(claims.get("nonce").is_none(), "{claims}");
    claims
}
