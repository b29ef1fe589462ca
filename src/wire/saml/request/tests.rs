use super::*;
use crate::wire::saml::{NameId, context, format};

const START: &str = r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion""#;
const HEAD: &str = r#"ID="_1" Version="2.0" IssueInstant="2026-11-27T09:30:00Z""#;
const ISSUER: &str = "<saml:Issuer>https://sp.example/saml</saml:Issuer>";

fn message(attributes: &str, children: &str) -> String {
    format!("{START} {attributes}>{children}</samlp:AuthnRequest>")
}

fn parsed(text: &str) -> Result<AuthnRequest, Error> {
    let document = xml::parse(text, &xml::MESSAGE)?;
    read(document.root_element())
}

/// A request with more attributes, and more children than the issuer.
fn with(attributes: &str, children: &str) -> Result<AuthnRequest, Error> {
    parsed(&message(&format!("{HEAD} {attributes}"), &format!("{ISSUER}{children}")))
}

fn code(read: Result<AuthnRequest, Error>) -> &'static str {
    read.unwrap_err().code()
}

#[test]
fn the_shortest_request_asks_for_nothing_in_particular() {
    assert_eq!(
        with("", "").unwrap(),
        AuthnRequest {
            id: "_1".to_owned(),
            issue_instant: 1_795_771_800_000,
            destination: None,
            issuer: "https://sp.example/saml".to_owned(),
            acs: Acs::Default,
            protocol_binding: None,
            force_authn: false,
            is_passive: false,
            name_id_policy: None,
            requested_authn_context: None,
            subject: None,
            attribute_consuming_service_index: None,
            provider_name: None,
        }
    );
}

#[test]
fn a_request_with_everything_is_read_whole() {
    let request = with(
        r#"Destination="https://idp.example/saml/sso" Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified"
           ForceAuthn="true" IsPassive="0" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
           AssertionConsumerServiceURL="https://sp.example/acs?a=1&amp;b=2" AttributeConsumingServiceIndex="7"
           ProviderName="Fictional Press""#,
        r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>
           <samlp:Extensions><x:any xmlns:x="urn:x"><x:thing/>text</x:any></samlp:Extensions>
           <saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
             NameQualifier="https://idp.example" SPNameQualifier="https://sp.example/saml">abc</saml:NameID></saml:Subject>
           <samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
             SPNameQualifier="https://group.example" AllowCreate="1"/>
           <saml:Conditions NotBefore="2026-11-27T09:30:00Z"><saml:OneTimeUse/></saml:Conditions>
           <samlp:RequestedAuthnContext Comparison="minimum">
             <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
             <saml:AuthnContextClassRef> https://refeds.org/profile/mfa </saml:AuthnContextClassRef>
           </samlp:RequestedAuthnContext>
           <samlp:Scoping ProxyCount="0"><samlp:RequesterID>https://other.example</samlp:RequesterID></samlp:Scoping>"#,
    )
    .unwrap();
    assert_eq!(request.destination.as_deref(), Some("https://idp.example/saml/sso"));
    assert_eq!(request.acs, Acs::Url("https://sp.example/acs?a=1&b=2".to_owned()));
    assert_eq!(request.protocol_binding.as_deref(), Some(crate::wire::saml::binding::POST));
    assert!(request.force_authn && !request.is_passive);
    assert_eq!(request.attribute_consuming_service_index, Some(7));
    assert_eq!(request.provider_name.as_deref(), Some("Fictional Press"));
    let policy = request.name_id_policy.unwrap();
    assert_eq!(policy.format.as_deref(), Some(format::PERSISTENT));
    assert_eq!(policy.sp_name_qualifier.as_deref(), Some("https://group.example"));
    assert!(policy.allow_create);
    let asked = request.requested_authn_context.unwrap();
    assert_eq!((asked.comparison, asked.decl_refs), (Comparison::Minimum, false));
    assert_eq!(asked.class_refs, [context::PASSWORD, context::REFEDS_MFA]);
    let Some(Subject::Named(name_id)) = request.subject else { panic!("named") };
    assert_eq!((name_id.value.as_str(), name_id.name_qualifier.as_deref()), ("abc", Some("https://idp.example")));
    assert_eq!(name_id.sp_name_qualifier.as_deref(), Some("https://sp.example/saml"));
}

