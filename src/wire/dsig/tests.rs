mod forge;
mod fuzz;
mod keys;
mod refusals;
mod round_trip;
mod wrapping;
mod xmlsec1;

use std::collections::HashSet;

use super::*;

#[test]
fn every_error_has_its_own_code() {
    let x = || "x".to_owned();
    let all = [
        Error::Missing,
        Error::Several,
        Error::Malformed("x"),
        Error::Object,
        Error::Canonicalization(x()),
        Error::Sha1,
        Error::Algorithm(x()),
        Error::DigestAlgorithm(x()),
        Error::References,
        Error::NoId,
        Error::Elsewhere,
        Error::Transforms,
        Error::Prefixes,
        Error::Base64("x"),
        Error::NoKey,
        Error::Wrong,
        Error::Changed,
        Error::Signing(x()),
    ];
    assert_eq!(all.iter().map(Error::code).collect::<HashSet<_>>().len(), all.len());
}

#[test]
fn algorithms_that_can_be_forged_have_no_name_here() {
    let code = |uri: &str| Algorithm::from_uri(uri).unwrap_err().code();
    assert_eq!(code("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "signature-sha1");
    assert_eq!(code("http://www.w3.org/2000/09/xmldsig#dsa-sha1"), "signature-sha1");
    assert_eq!(code("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"), "signature-sha1");
    assert_eq!(code("http://www.w3.org/2000/09/xmldsig#hmac-sha1"), "signature-sha1");
    for uri in [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2009/xmldsig11#dsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
        "",
    ] {
        assert_eq!(code(uri), "signature-algorithm", "{uri}");
    }
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::from_uri(algorithm.uri()), Ok(algorithm));
    }
}
