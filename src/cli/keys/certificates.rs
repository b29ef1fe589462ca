//! `oneaccess keys export --saml` and `oneaccess keys attest`.

use anyhow::Result;
use serde_json::json;

use super::{super::output::Output, Life};
use crate::admin::operations::{
    Desk,
    keys::{self, Handed},
};

pub(super) fn export(desk: &Desk, output: Output) -> Result<()> {
    let handed = keys::certificates(desk);
    output.document(&json!({ "certificates": &handed }), |_| {
        for certificate in &handed {
            say!("# {}: {}", certificate.id, standing(certificate));
            say!("# ends {}, SHA-256 {}", certificate.not_after, colons(&certificate.sha256));
            say!("{}", certificate.pem.trim_end());
        }
    })
}

fn standing(certificate: &Handed) -> String {
    match certificate.state {
        _ if certificate.signs => "signs today".to_owned(),
        super::State::Next => format!("the next one, signs from {} on", certificate.active_from),
        super::State::Active => "the one of before, signs for those who have not the newer one".to_owned(),
        _ => "signs no more; keep it until it is gone from here".to_owned(),
    }
}

/// A fingerprint as `openssl x509 -fingerprint` and most products show it.
fn colons(hex: &str) -> String {
    let pairs: Vec<String> =
        hex.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect();
    pairs.join(":")
}

pub(super) async fn attest(desk: &Desk, who: &str, withdraw: bool, output: Output) -> Result<()> {
    let said = if withdraw { keys::withdraw(desk, who).await? } else { keys::attest(desk, who).await? };
    let ids = said.keys.iter().map(|life| life.id.as_str()).collect::<Vec<_>>().join(", ");
    let how = if withdraw { "withdrawn" } else { "attested" };
    let keys: Vec<_> = said.keys.iter().map(|life| json!({ "id": life.id, "kid": life.kid })).collect();
    let document = json!({ "vendor": said.vendor, "client": said.party, "how": how, "keys": keys });
    output.document(&document, |_| match said.keys.as_slice() {
        [] => say!("That {} has every certificate was known before.", said.party),
        _ if withdraw => {
            let until = said.keys.first().map(|life: &Life| life.pinned_from.rfc3339()).unwrap_or_default();
            say!("{} has not {ids}: it stays on the one of before until {until}.", said.party);
        }
        _ => say!("{} has {ids}, you say: it moves when everybody does.", said.party),
    })
}
