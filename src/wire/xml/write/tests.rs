use super::*;
use crate::wire::xml::{MESSAGE, parse};

fn response(assertion: String) -> Element {
    Element::new("samlp:Response")
        .attr("Version", "2.0")
        .attr("ID", "_r1")
        .child(Element::new("saml:Issuer").text("https://idp.example/saml"))
        .child(Element::new("samlp:Status").child(Element::new("samlp:StatusCode").attr("Value", "urn:ok")))
        .raw(assertion)
}

fn assertion() -> Element {
    Element::new("saml:Assertion")
        .attr("ID", "_a1")
        .child(Element::new("saml:Issuer").text("https://idp.example"))
        .child(Element::new("saml:AttributeValue").attr("xsi:type", "xs:string").text("a > b & c < d \" e\r\n\u{1}"))
}

/// Canonical by the other implementation of ours, the one that works on parsed text.
fn canonical(text: &str) -> String {
    let document = parse(text, &MESSAGE).unwrap();
    c14n::exclusive(document.root_element(), &["xs"], None)
}

#[test]
fn what_is_rendered_is_canonical() {
    let rendered = assertion().render();
    assert_eq!(
        rendered,
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a1\">\
         <saml:Issuer>https://idp.example</saml:Issuer><saml:AttributeValue \
         xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:type=\"xs:string\">a &gt; b &amp; c &lt; d \" e&#xD;\n\u{fffd}</saml:AttributeValue></saml:Assertion>"
    );
    assert_eq!(rendered, canonical(&rendered));
    let response = response(rendered).render();
    assert_eq!(response, canonical(&response));
}

#[test]
fn a_canonical_child_does_not_declare_again_what_is_in_force_around_it() {
    let inner = Element::new("saml:Assertion")
        .attr("Note", "> xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"")
        .child(Element::new("samlp:Extensions").child(Element::new("saml:Issuer").text("> xmlns:saml=\"urn:x\"")))
        .child(Element::new("saml:Advice").text(" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" <b>"));
    let raw = Element::new("saml:EncryptedAssertion").raw(inner.render());
    let built = Element::new("saml:EncryptedAssertion").child(inner);
    assert_eq!(raw.render(), built.render());
    assert_eq!(raw.render(), canonical(&raw.render()));
}

#[test]
fn attributes_come_in_the_order_of_their_namespaces_and_names() {
    let element = Element::new("saml:A")
        .attr("xsi:type", "xs:string")
        .attr("b", "2")
        .attr("xml:lang", "de")
        .attr("a", "x")
        .attr("shibmd:regexp", "false")
        .attr("a", "1\t\n\"");
    let rendered = element.render();
    assert!(
        rendered.contains(" a=\"1&#x9;&#xA;&quot;\" b=\"2\" xsi:type=\"xs:string\" xml:lang=\"de\" shibmd:regexp=")
    );
    assert_eq!(rendered, canonical(&rendered));
}

#[test]
fn what_xml_cannot_carry_does_not_get_out() {
    let rendered = Element::new("saml:A").attr("b", "\0\u{b}\u{ffff}x").text("\u{1f}\u{fffe}\t\n").render();
    assert!(rendered.contains("b=\"\u{fffd}\u{fffd}\u{fffd}x\">\u{fffd}\u{fffd}\t\n</saml:A>"), "{rendered}");
    assert_eq!(rendered, canonical(&rendered));
}
