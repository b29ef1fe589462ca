use std::cell::RefCell;

use proptest::prelude::*;

use super::*;

const XML: &str = "<samlp:AuthnRequest>ä</samlp:AuthnRequest>";
const RSA: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// Base64 of deflated `xml`, escaped.
fn message(xml: &str) -> String {
    escape(&base64(xml))
}

fn base64(xml: &str) -> String {
    STANDARD.encode(deflate(xml.as_bytes()))
}

fn refused(query: &str) -> &'static str {
    read(query).map(|redirected| redirected.xml).unwrap_err().code()
}

fn octets_of(query: &str) -> String {
    String::from_utf8(read(query).unwrap().signature.unwrap().octets).unwrap()
}

#[test]
fn what_is_written_reads_the_same_and_the_octets_read_are_those_that_were_signed() {
    for kind in [Kind::Request, Kind::Response] {
        for relay_state in [None, Some(""), Some("https://catalog.example/?a=1&b=ü +%"), Some("line\nline\tend")] {
            let signed = RefCell::new(Vec::new());
            let sign = |octets: &[u8]| {
                *signed.borrow_mut() = octets.to_vec();
                Ok(vec![0xfb; 256])
            };
            let signer = Signer { certificate: "", sign: &sign };
            let query = write(kind, XML, relay_state, Some(&signer)).unwrap();
            let redirected = read(&query).unwrap();
            assert_eq!((redirected.kind, redirected.xml.as_str()), (kind, XML));
            assert_eq!(redirected.relay_state.as_deref(), relay_state);
            let signature = redirected.signature.unwrap();
            assert_eq!((signature.algorithm_uri.as_str(), signature.signature), (RSA, vec![0xfb; 256]));
            assert_eq!(signature.octets, signed.take(), "{query}");

            let query = write(kind, XML, relay_state, None).unwrap();
            assert_eq!(read(&query).unwrap().signature, None);
        }
    }
}

#[test]
fn a_signer_that_fails_is_heard() {
    let failure = || dsig::Error::Signing("the key is gone".to_owned());
    let signer = Signer { certificate: "", sign: &|_| Err(failure()) };
    assert_eq!(write(Kind::Request, XML, None, Some(&signer)).unwrap_err(), failure());
}

#[test]
fn signed_octets_keep_the_escapes_that_the_sender_chose() {
    let message = message(XML);
    for relay_state in ["a%2fb", "a%2Fb", "a/b", "a+b", "a%20b", "~%7e", ""] {
        for algorithm in [RSA, "http%3a%2f%2fwww.w3.org%2f2001%2f04%2fxmldsig-more%23rsa-sha256"] {
            let query =
                format!("SAMLRequest={message}&RelayState={relay_state}&SigAlg={algorithm}&Signature=%2bw%3D%3D");
            let expected = format!("SAMLRequest={message}&RelayState={relay_state}&SigAlg={algorithm}");
            assert_eq!(octets_of(&query), expected);
            let signature = read(&query).unwrap().signature.unwrap();
            assert_eq!((signature.algorithm_uri.as_str(), signature.signature.as_slice()), (RSA, &[0xfb][..]));
        }
    }
    // Nothing obliges a sender to leave letters as they are.
    let lower: String = base64(XML).bytes().map(|byte| format!("%{byte:02x}")).collect();
    let query = format!("SAMLRequest={lower}&SigAlg=x&Signature=AAAA");
    assert_eq!(octets_of(&query), format!("SAMLRequest={lower}&SigAlg=x"));
    assert_eq!(read(&query).unwrap().xml, XML);
}

#[test]
fn reordered_parameters_are_signed_in_the_order_of_the_standard() {
    let message = message(XML);
    let query = format!("Signature=AAAA&theme=dark&SigAlg=x&RelayState=r%2fs&SAMLResponse={message}&");
    assert_eq!(octets_of(&query), format!("SAMLResponse={message}&RelayState=r%2fs&SigAlg=x"));
    assert_eq!(read(&query).unwrap().kind, Kind::Response);
}

#[test]
fn a_relay_state_that_is_absent_is_not_signed_and_an_empty_one_is() {
    let message = message(XML);
    let absent = octets_of(&format!("SAMLRequest={message}&SigAlg=x&Signature=AAAA"));
    assert_eq!(absent, format!("SAMLRequest={message}&SigAlg=x"));
    let empty = octets_of(&format!("SAMLRequest={message}&RelayState=&SigAlg=x&Signature=AAAA"));
    assert_eq!(empty, format!("SAMLRequest={message}&RelayState=&SigAlg=x"));
}

