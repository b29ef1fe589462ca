use super::*;
use crate::wire::saml::{
    format, reason,
    response::{Reply, Status},
    status,
};

const SPACES: &str =
    r#"xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion""#;
const HEAD: &str = r#"ID="_1" Version="2.0" IssueInstant="2026-11-27T09:30:00Z""#;
const ISSUER: &str = "<saml:Issuer>https://sp.example/saml</saml:Issuer>";
const NAMED: &str = "<saml:NameID>abc</saml:NameID>";

fn asked(text: &str) -> Result<LogoutRequest, Error> {
    let document = xml::parse(text, &xml::MESSAGE)?;
    read_request(document.root_element())
}

fn answered(text: &str) -> Result<LogoutResponse, Error> {
    let document = xml::parse(text, &xml::MESSAGE)?;
    read_response(document.root_element())
}

fn request_with(attributes: &str, children: &str) -> Result<LogoutRequest, Error> {
    asked(&format!("<samlp:LogoutRequest {SPACES} {HEAD} {attributes}>{ISSUER}{children}</samlp:LogoutRequest>"))
}

fn response_with(attributes: &str, children: &str) -> Result<LogoutResponse, Error> {
    answered(&format!("<samlp:LogoutResponse {SPACES} {HEAD} {attributes}>{ISSUER}{children}</samlp:LogoutResponse>"))
}

fn name_id() -> NameId {
    NameId {
        value: "k3f9 & ü".to_owned(),
        format: Some(format::PERSISTENT.to_owned()),
        name_qualifier: Some("https://idp.example/saml".to_owned()),
        sp_name_qualifier: Some("https://sp.example/saml".to_owned()),
        sp_provided_id: Some("theirs".to_owned()),
    }
}

#[test]
fn a_request_of_ours_reads_as_it_was_meant() {
    let name_id = name_id();
    let text = request(&Logout {
        id: "_l1",
        issued_at: 1_795_771_800_000,
        destination: "https://sp.example/slo?a=1&b=2",
        issuer: "https://idp.example/saml",
        not_on_or_after: 1_795_772_100_000,
        reason: Some(reason::USER),
        name_id: &name_id,
        session_indexes: &["_s1", "_s2"],
    })
    .render();
    assert_eq!(
        asked(&text).unwrap(),
        LogoutRequest {
            id: "_l1".to_owned(),
            issue_instant: 1_795_771_800_000,
            destination: Some("https://sp.example/slo?a=1&b=2".to_owned()),
            issuer: "https://idp.example/saml".to_owned(),
            not_on_or_after: Some(1_795_772_100_000),
            reason: Some(reason::USER.to_owned()),
            subject: Subject::Named(name_id),
            session_indexes: vec!["_s1".to_owned(), "_s2".to_owned()],
        }
    );
}

#[test]
fn a_response_of_ours_reads_as_it_was_meant() {
    let reply = Reply {
        id: "_r1",
        in_response_to: Some("_1"),
        destination: Some("https://sp.example/slo"),
        issuer: "https://idp.example/saml",
        issued_at: 1_795_771_800_000,
        status: Status {
            top: status::SUCCESS,
            second: Some(status::PARTIAL_LOGOUT),
            message: Some("one application did not answer"),
        },
    };
    let read = answered(&response(&reply).render()).unwrap();
    assert_eq!((read.id.as_str(), read.issue_instant), ("_r1", 1_795_771_800_000));
    assert_eq!((read.issuer.as_str(), read.in_response_to.as_deref()), ("https://idp.example/saml", Some("_1")));
    assert_eq!(read.destination.as_deref(), Some("https://sp.example/slo"));
    assert_eq!((read.status.top.as_str(), read.status.second.as_deref()), (status::SUCCESS, reply.status.second));
    assert_eq!(read.status.message.as_deref(), reply.status.message);
}

