//! `vendor test`: whether a client's settings and addresses can work, looked at from our side.

use super::{
    client::Client,
    client_keys::{self, Keys},
    redirect,
};
use crate::{
    domain::{
        check::{Check, Whose},
        vendor::{RelyingParty, Vendor},
    },
    outbound::Outbound,
    protocols::reach::{Caller, reach, refusal},
};

pub(super) async fn client(vendor: &Vendor, party: &RelyingParty, outbound: &Outbound) -> Vec<Check> {
    let client = match Client::read(vendor, party, "https://issuer.example") {
        Ok(client) => client,
        Err(misfit) => return vec![Check::mend("settings", Whose::Ours, misfit.to_string())],
    };
    let initiate = party.settings["initiate_login_uri"].as_str();
    let (keys, begins, hears) = tokio::join!(
        keys(&client.keys, outbound),
        address(outbound, "initiate-login-uri", initiate, Caller::TheBrowser),
        address(outbound, "backchannel-logout-uri", client.backchannel_logout_uri.as_deref(), Caller::We),
    );
    vec![Check::ok("settings", "they fit together"), redirects(&client), keys, begins, hears]
}

fn redirects(client: &Client) -> Check {
    const NAME: &str = "redirect-uris";
    if client.redirect_uris.is_empty() {
        return Check::skipped(NAME, "none: no browser returns to this client");
    }
    let fits = |uri: &str| {
        let private_use = client.native && !uri.starts_with("http://");
        uri.starts_with("https://") || redirect::is_loopback(uri) || private_use
    };
    match client.redirect_uris.iter().find(|uri| !fits(uri)) {
        Some(bad) => Check::mend(NAME, Whose::Theirs, format!("{bad} must be https")),
        None => Check::ok(NAME, client.redirect_uris.join(" ")),
    }
}

async fn keys(keys: &Keys, outbound: &Outbound) -> Check {
    const NAME: &str = "jwks-uri";
    let uri = match keys {
        Keys::None => return Check::skipped(NAME, "the client has no keys"),
        Keys::Here(_) => return Check::skipped(NAME, "its keys are in the configuration"),
        Keys::At(uri) => uri,
    };
    match outbound.get_json(uri, client_keys::LARGEST).await {
        Err(refused) => refusal(NAME, uri, &refused),
        Ok(fetched) => match client_keys::read(&fetched.body) {
            Err(why) => Check::mend(NAME, Whose::Theirs, format!("{uri} is not a set of public keys: {why}")),
            Ok(_) => Check::ok(NAME, format!("{uri} has keys that can be used")),
        },
    }
}

async fn address(outbound: &Outbound, name: &'static str, url: Option<&str>, caller: Caller) -> Check {
    match url {
        None => Check::skipped(name, "not registered"),
        Some(url) => reach(outbound, name, url, caller).await,
    }
}
