//! A vendor in Rust, with the crates `openidconnect` and `jsonwebtoken`: what `docs/integrate/openidconnect.md` shows.

// docs:begin connect
use std::sync::RwLock;

use anyhow::{Context, Result, bail, ensure};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError, TokenResponse, UserInfoClaims,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreJwsSigningAlgorithm, CoreProviderMetadata,
        CoreTokenResponse,
    },
};
use serde::{Deserialize, Serialize};

/// What the library told you about yourself, and, in `known`, what it publishes: addresses and keys.
pub struct Library {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    pub redirect_uri: String,
    /// Yours: `https://access.library.example/vendors/maple`.
    pub resource: String,
    pub known: RwLock<Option<CoreProviderMetadata>>,
}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

impl Library {
    /// The crate does not cache: discovery is read once, and again (`anew`) when a token names a key that is not in it.
    async fn known(&self, anew: bool) -> Result<CoreProviderMetadata> {
        if !anew && let Some(known) = self.known.read().unwrap().clone() {
            return Ok(known);
        }
        let known = CoreProviderMetadata::discover_async(IssuerUrl::new(self.issuer.clone())?, &carry).await?;
        *self.known.write().unwrap() = Some(known.clone());
        Ok(known)
    }

    fn client(&self, known: CoreProviderMetadata) -> Result<Client> {
        let secret = ClientSecret::new(self.client_secret.clone());
        let client = CoreClient::from_provider_metadata(known, ClientId::new(self.client_id.clone()), Some(secret));
        Ok(client.set_redirect_uri(RedirectUrl::new(self.redirect_uri.clone())?))
    }
}

/// Carries the crate's requests by the `reqwest` of your choice, which must not follow redirects.
async fn carry(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let answer = http.execute(request.try_into()?).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
// docs:end

// docs:begin sign-in
/// What you keep in the browser's session, once, between `sign_in` and `callback`.
pub struct Session {
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// The query that the browser comes back with.
#[derive(Deserialize)]
pub struct Callback {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Told {
    pub audience_band: String,
    pub patron_type: String,
}

impl AdditionalClaims for Told {}

impl Library {
    /// Where your "sign in with the library" link leads.
    pub async fn sign_in(&self) -> Result<(url::Url, Session)> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = self
            .client(self.known(false).await?)?
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("library.ebooks".into()))
            .set_pkce_challenge(challenge)
            .url();
        Ok((url, Session { state, nonce, verifier }))
    }

    /// Who came: key your records on `person.subject()`; `person.additional_claims()` is what we tell about her.
    pub async fn callback(
        &self,
        query: Callback,
        session: Session,
    ) -> Result<(UserInfoClaims<Told, CoreGenderClaim>, CoreTokenResponse)> {
        ensure!(query.state.as_ref() == Some(session.state.secret()), "this answer belongs to another request");
        ensure!(query.iss.as_ref() == Some(&self.issuer), "this answer is not the library's"); // RFC 9207
        let Some(code) = query.code else { bail!("{}", query.error.unwrap_or_default()) };
        let mut client = self.client(self.known(false).await?)?;
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))?
            .set_pkce_verifier(session.verifier)
            .request_async(&carry)
            .await?;

        let id_token = tokens.id_token().context("no ID token")?;
        let unknown = ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey);
        if id_token.claims(&client.id_token_verifier(), &session.nonce).err() == Some(unknown) {
            client = self.client(self.known(true).await?)?;
        }
        let rs256 = [CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256];
        let verifier = client.id_token_verifier().set_allowed_algs(rs256);
        let claims = id_token.claims(&verifier, &session.nonce)?; // signature, iss, aud, exp, nonce
        if let Some(expected) = claims.access_token_hash() {
            let (algorithm, key) = (id_token.signing_alg()?, id_token.signing_key(&verifier)?);
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)?;
            ensure!(actual == *expected, "the access token is not the ID token's");
        }
        let subject = Some(claims.subject().clone());
        let person = client.user_info(tokens.access_token().clone(), subject)?.request_async(&carry).await?;
        Ok((person, tokens))
    }
}
// docs:end

// docs:begin api
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};

#[derive(Deserialize)]
pub struct AccessToken {
    pub iss: String,
    pub sub: String,
    pub client_id: String,
    pub scope: String,
}

impl Library {
    /// At your API: who sends this access token? `keys` is the library's `jwks_uri`, read again at an unknown `kid`.
    pub fn reader(&self, access_token: &str, keys: &JwkSet) -> Result<AccessToken> {
        let header = decode_header(access_token)?;
        // What the crate does not look at: another type, or something critical that it does not know (RFC 7515 4.1.11).
        let is_access_token = header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt"));
        ensure!(is_access_token && header.crit.is_none(), "this is no access token");
        let key = keys.find(&header.kid.unwrap_or_default()).context("the library has no such key")?;
        let mut expected = Validation::new(Algorithm::ES256);
        expected.set_issuer(&[&self.issuer]);
        expected.set_audience(&[&self.resource]);
        expected.validate_nbf = true;
        expected.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let token = decode::<AccessToken>(access_token, &DecodingKey::from_jwk(key)?, &expected)?.claims;
        ensure!(token.scope.split(' ').any(|scope| scope == "library.ebooks"), "no e-books for this reader");
        Ok(token)
    }
}
// docs:end
