//! Single logout (core 3.7): requests and responses in both directions, read and written. Whose session ends is
//! `protocols::saml`'s to say.

#[cfg(test)]
mod tests;

use super::{
    Error, NameId, Subject, instant,
    read::{self, COMMON},
    response::{Reply, answer},
};
use crate::wire::xml::{
    self, Node,
    namespace::{ASSERTION, PROTOCOL},
    write::Element,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    pub id: String,
    /// Milliseconds since 1970.
    pub issue_instant: i64,
    pub destination: Option<String>,
    /// The sender's entityID.
    pub issuer: String,
    /// When the request is void.
    pub not_on_or_after: Option<i64>,
    /// `super::reason`, as a rule.
    pub reason: Option<String>,
    pub subject: Subject,
    /// Those that end; all of the subject's where there is none.
    pub session_indexes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutResponse {
    pub id: String,
    /// Milliseconds since 1970.
    pub issue_instant: i64,
    pub destination: Option<String>,
    /// The sender's entityID.
    pub issuer: String,
    pub in_response_to: Option<String>,
    pub status: Outcome,
}

/// How it went, as others say it (core 3.2.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub top: String,
    pub second: Option<String>,
    pub message: Option<String>,
}

/// Reads an `samlp:LogoutRequest`.
///
/// # Errors
/// `Error`, the first thing found wrong.
pub fn read_request(node: Node<'_, '_>) -> Result<LogoutRequest, Error> {
    const OWN: [(&str, &str); 4] =
        [(ASSERTION, "NameID"), (ASSERTION, "EncryptedID"), (ASSERTION, "BaseID"), (PROTOCOL, "SessionIndex")];
    let header = read::header(node, "LogoutRequest")?;
    read::only(node, "LogoutRequest", &[&COMMON[..], &OWN].concat())?;
    for (namespace, name) in COMMON {
        read::once(node, namespace, name)?;
    }
    let indexes = xml::children(node, PROTOCOL, "SessionIndex").map(|index| read::text(index, "SessionIndex"));
    Ok(LogoutRequest {
        id: header.id,
        issue_instant: header.issue_instant,
        destination: header.destination,
        issuer: header.issuer,
        not_on_or_after: read::time(node, "NotOnOrAfter")?,
        reason: read::value(node, "Reason")?,
        subject: Subject::within(node)?.ok_or(Error::Missing("NameID"))?,
        session_indexes: indexes.collect::<Result<_, _>>()?,
    })
}

/// Reads an `samlp:LogoutResponse`.
///
/// # Errors
/// `Error`, the first thing found wrong.
pub fn read_response(node: Node<'_, '_>) -> Result<LogoutResponse, Error> {
    let header = read::header(node, "LogoutResponse")?;
    read::only(node, "LogoutResponse", &[&COMMON[..], &[(PROTOCOL, "Status")]].concat())?;
    for (namespace, name) in COMMON {
        read::once(node, namespace, name)?;
    }
    let in_response_to = xml::attribute(node, "InResponseTo").map(read::id_of).transpose()?;
    Ok(LogoutResponse {
        id: header.id,
        issue_instant: header.issue_instant,
        destination: header.destination,
        issuer: header.issuer,
        in_response_to,
        status: outcome(read::once(node, PROTOCOL, "Status")?.ok_or(Error::Missing("Status"))?)?,
    })
}

/// Codes deeper than the second say nothing that anybody acts on.
fn outcome(status: Node<'_, '_>) -> Result<Outcome, Error> {
    let top = read::once(status, PROTOCOL, "StatusCode")?.ok_or(Error::Missing("StatusCode"))?;
    let second = read::once(top, PROTOCOL, "StatusCode")?;
    let message = read::once(status, PROTOCOL, "StatusMessage")?;
    let message = message.map(xml::text).transpose()?.filter(|message| !message.is_empty());
    Ok(Outcome {
        top: read::required(top, "Value")?,
        second: second.map(|code| read::required(code, "Value")).transpose()?,
        message: message.map(|message| read::shortened(&message)),
    })
}

/// What we ask of a service provider when a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logout<'a> {
    pub id: &'a str,
    /// Milliseconds since 1970.
    pub issued_at: i64,
    pub destination: &'a str,
    pub issuer: &'a str,
    pub not_on_or_after: i64,
    pub reason: Option<&'a str>,
    /// The identifier of the assertion that began the session, with all its qualifiers.
    pub name_id: &'a NameId,
    pub session_indexes: &'a [&'a str],
}

/// A `samlp:LogoutRequest` of ours.
pub fn request(logout: &Logout<'_>) -> Element {
    let index = |index: &&str| Element::new("samlp:SessionIndex").text(*index);
    Element::new("samlp:LogoutRequest")
        .attr("ID", logout.id)
        .attr("Version", "2.0")
        .attr("IssueInstant", instant::write(logout.issued_at))
        .attr("Destination", logout.destination)
        .attr("NotOnOrAfter", instant::write(logout.not_on_or_after))
        .maybe_attr("Reason", logout.reason)
        .child(Element::new("saml:Issuer").text(logout.issuer))
        .child(logout.name_id.element())
        .children(logout.session_indexes.iter().map(index))
}

/// A `samlp:LogoutResponse` of ours.
pub fn response(reply: &Reply<'_>) -> Element {
    answer("samlp:LogoutResponse", reply)
}
