//! JSON Web Signatures: signed tokens, keys as JWK, base64url. Owns the bytes; which keys exist, which of them signs
//! and what a token must say are `keyring`'s. The only home of `jsonwebtoken`, beside `keyring`.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, LazyLock, RwLock},
};

use aws_lc_rs::{
    digest,
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    self as jwt, DecodingKey, EncodingKey, Validation,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, aws_lc},
    signature::{Error as SignatureError, Signer, Verifier},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The signature algorithms of the house (RFC 7518 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
}

impl Algorithm {
    pub const ALL: [Algorithm; 2] = [Algorithm::Rs256, Algorithm::Es256];

    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
        }
    }

    pub fn named(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|a| a.as_str() == name)
    }

    fn jwt(self) -> jwt::Algorithm {
        match self {
            Algorithm::Rs256 => jwt::Algorithm::RS256,
            Algorithm::Es256 => jwt::Algorithm::ES256,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the key cannot be used: {0}")]
    BadKey(String),
    #[error("signing failed: {0}")]
    Signing(String),
    #[error("no signed token, or one with header fields that are not ours")]
    Malformed,
    #[error("the signature is not by this key")]
    Signature,
}

/// A key pair, parsed once. Cheap to sign with; shows nothing of itself in `Debug`.
pub struct SigningKey {
    algorithm: Algorithm,
    kid: String,
    jwk: Value,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    /// Keeps the parsed key registered for as long as this lives.
    _handle: Handle,
}

impl SigningKey {
    /// A new private key, as PKCS#8 DER: RSA of 2048 bits, or P-256.
    ///
    /// # Errors
    /// `BadKey` where the machine has no randomness to give.
    pub fn generate(algorithm: Algorithm) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::BadKey("it could not be made".into());
        match algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                Ok(der.as_ref().to_vec())
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                Ok(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec())
            }
        }
    }

    /// # Errors
    /// `BadKey` where `der` is no private key for `algorithm`, or another JWT provider was installed before ours.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<SigningKey, Error> {
        if !*INSTALLED {
            return Err(Error::BadKey("another JWT crypto provider is installed in this process".into()));
        }
        let parsed = Parsed::from_pkcs8(algorithm, der)?;
        let jwk = parsed.public_members();
        let kid = thumbprint(&jwk)?;
        let handle = Handle::register(parsed)?;
        let (encoding, decoding) = match algorithm {
            Algorithm::Rs256 => (EncodingKey::from_rsa_der(&handle.0), DecodingKey::from_rsa_der(&handle.0)),
            Algorithm::Es256 => (EncodingKey::from_ec_der(&handle.0), DecodingKey::from_ec_der(&handle.0)),
        };
        let mut validation = Validation::new(algorithm.jwt());
        // Claims are judged by the key ring, against the time that it is given.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        Ok(SigningKey {
            algorithm,
            jwk: published(jwk, &kid, algorithm),
            kid,
            encoding,
            decoding,
            validation,
            _handle: handle,
        })
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key's JWK thumbprint (RFC 7638): the same key has the same name wherever it is loaded.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key as a JWK (RFC 7517), with `use`, `alg` and `kid`.
    pub fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// A signed token (JWS compact serialization, RFC 7515 section 3.1).
    ///
    /// # Errors
    /// `Signing` where the claims are no JSON object or the key fails.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, Error> {
        let mut header = jwt::Header::new(self.algorithm.jwt());
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid.clone());
        jwt::encode(&header, claims, &self.encoding).map_err(|e| Error::Signing(e.to_string()))
    }

    /// The claims of a token that this key signed. Nothing but the signature is judged here.
    ///
    /// # Errors
    /// `Signature` where another key signed, `Malformed` where the claims are not `T`.
    pub fn open<T: DeserializeOwned>(&self, token: &str) -> Result<T, Error> {
        jwt::decode(token, &self.decoding, &self.validation).map(|token| token.claims).map_err(|e| match e.kind() {
            jwt::errors::ErrorKind::InvalidSignature => Error::Signature,
            _ => Error::Malformed,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm.as_str(), self.kid)
    }
}

/// All that a header of ours ever holds. A header with anything else (`crit`, `jwk`, `jku`, `x5u` …) does not parse,
/// so no such field can talk us into another key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub alg: String,
    pub kid: String,
    pub typ: String,
}

impl Header {
    /// Reads the header alone, to find the key by. Nothing of it is proven yet.
    ///
    /// # Errors
    /// `Malformed` for anything that is not three parts with a header of ours.
    pub fn of(token: &str) -> Result<Header, Error> {
        let mut parts = token.split('.');
        let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Malformed);
        };
        let header = from_base64url(header).ok_or(Error::Malformed)?;
        serde_json::from_slice(&header).map_err(|_| Error::Malformed)
    }
}

