//! What a service provider's new metadata changes, in words, and which of it switches off a check, sends answers elsewhere
//! or asks for more of the patron.

use std::collections::BTreeSet;

use serde::Serialize;
use url::Url;

use super::names::Form;
use crate::wire::saml::metadata::{EncryptionKey, Endpoint, RequestedAttribute, ServiceProvider, SubjectId};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `AuthnRequestsSigned`, in the metadata's words.
    pub what: &'static str,
    pub before: String,
    pub after: String,
    /// Why it waits for the operator; absent where it weakens nothing.
    pub weakens: Option<&'static str>,
}

/// What holds now cannot be read by this release: nobody can say what would change.
pub(super) fn unknown() -> Change {
    Change {
        what: "metadata",
        before: "unreadable".to_owned(),
        after: "another".to_owned(),
        weakens: Some("what holds now cannot be read any more, so nothing could be compared"),
    }
}

/// Each thing that differs and that we act on.
pub(super) fn between(before: &ServiceProvider, after: &ServiceProvider) -> Vec<Change> {
    let mut changes = Changes::default();
    changes.flag(
        "AuthnRequestsSigned",
        (before.authn_requests_signed, after.authn_requests_signed),
        "its requests would no longer have to be signed",
    );
    changes.flag(
        "WantAssertionsSigned",
        (before.want_assertions_signed, after.want_assertions_signed),
        "it would no longer want signed assertions",
    );
    let signing = |sp: &ServiceProvider| sp.signing.iter().map(|key| short(&key.fingerprint)).collect();
    let encryption = |sp: &ServiceProvider| sp.encryption.iter().map(purpose).collect();
    changes.set("signing certificates", signing(before), signing(after), |before, after| {
        (after.is_empty() && !before.is_empty()).then_some("none would be left, and no request of it could be proven")
    });
    changes.set("encryption certificates", encryption(before), encryption(after), |_, _| {
        let has = |sp: &ServiceProvider, fit: fn(&EncryptionKey) -> bool| sp.encryption.iter().any(fit);
        let gone = |fit| has(before, fit) && !has(after, fit);
        // A key for both purposes encrypts only where the operator says so.
        (gone(|_| true) || gone(|key| key.named)).then_some("its assertions would no longer be encrypted")
    });
    let hosts = "answers would go to another host";
    let places = |endpoints: &[Endpoint]| endpoints.iter().map(described).collect::<BTreeSet<_>>();
    let known: BTreeSet<String> = before.acs.iter().chain(&before.slo).filter_map(host).collect();
    let elsewhere = |endpoints: &[Endpoint]| endpoints.iter().filter_map(host).any(|host| !known.contains(&host));
    let acs = elsewhere(&after.acs).then_some(hosts);
    changes.set("AssertionConsumerService", places(&before.acs), places(&after.acs), |_, _| acs);
    let slo = elsewhere(&after.slo).then_some("the patron’s name would be sent to another host at sign-out");
    changes.set("SingleLogoutService", places(&before.slo), places(&after.slo), |_, _| slo);
    let formats = |sp: &ServiceProvider| {
        let usual = |uri: &str| if uri == Form::usual(sp).uri() { " (the usual one)" } else { "" };
        sp.name_id_formats.iter().map(|uri| format!("{}{}", last(uri), usual(uri))).collect()
    };
    changes.set("NameIDFormat", formats(before), formats(after), |_, _| {
        let lasting = Form::usual(before) == Form::Transient && Form::usual(after) != Form::Transient;
        lasting.then_some("it would know a patron again, where it did not")
    });
    let asked = |sp: &ServiceProvider| {
        let all = sp.attribute_consuming.iter().flat_map(|service| &service.requested);
        // What it is called says nothing of what it is.
        let described = |one: &RequestedAttribute| match &one.friendly_name {
            Some(friendly) => format!("{friendly} ({})", one.name),
            None => one.name.clone(),
        };
        all.map(described).collect::<BTreeSet<_>>()
    };
    let more = |before: &BTreeSet<String>, after: &BTreeSet<String>| {
        // Who asks for nothing gets what every vendor gets, which may be more as well.
        let more = after.is_empty() || after.iter().any(|one| !before.contains(one));
        more.then_some("it would be told more of a patron, or other things")
    };
    changes.set("RequestedAttribute", asked(before), asked(after), more);
    let categories = |sp: &ServiceProvider| sp.entity_categories().map(str::to_owned).collect::<BTreeSet<_>>();
    changes.set("entity categories", categories(before), categories(after), |before, after| {
        let other = before.symmetric_difference(after).next().is_some();
        other.then_some("it would be told other things of a patron")
    });
    let id = |sp: &ServiceProvider| sp.subject_id_required().map(|id| format!("{id:?}")).into_iter().collect();
    changes.set("subject-id:req", id(before), id(after), |_, _| {
        let lasting = matches!(after.subject_id_required(), Some(SubjectId::PairwiseId | SubjectId::Any));
        lasting.then_some("it would know a patron again, where it perhaps did not")
    });
    changes.0
}

#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn flag(&mut self, what: &'static str, (before, after): (bool, bool), weakens: &'static str) {
        if before != after {
            let weakens = before.then_some(weakens);
            self.0.push(Change { what, before: before.to_string(), after: after.to_string(), weakens });
        }
    }

    fn set(
        &mut self,
        what: &'static str,
        before: BTreeSet<String>,
        after: BTreeSet<String>,
        weakens: impl Fn(&BTreeSet<String>, &BTreeSet<String>) -> Option<&'static str>,
    ) {
        if before == after {
            return;
        }
        let weakens = weakens(&before, &after);
        let listed = |all: &BTreeSet<String>| match all.is_empty() {
            true => "none".to_owned(),
            false => all.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        };
        self.0.push(Change { what, before: listed(&before), after: listed(&after), weakens });
    }
}

fn described(endpoint: &Endpoint) -> String {
    let answers = endpoint.response_location.as_ref().map(|at| format!(" (answers to {at})")).unwrap_or_default();
    format!("{} {}{answers}", last(&endpoint.binding), endpoint.location)
}

fn host(endpoint: &Endpoint) -> Option<String> {
    let origin = Url::parse(&endpoint.location).ok()?.origin();
    let answers = Url::parse(endpoint.response_location()).ok()?.origin();
    Some(format!("{} {}", origin.ascii_serialization(), answers.ascii_serialization()))
}

fn purpose(key: &EncryptionKey) -> String {
    format!("{}{}", short(&key.certificate.fingerprint), if key.named { "" } else { " (also for signing)" })
}

fn last(uri: &str) -> String {
    uri.rsplit(':').next().unwrap_or(uri).to_owned()
}

fn short(fingerprint: &str) -> String {
    fingerprint.get(..16).unwrap_or(fingerprint).to_owned()
}
