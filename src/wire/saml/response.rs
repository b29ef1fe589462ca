//! What we say: the answer to an AuthnRequest and the assertion in it (core 2, 3.2.2; profiles 4.1.4.2). Built as a
//! tree, which `wire::dsig` signs as it stands. What is released to whom was decided before.

#[cfg(test)]
pub(super) mod tests;

use super::{BEARER, NameId, format, instant};
use crate::wire::xml::write::Element;

/// All of one assertion: that somebody signed in, and what is said of her.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<'a> {
    /// An NCName, unique and not to be guessed.
    pub assertion_id: &'a str,
    /// Our entityID.
    pub issuer: &'a str,
    /// Times are milliseconds since 1970.
    pub issued_at: i64,
    pub not_before: i64,
    /// Until when the assertion may be handed in, and until when it holds.
    pub not_on_or_after: i64,
    /// The assertion consumer service that it goes to.
    pub recipient: &'a str,
    /// The request's ID; none where nobody asked.
    pub in_response_to: Option<&'a str>,
    /// The service provider's entityID.
    pub audience: &'a str,
    pub name_id: Option<NameId>,
    pub authn_instant: i64,
    pub session_index: &'a str,
    /// When the service provider must end its session.
    pub session_not_on_or_after: Option<i64>,
    pub authn_context_class: &'a str,
    pub attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    /// `format::ATTRIBUTE_URI` and its like.
    pub name_format: &'static str,
    pub friendly_name: Option<String>,
    pub values: Vec<Value>,
}

impl Attribute {
    /// An attribute whose name is a URI, with values that are texts.
    pub fn uri(name: &str, friendly_name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Attribute {
        Attribute {
            name: name.to_owned(),
            name_format: format::ATTRIBUTE_URI,
            friendly_name: Some(friendly_name.to_owned()),
            values: values.into_iter().map(|value| Value::Text(value.into())).collect(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    /// As eduPersonTargetedID has it.
    NameId(NameId),
}

/// How it went (core 3.2.2.1). Codes are those of `super::status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status<'a> {
    pub top: &'static str,
    pub second: Option<&'static str>,
    pub message: Option<&'a str>,
}

/// What every answer begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<'a> {
    pub id: &'a str,
    pub in_response_to: Option<&'a str>,
    /// Where the answer is sent; a must where it is signed and goes through a browser (bindings 3.5.5.2).
    pub destination: Option<&'a str>,
    pub issuer: &'a str,
    pub issued_at: i64,
    pub status: Status<'a>,
}

pub fn assertion(statement: &Statement<'_>) -> Element {
    Element::new("saml:Assertion")
        .attr("ID", statement.assertion_id)
        .attr("IssueInstant", instant::write(statement.issued_at))
        .attr("Version", "2.0")
        .child(Element::new("saml:Issuer").text(statement.issuer))
        .child(subject(statement))
        .child(conditions(statement))
        .child(authn_statement(statement))
        .maybe(attribute_statement(&statement.attributes))
}

/// A `samlp:Response`; `body` is a canonical Assertion or EncryptedAssertion, and none where nothing is asserted.
pub fn response(reply: &Reply<'_>, body: Option<String>) -> Element {
    let response = answer("samlp:Response", reply);
    match body {
        Some(body) => response.raw(body),
        None => response,
    }
}

/// A canonical `saml:EncryptedAssertion` around a canonical `xenc:EncryptedData`.
pub fn encrypted_assertion(encrypted_data: String) -> String {
    Element::new("saml:EncryptedAssertion").raw(encrypted_data).render()
}

/// An answer without a body.
pub(super) fn answer(name: &'static str, reply: &Reply<'_>) -> Element {
    Element::new(name)
        .attr("ID", reply.id)
        .attr("IssueInstant", instant::write(reply.issued_at))
        .attr("Version", "2.0")
        .maybe_attr("InResponseTo", reply.in_response_to)
        .maybe_attr("Destination", reply.destination)
        .child(Element::new("saml:Issuer").text(reply.issuer))
        .child(status(&reply.status))
}

fn status(status: &Status<'_>) -> Element {
    let code = |value: &'static str| Element::new("samlp:StatusCode").attr("Value", value);
    Element::new("samlp:Status")
        .child(code(status.top).maybe(status.second.map(code)))
        .maybe(status.message.map(|message| Element::new("samlp:StatusMessage").text(message)))
}

/// A bearer's confirmation has no NotBefore (profiles 4.1.4.2).
fn subject(statement: &Statement<'_>) -> Element {
    let data = Element::new("saml:SubjectConfirmationData")
        .attr("NotOnOrAfter", instant::write(statement.not_on_or_after))
        .attr("Recipient", statement.recipient)
        .maybe_attr("InResponseTo", statement.in_response_to);
    Element::new("saml:Subject")
        .maybe(statement.name_id.as_ref().map(NameId::element))
        .child(Element::new("saml:SubjectConfirmation").attr("Method", BEARER).child(data))
}

fn conditions(statement: &Statement<'_>) -> Element {
    let audience = Element::new("saml:Audience").text(statement.audience);
    Element::new("saml:Conditions")
        .attr("NotBefore", instant::write(statement.not_before))
        .attr("NotOnOrAfter", instant::write(statement.not_on_or_after))
        .child(Element::new("saml:AudienceRestriction").child(audience))
}

fn authn_statement(statement: &Statement<'_>) -> Element {
    let class = Element::new("saml:AuthnContextClassRef").text(statement.authn_context_class);
    Element::new("saml:AuthnStatement")
        .attr("AuthnInstant", instant::write(statement.authn_instant))
        .attr("SessionIndex", statement.session_index)
        .maybe_attr("SessionNotOnOrAfter", statement.session_not_on_or_after.map(instant::write))
        .child(Element::new("saml:AuthnContext").child(class))
}

/// The schema wants at least one attribute in it.
fn attribute_statement(attributes: &[Attribute]) -> Option<Element> {
    let statement = || Element::new("saml:AttributeStatement").children(attributes.iter().map(attribute));
    (!attributes.is_empty()).then(statement)
}

pub(super) fn attribute(attribute: &Attribute) -> Element {
    let value = |value: &Value| match value {
        Value::Text(text) => Element::new("saml:AttributeValue").text(text.as_str()),
        Value::NameId(name_id) => Element::new("saml:AttributeValue").child(name_id.element()),
    };
    // No xsi:type: everybody takes text for a string, and exclusive canonicalization does not see the prefix in it.
    Element::new("saml:Attribute")
        .attr("Name", attribute.name.as_str())
        .attr("NameFormat", attribute.name_format)
        .maybe_attr("FriendlyName", attribute.friendly_name.as_deref())
        .children(attribute.values.iter().map(value))
}
