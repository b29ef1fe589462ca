//! The authorization request (OpenID Connect Core section 3.1.2.1), and the way out.

use openidconnect::{
    AuthType, AuthenticationFlow, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    LogoutRequest, Nonce, PkceCodeChallenge, PostLogoutRedirectUrl, RedirectUrl, Scope,
    core::{CoreAuthPrompt, CoreClient, CoreClientAuthMethod, CoreResponseType},
};
use serde::{Deserialize, Serialize};

use super::{
    Upstream,
    known::{Known, Metadata},
    settings::Prompt,
};
use crate::{
    directory::redirect::{Departure, Turned, Wish},
    domain::{clock::Timestamp, field},
};

pub(super) type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// What must be remembered to check the answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub issuer: String,
    pub client_id: String,
    pub nonce: String,
    pub verifier: String,
    pub asked_at: Timestamp,
    pub fresh_after: Option<Timestamp>,
}

impl Upstream {
    pub(super) async fn request(&self, wish: &Wish<'_>) -> Result<Departure, Turned> {
        let known = self.known.within_reach(wish.now).await?;
        let client = self.client(&known.metadata, None)?;
        let state = CsrfToken::new(wish.state.to_owned());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(AuthenticationFlow::<CoreResponseType>::AuthorizationCode, move || state, Nonce::new_random)
            .set_pkce_challenge(challenge);
        for scope in self.settings.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        if let Some(domain) = self.settings.required.get("hd") {
            request = request.add_extra_param("hd", domain.clone());
        }
        // `max_age` makes the provider say when they signed in (section 3.1.2.1); `prompt` is what the reader sees of it.
        if wish.fresh_after.is_some() {
            request = request.set_max_age(std::time::Duration::ZERO).add_prompt(CoreAuthPrompt::Login);
        } else if let Some(prompt) = self.settings.prompt {
            request = request.add_prompt(match prompt {
                Prompt::Login => CoreAuthPrompt::Login,
                Prompt::SelectAccount => CoreAuthPrompt::SelectAccount,
            });
        }
        let (url, _, nonce) = request.url();
        field::url(url.as_str()).map_err(|why| Turned::Away(format!("its authorization endpoint: {why}")))?;
        let kept = Kept {
            issuer: self.settings.issuer.to_string(),
            client_id: self.settings.client_id.clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            asked_at: wish.now,
            fresh_after: wish.fresh_after,
        };
        let kept = serde_json::to_value(kept).map_err(|error| Turned::Failed(error.to_string()))?;
        Ok(Departure { to: url.into(), kept })
    }

    pub(super) fn client(&self, metadata: &Metadata, secret: Option<ClientSecret>) -> Result<Client, Turned> {
        let id = ClientId::new(self.settings.client_id.clone());
        let back = RedirectUrl::new(self.callback.clone()).map_err(|error| Turned::Failed(error.to_string()))?;
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, secret).set_redirect_uri(back);
        // Absent means client_secret_basic (Discovery section 3).
        let methods = metadata.token_endpoint_auth_methods_supported();
        let by_form_alone = methods.is_some_and(|methods| !methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        Ok(if by_form_alone { client.set_auth_type(AuthType::RequestBody) } else { client })
    }

    /// RP-Initiated Logout 1.0, without a hint: which ID token it was is not kept.
    pub(super) async fn end_session(&self, back: &str, now: Timestamp) -> Option<String> {
        let known: std::sync::Arc<Known> = self.known.now(now).await.ok()?;
        let endpoint = known.metadata.additional_metadata().end_session_endpoint.clone()?;
        let request = LogoutRequest::from(endpoint)
            .set_client_id(ClientId::new(self.settings.client_id.clone()))
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(back.to_owned()).ok()?);
        let url = request.http_get_url();
        field::url(url.as_str()).is_ok().then(|| url.into())
    }
}
