//! What is known of a provider: its discovery document and its keys, read anew by the hour and when it signs with a key
//! that is not among them. While it does not answer, what it said last counts for a day.

use std::{sync::Arc, time::Duration};

use openidconnect::{
    AdditionalProviderMetadata, HttpRequest, HttpResponse, IssuerUrl, LogoutProviderMetadata, ProviderMetadata,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
        CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    directory::redirect::Turned,
    domain::clock::Timestamp,
    outbound::{LARGEST, Outbound, Refused, WITHIN},
};

const FRESH: Duration = Duration::from_secs(60 * 60);
/// What the provider said last still counts this long while it does not answer.
const USABLE: Duration = Duration::from_secs(24 * 60 * 60);
/// A provider that did not answer is left alone this long: others need not wait for the same silence.
const PAUSE: Duration = Duration::from_secs(5);
/// A host that takes no connection within this is told to be away.
const KNOCK: Duration = Duration::from_secs(2);
/// Whoever sends tokens with invented key ids cannot make us ask oftener than this.
const AGAIN: Duration = Duration::from_secs(10);

pub(super) struct Discovered {
    issuer: IssuerUrl,
    outbound: Outbound,
    state: Mutex<State>,
    /// Whether its host took a connection lately.
    reached: Mutex<Option<(Timestamp, Result<(), Turned>)>>,
}

#[derive(Default)]
struct State {
    known: Option<Arc<Known>>,
    /// When it last did not answer, and how.
    silent: Option<(Timestamp, Turned)>,
}

pub(super) struct Known {
    pub metadata: Metadata,
    pub read_at: Timestamp,
}

impl Discovered {
    pub fn new(issuer: IssuerUrl, outbound: Outbound) -> Discovered {
        Discovered { issuer, outbound, state: Mutex::default(), reached: Mutex::default() }
    }

    /// What is known, or learnt now. Whoever comes while it is being learnt waits for the same answer.
    pub async fn now(&self, now: Timestamp) -> Result<Arc<Known>, Turned> {
        let mut state = self.state.lock().await;
        match &state.known {
            Some(known) if now.apart(known.read_at) < FRESH => Ok(known.clone()),
            _ => self.learn(&mut state, now).await,
        }
    }

    /// What is known of a provider whose host takes connections: whoever is sent to one that does not sees nothing but
    /// the browser's own error. The token endpoint's host is knocked at, since nobody can sign in without it.
    pub async fn within_reach(&self, now: Timestamp) -> Result<Arc<Known>, Turned> {
        let known = self.now(now).await?;
        let Some(endpoint) = known.metadata.token_endpoint() else { return Ok(known) };
        let mut reached = self.reached.lock().await;
        let lately = reached.as_ref().filter(|(at, _)| now.apart(*at) < PAUSE).map(|(_, found)| found.clone());
        let found = match lately {
            Some(found) => found,
            None => {
                let knocked = self.outbound.reach(endpoint.url(), KNOCK).await;
                let found = knocked.map_err(|refused| Turned::Away(format!("its token endpoint: {refused}")));
                *reached = Some((now, found.clone()));
                found
            }
        };
        found.map(|()| known)
    }

    /// After a token by a key that `stale` does not have.
    pub async fn newer(&self, stale: &Arc<Known>, now: Timestamp) -> Result<Arc<Known>, Turned> {
        let mut state = self.state.lock().await;
        match &state.known {
            Some(known) if !Arc::ptr_eq(known, stale) || now.apart(known.read_at) < AGAIN => Ok(known.clone()),
            _ => self.learn(&mut state, now).await,
        }
    }

    async fn learn(&self, state: &mut State, now: Timestamp) -> Result<Arc<Known>, Turned> {
        let usable = state.known.clone().filter(|known| now.apart(known.read_at) < USABLE);
        if let Some((at, why)) = &state.silent
            && now.apart(*at) < PAUSE
        {
            return usable.ok_or_else(|| why.clone());
        }
        // A wait that is cut off from outside is a silence as well.
        state.silent = Some((now, Turned::Away("its discovery document was not had in time".into())));
        let http = |request| ask(self.outbound.clone(), request);
        match Metadata::discover_async(self.issuer.clone(), &http).await {
            Ok(metadata) => {
                let known = Arc::new(Known { metadata, read_at: now });
                *state = State { known: Some(known.clone()), silent: None };
                Ok(known)
            }
            Err(error) => {
                let why = Turned::Away(format!("its discovery document cannot be used: {}", chain(&error)));
                state.silent = Some((now, why.clone()));
                usable.ok_or(why)
            }
        }
    }
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words.replace(['\r', '\n'], " ")
}

/// The HTTP client that `openidconnect` is given.
pub(super) async fn ask(outbound: Outbound, request: HttpRequest) -> Result<HttpResponse, Refused> {
    let answer = outbound.send(request, LARGEST, WITHIN).await?;
    match answer.status() {
        // A server that breaks has said nothing.
        status if status.is_server_error() => Err(Refused::Status(status.as_u16())),
        _ => Ok(answer.map(|body| body.to_vec())),
    }
}

pub(super) type Metadata = ProviderMetadata<
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
pub(super) struct More {
    /// It names itself in each authorization response (RFC 9207 section 3).
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    pub names_itself: bool,
}

impl AdditionalProviderMetadata for More {}
