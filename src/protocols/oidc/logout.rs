//! A session has ended: OpenID Connect Back-Channel Logout 1.0 (a logout token, from here to there) and Front-Channel
//! Logout 1.0 (an address that the patron's browser loads). When, and to whom, is `signon`'s to say.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    NAME,
    client::{Client, Clients},
    redirect, tokens,
};
use crate::{
    app::App,
    domain::handle,
    signon::farewell::{Farewell, Leaving, Telling, Untold, Ways},
};

/// The header's type, which keeps a logout token from being taken for any other (Back-Channel Logout section 2.4).
pub(super) const LOGOUT_TOKEN: &str = "logout+jwt";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// "At most two minutes in the future" (section 4).
const LIFE: Duration = Duration::from_secs(120);
/// Who takes longer to say yes is tried again.
const WITHIN: Duration = Duration::from_secs(2);

pub(super) struct Logout {
    clients: Clients,
}

impl Logout {
    pub fn new(issuer: &str) -> Logout {
        Logout { clients: Clients::new(issuer) }
    }
}

impl Farewell for Logout {
    fn protocol(&self) -> &'static str {
        NAME
    }

    fn ways(&self, app: &App, leaving: &Leaving) -> Ways {
        let Some(client) = self.clients.find(&app.catalogue(), &leaving.relying_party) else { return Ways::default() };
        // Both parameters always: Front-Channel Logout section 2 allows them without being asked.
        let address = |uri: &String| {
            let sid = tokens::session_at(&app.keyring, &client, leaving.session);
            redirect::with_answer(uri, &[("iss", &app.config.issuer), ("sid", &sid)])
        };
        Ways {
            by_message: client.backchannel_logout_uri.is_some(),
            in_browser: client.frontchannel_logout_uri.as_ref().map(address),
            by_visit: None,
        }
    }

    fn tell<'a>(&'a self, app: &'a App, leaving: &'a Leaving) -> Telling<'a> {
        Box::pin(async move {
            let gone = || Untold::Ever("not-registered".into());
            let client = self.clients.find(&app.catalogue(), &leaving.relying_party).ok_or_else(gone)?;
            let uri = client.backchannel_logout_uri.as_deref().ok_or_else(gone)?;
            let token = logout_token(app, &client, leaving).map_err(|why| Untold::Yet(why.into()))?;
            let told = app.outbound.post_form(uri, &[("logout_token", &token)], WITHIN).await;
            told.map(drop).map_err(|refused| Untold::Yet(refused.code().into_owned()))
        })
    }
}

/// Section 2.4. There is no nonce, which must not be in it.
#[derive(Serialize)]
struct LogoutToken<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    events: Value,
    sub: &'a str,
    sid: String,
}

fn logout_token(app: &App, client: &Client, leaving: &Leaving) -> Result<String, &'static str> {
    let now = app.clock.now();
    let token = LogoutToken {
        iss: &app.config.issuer,
        aud: &client.id,
        iat: now.seconds(),
        exp: (now + LIFE).seconds(),
        jti: handle::random().map_err(|_| "no-randomness")?,
        events: json!({ EVENT: {} }),
        sub: &leaving.subject,
        sid: tokens::session_at(&app.keyring, client, leaving.session),
    };
    let signed = app.keyring.sign(client.id_token_alg, client.reader, now, LOGOUT_TOKEN, &token);
    signed.map_err(|_| "not-signed")
}