#[test]
fn a_plus_sign_is_a_letter_of_base64_and_elsewhere_a_blank() {
    let plain = ('A'..).map(|c| format!("{XML}{c}")).find(|xml| base64(xml).contains('+')).unwrap();
    let read = read(&format!("SAMLRequest={}&RelayState=a+b%2Bc", base64(&plain))).unwrap();
    assert_eq!((read.xml, read.relay_state.as_deref()), (plain, Some("a b+c")));
}

#[test]
fn a_parameter_given_twice_is_refused() {
    let message = message(XML);
    let all = format!("SAMLRequest={message}&RelayState=r&SigAlg=x&Signature=AAAA&SAMLEncoding={}", escape(DEFLATE));
    assert!(read(&all).is_ok());
    for again in ["SAMLRequest=x", "RelayState=r", "RelayState", "SigAlg=x", "Signature=", "SAMLEncoding=x"] {
        assert_eq!(refused(&format!("{all}&{again}")), "parameter-twice", "{again}");
        assert_eq!(refused(&format!("{again}&{all}")), "parameter-twice", "{again}");
    }
    assert_eq!(refused(&format!("SAMLResponse={message}&SAMLResponse={message}")), "parameter-twice");
}

#[test]
fn a_parameter_whose_name_is_encoded_is_refused() {
    let message = message(XML);
    for name in ["SAML%52equest", "SAMLRequest%00", "%53igAlg", "%", "th%65me"] {
        assert_eq!(refused(&format!("SAMLRequest={message}&{name}={message}")), "parameter-name-encoded", "{name}");
    }
}

#[test]
fn a_request_and_a_response_at_once_are_refused() {
    let message = message(XML);
    assert_eq!(refused(&format!("SAMLRequest={message}&SAMLResponse={message}")), "two-messages");
    for none in ["", "RelayState=r", "samlrequest=x", "SAMLart=x", "?SAMLRequest=x"] {
        assert_eq!(refused(none), "message-missing", "{none}");
    }
}

#[test]
fn a_signature_and_its_algorithm_come_together_or_not_at_all() {
    let message = message(XML);
    assert_eq!(refused(&format!("SAMLRequest={message}&Signature=AAAA")), "signature-without-sigalg");
    assert_eq!(refused(&format!("SAMLRequest={message}&SigAlg=x")), "sigalg-without-signature");
    assert_eq!(refused(&format!("SAMLRequest={message}&SigAlg=")), "sigalg-without-signature");
    for garbage in ["", "%20", "A", "!!!!", "AA%3DA"] {
        let query = format!("SAMLRequest={message}&SigAlg=x&Signature={garbage}");
        assert_eq!(refused(&query), "signature-not-base64", "{garbage}");
    }
}

#[test]
fn an_encoding_other_than_deflate_is_refused() {
    let message = message(XML);
    for other in ["", "none", "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:GZIP", "%zz"] {
        assert_eq!(refused(&format!("SAMLRequest={message}&SAMLEncoding={other}")), "saml-encoding-unknown");
    }
    assert!(read(&format!("SAMLRequest={message}&SAMLEncoding={DEFLATE}")).is_ok());
}

#[test]
fn escapes_that_are_none_are_refused() {
    let message = message(XML);
    for bad in ["%", "%4", "%zz", "%+1", "a%", "%ff", "%c3%28", "%\u{e9}1"] {
        assert_eq!(refused(&format!("SAMLRequest={bad}")), "parameter-escape", "{bad}");
        assert_eq!(refused(&format!("SAMLRequest={message}&RelayState={bad}")), "parameter-escape", "{bad}");
        let signed = |algorithm: &str, signature: &str| {
            refused(&format!("SAMLRequest={message}&SigAlg={algorithm}&Signature={signature}"))
        };
        assert_eq!(signed(bad, "AAAA"), "parameter-escape", "{bad}");
        assert_eq!(signed("x", bad), "parameter-escape", "{bad}");
    }
}

#[test]
fn a_relay_state_may_be_longer_than_the_standard_says_but_not_much() {
    let message = message(XML);
    let long = |length: usize| format!("SAMLRequest={message}&RelayState={}", "%7e".repeat(length));
    assert_eq!(read(&long(1024)).unwrap().relay_state.map(|r| r.len()), Some(1024));
    assert_eq!(refused(&long(1025)), "relay-state-too-long");
    for control in ["%00", "a%1b", "%7f", "%c2%85"] {
        let query = format!("SAMLRequest={message}&RelayState={control}");
        assert_eq!(refused(&query), "relay-state-control-character", "{control}");
    }
}

