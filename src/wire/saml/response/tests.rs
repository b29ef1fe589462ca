use proptest::prelude::*;

use super::*;
use crate::wire::{
    saml::{context, status},
    xml::{self, Node, namespace::ASSERTION, namespace::PROTOCOL},
};

pub(in crate::wire::saml) fn statement(attributes: Vec<Attribute>) -> Statement<'static> {
    Statement {
        assertion_id: "_a1",
        issuer: "https://idp.example/saml",
        issued_at: 1_795_771_800_000,
        not_before: 1_795_771_740_000,
        not_on_or_after: 1_795_772_100_000,
        recipient: "https://sp.example/acs?a=1&b=2",
        in_response_to: Some("_1"),
        audience: "https://sp.example/saml",
        name_id: Some(NameId {
            value: "k3f9".to_owned(),
            format: Some(format::PERSISTENT.to_owned()),
            name_qualifier: Some("https://idp.example/saml".to_owned()),
            sp_name_qualifier: Some("https://sp.example/saml".to_owned()),
            sp_provided_id: None,
        }),
        authn_instant: 1_795_771_799_000,
        session_index: "_s1",
        session_not_on_or_after: Some(1_795_800_600_000),
        authn_context_class: context::PASSWORD_PROTECTED_TRANSPORT,
        attributes,
    }
}

pub(in crate::wire::saml) const REPLY: Reply<'static> = Reply {
    id: "_r1",
    in_response_to: Some("_1"),
    destination: Some("https://sp.example/acs?a=1&b=2"),
    issuer: "https://idp.example/saml",
    issued_at: 1_795_771_800_000,
    status: Status { top: status::SUCCESS, second: None, message: None },
};

fn entitlement() -> Attribute {
    Attribute::uri(
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.7",
        "eduPersonEntitlement",
        ["urn:mace:dir:entitlement:common-lib-terms", "a & b < c"],
    )
}

