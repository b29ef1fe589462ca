use proptest::prelude::*;

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

fn any_element() -> impl Strategy<Value = Element> {
    const NAMES: [&str; 6] = ["saml:Assertion", "samlp:Response", "ds:Object", "md:Extensions", "xs:element", "Plain"];
    const ATTRIBUTES: [&str; 6] = ["ID", "Name", "xml:lang", "xsi:type", "shibmd:regexp", "ds:x"];
    let value = prop_oneof![Just("xs:string".to_owned()), Just(" xmlns:saml=\"x\" > '".to_owned()), any::<String>()];
    let alone =
        (0..NAMES.len(), prop::collection::vec((0..ATTRIBUTES.len(), value), 0..4)).prop_map(|(name, attributes)| {
            attributes
                .into_iter()
                .fold(Element::new(NAMES[name]), |element, (at, value)| element.attr(ATTRIBUTES[at], value))
        });
    let leaf = (alone.clone(), any::<String>()).prop_map(|(element, text)| element.text(text));
    leaf.prop_recursive(5, 24, 4, move |inner| {
        (alone.clone(), prop::collection::vec(inner, 0..4), any::<String>())
            .prop_map(|(element, children, text)| element.children(children).text(text))
    })
}

/// The same tree, every child of which was rendered before it was put in.
fn from_raws(element: &Element) -> Element {
    let children = element.children.iter().map(|child| match child {
        Child::Element(element) => Child::Raw(from_raws(element).render()),
        other => other.clone(),
    });
    Element { children: children.collect(), ..element.clone() }
}

proptest! {
    #[test]
    fn whatever_is_built_renders_canonically_and_alike_from_parts_that_were_rendered(element in any_element()) {
        let rendered = element.render();
        // Our own limits are not the matter here, nor is an ID that comes twice.
        let document = roxmltree::Document::parse(&rendered).unwrap();
        prop_assert_eq!(&c14n::exclusive(document.root_element(), &["xs"], None), &rendered);
        prop_assert_eq!(from_raws(&element).render(), rendered);
    }
}
