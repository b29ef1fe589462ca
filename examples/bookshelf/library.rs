//! The library as the shelf sees it: an OpenID provider that says whether somebody may read here, and nothing that the
//! shelf does not need. Requests between the two go here; what the browser does belongs to `sign_in`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AuthenticationFlow, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IdTokenVerifier, IssuerUrl,
    LoginHint, LogoutProviderMetadata, LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, ProviderMetadata, RedirectUrl, Scope, SignatureVerificationError, UserInfoClaims,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGenderClaim,
        CoreGrantType, CoreIdToken, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
        CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::RwLock;
use url::Url;

use super::{
    Settings,
    access_token::{self, AccessToken, Claims},
    books::Band,
    logout_token,
};

/// The privilege that this shelf is for.
pub const SCOPE: &str = "library.ebooks";
/// An unknown key makes us read the library's keys anew, but not more often than this.
const FRESH: Duration = Duration::from_secs(5);
const LONGEST_ANSWER: usize = 512 * 1024;

pub struct Library {
    settings: Settings,
    http: reqwest::Client,
    known: RwLock<Option<Arc<Known>>>,
}

/// Somebody who may read: what the library told us, and nothing else.
#[derive(Serialize)]
pub struct Reader {
    pub pseudonym: String,
    pub band: Band,
    pub claims: Vec<Claim>,
    /// The library's name for the visit.
    #[serde(skip)]
    pub sid: Option<String>,
    #[serde(skip)]
    pub id_token: CoreIdToken,
}

/// One thing that we were told, for the reader to see.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Claim {
    pub name: String,
    pub value: String,
    pub told_in: Vec<&'static str>,
    pub meaning: &'static str,
}

/// A request for a sign-in, and what must be remembered to check its answer.
pub struct Request {
    pub url: Url,
    pub state: String,
    pub nonce: Nonce,
    pub verifier: PkceCodeVerifier,
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the library grants no {SCOPE}")]
    NotEntitled,
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

impl Library {
    pub fn new(settings: &Settings) -> anyhow::Result<Library> {
        let http = reqwest::Client::builder()
            // A provider that redirects us elsewhere could make us call anybody.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Library { settings: settings.clone(), http, known: RwLock::new(None) })
    }

    pub async fn request(&self, login_hint: Option<String>) -> anyhow::Result<Request> {
        let known = self.known().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = known.client(&self.settings)?;
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new(SCOPE.to_owned()))
            .set_pkce_challenge(challenge);
        if let Some(hint) = login_hint {
            request = request.set_login_hint(LoginHint::new(hint));
        }
        let (url, state, nonce) = request.url();
        Ok(Request { url, state: state.into_secret(), nonce, verifier })
    }

    /// An authorization response must name its issuer where the library promises so (RFC 9207 section 2.4).
    pub async fn is_sender(&self, issuer: Option<&str>) -> anyhow::Result<bool> {
        let known = self.known().await?;
        let promised = known.metadata.additional_metadata().additional_metadata.names_itself;
        Ok(issuer.map_or(!promised, |issuer| issuer == self.settings.issuer))
    }

    /// From the code to a reader: token, ID token, userinfo, scope.
    pub async fn redeem(&self, code: String, verifier: PkceCodeVerifier, nonce: &Nonce) -> Result<Reader, Refused> {
        let mut known = self.known().await?;
        let http = |request| ask(self.http.clone(), request);
        let client = known.client(&self.settings)?;
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .context("the library has no token endpoint")?
            .set_pkce_verifier(verifier)
            .request_async(&http)
            .await
            .context("token")?;

        let id_token = answer.extra_fields().id_token().context("the library sent no ID token")?;
        if unknown_key(id_token.claims(&known.verifier(&self.settings), nonce).err()) {
            known = self.learn(Some(&known)).await?;
        }
        let verifier = known.verifier(&self.settings);
        let claims = id_token.claims(&verifier, nonce).context("ID token")?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = id_token.signing_alg().context("ID token")?;
            let key = id_token.signing_key(&verifier).context("ID token")?;
            let actual = AccessTokenHash::from_token(answer.access_token(), algorithm, key).context("at_hash")?;
            if actual != *expected {
                return Err(anyhow::anyhow!("the access token is not the ID token's").into());
            }
        }

