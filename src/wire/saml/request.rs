//! What a service provider asks when somebody is to be signed in: the AuthnRequest (core 3.4.1). Read to the letter;
//! whether it is answered, and where to, is `protocols::saml`'s to say.

#[cfg(test)]
mod tests;

use super::{
    Error, Subject,
    read::{self, COMMON},
};
use crate::wire::xml::{
    self, Node,
    namespace::{ASSERTION, PROTOCOL},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthnRequest {
    pub id: String,
    /// Milliseconds since 1970.
    pub issue_instant: i64,
    pub destination: Option<String>,
    /// The service provider's entityID.
    pub issuer: String,
    pub acs: Acs,
    pub protocol_binding: Option<String>,
    pub force_authn: bool,
    pub is_passive: bool,
    pub name_id_policy: Option<NameIdPolicy>,
    pub requested_authn_context: Option<RequestedAuthnContext>,
    /// Whom the answer must be about.
    pub subject: Option<Subject>,
    pub attribute_consuming_service_index: Option<u16>,
    pub provider_name: Option<String>,
}

/// Where the answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acs {
    Url(String),
    Index(u16),
    Default,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameIdPolicy {
    pub format: Option<String>,
    /// Whether an identifier may be made for the first time.
    pub allow_create: bool,
    pub sp_name_qualifier: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedAuthnContext {
    pub comparison: Comparison,
    /// In the order of preference.
    pub class_refs: Vec<String>,
    /// Declarations were asked for instead of classes; then `class_refs` is empty.
    pub decl_refs: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Exact,
    Minimum,
    Maximum,
    Better,
}

/// Reads an `samlp:AuthnRequest`. `Conditions` and `Scoping` are passed over: they bind us to nothing, for an answer of
/// ours is shorter-lived than any, and no other identity provider stands behind us.
///
/// # Errors
/// `Error`, the first thing found wrong.
pub fn read(node: Node<'_, '_>) -> Result<AuthnRequest, Error> {
    const CHILDREN: [(&str, &str); 8] = [
        COMMON[0],
        COMMON[1],
        COMMON[2],
        (ASSERTION, "Subject"),
        (ASSERTION, "Conditions"),
        (PROTOCOL, "NameIDPolicy"),
        (PROTOCOL, "RequestedAuthnContext"),
        (PROTOCOL, "Scoping"),
    ];
    let header = read::header(node, "AuthnRequest")?;
    read::only(node, "AuthnRequest", &CHILDREN)?;
    for (namespace, name) in CHILDREN {
        read::once(node, namespace, name)?;
    }
    let protocol_binding = read::value(node, "ProtocolBinding")?;
    Ok(AuthnRequest {
        id: header.id,
        issue_instant: header.issue_instant,
        destination: header.destination,
        issuer: header.issuer,
        acs: acs(node, protocol_binding.is_some())?,
        protocol_binding,
        force_authn: read::boolean(node, "ForceAuthn")?.unwrap_or(false),
        is_passive: read::boolean(node, "IsPassive")?.unwrap_or(false),
        name_id_policy: xml::child(node, PROTOCOL, "NameIDPolicy").map(name_id_policy).transpose()?,
        requested_authn_context: xml::child(node, PROTOCOL, "RequestedAuthnContext").map(context).transpose()?,
        subject: xml::child(node, ASSERTION, "Subject").map(subject).transpose()?,
        attribute_consuming_service_index: read::number(node, "AttributeConsumingServiceIndex")?,
        provider_name: read::value(node, "ProviderName")?,
    })
}

fn acs(node: Node<'_, '_>, binding: bool) -> Result<Acs, Error> {
    let url = read::value(node, "AssertionConsumerServiceURL")?;
    match (url, read::number(node, "AssertionConsumerServiceIndex")?) {
        (Some(url), None) => Ok(Acs::Url(url)),
        (None, Some(index)) if !binding => Ok(Acs::Index(index)),
        (None, None) => Ok(Acs::Default),
        (_, Some(_)) => Err(Error::AcsTwice),
    }
}

fn name_id_policy(node: Node<'_, '_>) -> Result<NameIdPolicy, Error> {
    read::only(node, "NameIDPolicy", &[])?;
    Ok(NameIdPolicy {
        format: read::value(node, "Format")?,
        allow_create: read::boolean(node, "AllowCreate")?.unwrap_or(false),
        sp_name_qualifier: read::value(node, "SPNameQualifier")?,
    })
}

/// Core 3.3.2.2.1.
fn context(node: Node<'_, '_>) -> Result<RequestedAuthnContext, Error> {
    const CLASS: (&str, &str) = (ASSERTION, "AuthnContextClassRef");
    const DECLARATION: (&str, &str) = (ASSERTION, "AuthnContextDeclRef");
    read::only(node, "RequestedAuthnContext", &[CLASS, DECLARATION])?;
    let comparison = match xml::attribute(node, "Comparison") {
        None | Some("exact") => Comparison::Exact,
        Some("minimum") => Comparison::Minimum,
        Some("maximum") => Comparison::Maximum,
        Some("better") => Comparison::Better,
        Some(other) => return Err(Error::Value { attribute: "Comparison", value: read::shortened(other) }),
    };
    let class_refs: Vec<String> = xml::children(node, CLASS.0, CLASS.1)
        .map(|class| read::text(class, "AuthnContextClassRef"))
        .collect::<Result<_, _>>()?;
    let decl_refs = xml::child(node, DECLARATION.0, DECLARATION.1).is_some();
    match (class_refs.is_empty(), decl_refs) {
        (true, false) => Err(Error::Missing("AuthnContextClassRef")),
        (false, true) => Err(Error::ContextTwice),
        _ => Ok(RequestedAuthnContext { comparison, class_refs, decl_refs }),
    }
}

fn subject(node: Node<'_, '_>) -> Result<Subject, Error> {
    if xml::child(node, ASSERTION, "SubjectConfirmation").is_some() {
        return Err(Error::SubjectConfirmation);
    }
    read::only(node, "Subject", &[(ASSERTION, "NameID"), (ASSERTION, "EncryptedID"), (ASSERTION, "BaseID")])?;
    Subject::within(node)?.ok_or(Error::Missing("NameID"))
}