/// Base64url without padding (RFC 7515 section 2).
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `None` where `text` is not base64url without padding, in its one spelling.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The left half of a token's SHA-256, for `at_hash` (OIDC Core section 3.1.3.6; both our algorithms hash so).
pub fn half_hash(token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, token.as_bytes());
    base64url(hash.as_ref().get(..16).unwrap_or_default())
}

/// RFC 7638: SHA-256 over the required members in alphabetical order (`Value` may keep another).
fn thumbprint(members: &Value) -> Result<String, Error> {
    let sorted: BTreeMap<_, _> = members.as_object().into_iter().flatten().collect();
    let canonical = serde_json::to_vec(&sorted).map_err(|e| Error::BadKey(e.to_string()))?;
    Ok(base64url(digest::digest(&digest::SHA256, &canonical)))
}

fn published(mut members: Value, kid: &str, algorithm: Algorithm) -> Value {
    if let Some(object) = members.as_object_mut() {
        object.insert("use".into(), json!("sig"));
        object.insert("alg".into(), json!(algorithm.as_str()));
        object.insert("kid".into(), json!(kid));
    }
    members
}

/// Both halves of a key pair, ready to work.
enum Parsed {
    Rsa { pair: Box<RsaKeyPair>, public: ParsedPublicKey },
    P256 { pair: EcdsaKeyPair, public: ParsedPublicKey },
}

impl Parsed {
    fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Parsed, Error> {
        let bad = |e: aws_lc_rs::error::KeyRejected| Error::BadKey(e.to_string());
        Ok(match algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(bad)?;
                let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key()).map_err(bad)?;
                Parsed::Rsa { pair: Box::new(pair), public }
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(bad)?;
                let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key()).map_err(bad)?;
                Parsed::P256 { pair, public }
            }
        })
    }

    fn algorithm(&self) -> jwt::Algorithm {
        match self {
            Parsed::Rsa { .. } => jwt::Algorithm::RS256,
            Parsed::P256 { .. } => jwt::Algorithm::ES256,
        }
    }

    fn public(&self) -> &ParsedPublicKey {
        match self {
            Parsed::Rsa { public, .. } | Parsed::P256 { public, .. } => public,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
        let random = SystemRandom::new();
        match self {
            Parsed::Rsa { pair, .. } => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            Parsed::P256 { pair, .. } => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
        }
    }

    /// The members that make the key what it is (RFC 7518 sections 6.2.1 and 6.3.1).
    fn public_members(&self) -> Value {
        match self {
            Parsed::Rsa { pair, .. } => {
                let parts = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": base64url(parts.n), "e": base64url(parts.e) })
            }
            Parsed::P256 { pair, .. } => {
                // An uncompressed point: 04, then 32 bytes each of x and y.
                let point = pair.public_key().as_ref();
                let half = |range| base64url(point.get(range).unwrap_or_default());
                json!({ "kty": "EC", "crv": "P-256", "x": half(1..33), "y": half(33..65) })
            }
        }
    }
}

/// `jsonwebtoken` hands its provider the key's bytes at every signature, and its stock provider parses them each time.
/// We hand it a handle instead, under which the parsed key waits here.
struct Handle([u8; 16]);

static PARSED: LazyLock<RwLock<HashMap<[u8; 16], Arc<Parsed>>>> = LazyLock::new(RwLock::default);

impl Handle {
    fn register(parsed: Parsed) -> Result<Handle, Error> {
        let mut handle = [0; 16];
        aws_lc_rs::rand::fill(&mut handle).map_err(|_| Error::BadKey("no randomness".into()))?;
        PARSED.write().unwrap_or_else(|e| e.into_inner()).insert(handle, Arc::new(parsed));
        Ok(Handle(handle))
    }

    fn parsed(bytes: &[u8]) -> Option<Arc<Parsed>> {
        let handle: [u8; 16] = bytes.try_into().ok()?;
        PARSED.read().unwrap_or_else(|e| e.into_inner()).get(&handle).cloned()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        PARSED.write().unwrap_or_else(|e| e.into_inner()).remove(&self.0);
    }
}