#[test]
fn a_response_with_its_assertion_reads_as_the_schema_orders_it() {
    let body = assertion(&statement(vec![entitlement()])).render();
    insta::assert_snapshot!(response(&REPLY, Some(body)).render().replace("><", ">\n<"), @r#"
    <samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Destination="https://sp.example/acs?a=1&amp;b=2" ID="_r1" InResponseTo="_1" IssueInstant="2026-11-27T09:30:00.000Z" Version="2.0">
    <saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://idp.example/saml</saml:Issuer>
    <samlp:Status>
    <samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success">
    </samlp:StatusCode>
    </samlp:Status>
    <saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a1" IssueInstant="2026-11-27T09:30:00.000Z" Version="2.0">
    <saml:Issuer>https://idp.example/saml</saml:Issuer>
    <saml:Subject>
    <saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" NameQualifier="https://idp.example/saml" SPNameQualifier="https://sp.example/saml">k3f9</saml:NameID>
    <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
    <saml:SubjectConfirmationData InResponseTo="_1" NotOnOrAfter="2026-11-27T09:35:00.000Z" Recipient="https://sp.example/acs?a=1&amp;b=2">
    </saml:SubjectConfirmationData>
    </saml:SubjectConfirmation>
    </saml:Subject>
    <saml:Conditions NotBefore="2026-11-27T09:29:00.000Z" NotOnOrAfter="2026-11-27T09:35:00.000Z">
    <saml:AudienceRestriction>
    <saml:Audience>https://sp.example/saml</saml:Audience>
    </saml:AudienceRestriction>
    </saml:Conditions>
    <saml:AuthnStatement AuthnInstant="2026-11-27T09:29:59.000Z" SessionIndex="_s1" SessionNotOnOrAfter="2026-11-27T17:30:00.000Z">
    <saml:AuthnContext>
    <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>
    </saml:AuthnContext>
    </saml:AuthnStatement>
    <saml:AttributeStatement>
    <saml:Attribute FriendlyName="eduPersonEntitlement" Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.7" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">
    <saml:AttributeValue>urn:mace:dir:entitlement:common-lib-terms</saml:AttributeValue>
    <saml:AttributeValue>a &amp; b &lt; c</saml:AttributeValue>
    </saml:Attribute>
    </saml:AttributeStatement>
    </saml:Assertion>
    </samlp:Response>
    "#);
}

#[test]
fn a_refusal_says_why_in_two_codes_and_a_sentence() {
    let status =
        Status { top: status::RESPONDER, second: Some(status::NO_PASSIVE), message: Some("nobody is signed in") };
    let text = response(&Reply { status, in_response_to: None, destination: None, ..REPLY }, None).render();
    insta::assert_snapshot!(text.replace("><", ">\n<"), @r#"
    <samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r1" IssueInstant="2026-11-27T09:30:00.000Z" Version="2.0">
    <saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://idp.example/saml</saml:Issuer>
    <samlp:Status>
    <samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder">
    <samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:NoPassive">
    </samlp:StatusCode>
    </samlp:StatusCode>
    <samlp:StatusMessage>nobody is signed in</samlp:StatusMessage>
    </samlp:Status>
    </samlp:Response>
    "#);
}

#[test]
fn who_is_not_named_is_still_confirmed_and_no_attribute_makes_no_statement() {
    let text = assertion(&Statement {
        name_id: None,
        in_response_to: None,
        session_not_on_or_after: None,
        ..statement(Vec::new())
    })
    .render();
    let document = xml::parse(&text, &xml::MESSAGE).unwrap();
    let names: Vec<_> = document.descendants().filter(Node::is_element).map(|node| node.tag_name().name()).collect();
    assert_eq!(
        names,
        [
            "Assertion",
            "Issuer",
            "Subject",
            "SubjectConfirmation",
            "SubjectConfirmationData",
            "Conditions",
            "AudienceRestriction",
            "Audience",
            "AuthnStatement",
            "AuthnContext",
            "AuthnContextClassRef",
        ]
    );
    assert!(!text.contains("InResponseTo") && !text.contains("SessionNotOnOrAfter"));
}

#[test]
fn a_name_id_may_be_an_attributes_value_and_an_attribute_may_have_no_value() {
    let name_id = NameId { value: "k3f9".to_owned(), format: Some(format::PERSISTENT.to_owned()), ..NameId::default() };
    let targeted = Attribute {
        name: "urn:oid:1.3.6.1.4.1.5923.1.1.1.10".to_owned(),
        name_format: format::ATTRIBUTE_URI,
        friendly_name: None,
        values: vec![Value::NameId(name_id.clone())],
    };
    let empty = Attribute { values: Vec::new(), ..targeted.clone() };
    let text = assertion(&statement(vec![targeted, empty])).render();
    let document = xml::parse(&text, &xml::MESSAGE).unwrap();
    let values: Vec<_> = document.descendants().filter(|node| xml::is(*node, ASSERTION, "AttributeValue")).collect();
    assert_eq!(values.len(), 1);
    assert_eq!(NameId::read(xml::child(values[0], ASSERTION, "NameID").unwrap()), Ok(name_id));
}

#[test]
fn an_encrypted_assertion_stands_where_the_assertion_would() {
    let data = r#"<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"></xenc:EncryptedData>"#;
    let text = response(&REPLY, Some(encrypted_assertion(data.to_owned()))).render();
    let document = xml::parse(&text, &xml::MESSAGE).unwrap();
    let last = document.root_element().last_element_child().unwrap();
    assert!(xml::is(last, ASSERTION, "EncryptedAssertion"));
    assert!(xml::child(last, "http://www.w3.org/2001/04/xmlenc#", "EncryptedData").is_some());
    assert!(xml::child(document.root_element(), PROTOCOL, "Status").is_some());
}

/// The text of all nodes below, untrimmed.
fn whole(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect()
}

/// What XML can carry of a text (XML 1.0, production 2).
fn carried(text: &str) -> String {
    let fits = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if fits(c) { c } else { '\u{fffd}' }).collect()
}

proptest! {
    #[test]
    fn whatever_is_said_of_somebody_arrives_as_it_was_said(
        values in prop::collection::vec(any::<String>(), 1..4),
        name in any::<String>(),
        id in any::<String>(),
    ) {
        let attribute = Attribute {
            name: name.clone(),
            name_format: format::ATTRIBUTE_BASIC,
            friendly_name: Some(name.clone()),
            values: values.iter().cloned().map(Value::Text).collect(),
        };
        let name_id = Some(NameId { value: id.clone(), name_qualifier: Some(name.clone()), ..NameId::default() });
        let body = assertion(&Statement { name_id, ..statement(vec![attribute]) }).render();
        let text = response(&REPLY, Some(body)).render();
        let document = xml::parse(&text, &xml::MESSAGE).unwrap();
        let all = |name| document.descendants().filter(move |node| xml::is(*node, ASSERTION, name));
        let read: Vec<_> = all("AttributeValue").map(whole).collect();
        prop_assert_eq!(read, values.iter().map(|value| carried(value)).collect::<Vec<_>>());
        let attribute = all("Attribute").next().unwrap();
        prop_assert_eq!(xml::attribute(attribute, "Name").unwrap(), carried(&name));
        prop_assert_eq!(xml::attribute(attribute, "FriendlyName").unwrap(), carried(&name));
        let named = all("NameID").next().unwrap();
        prop_assert_eq!(whole(named), carried(&id));
        prop_assert_eq!(xml::attribute(named, "NameQualifier").unwrap(), carried(&name));
        // Nothing else came of it.
        prop_assert_eq!(document.descendants().filter(Node::is_element).count(), 18 + values.len());
    }
}
