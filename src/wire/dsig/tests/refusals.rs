//! A signature whose every part is right but one. Each is signed by the library's own key, and would verify if it were
//! not for the one check that its test names.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};

use super::forge::{CONTENT, LIBRARY, MALLORY, Odd, digest, judge, judge_at, transform};
use crate::wire::{
    dsig::{ENVELOPED, EXCLUSIVE, verify},
    xml::{MESSAGE, parse},
};

fn with(change: impl FnOnce(&mut Odd)) -> Result<(), &'static str> {
    let mut odd = Odd::new();
    change(&mut odd);
    odd.verdict()
}

fn transforms(all: &[&str]) -> Result<(), &'static str> {
    with(|odd| odd.transforms = format!("<ds:Transforms>{}</ds:Transforms>", all.concat()))
}

#[test]
fn the_signature_of_these_tests_verifies_as_long_as_nothing_is_odd() {
    assert_eq!(Odd::new().verdict(), Ok(()));
}

#[test]
fn an_element_without_a_signature_is_not_signed() {
    assert_eq!(judge("<A ID=\"_1\"/>"), Err("signature-missing"));
}

#[test]
fn what_was_changed_after_signing_is_refused() {
    let message = Odd::new().message();
    assert_eq!(judge(&message.replace("Ada", "Eve")), Err("signature-changed"));
    assert_eq!(judge(&message.replace("<B>", "<B c=\"1\">")), Err("signature-changed"));
    assert_eq!(judge(&message.replace("<B>", " <B>")), Err("signature-changed"));
    assert_eq!(judge(&message.replace("</A>", "<B>Eve</B></A>")), Err("signature-changed"));
}

#[test]
fn a_changed_digest_is_not_what_was_signed() {
    let evil = digest("<B>Eve</B>");
    assert_eq!(
        judge(&Odd::new().message().replace("Ada", "Eve").replace(&digest(CONTENT), &evil)),
        Err("signature-wrong")
    );
}

#[test]
fn two_references_are_refused_whichever_is_over_the_element() {
    assert_eq!(with(|odd| odd.more_info = odd.reference()), Err("signature-references"));
    let other = |odd: &mut Odd| {
        odd.more_info = odd.reference();
        odd.uri = " URI=\"#_2\"".into();
    };
    assert_eq!(with(other), Err("signature-references"));
}

#[test]
fn no_reference_at_all_is_refused() {
    let odd = Odd { written: |info| info, ..Odd::new() };
    let bare = odd.message().replace(&odd.reference(), "");
    assert_eq!(judge(&bare), Err("signature-references"));
}

#[test]
fn a_reference_to_another_element_is_refused() {
    let inner = "<B ID=\"_2\">Ada</B>";
    let odd = |odd: &mut Odd| {
        odd.content = inner.into();
        odd.uri = " URI=\"#_2\"".into();
        odd.digest_value = format!("<ds:DigestValue>{}</ds:DigestValue>", digest(inner));
    };
    assert_eq!(with(odd), Err("signature-elsewhere"));
}

#[test]
fn a_reference_by_xpointer_or_to_a_file_or_to_nothing_is_refused() {
    for uri in
        ["#xpointer(/)", "#xpointer(id('_1'))", "_1", "##_1", "#", "https://evil.example/#_1", "file:///a#_1", "# _1"]
    {
        assert_eq!(with(|odd| odd.uri = format!(" URI=\"{uri}\"")), Err("signature-elsewhere"), "{uri}");
    }
    assert_eq!(with(|odd| odd.uri = String::new()), Err("signature-elsewhere"));
    assert_eq!(with(|odd| odd.uri = " xmlns:e=\"urn:e\" e:URI=\"#_1\"".into()), Err("signature-elsewhere"));
}

#[test]
fn an_empty_reference_is_refused_where_the_element_has_an_id() {
    assert_eq!(with(|odd| odd.uri = " URI=\"\"".into()), Err("signature-elsewhere"));
}

/// An `ID` that reads as an xpointer would be the whole document for other verifiers.
#[test]
fn an_id_that_is_no_name_is_refused() {
    let odd = Odd::new();
    for id in ["xpointer(/)", "1", "", "a b", "_1#", "-a"] {
        let message = odd.message().replace("_1\"", &format!("{id}\""));
        assert_eq!(judge(&message), Err("signature-no-id"), "{id}");
    }
}

