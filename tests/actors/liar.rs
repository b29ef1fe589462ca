//! A school's sign-in that lies as it is told: an OpenID provider whose every word a test can bend. Told nothing, it is
//! an honest one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value, json};
use url::Url;

use super::vendor::random_word;

pub const CLIENT: &str = "library-at-school";
pub const CLIENT_SECRET: &str = "the-secret-of-a-fictional-school-0123456789";

/// What is bent. The default is the truth.
#[derive(Debug, Clone, Default)]
pub struct Lies {
    /// Put over the ID token's claims; `null` takes one away.
    pub claims: Value,
    pub signed: Signed,
    /// `iss` of the authorization response; an empty text takes it away.
    pub sender: Option<String>,
    /// Whether the discovery document promises `iss`.
    pub promises_no_iss: bool,
    /// How long the token endpoint thinks.
    pub delay: Duration,
    pub discovery: Discovery,
    pub token: Token,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Signed {
    #[default]
    Well,
    /// `alg: none`, no signature.
    None,
    /// HS256 by the public key's octets.
    ByThePublicKey,
    /// HS256 by the client's secret.
    ByTheSecret,
    /// By a key that is published nowhere, under the published one's name.
    ByAStranger,
    /// By a key that is published nowhere, under a name of its own.
    ByAnUnknownKey,
    /// By a key that is published nowhere, which the header brings along.
    ByAKeyInTheHeader,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Discovery {
    #[default]
    Well,
    Broken,
    Redirects,
    Huge,
    /// It says that it is somebody else.
    AnotherIssuer,
    Slow,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Token {
    #[default]
    Well,
    Broken,
    Redirects,
    Huge,
    /// No ID token.
    Incomplete,
}

pub struct Liar {
    pub issuer: String,
    state: Arc<Told>,
    server: tokio::task::JoinHandle<()>,
}

struct Told {
    issuer: String,
    lies: Mutex<Lies>,
    key: Mutex<Key>,
    /// By code: what was asked.
    codes: Mutex<HashMap<String, HashMap<String, String>>>,
    /// How often discovery and keys were asked for.
    asked: Mutex<HashMap<&'static str, usize>>,
}

struct Key {
    der: Vec<u8>,
    point: Vec<u8>,
    kid: String,
}

impl Key {
    fn new() -> Key {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap().as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        Key { der, point, kid: random_word(32) }
    }

    fn jwk(&self) -> Value {
        let part = |from, to| URL_SAFE_NO_PAD.encode(&self.point[from..to]);
        json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
            "x": part(1, 33), "y": part(33, 65) })
    }
}

impl Liar {
    pub async fn open() -> Liar {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Told {
            issuer: issuer.clone(),
            lies: Mutex::default(),
            key: Mutex::new(Key::new()),
            codes: Mutex::default(),
            asked: Mutex::default(),
        });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/bye", get(async || "Signed out at school"))
            .with_state(state.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Liar { issuer, state, server }
    }

    /// A source of the programme, whose people are the roster's by their usernames.
    pub fn source(&self, id: &str, lines: &str) -> String {
        format!(
            "[[source]]\nid = \"{id}\"\nkind = \"oidc\"\nissuer = \"{}\"\nclient_id = \"{CLIENT}\"\n\
             client_secret_file = \"{id}.secret\"\nname = \"{id} school\"\nroster = \"cms\"\n\
             match_claim = \"preferred_username\"\nmatch_field = \"username\"\nscopes = [\"openid\", \"profile\"]\n{lines}\n",
            self.issuer
        )
    }

    pub fn lies(&self, lies: Lies) {
        *self.state.lies.lock().unwrap() = lies;
    }

    /// It signs by a new key from now on.
    pub fn turns_its_key(&self) {
        *self.state.key.lock().unwrap() = Key::new();
    }

    pub fn was_asked(&self, what: &'static str) -> usize {
        self.state.asked.lock().unwrap().get(what).copied().unwrap_or(0)
    }

