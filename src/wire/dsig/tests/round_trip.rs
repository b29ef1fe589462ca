use super::forge::{LIBRARY, MALLORY, assertion, judge, judge_at, response};
use crate::wire::{
    dsig::{Error, Signer, has_signature, sign, verify},
    xml::{MESSAGE, child, namespace, parse, write::Element},
};

#[test]
fn what_we_sign_verifies() {
    let signed = LIBRARY.sign(assertion("_a1", "Ada & <Björn> \u{1f4da}\r\n\t\""), "_a1");
    assert_eq!(judge(&signed), Ok(()));
    let document = parse(&signed, &MESSAGE).unwrap();
    assert!(has_signature(document.root_element()));
    assert_eq!(verify(document.root_element(), &[MALLORY.key()]).unwrap_err().code(), "signature-wrong");
}

#[test]
fn a_signed_assertion_in_a_signed_response_verifies_as_both() {
    let signed = LIBRARY.sign(response("_r1", LIBRARY.sign(assertion("_a1", "Ada"), "_a1")), "_r1");
    assert_eq!(judge(&signed), Ok(()));
    assert_eq!(judge_at(&signed, |root| child(root, namespace::ASSERTION, "Assertion").unwrap()), Ok(()));
}

#[test]
fn a_signature_stands_where_the_schemas_want_it() {
    let metadata = Element::new("md:EntityDescriptor").attr("ID", "_m").child(Element::new("md:IDPSSODescriptor"));
    let of = |signed: String| {
        let document = parse(&signed, &MESSAGE).unwrap();
        let names: Vec<_> = document.root_element().children().map(|node| node.tag_name().name().to_owned()).collect();
        names.join(" ")
    };
    assert_eq!(of(LIBRARY.sign(metadata, "_m")), "Signature IDPSSODescriptor");
    assert_eq!(of(LIBRARY.sign(assertion("_a", "Ada"), "_a")), "Issuer Signature Subject AttributeStatement");
    assert_eq!(of(LIBRARY.sign(response("_r", String::new()), "_r")), "Issuer Signature Status");
}

#[test]
fn an_element_is_signed_by_its_own_id_only() {
    let signer = Signer { certificate: "", sign: &|_| Ok(vec![1]) };
    assert_eq!(sign(assertion("_a1", "Ada"), "_a2", &signer).unwrap_err().code(), "signature-no-id");
    assert_eq!(sign(Element::new("saml:Assertion"), "", &signer).unwrap_err().code(), "signature-no-id");
}

#[test]
fn a_signer_that_fails_says_so() {
    let signer = Signer { certificate: "", sign: &|_| Err(Error::Signing("the key sleeps".into())) };
    assert_eq!(sign(assertion("_a1", "Ada"), "_a1", &signer), Err(Error::Signing("the key sleeps".into())));
}