/// Metadata may have no ID; then the signature is over the whole document, and only a document element is that.
#[test]
fn an_empty_reference_is_for_a_document_element_without_an_id() {
    let without = |odd: &mut Odd| {
        odd.uri = " URI=\"\"".into();
        let digest = STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"<A><B>Ada</B></A>"));
        odd.digest_value = format!("<ds:DigestValue>{digest}</ds:DigestValue>");
    };
    let mut odd = Odd::new();
    without(&mut odd);
    let message = format!("<A>{}<B>Ada</B></A>", odd.signature());
    assert_eq!(judge(&message), Ok(()));
    let inside = format!("<R>{message}</R>");
    assert_eq!(judge_at(&inside, |root| root.first_element_child().unwrap()), Err("signature-elsewhere"));
    odd.uri = " URI=\"#_1\"".into();
    assert_eq!(judge(&format!("<A>{}<B>Ada</B></A>", odd.signature())), Err("signature-no-id"));
}

#[test]
fn an_xpath_or_xslt_transform_is_refused() {
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>1</ds:XPath></ds:Transform>";
    let (enveloped, exclusive) = (transform(ENVELOPED), transform(EXCLUSIVE));
    assert_eq!(transforms(&[&enveloped, xpath]), Err("signature-transforms"));
    assert_eq!(transforms(&[xpath, &exclusive]), Err("signature-transforms"));
    assert_eq!(transforms(&[&enveloped, &exclusive, xpath]), Err("signature-transforms"));
    let filter = transform("http://www.w3.org/2002/06/xmldsig-filter2");
    assert_eq!(transforms(&[&filter, &exclusive]), Err("signature-transforms"));
    let xslt = transform("http://www.w3.org/TR/1999/REC-xslt-19991116");
    assert_eq!(transforms(&[&enveloped, &xslt]), Err("signature-transforms"));
    let base64 = transform("http://www.w3.org/2000/09/xmldsig#base64");
    assert_eq!(transforms(&[&enveloped, &base64]), Err("signature-transforms"));
    let within = enveloped.replace("></ds", "><ds:XPath></ds:XPath></ds");
    assert_eq!(transforms(&[&within, &exclusive]), Err("signature-transforms"));
}

#[test]
fn transforms_that_are_missing_doubled_or_in_the_wrong_order_are_refused() {
    let (enveloped, exclusive) = (transform(ENVELOPED), transform(EXCLUSIVE));
    assert_eq!(transforms(&[&enveloped]), Err("signature-transforms"));
    assert_eq!(transforms(&[&exclusive]), Err("signature-transforms"));
    assert_eq!(transforms(&[&exclusive, &enveloped]), Err("signature-transforms"));
    assert_eq!(transforms(&[&enveloped, &exclusive, &exclusive]), Err("signature-transforms"));
    assert_eq!(transforms(&[&enveloped, &enveloped]), Err("signature-transforms"));
    assert_eq!(transforms(&[]), Err("signature-transforms"));
    assert_eq!(with(|odd| odd.transforms = String::new()), Err("signature-transforms"));
}

#[test]
fn inclusive_canonicalization_is_refused_for_the_content_and_for_the_signature() {
    for uri in [
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2010/xml-c14n2",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    ] {
        assert_eq!(
            with(|odd| odd.canonicalization = format!("Algorithm=\"{uri}\">")),
            Err("signature-canonicalization")
        );
        assert_eq!(transforms(&[&transform(ENVELOPED), &transform(uri)]), Err("signature-canonicalization"), "{uri}");
    }
}

#[test]
fn canonicalization_with_comments_is_refused() {
    let uri = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
    assert_eq!(with(|odd| odd.canonicalization = format!("Algorithm=\"{uri}\">")), Err("signature-canonicalization"));
    assert_eq!(transforms(&[&transform(ENVELOPED), &transform(uri)]), Err("signature-canonicalization"));
}

fn listed(prefixes: &str) -> Result<(), &'static str> {
    let list =
        format!("<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{prefixes}\"></ec:InclusiveNamespaces>");
    let exclusive = transform(EXCLUSIVE).replace("></ds", &format!(">{list}</ds"));
    transforms(&[&transform(ENVELOPED), &exclusive])
}

#[test]
fn a_list_of_prefixes_is_bounded_and_holds_prefixes() {
    assert_eq!(listed("xs xsi #default"), Ok(()));
    assert_eq!(listed(""), Ok(()));
    assert_eq!(listed(&(0..32).map(|i| format!(" p{i}")).collect::<String>()), Ok(()));
    assert_eq!(listed(&(0..33).map(|i| format!(" p{i}")).collect::<String>()), Err("signature-prefixes"));
    assert_eq!(listed("a:b"), Err("signature-prefixes"));
    assert_eq!(listed("&lt;"), Err("signature-prefixes"));
}