    /// Somebody signs in there, who was sent to `authorize`: where their browser is sent back to.
    pub fn lets_in(&self, authorize: &Url) -> Url {
        let asked: HashMap<String, String> = authorize.query_pairs().into_owned().collect();
        let code = random_word(32);
        let mut back = Url::parse(&asked["redirect_uri"]).unwrap();
        let sender = self.state.lies.lock().unwrap().sender.clone().unwrap_or_else(|| self.issuer.clone());
        back.query_pairs_mut().append_pair("state", &asked["state"]).append_pair("code", &code);
        if !sender.is_empty() {
            back.query_pairs_mut().append_pair("iss", &sender);
        }
        self.state.codes.lock().unwrap().insert(code, asked);
        back
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn discovery(State(told): State<Arc<Told>>) -> Response {
    *told.asked.lock().unwrap().entry("discovery").or_default() += 1;
    let lies = told.lies.lock().unwrap().clone();
    let of = |path: &str| format!("{}{path}", told.issuer);
    let issuer = if lies.discovery == Discovery::AnotherIssuer { "https://evil.example".into() } else { of("") };
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": of("/authorize"),
        "token_endpoint": of("/token"),
        "jwks_uri": of("/jwks"),
        "end_session_endpoint": of("/bye"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": !lies.promises_no_iss,
    });
    match lies.discovery {
        Discovery::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Discovery::Redirects => (StatusCode::FOUND, [(LOCATION, of("/jwks"))]).into_response(),
        Discovery::Huge => vec![b' '; 10 * 1024 * 1024].into_response(),
        Discovery::Slow => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Json(document).into_response()
        }
        Discovery::Well | Discovery::AnotherIssuer => Json(document).into_response(),
    }
}

async fn jwks(State(told): State<Arc<Told>>) -> Json<Value> {
    *told.asked.lock().unwrap().entry("jwks").or_default() += 1;
    Json(json!({ "keys": [told.key.lock().unwrap().jwk()] }))
}

async fn token(
    State(told): State<Arc<Told>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let lies = told.lies.lock().unwrap().clone();
    tokio::time::sleep(lies.delay).await;
    match lies.token {
        Token::Broken => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Token::Redirects => return (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "/token")]).into_response(),
        Token::Huge => return vec![b' '; 10 * 1024 * 1024].into_response(),
        Token::Well | Token::Incomplete => {}
    }
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if headers.get("authorization").and_then(|v| v.to_str().ok()) != Some(&super::basic(CLIENT, CLIENT_SECRET)) {
        return refused("invalid_client");
    }
    let asked = form.get("code").and_then(|code| told.codes.lock().unwrap().remove(code));
    let Some(asked) = asked else { return refused("invalid_grant") };
    let verifier = form.get("code_verifier").cloned().unwrap_or_default();
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    if asked.get("code_challenge") != Some(&challenge)
        || asked.get("code_challenge_method").map(String::as_str) != Some("S256")
        || form.get("redirect_uri") != asked.get("redirect_uri")
    {
        return refused("invalid_grant");
    }
    let mut answer = json!({ "access_token": random_word(32), "token_type": "Bearer", "expires_in": 300 });
    if lies.token != Token::Incomplete {
        answer["id_token"] = told.id_token(&asked, &lies).into();
    }
    Json(answer).into_response()
}

impl Told {
    fn id_token(&self, asked: &HashMap<String, String>, lies: &Lies) -> String {
        #[allow(clippy::disallowed_methods)]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims: Map<String, Value> = json!({
            "iss": self.issuer, "sub": "account-1", "aud": CLIENT, "exp": now + 300, "iat": now,
            "nonce": asked["nonce"], "preferred_username": "pupil1",
        })
        .as_object()
        .unwrap()
        .clone();
        for (name, value) in lies.claims.as_object().into_iter().flatten() {
            match value {
                Value::Null => claims.remove(name),
                Value::String(text) if text.starts_with("now") => {
                    let later: i64 = text[3..].parse().unwrap_or(0);
                    claims.insert(name.clone(), (now as i64 + later).into())
                }
                value => claims.insert(name.clone(), value.clone()),
            };
        }
        let key = self.key.lock().unwrap();
        let header = |algorithm| Header { kid: Some(key.kid.clone()), ..Header::new(algorithm) };
        let by = |key: &Key, header: &Header| encode(header, &claims, &EncodingKey::from_ec_der(&key.der)).unwrap();
        let by_secret = |secret: &[u8]| encode(&header(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret));
        match lies.signed {
            Signed::Well => by(&key, &header(Algorithm::ES256)),
            Signed::ByAStranger => by(&Key::new(), &header(Algorithm::ES256)),
            Signed::ByAnUnknownKey => {
                let stranger = Key::new();
                by(&stranger, &Header { kid: Some(stranger.kid.clone()), ..Header::new(Algorithm::ES256) })
            }
            Signed::ByThePublicKey => by_secret(&key.point).unwrap(),
            Signed::ByTheSecret => by_secret(CLIENT_SECRET.as_bytes()).unwrap(),
            Signed::ByAKeyInTheHeader => {
                let stranger = Key::new();
                let jwk = serde_json::from_value(stranger.jwk()).unwrap();
                by(&stranger, &Header { jwk: Some(jwk), kid: None, ..Header::new(Algorithm::ES256) })
            }
            Signed::None => {
                let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
                format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(&Value::Object(claims.clone())))
            }
        }
    }
}

/// What an address says behind its question mark, by name.
pub fn words_of(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}
