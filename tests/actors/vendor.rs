//! Vendors that speak OpenID Connect: one with the stock `openidconnect` crate, and bare hands for what no stock client
//! would ever send.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims},
};
use serde_json::Value;
use url::Url;

use super::{
    browser::{Arrival, Browser},
    library::{Library, Patron, RelyingParty},
};

/// A vendor of the library.
#[derive(Debug, Clone)]
pub struct OidcVendor {
    pub party: RelyingParty,
    pub discovery: Value,
}

/// What a click brought, everything verified as the standards demand.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub subject: String,
    pub id_token: String,
    pub access_token: String,
    pub scope: String,
    pub id_claims: Value,
    pub userinfo: Value,
}

/// What a vendor keeps between sending the browser away and its return.
#[derive(Debug, Clone)]
pub struct Challenge {
    pub verifier: String,
    pub state: String,
    pub nonce: String,
}

impl OidcVendor {
    pub async fn of(library: &Library, party: RelyingParty) -> OidcVendor {
        let discovery = json_of(&library.url("/.well-known/openid-configuration")).await;
        OidcVendor { party, discovery }
    }

    pub fn endpoint(&self, name: &str) -> String {
        self.discovery[name].as_str().unwrap_or_else(|| panic!("discovery names no {name}")).to_owned()
    }

    // ── The stock client ───────────────────────────────────────────────────────────────────────────────────────────