#[test]
fn anything_else_within_a_canonicalization_is_refused() {
    let list = format!("<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"\"></ec:InclusiveNamespaces>");
    let within = |inside: &str| transform(EXCLUSIVE).replace("></ds", &format!(">{inside}</ds"));
    assert_eq!(transforms(&[&transform(ENVELOPED), &within(&list.repeat(2))]), Err("signature-malformed"));
    assert_eq!(transforms(&[&transform(ENVELOPED), &within("<ds:XPath></ds:XPath>")]), Err("signature-malformed"));
    let nested = list.replace("></ec", "><ds:X></ds:X></ec");
    assert_eq!(transforms(&[&transform(ENVELOPED), &within(&nested)]), Err("signature-malformed"));
    assert_eq!(with(|odd| odd.canonicalization.push_str("<ds:X></ds:X>")), Err("signature-malformed"));
}

#[test]
fn sha1_is_refused_in_the_signature_and_in_the_digest() {
    let method = "Algorithm=\"http://www.w3.org/2000/09/xmldsig#rsa-sha1\">";
    assert_eq!(with(|odd| odd.method = method.into()), Err("signature-sha1"));
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("<A ID=\"_1\">{CONTENT}</A>").as_bytes(),
    );
    let weak = |odd: &mut Odd| {
        odd.digest_method = "Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\">".into();
        odd.digest_value = format!("<ds:DigestValue>{}</ds:DigestValue>", STANDARD.encode(digest));
    };
    assert_eq!(with(weak), Err("signature-sha1"));
}

#[test]
fn a_digest_of_another_kind_is_refused() {
    for uri in ["http://www.w3.org/2001/04/xmldsig-more#md5", "http://www.w3.org/2001/04/xmldsig-more#sha224", ""] {
        assert_eq!(with(|odd| odd.digest_method = format!("Algorithm=\"{uri}\">")), Err("signature-digest-algorithm"));
    }
    assert_eq!(with(|odd| odd.digest_method = ">".into()), Err("signature-malformed"));
}

/// The public key is public: whoever may choose HMAC makes it a shared secret.
#[test]
fn an_hmac_by_the_public_key_is_refused() {
    let by_public_key = |secret: &[u8]| {
        let mut odd = Odd::new();
        odd.method = "Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256\">".into();
        let message = odd.message();
        let start = message.find("<ds:SignedInfo").unwrap();
        let end = message.find("</ds:SignedInfo>").unwrap() + "</ds:SignedInfo>".len();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), &message.as_bytes()[start..end]);
        let (before, after) = message.split_once("<ds:SignatureValue>").unwrap();
        let (_, after) = after.split_once("</ds:SignatureValue>").unwrap();
        judge(&format!("{before}<ds:SignatureValue>{}</ds:SignatureValue>{after}", STANDARD.encode(tag)))
    };
    assert_eq!(by_public_key(&LIBRARY.certificate), Err("signature-algorithm"));
    assert_eq!(by_public_key(b""), Err("signature-algorithm"));
}

#[test]
fn a_parameter_of_the_signature_method_is_refused() {
    let length = "<ds:HMACOutputLength>0</ds:HMACOutputLength>";
    assert_eq!(with(|odd| odd.method.push_str(length)), Err("signature-malformed"));
    assert_eq!(with(|odd| odd.digest_method.push_str(length)), Err("signature-malformed"));
    assert_eq!(with(|odd| odd.method = ">".into()), Err("signature-malformed"));
}

#[test]
fn a_key_that_the_message_brings_proves_nothing() {
    let own_key = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        STANDARD.encode(&MALLORY.certificate)
    );
    let by_mallory = |odd: &mut Odd| {
        odd.signer = &MALLORY;
        odd.key_info.clone_from(&own_key);
    };
    assert_eq!(with(by_mallory), Err("signature-wrong"));
    assert_eq!(with(|odd| odd.key_info = own_key.clone()), Ok(()), "nor does it harm");
}

#[test]
fn without_registered_keys_nothing_verifies() {
    let message = Odd::new().message();
    let document = parse(&message, &MESSAGE).unwrap();
    let refused = |keys: &[_]| verify(document.root_element(), keys).unwrap_err().code();
    assert_eq!(refused(&[]), "signature-no-key");
    assert_eq!(refused(&[MALLORY.key()]), "signature-wrong");
    assert!(verify(document.root_element(), &[MALLORY.key(), LIBRARY.key()]).is_ok(), "the next key during a rollover");
}

#[test]
fn an_algorithm_that_no_registered_key_fits_is_refused() {
    let method = "Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\">";
    assert_eq!(with(|odd| odd.method = method.into()), Err("signature-no-key"));
}

