//! The answer: authorization response, token request, ID token (OpenID Connect Core section 3.1.3), one check after the
//! other, each with the section that asks for it.

use std::sync::Arc;

use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, IdTokenVerifier, Nonce,
    OAuth2TokenResponse, PkceCodeVerifier, RequestTokenError, SignatureVerificationError,
    core::{CoreIdToken, CoreIdTokenClaims, CoreJsonWebKey, CoreTokenResponse},
};
use serde_json::{Map, Value};

use super::{
    Upstream,
    begin::Kept,
    claims::{self, Claims},
    known::{Known, ask, chain},
};
use crate::{
    directory::redirect::{Returned, Shown, Turned},
    domain::clock::Timestamp,
    wire::jose::from_base64url,
};

type Verifier = IdTokenVerifier<'static, CoreJsonWebKey>;

fn failed(why: impl Into<String>) -> Turned {
    Turned::Failed(why.into())
}

impl Upstream {
    pub(super) async fn answer(&self, kept: &Value, back: &Returned, now: Timestamp) -> Result<Shown, Turned> {
        let kept: Kept = serde_json::from_value(kept.clone()).map_err(|_| failed("what was kept cannot be read"))?;
        if kept.issuer != self.settings.issuer.as_str() || kept.client_id != self.settings.client_id {
            return Err(failed("its settings were changed meanwhile"));
        }
        let known = self.known.now(now).await?;
        self.sender(&known, back)?;
        let code = code(back)?;
        let secret = tokio::fs::read_to_string(&self.settings.client_secret_file).await;
        let secret = secret.map_err(|error| Turned::Away(format!("the file of its client secret: {error}")))?;
        let secret = ClientSecret::new(secret.trim().to_owned());
        let answer = self.redeem(&known, code, &kept, secret.clone()).await?;
        let id_token = answer.extra_fields().id_token().ok_or_else(|| failed("there is no ID token"))?;
        let (verifier, typed) = self.verified(known, id_token, &secret, &kept, now).await?;
        self.is_its_access_token(&answer, id_token, typed, &verifier)?;
        let raw = payload(&id_token.to_string()).ok_or_else(|| failed("its ID token's claims cannot be read"))?;
        let claims = Claims::new(&raw);
        claims.check_times(&kept, now)?;
        claims.check_party(&self.settings.client_id)?;
        claims.check_freshness(&kept)?;
        claims.shown(&self.settings)
    }

    /// RFC 9207 section 2.4: who answers is who was asked, and says so where that was promised.
    fn sender(&self, known: &Known, back: &Returned) -> Result<(), Turned> {
        let promised = known.metadata.additional_metadata().additional_metadata.names_itself;
        match back.issuer.as_deref() {
            Some(issuer) if issuer == self.settings.issuer.as_str() => Ok(()),
            Some(_) => Err(failed("somebody else has sent this answer (iss)")),
            None if promised => Err(failed("the answer does not say who has sent it (iss)")),
            None => Ok(()),
        }
    }

    /// Section 3.1.3.1, with PKCE (RFC 7636 section 4.5).
    async fn redeem(
        &self,
        known: &Known,
        code: String,
        kept: &Kept,
        secret: ClientSecret,
    ) -> Result<CoreTokenResponse, Turned> {
        let client = self.client(&known.metadata, Some(secret))?;
        let http = |request| ask(self.outbound.clone(), request);
        let request = client.exchange_code(AuthorizationCode::new(code));
        let request = request.map_err(|_| Turned::Away("it has no token endpoint".into()))?;
        let answer = request.set_pkce_verifier(PkceCodeVerifier::new(kept.verifier.clone())).request_async(&http).await;
        answer.map_err(|error| match error {
            RequestTokenError::Request(refused) => Turned::Away(format!("its token endpoint: {refused}")),
            RequestTokenError::ServerResponse(said) => {
                failed(format!("its token endpoint refuses: {:?}", said.error().as_ref()))
            }
            other => failed(format!("its token endpoint: {}", chain(&other))),
        })
    }

    /// Section 3.1.3.7, steps 2 to 8 and 11: issuer, audience, algorithm, signature, nonce. A key that is not known yet
    /// makes us look once more.
    async fn verified<'t>(
        &self,
        known: Arc<Known>,
        token: &'t CoreIdToken,
        secret: &ClientSecret,
        kept: &Kept,
        now: Timestamp,
    ) -> Result<(Verifier, &'t CoreIdTokenClaims), Turned> {
        let nonce = Nonce::new(kept.nonce.clone());
        let wrong = |error: ClaimsVerificationError| failed(format!("its ID token: {}", chain(&error)));
        let verifier = self.verifier(&known, secret);
        match token.claims(&verifier, &nonce) {
            Ok(claims) => Ok((verifier, claims)),
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                let newer = self.known.newer(&known, now).await?;
                let verifier = self.verifier(&newer, secret);
                let claims = token.claims(&verifier, &nonce).map_err(wrong)?;
                Ok((verifier, claims))
            }
            Err(error) => Err(wrong(error)),
        }
    }

    /// Times are `Claims::check_times`', by the library's own clock: to this verifier it is always the beginning of time.
    fn verifier(&self, known: &Known, secret: &ClientSecret) -> Verifier {
        IdTokenVerifier::new_confidential_client(
            ClientId::new(self.settings.client_id.clone()),
            secret.clone(),
            self.settings.issuer.clone(),
            known.metadata.jwks().clone(),
        )
        .set_allowed_algs(self.settings.algorithms.iter().cloned())
        .set_time_fn(Default::default)
    }

    /// Section 3.1.3.8, where the token says so.
    fn is_its_access_token(
        &self,
        answer: &CoreTokenResponse,
        token: &CoreIdToken,
        claims: &CoreIdTokenClaims,
        verifier: &Verifier,
    ) -> Result<(), Turned> {
        let Some(expected) = claims.access_token_hash() else { return Ok(()) };
        let algorithm = token.signing_alg().map_err(|error| failed(chain(&error)))?;
        let key = token.signing_key(verifier).map_err(|error| failed(chain(&error)))?;
        let actual = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
        let actual = actual.map_err(|error| failed(chain(&error)))?;
        if actual == *expected { Ok(()) } else { Err(failed("the access token is not the ID token's (at_hash)")) }
    }
}

/// All claims of a token that is verified already: those too that the protocol has no word for.
fn payload(token: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&from_base64url(token.split('.').nth(1)?)?).ok()
}

/// Section 3.1.2.5 and 3.1.2.6.
fn code(back: &Returned) -> Result<String, Turned> {
    match (&back.code, back.error.as_deref()) {
        (_, Some("temporarily_unavailable" | "server_error")) => Err(Turned::Away("it says that it is away".into())),
        (_, Some("access_denied")) => Err(failed("they were refused there, or went back")),
        (_, Some(error)) => Err(failed(format!("it answers {:?}", claims::short(error)))),
        (None, None) => Err(failed("the answer holds no code")),
        (Some(code), None) => Ok(code.clone()),
    }
}
