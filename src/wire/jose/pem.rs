//! A public JWK as PEM, for whoever has no place to put a JWK: SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7, RFC 3279
//! section 2.3, RFC 8410 section 4) in the textual encoding of RFC 7468 section 13.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::from_base64url;

const RSA_ENCRYPTION: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0];
const P256: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ED25519: &[u8] = &[0x06, 3, 0x2b, 0x65, 0x70];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// `None` where it is no key of the kinds that the house has.
pub fn pem(jwk: &Value) -> Option<String> {
    let text = STANDARD.encode(public_key_info(jwk)?);
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    Some(pem)
}

fn public_key_info(jwk: &Value) -> Option<Vec<u8>> {
    let member = |name: &str| from_base64url(jwk[name].as_str()?);
    let (algorithm, key) = match (jwk["kty"].as_str()?, jwk["crv"].as_str()) {
        ("RSA", _) => {
            let parts = [der(INTEGER, &positive(member("n")?)), der(INTEGER, &positive(member("e")?))];
            (RSA_ENCRYPTION, der(SEQUENCE, &parts.concat()))
        }
        ("EC", Some("P-256")) => (P256, [vec![4], member("x")?, member("y")?].concat()),
        ("OKP", Some("Ed25519")) => (ED25519, member("x")?),
        _ => return None,
    };
    // A bit string begins with the number of unused bits.
    let key = der(BIT_STRING, &[vec![0], key].concat());
    Some(der(SEQUENCE, &[der(SEQUENCE, algorithm), key].concat()))
}

/// A number whose first bit is set would be read as negative.
fn positive(mut number: Vec<u8>) -> Vec<u8> {
    if number.first().is_none_or(|first| first & 0x80 != 0) {
        number.insert(0, 0);
    }
    number
}

/// Tag, length and content; lengths up to 65,535 are all that a key needs.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let [.., high, low] = length.to_be_bytes();
    let mut out = match length {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::jose::{Algorithm, SigningKey};
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    };

    #[test]
    fn whoever_reads_the_pem_verifies_what_the_key_signed() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::from_pkcs8(algorithm, &SigningKey::generate(algorithm).unwrap()).unwrap();
            let pem = pem(key.jwk()).unwrap();
            let lines: Vec<&str> = pem.lines().collect();
            assert!(lines.iter().all(|line| line.len() <= 64));
            let (first, inside, last) = (lines[0], &lines[1..lines.len() - 1], lines[lines.len() - 1]);
            assert_eq!((first, last), ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"));
            let der = STANDARD.decode(inside.concat()).unwrap();
            let parsed = match algorithm {
                Algorithm::Rs256 => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der),
                Algorithm::Ps256 => ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &der),
                Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &der),
                Algorithm::EdDsa => ParsedPublicKey::new(&ED25519, &der),
            };
            let token = key.sign("JWT", &serde_json::json!({})).unwrap();
            let (message, signature) = token.rsplit_once('.').unwrap();
            parsed.unwrap().verify_sig(message.as_bytes(), &from_base64url(signature).unwrap()).unwrap();
        }
    }
}