/// 100 MiB of blanks, made of one that is flushed and so can stand behind itself.
fn bomb() -> Vec<u8> {
    let mut blanks = Vec::with_capacity(8 * 1024);
    let mut compress = flate2::Compress::new(Compression::best(), false);
    compress.compress_vec(&vec![b' '; 1024 * 1024], &mut blanks, flate2::FlushCompress::Full).unwrap();
    blanks.repeat(100)
}

#[test]
fn a_bomb_stops_at_64_kib() {
    let bomb = bomb();
    assert!(bomb.len() < 128 * 1024);
    assert_eq!(inflate(&bomb).unwrap_err().code(), "message-too-large");
    // As much of it as fits into a query.
    let query = format!("SAMLRequest={}", escape(&STANDARD.encode(&bomb[..30_000])));
    assert_eq!(refused(&query), "message-too-large");
}

#[test]
fn a_message_of_64_kib_is_read_and_one_of_a_byte_more_is_not() {
    let query = |length: usize| format!("SAMLRequest={}", message(&"a".repeat(length)));
    assert_eq!(read(&query(64 * 1024)).unwrap().xml.len(), 64 * 1024);
    assert_eq!(refused(&query(64 * 1024 + 1)), "message-too-large");
    assert_eq!(refused(&format!("SAMLRequest={}", "A".repeat(LONGEST_QUERY))), "query-too-long");
}

#[test]
fn a_wrong_compression_is_told_by_its_name() {
    let of = |bytes: &[u8]| refused(&format!("SAMLRequest={}", escape(&STANDARD.encode(bytes))));
    for level in [0, 1, 6, 9] {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), Compression::new(level));
        zlib.write_all(XML.as_bytes()).unwrap();
        let zlib = zlib.finish().unwrap();
        assert_eq!(of(&zlib), "message-zlib", "level {level}");
        // Without the two bytes of its header it is right; the checksum behind it hurts nobody.
        let read = read(&format!("SAMLRequest={}", escape(&STANDARD.encode(&zlib[2..])))).unwrap();
        assert_eq!(read.xml, XML);
    }
    assert_eq!(of(XML.as_bytes()), "message-plain-xml");
    assert_eq!(of(b"\xef\xbb\xbf<a/>"), "message-plain-xml");
    assert_eq!(of(b"\xff\xff\xff\xff"), "message-not-deflated");
    let deflated = deflate(XML.as_bytes());
    assert_eq!(of(&deflated[..deflated.len() - 3]), "message-not-deflated", "cut off");
    assert_eq!(of(b""), "message-empty");
    assert_eq!(of(&deflate(b"")), "message-empty");
}

#[test]
fn garbage_for_base64_is_refused_and_missing_padding_is_not() {
    for garbage in ["!", "%3Cxml%3E", "A", "A%3D%3D%3D", "AA-_", "AAAA%00"] {
        assert_eq!(refused(&format!("SAMLRequest={garbage}")), "message-not-base64", "{garbage}");
    }
    let base64 = base64(XML);
    let query = format!("SAMLRequest={}", escape(base64.trim_end_matches('=')));
    assert_eq!(read(&query).unwrap().xml, XML);
    let (head, tail) = base64.split_at(20);
    assert_eq!(read(&format!("SAMLRequest={}%0D%0A{}%20", escape(head), escape(tail))).unwrap().xml, XML);
}

#[test]
fn a_message_that_is_not_utf_8_or_holds_nul_is_refused() {
    let of = |bytes: &[u8]| refused(&format!("SAMLRequest={}", escape(&STANDARD.encode(deflate(bytes)))));
    assert_eq!(of(b"<a>\xff</a>"), "message-not-text");
    assert_eq!(of(b"<a>\0</a>"), "message-not-text");
    assert_eq!(of(b"<\0a\0/\0>\0"), "message-not-text");
}

#[test]
fn every_refusal_says_what_to_mend() {
    for error in [Error::Duplicate("SigAlg"), Error::Zlib, Error::Message(posted::Error::TooLarge)] {
        assert!(error.to_string().len() > 20, "{error}");
    }
    assert_eq!(Error::Duplicate("SigAlg").to_string(), "the query string holds SigAlg twice");
}

proptest! {
    #[test]
    fn whatever_is_sent_arrives(xml in "[^\\x00]{1,200}", relay_state in prop::option::of("[^\\p{Cc}]{0,100}")) {
        let query = write(Kind::Response, &xml, relay_state.as_deref(), None).unwrap();
        prop_assert!(query.bytes().all(|b| b.is_ascii_graphic() && !b"#\"<>".contains(&b)));
        let read = read(&query).unwrap();
        prop_assert_eq!((read.xml, read.relay_state), (xml, relay_state));
    }
}
