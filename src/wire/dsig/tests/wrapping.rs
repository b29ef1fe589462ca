//! Signature wrapping: the eight of "On Breaking SAML" as SAML Raider makes them, and their relatives. Each moves the
//! signed original somewhere where its signature still verifies, and puts something else where it is read.

use super::forge::{LIBRARY, assertion, judge, judge_at, response, torn};
use crate::wire::{
    dsig::verify,
    xml::{MESSAGE, Node, c14n, child, namespace, parse},
};

const ADA: &str = "ada@library.example";
const EVE: &str = "eve@evil.example";

fn status_and_after(response: &str) -> (String, String) {
    let at = response.find("<saml:Assertion").unwrap();
    (response[..at].to_owned(), response[at..].to_owned())
}

/// A response that is signed as a whole: its signature, and the rest.
fn signed_response() -> (String, String) {
    torn(&LIBRARY.sign(response("_r1", assertion("_a1", ADA).render()), "_r1"))
}

fn evil_response() -> String {
    response("_evil", assertion("_evil_a", EVE).render()).render()
}

fn signed_assertion() -> String {
    LIBRARY.sign(assertion("_a1", ADA), "_a1")
}

/// Puts `what` right behind the Issuer, where a signature belongs.
fn with_signature(element: &str, what: &str) -> String {
    element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{what}"), 1)
}

fn inside_signature(signature: &str, what: &str) -> String {
    signature.replacen("</ds:Signature>", &format!("{what}</ds:Signature>"), 1)
}

/// The assertion that a service reads: the first one directly inside of the response.
fn read<'a, 'i>(root: Node<'a, 'i>) -> Node<'a, 'i> {
    child(root, namespace::ASSERTION, "Assertion").unwrap()
}

/// Whatever of the document verifies is word for word what the library signed.
fn nothing_of_eves_verifies(xml: &str) {
    let originals = [response("_r1", assertion("_a1", ADA).render()).render(), assertion("_a1", ADA).render()];
    let document = parse(xml, &MESSAGE).unwrap();
    for node in document.descendants().filter(|node| node.is_element()) {
        if let Ok(signed) = verify(node, &[LIBRARY.key()]) {
            let signature = child(signed.node(), namespace::SIGNATURE, "Signature").unwrap();
            let canonical = c14n::exclusive(signed.node(), &["xs"], Some(signature.id()));
            assert!(originals.contains(&canonical), "{canonical}");
        }
    }
}

#[test]
fn the_honest_messages_of_these_tests_verify() {
    let (signature, rest) = signed_response();
    assert_eq!(judge(&with_signature(&rest, &signature)), Ok(()));
    assert_eq!(judge(&signed_assertion()), Ok(()));
    assert_eq!(judge_at(&response("_r1", signed_assertion()).render(), read), Ok(()));
}

#[test]
fn xsw1_the_signed_response_inside_of_its_own_signature() {
    let (signature, original) = signed_response();
    let evil = with_signature(&evil_response(), &inside_signature(&signature, &original));
    assert_eq!(judge(&evil), Err("signature-malformed"));
    nothing_of_eves_verifies(&evil);
}

#[test]
fn xsw2_the_signed_response_beside_its_signature() {
    let (signature, original) = signed_response();
    let evil = with_signature(&evil_response(), &format!("{original}{signature}"));
    assert_eq!(judge(&evil), Err("signature-elsewhere"));
    nothing_of_eves_verifies(&evil);
}

#[test]
fn xsw3_an_assertion_before_the_signed_one() {
    let evil = response("_r1", format!("{}{}", assertion("_evil", EVE).render(), signed_assertion())).render();
    assert_eq!(judge_at(&evil, read), Err("signature-missing"));
    nothing_of_eves_verifies(&evil);
}

#[test]
fn xsw4_an_assertion_around_the_signed_one() {
    let wrapped = assertion("_evil", EVE).raw(signed_assertion()).render();
    let evil = response("_r1", wrapped).render();
    assert_eq!(judge_at(&evil, read), Err("signature-missing"));
    nothing_of_eves_verifies(&evil);
}

