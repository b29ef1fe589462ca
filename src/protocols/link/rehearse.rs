//! The address that a reader would be sent to, for people to read, with why each part of it says what it says.

use super::{
    NAME,
    address::{Place, Values},
    party::{Kind, Party},
};
use crate::{
    domain::patron::Role,
    protocols::{Part, Rehearsed, Stage},
};

pub(super) fn address(stage: &Stage<'_>, party: &Party) -> Rehearsed {
    let told = stage.told;
    let band = party.bands.of(told.release.audience_band);
    let time = stage.now.millis() / 1000;
    let life = match party.kind {
        Kind::Signed(life) => i64::try_from(life.as_secs()).unwrap_or_default(),
        _ => 0,
    };
    let values = Values {
        pseudonym: &told.subject,
        band,
        patron_type: patron_type(told.release.patron_type),
        time,
        expires: time + life,
        id: "(another each time)",
    };
    let part = |name: &str, value: &str, why: &str| Part {
        name: name.to_owned(),
        values: vec![value.to_owned()],
        why: why.to_owned(),
    };
    let mut parts = Vec::new();
    let proxied = matches!(party.kind, Kind::EzProxy(_));
    if proxied || party.url.has(Place::Pseudonym) {
        parts.push(part(
            "pseudonym",
            &told.subject,
            "the vendor's one pseudonym of the reader, the same in all protocols",
        ));
    }
    if proxied || party.url.has(Place::Band) {
        parts.push(part("band", band, "the audience band, in the words of `bands`"));
    }
    if party.url.has(Place::Type) {
        parts.push(part("type", values.patron_type, "student or staff"));
    }
    let text = match &party.kind {
        Kind::EzProxy(proxy) => format!("{}/login?user={}&ticket=(signed at the click)", proxy.base, told.subject),
        _ => party.url.fill(&values, Some("(signed at the click)")),
    };
    Rehearsed { protocol: NAME, relying_party: party.key.clone(), text, parts, withheld: Vec::new() }
}

pub(super) fn patron_type(role: Role) -> &'static str {
    role.as_str()
}