#[test]
fn an_encrypted_identifier_is_told_apart_and_may_be_found() {
    let encrypted =
        r#"<saml:EncryptedID><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"/></saml:EncryptedID>"#;
    assert_eq!(request_with("", encrypted).unwrap().subject, Subject::Encrypted);
    assert_eq!(request_with("", "<saml:BaseID/>").unwrap().subject, Subject::Base);
    for (subject, refusal) in [
        (String::new(), "missing"),
        (format!("{NAMED}{encrypted}"), "repeated"),
        (NAMED.repeat(2), "repeated"),
        (encrypted.repeat(2), "repeated"),
        (format!("<saml:BaseID/>{NAMED}"), "repeated"),
        ("<saml:NameID>a<!-- -->b</saml:NameID>".to_owned(), "xml-not-text"),
        ("<saml:NameID/>".to_owned(), "empty"),
        (format!("<saml:Subject>{NAMED}</saml:Subject>"), "unexpected-element"),
    ] {
        assert_eq!(request_with("", &subject).unwrap_err().code(), refusal, "{subject}");
    }
}

#[test]
fn a_request_is_read_to_the_letter() {
    let plain = request_with("", NAMED).unwrap();
    assert_eq!((plain.not_on_or_after, plain.reason, plain.destination), (None, None, None));
    assert!(plain.session_indexes.is_empty());
    for (attributes, children, refusal) in [
        ("NotOnOrAfter='soon'", "", "no-time"),
        ("", "<samlp:SessionIndex/>", "empty"),
        ("", "<samlp:SessionIndex>_s<!-- -->1</samlp:SessionIndex>", "xml-not-text"),
        ("", "<saml:SessionIndex>_s1</saml:SessionIndex>", "unexpected-element"),
        ("", "<samlp:Extensions/><samlp:Extensions/>", "repeated"),
        ("", ISSUER, "repeated"),
        ("", "text", "stray-text"),
    ] {
        let read = request_with(attributes, &format!("{NAMED}{children}"));
        assert_eq!(read.unwrap_err().code(), refusal, "{attributes} {children}");
    }
    let other = format!("<samlp:LogoutResponse {SPACES} {HEAD}>{ISSUER}{NAMED}</samlp:LogoutResponse>");
    assert_eq!(asked(&other).unwrap_err().code(), "another-message");
    let version = format!("<samlp:LogoutRequest {SPACES} {HEAD}>{ISSUER}{NAMED}</samlp:LogoutRequest>");
    assert_eq!(asked(&version.replace("2.0\"", "1.1\"")).unwrap_err().code(), "version");
}

#[test]
fn a_response_is_read_to_the_letter() {
    let status = |inside: &str| format!("<samlp:Status>{inside}</samlp:Status>");
    let success = status(r#"<samlp:StatusCode Value="urn:s"/>"#);
    let plain = response_with("", &success).unwrap();
    assert_eq!(plain.status, Outcome { top: "urn:s".to_owned(), second: None, message: None });
    assert_eq!(plain.in_response_to, None);
    let deep = r#"<samlp:StatusCode Value="a"><samlp:StatusCode Value="b"><samlp:StatusCode Value="c"/></samlp:StatusCode>
        </samlp:StatusCode><samlp:StatusMessage> because </samlp:StatusMessage><samlp:StatusDetail><x/></samlp:StatusDetail>"#;
    let deep = response_with("InResponseTo='_l1'", &status(deep)).unwrap();
    assert_eq!((deep.status.second.as_deref(), deep.status.message.as_deref()), (Some("b"), Some("because")));
    assert_eq!(deep.in_response_to.as_deref(), Some("_l1"));
    let long =
        format!(r#"<samlp:StatusCode Value="a"/><samlp:StatusMessage>{}</samlp:StatusMessage>"#, "é".repeat(999));
    assert_eq!(response_with("", &status(&long)).unwrap().status.message, Some("é".repeat(100)), "cut for the log");
    for (attributes, children, refusal) in [
        ("", String::new(), "missing"),
        ("", status(""), "missing"),
        ("", status("<samlp:StatusCode/>"), "missing"),
        ("", status(r#"<samlp:StatusCode Value=""/>"#), "empty"),
        ("", status(&r#"<samlp:StatusCode Value="a"/>"#.repeat(2)), "repeated"),
        ("", success.repeat(2), "repeated"),
        ("InResponseTo=''", success.clone(), "id"),
        ("", format!("{success}{NAMED}"), "unexpected-element"),
        ("", format!("{success}{ISSUER}"), "repeated"),
    ] {
        assert_eq!(response_with(attributes, &children).unwrap_err().code(), refusal, "{children}");
    }
    let other = format!("<samlp:LogoutRequest {SPACES} {HEAD}>{ISSUER}{success}</samlp:LogoutRequest>");
    assert_eq!(answered(&other).unwrap_err().code(), "another-message");
}