#[test]
fn xsw5_another_assertion_with_the_signature_of_the_one_behind() {
    let (signature, original) = torn(&signed_assertion());
    let evil = with_signature(&assertion("_evil", EVE).render(), &signature);
    let evil = response("_r1", format!("{evil}{original}")).render();
    assert_eq!(judge_at(&evil, read), Err("signature-elsewhere"));
    nothing_of_eves_verifies(&evil);
}

#[test]
fn xsw6_another_assertion_with_the_signed_one_inside_of_the_signature() {
    let (signature, original) = torn(&signed_assertion());
    let evil = with_signature(&assertion("_evil", EVE).render(), &inside_signature(&signature, &original));
    let evil = response("_r1", evil).render();
    assert_eq!(judge_at(&evil, read), Err("signature-malformed"));
    nothing_of_eves_verifies(&evil);
}

#[test]
fn xsw7_an_assertion_in_the_extensions() {
    let (head, tail) = status_and_after(&response("_r1", signed_assertion()).render());
    let extensions = format!("<samlp:Extensions>{}</samlp:Extensions>", assertion("_evil", EVE).render());
    let evil = format!("{head}{extensions}{tail}");
    let first = |root: Node<'_, '_>| root.descendants().find(|node| node.has_tag_name("Assertion")).map(|n| n.id());
    let document = parse(&evil, &MESSAGE).unwrap();
    let found = document.get_node(first(document.root_element()).unwrap()).unwrap();
    assert_eq!(verify(found, &[LIBRARY.key()]).unwrap_err().code(), "signature-missing");
    assert_eq!(judge_at(&evil, read), Ok(()), "where it is read the original still stands");
    nothing_of_eves_verifies(&evil);
}

#[test]
fn xsw8_the_signed_assertion_in_an_object_of_the_signature() {
    let (signature, original) = torn(&signed_assertion());
    let object = format!("<ds:Object>{original}</ds:Object>");
    let evil = with_signature(&assertion("_evil", EVE).render(), &inside_signature(&signature, &object));
    let evil = response("_r1", evil).render();
    assert_eq!(judge_at(&evil, read), Err("signature-object"));
    nothing_of_eves_verifies(&evil);
}

/// A verifier that looks its reference up by ID may find either of two.
#[test]
fn an_impostor_with_the_same_id_is_refused_before_anything_is_verified() {
    let (signature, original) = torn(&signed_assertion());
    let impostor = with_signature(&assertion("_a1", EVE).render(), &signature);
    let before = response("_r1", format!("{impostor}{original}")).render();
    assert_eq!(judge_at(&before, read), Err("xml-duplicate-id"));
    let lower = impostor.replacen("ID=\"_a1\"", "ID=\"_evil\" Id=\"_a1\"", 1);
    assert_eq!(judge_at(&response("_r1", format!("{lower}{original}")).render(), read), Err("xml-duplicate-id"));
    let own = impostor.replacen("ID=\"_a1\"", "ID=\"_evil\" xml:id=\"_a1\"", 1);
    assert_eq!(judge_at(&response("_r1", format!("{own}{original}")).render(), read), Err("xml-duplicate-id"));
}

#[test]
fn an_id_under_another_name_is_not_the_elements_own() {
    let (signature, original) = torn(&signed_assertion());
    let evil = with_signature(&assertion("_evil", EVE).render(), &signature).replacen(
        "ID=\"_evil\"",
        "ID=\"_evil\" Id=\"_a1\"",
        1,
    );
    assert_eq!(judge_at(&response("_r1", evil).render(), read), Err("signature-elsewhere"));
    let foreign = with_signature(&original, &signature).replacen("ID=\"_a1\"", "xmlns:e=\"urn:evil\" e:ID=\"_a1\"", 1);
    assert_eq!(judge(&foreign), Err("signature-no-id"));
}