static PROVIDER: LazyLock<CryptoProvider> = LazyLock::new(|| CryptoProvider {
    signer_factory: |algorithm, key| match Handle::parsed(key.as_bytes()) {
        Some(parsed) if parsed.algorithm() == *algorithm => Ok(Box::new(Cached(parsed))),
        _ => (aws_lc::DEFAULT_PROVIDER.signer_factory)(algorithm, key),
    },
    verifier_factory: |algorithm, key| match key.try_get_as_bytes().ok().and_then(Handle::parsed) {
        Some(parsed) if parsed.algorithm() == *algorithm => Ok(Box::new(Cached(parsed))),
        _ => (aws_lc::DEFAULT_PROVIDER.verifier_factory)(algorithm, key),
    },
    key_utils: aws_lc::DEFAULT_PROVIDER.key_utils.clone(),
});

/// Whether our provider is the process's. Asked before the first use of the crate: with two providers among its
/// features and none installed, that use would panic.
static INSTALLED: LazyLock<bool> = LazyLock::new(|| PROVIDER.install_default().is_ok());

struct Cached(Arc<Parsed>);

impl Signer<Vec<u8>> for Cached {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        self.0.sign(message).map_err(SignatureError::from_source)
    }
}

impl JwtSigner for Cached {
    fn algorithm(&self) -> jwt::Algorithm {
        self.0.algorithm()
    }
}

impl Verifier<Vec<u8>> for Cached {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        self.0.public().verify_sig(message, signature).map_err(SignatureError::from_source)
    }
}

impl JwtVerifier for Cached {
    fn algorithm(&self) -> jwt::Algorithm {
        self.0.algorithm()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(algorithm: Algorithm) -> SigningKey {
        SigningKey::from_pkcs8(algorithm, &SigningKey::generate(algorithm).unwrap()).unwrap()
    }

    #[test]
    fn what_a_key_signs_it_opens_and_another_key_does_not() {
        for algorithm in Algorithm::ALL {
            let (mine, other) = (key(algorithm), key(algorithm));
            let token = mine.sign("at+jwt", &json!({ "sub": "someone" })).unwrap();
            assert_eq!(mine.open::<Value>(&token).unwrap(), json!({ "sub": "someone" }));
            assert_eq!(other.open::<Value>(&token), Err(Error::Signature));
            let header = Header::of(&token).unwrap();
            assert_eq!((header.alg.as_str(), header.typ.as_str()), (algorithm.as_str(), "at+jwt"));
            assert_eq!(header.kid, mine.kid());
        }
    }

    #[test]
    fn a_stock_verifier_takes_our_token_by_our_published_key() {
        for algorithm in Algorithm::ALL {
            let key = key(algorithm);
            let jwk: jwt::jwk::Jwk = serde_json::from_value(key.jwk().clone()).unwrap();
            let token = key.sign("JWT", &json!({ "sub": "someone" })).unwrap();
            let stock = DecodingKey::from_jwk(&jwk).unwrap();
            let claims = jwt::decode::<Value>(&token, &stock, &key.validation).unwrap().claims;
            assert_eq!(claims, json!({ "sub": "someone" }));
        }
    }

    #[test]
    fn the_same_key_has_the_same_name_wherever_it_is_loaded() {
        for algorithm in Algorithm::ALL {
            let der = SigningKey::generate(algorithm).unwrap();
            let name = || SigningKey::from_pkcs8(algorithm, &der).unwrap().kid().to_owned();
            assert_eq!(name(), name());
        }
    }

    /// The example of RFC 7638 section 3.1.
    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        let members = json!({
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
                  FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9\
                  c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1\
                  jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e": "AQAB",
        });
        assert_eq!(thumbprint(&members).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn a_header_that_names_its_own_key_is_not_even_read() {
        for header in [
            json!({ "alg": "ES256", "kid": "k", "typ": "JWT", "jwk": {} }),
            json!({ "alg": "ES256", "kid": "k", "typ": "JWT", "jku": "https://evil.example" }),
            json!({ "alg": "ES256", "kid": "k", "typ": "JWT", "x5u": "https://evil.example" }),
            json!({ "alg": "ES256", "kid": "k", "typ": "JWT", "crit": ["exp"] }),
            json!({ "alg": "ES256", "kid": "k", "typ": "JWT", "b64": false }),
            json!({ "alg": "ES256", "typ": "JWT" }),
        ] {
            let token = format!("{}.e30.AAAA", base64url(header.to_string()));
            assert_eq!(Header::of(&token), Err(Error::Malformed), "{header}");
        }
        for token in ["", ".", "..", "a.b", "a.b.c.d", "e30=.e30.e30"] {
            assert_eq!(Header::of(token), Err(Error::Malformed), "{token}");
        }
    }

    #[test]
    fn a_key_shows_nothing_of_itself() {
        let key = key(Algorithm::Es256);
        assert_eq!(format!("{key:?}"), format!("SigningKey(ES256 {})", key.kid()));
    }
}