    /// The whole click with the `openidconnect` crate; panics where any check of the crate fails.
    pub async fn click(&self, library: &Library, browser: &Browser, patron: &Patron, scopes: &[&str]) -> Tokens {
        let issuer = IssuerUrl::new(library.issuer.clone()).unwrap();
        let metadata = CoreProviderMetadata::discover_async(issuer, &carry).await.unwrap();
        let secret = self.party.client_secret.clone().map(ClientSecret::new);
        let auth =
            if self.party.auth_method == "client_secret_post" { AuthType::RequestBody } else { AuthType::BasicAuth };
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(self.party.client_id.clone()), secret)
            .set_auth_type(auth)
            .set_redirect_uri(RedirectUrl::new(self.party.redirect_uri.clone()).unwrap());

        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge);
        for scope in scopes.iter().filter(|s| **s != "openid") {
            request = request.add_scope(Scope::new((*scope).to_owned()));
        }
        let (url, state, nonce) = request.url();
        let back = browser.click(url.as_str(), patron, &self.party).await.left();
        assert_eq!(query(&back, "state").as_deref(), Some(state.secret().as_str()), "state comes back: {back}");
        assert_eq!(query(&back, "iss").as_deref(), Some(library.issuer.as_str()), "RFC 9207: {back}");
        let code = query(&back, "code").unwrap_or_else(|| panic!("no code: {back}"));

        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .unwrap()
            .set_pkce_verifier(verifier)
            .request_async(&carry)
            .await
            .unwrap_or_else(|e| panic!("the token endpoint: {e:?}"));
        let id_token = answer.id_token().expect("an ID token");
        let token_verifier = client.id_token_verifier();
        let claims = id_token.claims(&token_verifier, &nonce).expect("a valid ID token");
        if let Some(expected) = claims.access_token_hash() {
            let actual = AccessTokenHash::from_token(
                answer.access_token(),
                id_token.signing_alg().unwrap(),
                id_token.signing_key(&token_verifier).unwrap(),
            );
            assert_eq!(*expected, actual.unwrap(), "at_hash");
        }
        let _: CoreUserInfoClaims = client
            .user_info(answer.access_token().clone(), Some(claims.subject().clone()))
            .unwrap()
            .request_async(&carry)
            .await
            .unwrap_or_else(|e| panic!("userinfo: {e:?}"));
        let (id_token, access_token) = (id_token.to_string(), answer.access_token().secret().clone());
        Tokens {
            subject: claims.subject().to_string(),
            id_claims: payload_of(&id_token),
            userinfo: self.userinfo(&access_token).await.1,
            scope: answer
                .scopes()
                .map(|s| s.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" "))
                .unwrap_or_default(),
            id_token,
            access_token,
        }
    }

    // ── Bare hands ─────────────────────────────────────────────────────────────────────────────────────────────────

    /// A right authorization request, as pairs that a test may bend.
    pub fn request(&self, challenge: &Challenge) -> Vec<(String, String)> {
        let pairs = [
            ("response_type", "code"),
            ("client_id", &self.party.client_id),
            ("redirect_uri", &self.party.redirect_uri),
            ("scope", "openid library.ebooks"),
            ("state", &challenge.state),
            ("nonce", &challenge.nonce),
            ("code_challenge", &challenge_of(&challenge.verifier)),
            ("code_challenge_method", "S256"),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    pub fn authorize_url(&self, pairs: &[(String, String)]) -> String {
        let mut url = Url::parse(&self.endpoint("authorization_endpoint")).unwrap();
        url.query_pairs_mut().extend_pairs(pairs);
        url.into()
    }

    /// A code, won by the right request, and what goes with it.
    pub async fn code(&self, browser: &Browser, patron: &Patron) -> (String, Challenge) {
        let challenge = Challenge::new();
        let url = self.authorize_url(&self.request(&challenge));
        let back = browser.click(&url, patron, &self.party).await.left();
        (query(&back, "code").unwrap_or_else(|| panic!("no code: {back}")), challenge)
    }

    /// The right fields for the token endpoint.
    pub fn exchange(&self, code: &str, challenge: &Challenge) -> Vec<(String, String)> {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.party.redirect_uri),
            ("code_verifier", &challenge.verifier),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Sends fields to the token endpoint, authenticated as registered.
    pub async fn token(&self, fields: &[(String, String)]) -> (u16, Value) {
        self.post_to("token_endpoint", fields).await
    }

    /// The same while things break: 502 where nobody answers, as from a proxy.
    pub async fn try_token(&self, fields: &[(String, String)]) -> (u16, Value) {
        let secret = self.party.client_secret.clone().unwrap_or_default();
        let authorization = basic(&self.party.client_id, &secret);
        let request = plain().post(self.endpoint("token_endpoint")).form(fields).header("authorization", authorization);
        let request = request.timeout(std::time::Duration::from_secs(60));
        match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                match answer.text().await {
                    Ok(text) => (status, serde_json::from_str(&text).unwrap_or(Value::String(text))),
                    Err(why) => (502, Value::String(format!("{why:?}"))),
                }
            }
            Err(why) => (502, Value::String(format!("{why:?}"))),
        }
    }

    /// The same, to any endpoint for programs.
    pub async fn post_to(&self, endpoint: &str, fields: &[(String, String)]) -> (u16, Value) {
        let mut fields = fields.to_vec();
        let secret = self.party.client_secret.clone().unwrap_or_default();
        let mut headers = Vec::new();
        match self.party.auth_method.as_str() {
            "client_secret_basic" => headers.push(("authorization".to_owned(), basic(&self.party.client_id, &secret))),
            "client_secret_post" => {
                fields.push(("client_id".into(), self.party.client_id.clone()));
                fields.push(("client_secret".into(), secret));
            }
            _ => fields.push(("client_id".into(), self.party.client_id.clone())),
        }
        self.send(endpoint, &fields, &headers).await
    }

    /// Sends fields and headers to the token endpoint as they are.
    pub async fn token_with(&self, fields: &[(String, String)], headers: &[(String, String)]) -> (u16, Value) {
        self.send("token_endpoint", fields, headers).await
    }

    async fn send(&self, endpoint: &str, fields: &[(String, String)], headers: &[(String, String)]) -> (u16, Value) {
        let mut request = plain().post(self.endpoint(endpoint)).form(fields);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        read(request).await
    }

    /// Status and body of userinfo for this bearer token.
    pub async fn userinfo(&self, access_token: &str) -> (u16, Value) {
        read(plain().get(self.endpoint("userinfo_endpoint")).bearer_auth(access_token)).await
    }

    /// What an authorization request brings without any sign-in: the error by redirect, or our page.
    pub async fn ask(&self, pairs: &[(String, String)]) -> Arrival {
        Browser::new().go(self.authorize_url(pairs), &self.party.redirect_uri).await
    }
}

impl Challenge {
    pub fn new() -> Challenge {
        Challenge { verifier: random_word(32), state: random_word(16), nonce: random_word(16) }
    }
}

pub fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes()))
}

pub fn random_word(bytes: usize) -> String {
    let mut chance = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut chance).unwrap();
    URL_SAFE_NO_PAD.encode(chance)
}

/// The claims of a JWT, its signature not looked at.
#[track_caller]
pub fn payload_of(jwt: &str) -> Value {
    let part = jwt.split('.').nth(1).unwrap_or_else(|| panic!("no JWT: {jwt}"));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub fn basic(user: &str, password: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(user), encode(password));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

pub fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
}

pub async fn json_of(url: &str) -> Value {
    read(plain().get(url)).await.1
}

async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn plain() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// Carries the crate's requests: redirects off, as its documentation demands.
pub async fn carry(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let answer = plain().execute(request.try_into()?).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