#[test]
fn a_second_signature_is_not_chosen_from() {
    let (signature, original) = torn(&signed_assertion());
    assert_eq!(judge(&with_signature(&original, &format!("{signature}{signature}"))), Err("signature-several"));
    let at_the_end = original.replacen("</saml:Assertion>", &format!("{signature}</saml:Assertion>"), 1);
    assert_eq!(judge(&with_signature(&at_the_end, &signature)), Err("signature-several"));
}

#[test]
fn a_signature_deeper_inside_is_not_the_elements() {
    let (signature, original) = torn(&signed_assertion());
    let moved = original.replacen("<saml:NameID>", &format!("{signature}<saml:NameID>"), 1);
    assert_eq!(judge(&moved), Err("signature-missing"));
    let outside = response("_r1", format!("{signature}{original}")).render();
    assert_eq!(judge_at(&outside, read), Err("signature-missing"));
    assert_eq!(judge(&outside), Err("signature-elsewhere"));
}

#[test]
fn a_signature_of_another_namespace_is_none() {
    let (signature, original) = torn(&signed_assertion());
    let foreign = signature.replace("http://www.w3.org/2000/09/xmldsig#\"", "http://www.w3.org/2000/09/xmldsig\"");
    assert_eq!(judge(&with_signature(&original, &foreign)), Err("signature-missing"));
}

/// Where the signature stands among its siblings is not signed, and changes nothing of what is.
#[test]
fn a_signature_at_the_end_is_over_the_same() {
    let (signature, original) = torn(&signed_assertion());
    let moved = original.replacen("</saml:Assertion>", &format!("{signature}</saml:Assertion>"), 1);
    assert_eq!(judge(&moved), Ok(()));
    nothing_of_eves_verifies(&moved);
}

#[test]
fn a_prefix_that_changes_its_meaning_changes_what_was_signed() {
    let signed = signed_assertion();
    let saml = format!("xmlns:saml=\"{}\"", namespace::ASSERTION);
    assert_eq!(judge(&signed.replacen(&saml, "xmlns:saml=\"urn:evil\"", 1)), Err("signature-changed"));
    let inner = signed.replacen("<saml:NameID>", "<saml:NameID xmlns:saml=\"urn:evil\">", 1);
    assert_eq!(judge(&inner), Err("signature-changed"));
    let renamed = signed.replace("saml:", "s:");
    assert_eq!(judge(&renamed.replace("xmlns:s:", "xmlns:s")), Err("xml-syntax"));
    // The same names by another prefix are another text (Canonical XML 1.0 section 4.4).
    let other = signed.replace("<saml:", "<s:").replace("</saml:", "</s:").replace("xmlns:saml=", "xmlns:s=");
    assert_eq!(judge(&other), Err("signature-changed"));
}

/// `xsi:type="xs:string"`: a prefix within a value, that no element or attribute uses.
#[test]
fn a_prefix_within_a_value_cannot_be_bound_anew_from_outside() {
    let signed = signed_assertion();
    let xs = format!(" xmlns:xs=\"{}\"", namespace::SCHEMA);
    let inside = signed.replacen(&xs, " xmlns:xs=\"urn:evil\"", 1);
    assert_eq!(judge(&inside), Err("signature-changed"));
    let outside = response("_r1", signed.replacen(&xs, "", 1)).render().replacen(
        "<samlp:Response",
        "<samlp:Response xmlns:xs=\"urn:evil\"",
        1,
    );
    assert_eq!(judge_at(&outside, read), Err("signature-changed"));
}

#[test]
fn a_namespace_from_outside_that_nobody_uses_changes_nothing() {
    let around = response("_r1", signed_assertion()).render().replacen(
        "<samlp:Response",
        "<samlp:Response xmlns=\"urn:evil\" xmlns:evil=\"urn:evil\"",
        1,
    );
    assert_eq!(judge_at(&around, read), Ok(()));
    nothing_of_eves_verifies(&around);
    let rebound = around.replacen("<saml:NameID>", "<saml:NameID xmlns:saml=\"urn:evil\">", 1);
    assert_eq!(judge_at(&rebound, read), Err("signature-changed"));
}