#[test]
fn another_document_is_no_request() {
    for root in [
        r#"<AuthnRequest/>"#,
        r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>"#,
        r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:1.0:protocol"/>"#,
    ] {
        assert_eq!(code(parsed(root)), "another-message", "{root}");
    }
}

#[test]
fn only_version_2_0_is_spoken() {
    for version in ["1.1", "2.1", "2", "2.00", "", " 2.0", "２.0"] {
        let text = message(&HEAD.replace("2.0", version), ISSUER);
        assert_eq!(code(parsed(&text)), "version", "{version}");
    }
    assert_eq!(code(parsed(&message(&HEAD.replace(r#"Version="2.0""#, ""), ISSUER))), "missing");
    assert_eq!(code(parsed(&message(&HEAD.replace("Version", "samlp:Version"), ISSUER))), "missing");
}

#[test]
fn an_id_is_an_xml_name_of_bounded_length() {
    let id = |id: &str| parsed(&message(&HEAD.replace("_1", id), ISSUER)).map(|request| request.id);
    for fine in ["_", "a", "_a.b-c", "ONELOGIN_0f3a", "id-1", "é1", "_\u{b7}\u{300}"] {
        assert_eq!(id(fine).as_deref(), Ok(fine));
    }
    assert!(id(&"a".repeat(256)).is_ok());
    let long = "a".repeat(257);
    for bad in ["", "1a", "-a", ".a", "a:b", "a b", " a", "a/b", "\u{b7}a", "a\u{d7}", "a&#10;", "a&lt;", &long] {
        assert_eq!(id(bad).map_err(|error| error.code()), Err("id"), "{bad}");
    }
    assert_eq!(code(parsed(&message(&HEAD.replace("ID=", "Id="), ISSUER))), "missing");
}

#[test]
fn a_time_must_be_one() {
    let at = |time: &str| parsed(&message(&HEAD.replace("2026-11-27T09:30:00Z", time), ISSUER));
    assert_eq!(at("2026-11-27T09:30:00").unwrap().issue_instant, 1_795_771_800_000, "no zone is UTC");
    for absurd in ["", "0000-11-27T09:30:00Z", "2026-12-31T23:59:60Z", "1795771800", "2026-11-27", "tomorrow"] {
        assert_eq!(code(at(absurd)), "no-time", "{absurd}");
    }
    assert_eq!(code(parsed(&message(r#"ID="_1" Version="2.0""#, ISSUER))), "missing");
}

#[test]
fn the_issuer_is_one_bare_entity_id() {
    let issued = |issuer: &str| parsed(&message(HEAD, issuer));
    let entity = r#"<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity"> a </saml:Issuer>"#;
    assert_eq!(issued(entity).unwrap().issuer, "a");
    assert_eq!(issued(&format!("<saml:Issuer>{}</saml:Issuer>", "é".repeat(1024))).unwrap().issuer.len(), 2048);
    for (issuer, refusal) in [
        ("", "missing"),
        ("<Issuer>a</Issuer>", "missing"),
        ("<saml:Issuer>a</saml:Issuer><Issuer>a</Issuer>", "unexpected-element"),
        ("<saml:Issuer>a</saml:Issuer><saml:Issuer>a</saml:Issuer>", "repeated"),
        ("<saml:Issuer/>", "empty"),
        ("<saml:Issuer> \n</saml:Issuer>", "empty"),
        ("<saml:Issuer>https://sp.example<!-- -->.evil.example</saml:Issuer>", "xml-not-text"),
        ("<saml:Issuer><!-- -->a</saml:Issuer>", "xml-not-text"),
        ("<saml:Issuer>a<b/></saml:Issuer>", "xml-not-text"),
        (
            r#"<saml:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">a</saml:Issuer>"#,
            "issuer-format",
        ),
        (r#"<saml:Issuer NameQualifier="q">a</saml:Issuer>"#, "issuer-qualified"),
        (r#"<saml:Issuer SPNameQualifier="q">a</saml:Issuer>"#, "issuer-qualified"),
        (r#"<saml:Issuer SPProvidedID="q">a</saml:Issuer>"#, "issuer-qualified"),
    ] {
        assert_eq!(code(issued(issuer)), refusal, "{issuer}");
    }
    assert_eq!(code(issued(&format!("<saml:Issuer>{}</saml:Issuer>", "a".repeat(1025)))), "value-too-long");
}

#[test]
fn the_answers_address_is_named_by_url_or_by_index_but_not_by_both() {
    let url = r#"AssertionConsumerServiceURL="https://sp.example/acs""#;
    let binding = r#"ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST""#;
    let index = r#"AssertionConsumerServiceIndex="1""#;
    assert_eq!(with(index, "").unwrap().acs, Acs::Index(1));
    assert_eq!(with(r#"AssertionConsumerServiceIndex=" +065 ""#, "").unwrap().acs, Acs::Index(65));
    assert_eq!(with(binding, "").unwrap().acs, Acs::Default);
    assert!(with(&format!("{url} {binding}"), "").is_ok());
    assert_eq!(code(with(&format!("{url} {index}"), "")), "acs-url-and-index");
    assert_eq!(code(with(&format!("{binding} {index}"), "")), "acs-url-and-index");
    for number in ["", "-1", "65536", "1.0", "one", "0x1", "١"] {
        let attribute = |name: &str| format!(r#"{name}="{number}""#);
        assert_eq!(code(with(&attribute("AssertionConsumerServiceIndex"), "")), "no-number", "{number}");
        assert_eq!(code(with(&attribute("AttributeConsumingServiceIndex"), "")), "no-number", "{number}");
    }
    let long = format!(r#"AssertionConsumerServiceURL="https://sp.example/{}""#, "a".repeat(1024));
    assert_eq!(code(with(&long, "")), "value-too-long");
}

#[test]
fn true_and_false_have_two_spellings_each() {
    for name in ["ForceAuthn", "IsPassive"] {
        let said = |value: &str| {
            let request = with(&format!(r#"{name}="{value}""#), "")?;
            Ok::<_, Error>(if name == "ForceAuthn" { request.force_authn } else { request.is_passive })
        };
        for (value, meaning) in [("true", true), ("1", true), ("false", false), ("0", false), (" true ", true)] {
            assert_eq!(said(value), Ok(meaning), "{value}");
        }
        for value in ["TRUE", "True", "yes", "", "2", "01", "false true"] {
            assert_eq!(said(value).unwrap_err().code(), "no-boolean", "{name} {value}");
        }
    }
    assert_eq!(code(with("", r#"<samlp:NameIDPolicy AllowCreate="TRUE"/>"#)), "no-boolean");
}

#[test]
fn what_the_standard_does_not_know_is_refused() {
    for (children, refusal) in [
        ("<samlp:Unknown/>", "unexpected-element"),
        ("<saml:NameID>a</saml:NameID>", "unexpected-element"),
        ("<saml:Assertion/>", "unexpected-element"),
        ("<samlp:Subject/>", "unexpected-element"),
        ("<Extensions/>", "unexpected-element"),
        ("text", "stray-text"),
        ("<![CDATA[text]]>", "stray-text"),
        ("<samlp:NameIDPolicy/><samlp:NameIDPolicy/>", "repeated"),
        ("<samlp:Extensions/><samlp:Extensions/>", "repeated"),
        (r#"<s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"/>"#.repeat(2).as_str(), "repeated"),
        ("<samlp:NameIDPolicy><a/></samlp:NameIDPolicy>", "unexpected-element"),
        ("<samlp:NameIDPolicy>persistent</samlp:NameIDPolicy>", "stray-text"),
        ("<samlp:Scoping/><samlp:Scoping/>", "repeated"),
        ("<?php echo ?>", "xml-processing-instruction"),
    ] {
        assert_eq!(code(with("", children)), refusal, "{children}");
    }
    assert_eq!(with("Unknown='1'", "<!-- a comment between elements -->").unwrap(), with("", "").unwrap());
}

#[test]
fn a_requested_context_names_classes_or_declarations_and_says_how_to_compare() {
    let asked = |attributes: &str, inside: &str| {
        let element = format!("<samlp:RequestedAuthnContext {attributes}>{inside}</samlp:RequestedAuthnContext>");
        with("", &element).map(|request| request.requested_authn_context.unwrap())
    };
    let class = "<saml:AuthnContextClassRef>urn:c</saml:AuthnContextClassRef>";
    let declaration = "<saml:AuthnContextDeclRef>urn:d</saml:AuthnContextDeclRef>";
    for (attribute, comparison) in [
        ("", Comparison::Exact),
        ("Comparison='exact'", Comparison::Exact),
        ("Comparison='minimum'", Comparison::Minimum),
        ("Comparison='maximum'", Comparison::Maximum),
        ("Comparison='better'", Comparison::Better),
    ] {
        assert_eq!(asked(attribute, class).unwrap().comparison, comparison);
    }
    let by_declaration = asked("", declaration).unwrap();
    assert!(by_declaration.decl_refs && by_declaration.class_refs.is_empty());
    for (attribute, inside, refusal) in [
        ("Comparison='Exact'", class, "unknown-value"),
        ("Comparison=''", class, "unknown-value"),
        ("", "", "missing"),
        ("", "<saml:AuthnContextClassRef/>", "empty"),
        ("", "<saml:AuthnContextClassRef>urn:<!-- -->c</saml:AuthnContextClassRef>", "xml-not-text"),
        ("", "<saml:AuthnContextDecl/>", "unexpected-element"),
        ("", "urn:c", "stray-text"),
        ("", &format!("{class}{declaration}"), "context-class-and-declaration"),
    ] {
        assert_eq!(asked(attribute, inside).unwrap_err().code(), refusal, "{attribute} {inside}");
    }
}

#[test]
fn a_subject_is_one_identifier_and_no_confirmation() {
    let about = |inside: &str| with("", &format!("<saml:Subject>{inside}</saml:Subject>"));
    let name_id = "<saml:NameID>abc</saml:NameID>";
    let named = NameId { value: "abc".to_owned(), ..NameId::default() };
    assert_eq!(about(name_id).unwrap().subject, Some(Subject::Named(named)));
    assert_eq!(about("<saml:EncryptedID>…</saml:EncryptedID>").unwrap().subject, Some(Subject::Encrypted));
    assert_eq!(about("<saml:BaseID/>").unwrap().subject, Some(Subject::Base));
    for (inside, refusal) in [
        ("", "missing"),
        ("<saml:NameID/>", "empty"),
        ("<saml:NameID>a<!-- -->b</saml:NameID>", "xml-not-text"),
        (name_id.repeat(2).as_str(), "repeated"),
        ("<saml:EncryptedID/><saml:EncryptedID/>", "repeated"),
        (&format!("{name_id}<saml:EncryptedID/>"), "repeated"),
        (&format!("{name_id}<saml:SubjectConfirmation Method='m'/>"), "subject-confirmation"),
        ("<saml:Other/>", "unexpected-element"),
        ("abc", "stray-text"),
    ] {
        assert_eq!(code(about(inside)), refusal, "{inside}");
    }
    assert_eq!(code(with("", &format!("<saml:Subject>{name_id}</saml:Subject>").repeat(2))), "repeated");
}

#[test]
fn a_name_id_is_read_from_a_name_id_alone() {
    for other in ["<saml:Issuer>a</saml:Issuer>", "<NameID>a</NameID>"] {
        let text = format!(r#"<x xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{other}</x>"#);
        let document = xml::parse(&text, &xml::MESSAGE).unwrap();
        let node = document.root_element().first_element_child().unwrap();
        assert_eq!(NameId::read(node).unwrap_err().code(), "another-message", "{other}");
    }
}
