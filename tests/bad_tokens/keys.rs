//! Key pairs of the tests' own, as a library publishes them, and as a forger would use them.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// One pair for each algorithm that a library may sign with.
pub struct Keys {
    ec: EcdsaKeyPair,
    rsa: rsa::KeyPair,
    ed: Ed25519KeyPair,
}

impl Keys {
    pub fn new() -> Keys {
        Keys {
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            rsa: rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap(),
            ed: Ed25519KeyPair::generate().unwrap(),
        }
    }

    pub fn jwk(&self, alg: &str, kid: &str) -> Value {
        let point = self.ec.public_key().as_ref();
        let mut jwk = match alg {
            "ES256" => json!({ "kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..65]) }),
            "EdDSA" => json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(self.ed.public_key().as_ref()) }),
            _ => {
                let key = self.rsa.public_key();
                let (n, e) =
                    (key.modulus().big_endian_without_leading_zero(), key.exponent().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "n": b64(n), "e": b64(e) })
            }
        };
        jwk["use"] = "sig".into();
        jwk["alg"] = alg.into();
        jwk["kid"] = kid.into();
        jwk
    }

    /// The third part of a token, over the first two.
    pub fn seal(&self, alg: &str, signed: &str) -> String {
        let (chance, message) = (SystemRandom::new(), signed.as_bytes());
        match alg {
            "ES256" => b64(self.ec.sign(&chance, message).unwrap()),
            "EdDSA" => b64(self.ed.sign(message)),
            _ => {
                let padding: &dyn aws_lc_rs::signature::RsaEncoding =
                    if alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut seal = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(padding, &chance, message, &mut seal).unwrap();
                b64(seal)
            }
        }
    }
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The HMACs that a forger makes when he takes a public key for a secret.
pub fn hmac_of(alg: &str, secret: &[u8], signed: &str) -> String {
    let algorithm = match alg {
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    b64(hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes()))
}

/// All that one might take for a secret in a key that anybody can read.
pub fn spellings(jwk: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let mut found = vec![
        ("the JWK", jwk.to_string().into_bytes()),
        ("the set of one JWK", json!({ "keys": [jwk] }).to_string().into_bytes()),
        ("its kid", text(jwk, "kid").into_bytes()),
    ];
    let field = if jwk["kty"] == "RSA" { "n" } else { "x" };
    found.push(("its first number, encoded", text(jwk, field).into_bytes()));
    found.push(("its first number", decoded(jwk, field)));
    if let Some(spki) = spki(jwk) {
        let pem = pem("PUBLIC KEY", &spki);
        found.push(("its PEM", pem.clone().into_bytes()));
        found.push(("its PEM without the last newline", pem.trim_end().to_owned().into_bytes()));
        found.push(("its DER", spki));
    }
    if jwk["kty"] == "RSA" {
        found.push(("its PKCS#1 PEM", pem("RSA PUBLIC KEY", &pkcs1(jwk)).into_bytes()));
        found.push(("its PKCS#1 DER", pkcs1(jwk)));
    }
    found
}

fn text(jwk: &Value, field: &str) -> String {
    jwk[field].as_str().unwrap_or_default().to_owned()
}

fn decoded(jwk: &Value, field: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text(jwk, field)).unwrap()
}

// ── DER, just enough ───────────────────────────────────────────────────────────────────────────────────────────────

fn spki(jwk: &Value) -> Option<Vec<u8>> {
    const EC_P256: &[u8] = &[
        0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        0x03, 0x01, 0x07,
    ];
    const RSA: &[u8] = &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let (algorithm, key) = match jwk["kty"].as_str()? {
        "RSA" => (RSA, pkcs1(jwk)),
        "EC" => (EC_P256, [vec![4], decoded(jwk, "x"), decoded(jwk, "y")].concat()),
        _ => return None,
    };
    let bits = der(0x03, &[vec![0], key].concat());
    Some(der(0x30, &[algorithm.to_vec(), bits].concat()))
}

fn pkcs1(jwk: &Value) -> Vec<u8> {
    let number = |field: &str| {
        let digits = decoded(jwk, field);
        let sign = if digits[0] >= 0x80 { vec![0] } else { vec![] };
        der(0x02, &[sign, digits].concat())
    };
    der(0x30, &[number("n"), number("e")].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match content.len() {
        short @ 0..0x80 => vec![u8::try_from(short).unwrap()],
        long => {
            let bytes: Vec<u8> = long.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
            [vec![0x80 | u8::try_from(bytes.len()).unwrap()], bytes].concat()
        }
    };
    [vec![tag], length, content.to_vec()].concat()
}

fn pem(name: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", lines.join("\n"))
}
