//! How a patron is named to a service provider: by the vendor's one pseudonym, or by a name of one session. The
//! pseudonym is the same that OIDC's `sub` carries.

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

use super::{
    attributes::About,
    error::Status,
    party::{Party, Persistence},
};
use crate::{
    domain::id::SessionId,
    keyring::KeyRing,
    wire::saml::{NameId, format, metadata::ServiceProvider, request::NameIdPolicy, status},
};

/// The form of a NameID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Form {
    Persistent,
    Transient,
    /// The e-mail address of adult staff, where a release says so with its purpose.
    Email,
}

impl Form {
    pub fn uri(self) -> &'static str {
        match self {
            Form::Persistent => format::PERSISTENT,
            Form::Transient => format::TRANSIENT,
            Form::Email => format::EMAIL,
        }
    }

    /// Why it is this form where a request wants no certain one.
    pub fn why(self) -> &'static str {
        match self {
            Form::Persistent => "the vendor's one pseudonym of the reader, the same in all protocols",
            Form::Transient => "a name of one session, by its metadata or the operator's word",
            Form::Email => "its metadata wants an e-mail address",
        }
    }

    /// Of a NameID where neither a request nor the operator wants a certain one: the first of its metadata that we know.
    pub fn usual(metadata: &ServiceProvider) -> Form {
        metadata.name_id_formats.iter().find_map(|uri| Form::named(uri)).unwrap_or(Form::Persistent)
    }

    fn named(uri: &str) -> Option<Form> {
        [Form::Persistent, Form::Transient, Form::Email].into_iter().find(|form| form.uri() == uri)
    }
}

/// What a request gets by its NameIDPolicy (core 3.4.1.1). Asking for `unspecified` is asking for nothing.
///
/// # Errors
/// InvalidNameIDPolicy.
pub(super) fn form(party: &Party, policy: Option<&NameIdPolicy>) -> Result<Form, Status> {
    let refuse = |hint: String| Err(Status::requester(status::INVALID_NAME_ID_POLICY, hint));
    if let Some(qualifier) = policy.and_then(|policy| policy.sp_name_qualifier.as_deref())
        && qualifier != party.entity_id
    {
        return refuse(format!("SPNameQualifier {qualifier:?} is not this service provider's entityID"));
    }
    let asked = policy.and_then(|policy| policy.format.as_deref()).filter(|format| *format != format::UNSPECIFIED);
    match asked.map(Form::named) {
        None => Ok(party.name_id),
        Some(Some(Form::Persistent | Form::Email)) if party.persistence() == Persistence::None => {
            refuse("REFEDS anonymous access gets no lasting name; ask for a transient one".into())
        }
        Some(Some(form)) => Ok(form),
        Some(None) => refuse(format!("NameID format {:?} is not offered here", asked.unwrap_or_default())),
    }
}

/// The NameID itself; none where nothing may be told in this form.
pub(super) fn name_id(form: Form, about: &About<'_>, party: &Party, transient: &str) -> Option<NameId> {
    match form {
        Form::Persistent => Some(persistent(about, party)),
        Form::Transient => Some(NameId {
            value: transient.to_owned(),
            format: Some(format::TRANSIENT.into()),
            ..qualified(about, party)
        }),
        Form::Email => {
            let email = about.release.standard.email.clone()?;
            Some(NameId { value: email, format: Some(format::EMAIL.into()), ..NameId::default() })
        }
    }
}

/// Core 8.3.7: qualified by who made it and for whom.
pub(super) fn persistent(about: &About<'_>, party: &Party) -> NameId {
    NameId { value: about.subject.to_owned(), format: Some(format::PERSISTENT.into()), ..qualified(about, party) }
}

fn qualified(about: &About<'_>, party: &Party) -> NameId {
    NameId {
        name_qualifier: Some(super::entity_id(about.issuer)),
        sp_name_qualifier: Some(party.entity_id.clone()),
        ..NameId::default()
    }
}

/// The name of one session at one service provider: nobody can tell it from chance, and we know it again.
pub(super) fn transient(keyring: &KeyRing, entity_id: &str, session: SessionId) -> String {
    of_session(keyring, b"transient", entity_id, session)
}

/// The SessionIndex: another for each service provider, so that two of them cannot compare.
pub(super) fn session_index(keyring: &KeyRing, entity_id: &str, session: SessionId) -> String {
    of_session(keyring, b"session-index", entity_id, session)
}

fn of_session(keyring: &KeyRing, what: &[u8], entity_id: &str, session: SessionId) -> String {
    let mut mac = hmac::Context::with_key(keyring.pseudonym_key());
    for part in [b"saml".as_slice(), what, entity_id.as_bytes(), session.0.as_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    // An XML name begins with a letter.
    format!("_{}", hex::encode(mac.sign().as_ref().get(..16).unwrap_or_default()))
}