        // Absent, the scope is the one that was asked for (RFC 6749 section 5.1).
        if answer.scopes().is_some_and(|scopes| !scopes.iter().any(|scope| scope.as_str() == SCOPE)) {
            return Err(Refused::NotEntitled);
        }
        let token = self.open(answer.access_token().secret(), &known).await.context("access token")?;
        if let Some(sealed) = &token {
            let (client_id, now) = (&self.settings.client_id, claims.issue_time().timestamp());
            access_token::expect(sealed, &self.settings.issuer, client_id, claims.subject(), now)
                .context("access token")?;
            if !access_token::grants(sealed, SCOPE) {
                return Err(Refused::NotEntitled);
            }
        }
        let person: UserInfoClaims<Told, CoreGenderClaim> = client
            .user_info(answer.access_token().clone(), Some(claims.subject().clone()))
            .context("the library has no userinfo endpoint")?
            .request_async(&http)
            .await
            .context("userinfo")?;

        let by_id_token = payload(&id_token.to_string()).context("ID token")?;
        let by_userinfo = everything(&person)?;
        let band = by_userinfo.get("audience_band").or_else(|| by_id_token.get("audience_band"));
        Ok(Reader {
            pseudonym: claims.subject().to_string(),
            band: Band::named(band.and_then(Value::as_str).unwrap_or_default()),
            sid: by_id_token.get("sid").and_then(Value::as_str).map(str::to_owned),
            claims: told([
                ("ID token", by_id_token),
                ("userinfo", by_userinfo),
                ("access token", token.unwrap_or_default()),
            ]),
            id_token: id_token.clone(),
        })
    }

    /// Where to sign out at the library too, if it can (RP-Initiated Logout 1.0).
    pub async fn farewell(&self, reader: &Reader) -> Option<Url> {
        let known = self.known().await.ok()?;
        let endpoint = known.metadata.additional_metadata().end_session_endpoint.clone()?;
        let back = PostLogoutRedirectUrl::new(self.settings.post_logout_redirect_uri()).ok()?;
        let request = LogoutRequest::from(endpoint)
            .set_id_token_hint(&reader.id_token)
            .set_client_id(ClientId::new(self.settings.client_id.clone()))
            .set_post_logout_redirect_uri(back);
        Some(request.http_get_url())
    }

    /// The visit that has ended at the library, as its logout token says.
    pub async fn goodbye(&self, token: &str) -> anyhow::Result<String> {
        let known = self.known().await?;
        let mut opened = logout_token::open(token, known.metadata.jwks())?;
        if matches!(opened, AccessToken::UnknownKey) {
            opened = logout_token::open(token, self.learn(Some(&known)).await?.metadata.jwks())?;
        }
        let AccessToken::Jwt(claims) = opened else { anyhow::bail!("the library publishes no such key") };
        logout_token::expect(&claims, &self.settings.issuer, &self.settings.client_id)
    }

    /// The access token's claims, its seal proved; none where it is opaque.
    async fn open(&self, token: &str, known: &Arc<Known>) -> anyhow::Result<Option<Claims>> {
        let mut opened = access_token::open(token, known.metadata.jwks())?;
        if matches!(opened, AccessToken::UnknownKey) {
            opened = access_token::open(token, self.learn(Some(known)).await?.metadata.jwks())?;
        }
        match opened {
            AccessToken::Jwt(claims) => Ok(Some(claims)),
            AccessToken::Opaque => Ok(None),
            AccessToken::UnknownKey => Err(anyhow::anyhow!("the library publishes no such key")),
        }
    }

    async fn known(&self) -> anyhow::Result<Arc<Known>> {
        if let Some(known) = &*self.known.read().await {
            return Ok(known.clone());
        }
        self.learn(None).await
    }

    /// Reads discovery and keys; once for all who saw the same `stale` state.
    async fn learn(&self, stale: Option<&Arc<Known>>) -> anyhow::Result<Arc<Known>> {
        let mut known = self.known.write().await;
        if let Some(current) = &*known
            && stale.is_none_or(|stale| !Arc::ptr_eq(stale, current) || current.since.elapsed() < FRESH)
        {
            return Ok(current.clone());
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).context("issuer")?;
        let http = |request| ask(self.http.clone(), request);
        let metadata = Metadata::discover_async(issuer, &http).await.context("the library's discovery document")?;
        let fresh = Arc::new(Known { metadata, since: Instant::now() });
        *known = Some(fresh.clone());
        Ok(fresh)
    }
}