#[test]
fn an_object_or_manifest_within_the_signature_is_refused() {
    let info = |more: &str| with(|odd| odd.key_info = more.to_owned());
    assert_eq!(info("<ds:Object></ds:Object>"), Err("signature-object"));
    assert_eq!(info("<ds:KeyInfo></ds:KeyInfo><ds:Object></ds:Object>"), Err("signature-object"));
    assert_eq!(info("<ds:KeyInfo></ds:KeyInfo><ds:KeyInfo></ds:KeyInfo>"), Err("signature-malformed"));
    assert_eq!(info("<ds:Manifest></ds:Manifest>"), Err("signature-malformed"));
    assert_eq!(info("<Assertion></Assertion>"), Err("signature-malformed"));
    assert_eq!(info("text"), Err("signature-malformed"));
}

#[test]
fn a_part_that_is_missing_or_out_of_order_is_refused() {
    let message = Odd::new().message();
    let cut = |from: &str, to: &str| {
        let (before, rest) = message.split_once(from).unwrap();
        format!("{before}{}", rest.split_once(to).unwrap().1)
    };
    assert_eq!(judge(&cut("<ds:DigestValue>", "</ds:DigestValue>")), Err("signature-malformed"));
    assert_eq!(judge(&cut("<ds:DigestMethod", "</ds:DigestMethod>")), Err("signature-malformed"));
    assert_eq!(judge(&cut("<ds:SignatureMethod", "</ds:SignatureMethod>")), Err("signature-malformed"));
    assert_eq!(judge(&cut("<ds:CanonicalizationMethod", "</ds:CanonicalizationMethod>")), Err("signature-malformed"));
    assert_eq!(judge(&cut("<ds:SignedInfo>", "</ds:SignedInfo>")), Err("signature-malformed"));
    assert_eq!(judge(&cut("<ds:SignatureValue>", "</ds:SignatureValue>")), Err("signature-malformed"));
    let digest_first = |odd: &mut Odd| {
        odd.transforms.push_str(&std::mem::take(&mut odd.digest_value));
    };
    assert_eq!(with(digest_first), Err("signature-malformed"));
    let digest_twice = |odd: &mut Odd| odd.digest_value = odd.digest_value.repeat(2);
    assert_eq!(with(digest_twice), Err("signature-malformed"));
}

#[test]
fn a_missing_or_empty_digest_is_refused() {
    assert_eq!(with(|odd| odd.digest_value = "<ds:DigestValue></ds:DigestValue>".into()), Err("signature-base64"));
    assert_eq!(with(|odd| odd.digest_value = String::new()), Err("signature-malformed"));
}

/// The digest that the verifier reads, and the one that was signed, must not be two.
#[test]
fn a_comment_within_the_digest_is_refused() {
    let evil = digest("<B>Eve</B>");
    let odd = Odd {
        content: "<B>Eve</B>".into(),
        written: |info| info.replace("<ds:DigestValue>", &format!("<ds:DigestValue><!--{}-->", digest("<B>Eve</B>"))),
        ..Odd::new()
    };
    assert!(odd.message().contains(&evil));
    assert_eq!(odd.verdict(), Err("signature-base64"));
    let harmless = Odd { written: |info| info.replace("<ds:DigestValue>", "<ds:DigestValue><!---->"), ..Odd::new() };
    assert_eq!(harmless.verdict(), Err("signature-base64"));
}

#[test]
fn a_comment_between_the_parts_of_a_signature_is_refused() {
    let inside = Odd { written: |info| info.replace("<ds:Reference", "<!-- x --><ds:Reference"), ..Odd::new() };
    assert_eq!(inside.verdict(), Err("signature-malformed"));
    let beside = Odd { written: |info| format!("<!-- x -->{info}"), ..Odd::new() };
    assert_eq!(beside.verdict(), Err("signature-malformed"));
}

/// Canonicalization drops it, so the signature stands; who reads the text must refuse it (`xml::text`).
#[test]
fn a_comment_within_what_was_signed_does_not_make_two_texts_of_one() {
    let message = Odd::new().message().replace("Ada", "A<!-- x -->da");
    assert_eq!(judge(&message), Ok(()));
    let document = parse(&message, &MESSAGE).unwrap();
    let b = crate::wire::xml::child(document.root_element(), "", "B").unwrap();
    assert_eq!(crate::wire::xml::text(b).unwrap_err().code(), "xml-not-text");
}

#[test]
fn cdata_is_the_text_that_it_holds() {
    assert_eq!(judge(&Odd::new().message().replace("Ada", "<![CDATA[Ada]]>")), Ok(()));
    assert_eq!(judge(&Odd::new().message().replace("<B>Ada</B>", "<![CDATA[<B>Ada</B>]]>")), Err("signature-changed"));
}

#[test]
fn a_processing_instruction_a_dtd_and_an_entity_are_refused_before_anything_is_verified() {
    let message = Odd::new().message();
    assert_eq!(judge(&message.replace("Ada", "<?x y?>Ada")), Err("xml-processing-instruction"));
    assert_eq!(judge(&format!("<?x y?>{message}")), Err("xml-processing-instruction"));
    assert_eq!(judge(&format!("<!DOCTYPE A>{message}")), Err("xml-doctype"));
    assert_eq!(
        judge(&format!("<!DOCTYPE A [<!ENTITY a \"Ada\">]>{}", message.replace("Ada", "&a;"))),
        Err("xml-doctype")
    );
    let external =
        format!("<!DOCTYPE A [<!ENTITY a SYSTEM \"file:///etc/hostname\">]>{}", message.replace("Ada", "&a;"));
    assert_eq!(judge(&external), Err("xml-doctype"));
    let default = format!("<!DOCTYPE A [<!ATTLIST B ID CDATA \"_1\">]>{message}");
    assert_eq!(judge(&default), Err("xml-doctype"));
    assert_eq!(judge(&message.replace("Ada", "&a;")), Err("xml-syntax"));
}

fn valued(value: fn(Vec<u8>) -> String) -> Result<(), &'static str> {
    Odd { value, ..Odd::new() }.verdict()
}

#[test]
fn a_signature_value_is_base64_as_it_must_be() {
    fn wrapped(text: &str) -> String {
        format!("<ds:SignatureValue>{text}</ds:SignatureValue>")
    }
    let broken = |signature: Vec<u8>| {
        let lines: Vec<String> =
            STANDARD.encode(signature).as_bytes().chunks(76).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
        wrapped(&format!("\n{}\n ", lines.join("&#13;\n")))
    };
    assert_eq!(valued(broken), Ok(()), "lines as Java breaks them");
    assert_eq!(valued(|_| wrapped("")), Err("signature-base64"));
    assert_eq!(valued(|_| wrapped("====")), Err("signature-base64"));
    assert_eq!(valued(|_| wrapped(" \n ")), Err("signature-base64"));
    assert_eq!(valued(|s| wrapped(STANDARD.encode(s).trim_end_matches('='))), Err("signature-base64"));
    assert_eq!(valued(|s| wrapped(&format!("{}=", STANDARD.encode(s)))), Err("signature-base64"));
    assert_eq!(valued(|s| wrapped(&format!("{}AAAA", STANDARD.encode(s)))), Err("signature-base64"));
    assert_eq!(
        valued(|s| wrapped(&STANDARD.encode(s).replacen(|c: char| c.is_alphanumeric(), "-", 1))),
        Err("signature-base64")
    );
    assert_eq!(valued(|s| wrapped(&STANDARD.encode([s, vec![0; 1024]].concat()))), Err("signature-base64"));
    assert_eq!(valued(|s| wrapped(&format!("{}<!---->", STANDARD.encode(s)))), Err("signature-base64"));
    // 256 octets leave four bits of the last letter unused; they must be zero.
    let unused = |s| {
        wrapped(
            &STANDARD.encode(s).replace("A==", "B==").replace("Q==", "R==").replace("g==", "h==").replace("w==", "x=="),
        )
    };
    assert_eq!(valued(unused), Err("signature-base64"));
}

#[test]
fn a_signature_of_another_length_is_wrong() {
    assert_eq!(
        valued(|s| format!("<ds:SignatureValue>{}</ds:SignatureValue>", STANDARD.encode(&s[1..]))),
        Err("signature-wrong")
    );
    assert_eq!(valued(|_| "<ds:SignatureValue>AA==</ds:SignatureValue>".into()), Err("signature-wrong"));
}

#[test]
fn a_digest_of_another_length_than_its_algorithms_is_refused() {
    let longer = |odd: &mut Odd| {
        let digest = [STANDARD.decode(digest(CONTENT)).unwrap(), vec![0; 16]].concat();
        odd.digest_value = format!("<ds:DigestValue>{}</ds:DigestValue>", STANDARD.encode(digest));
    };
    assert_eq!(with(longer), Err("signature-changed"));
    assert_eq!(with(|odd| odd.digest_value = "<ds:DigestValue>AAAA</ds:DigestValue>".into()), Err("signature-base64"));
}