struct Known {
    metadata: Metadata,
    since: Instant,
}

impl Known {
    fn client(&self, settings: &Settings) -> anyhow::Result<Client> {
        let id = ClientId::new(settings.client_id.clone());
        let secret = ClientSecret::new(settings.client_secret.clone());
        let redirect = RedirectUrl::new(settings.redirect_uri()).context("redirect_uri")?;
        Ok(CoreClient::from_provider_metadata(self.metadata.clone(), id, Some(secret)).set_redirect_uri(redirect))
    }

    fn verifier(&self, settings: &Settings) -> IdTokenVerifier<'static, CoreJsonWebKey> {
        IdTokenVerifier::new_confidential_client(
            ClientId::new(settings.client_id.clone()),
            ClientSecret::new(settings.client_secret.clone()),
            self.metadata.issuer().clone(),
            self.metadata.jwks().clone(),
        )
        .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256])
    }
}

type Client = CoreClient<
    openidconnect::EndpointSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointMaybeSet,
    openidconnect::EndpointMaybeSet,
>;

type Metadata = ProviderMetadata<
    LogoutProviderMetadata<More>,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct More {
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    names_itself: bool,
}

impl AdditionalProviderMetadata for More {}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Told(Claims);

impl AdditionalClaims for Told {}

fn unknown_key(error: Option<ClaimsVerificationError>) -> bool {
    let unknown = SignatureVerificationError::NoMatchingKey;
    matches!(error, Some(ClaimsVerificationError::SignatureVerification(reason)) if reason == unknown)
}

/// The claims of a token that is verified already, down to those that we did not ask for.
fn payload(token: &str) -> anyhow::Result<Claims> {
    let part = token.split('.').nth(1).context("not a JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
}

fn everything(person: &UserInfoClaims<Told, CoreGenderClaim>) -> anyhow::Result<Claims> {
    let mut all: Claims = serde_json::from_value(serde_json::to_value(person.standard_claims())?)?;
    all.extend(person.additional_claims().0.clone());
    all.retain(|_, value| !value.is_null());
    Ok(all)
}

/// Each fact once, with the places it was told in: what concerns the reader first, the letter's own stamps after.
fn told(letters: [(&'static str, Claims); 3]) -> Vec<Claim> {
    let mut facts: Vec<Claim> = Vec::new();
    for (place, claims) in letters {
        for (name, value) in claims {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match facts.iter_mut().find(|fact| fact.name == name && fact.value == value) {
                Some(fact) => fact.told_in.push(place),
                None => facts.push(Claim { meaning: meaning(&name), name, value, told_in: vec![place] }),
            }
        }
    }
    facts.sort_by_key(|fact| STAMPS.contains(&fact.name.as_str()));
    facts
}

const STAMPS: [&str; 14] =
    ["iss", "aud", "azp", "client_id", "iat", "nbf", "exp", "nonce", "at_hash", "c_hash", "acr", "amr", "sid", "jti"];

fn meaning(claim: &str) -> &'static str {
    match claim {
        "sub" => "A made-up name for you. No other shelf gets the same one.",
        "audience_band" => "Which books suit you. Not your grade, not your birthday.",
        "patron_type" => "Whether you learn or work at a school.",
        "iss" => "The library that vouches for you.",
        "aud" | "azp" | "client_id" => "This shelf: nobody else can use the message.",
        "iat" => "When the message was written.",
        "nbf" => "When the message begins to count.",
        "exp" => "When the message ends.",
        "auth_time" => "When you typed your PIN.",
        "nonce" => "A number that we chose, so that nobody can send an old message again.",
        "at_hash" | "c_hash" => "A seal that ties two messages together.",
        "acr" | "amr" => "How you signed in.",
        "sid" => "The number of this visit, so that signing out works everywhere.",
        "jti" => "The number of the message.",
        "scope" => "What your card opens here.",
        _ => "Something more that your library chose to tell us.",
    }
}

/// The HTTP client that `openidconnect` is given.
async fn ask(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
    let mut answer = http.execute(request.try_into()?).await?;
    let mut response = HttpResponse::new(Vec::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    while let Some(part) = answer.chunk().await? {
        if response.body().len() + part.len() > LONGEST_ANSWER {
            return Err(Unanswered::TooLong);
        }
        response.body_mut().extend_from_slice(&part);
    }
    Ok(response)
}

#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the answer is too long")]
    TooLong,
}
