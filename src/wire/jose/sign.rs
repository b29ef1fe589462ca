//! Signing with keys of ours, by way of `jsonwebtoken` and without parsing a key twice.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock, RwLock},
};

use jsonwebtoken::{
    self as jwt, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, aws_lc},
    signature::{Error as SignatureError, Signer},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Algorithm, Error, pair::Pair, public::PublicJwk};

/// A key pair, parsed once. Cheap to sign with; shows nothing of itself in `Debug`.
pub struct SigningKey {
    algorithm: Algorithm,
    jwk: Value,
    public: PublicJwk,
    encoding: EncodingKey,
    pair: Arc<Pair>,
    /// Keeps the parsed key registered for as long as this lives.
    _handle: Handle,
}

impl SigningKey {
    /// A new private key, as PKCS#8 DER: RSA of 2048 bits, P-256 or Ed25519. RSA takes some 100 ms of this thread.
    ///
    /// # Errors
    /// `BadKey` where the machine has no randomness to give.
    pub fn generate(algorithm: Algorithm) -> Result<Vec<u8>, Error> {
        Pair::generate(algorithm)
    }

    /// # Errors
    /// `BadKey` where `der` is no private key for `algorithm`, or another JWT provider was installed before ours.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<SigningKey, Error> {
        if !*INSTALLED {
            return Err(Error::BadKey("another JWT crypto provider is installed in this process".into()));
        }
        let pair = Pair::from_pkcs8(algorithm, der)?;
        let mut jwk = pair.public_members();
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(algorithm.as_str());
        jwk["kid"] = json!(super::thumbprint(&pair.public_members())?);
        let public = PublicJwk::read(&jwk).map_err(|e| Error::BadKey(e.to_string()))?;
        let pair = Arc::new(pair);
        let handle = Handle::register(pair.clone())?;
        let encoding = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => EncodingKey::from_rsa_der(&handle.0),
            Algorithm::Es256 => EncodingKey::from_ec_der(&handle.0),
            Algorithm::EdDsa => EncodingKey::from_ed_der(&handle.0),
        };
        Ok(SigningKey { algorithm, jwk, public, encoding, pair, _handle: handle })
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key's JWK thumbprint (RFC 7638): the same key has the same name wherever it is loaded.
    pub fn kid(&self) -> &str {
        self.public.thumbprint()
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
        header.kid = Some(self.kid().to_owned());
        jwt::encode(&header, claims, &self.encoding).map_err(|e| Error::Signing(e.to_string()))
    }

    /// The bare signature of some octets, for what is signed but no token.
    ///
    /// # Errors
    /// `Signing` where the key fails.
    pub fn sign_octets(&self, octets: &[u8]) -> Result<Vec<u8>, Error> {
        self.pair.sign(octets).map_err(|e| Error::Signing(e.to_string()))
    }

    /// The claims of a token that this key signed. Nothing but the signature is judged here.
    ///
    /// # Errors
    /// `Signature` where another key signed, `Malformed` where the claims are not `T`.
    pub fn open<T: DeserializeOwned>(&self, token: &str) -> Result<T, Error> {
        self.public.open(self.algorithm, token)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm.as_str(), self.kid())
    }
}

/// `jsonwebtoken` hands its provider the key's bytes at every signature, and its stock provider parses them each time.
/// We hand it a handle instead, under which the parsed key waits here.
struct Handle([u8; 16]);

static PARSED: LazyLock<RwLock<HashMap<[u8; 16], Arc<Pair>>>> = LazyLock::new(RwLock::default);

impl Handle {
    fn register(pair: Arc<Pair>) -> Result<Handle, Error> {
        let mut handle = [0; 16];
        aws_lc_rs::rand::fill(&mut handle).map_err(|_| Error::BadKey("no randomness".into()))?;
        PARSED.write().unwrap_or_else(|e| e.into_inner()).insert(handle, pair);
        Ok(Handle(handle))
    }

    fn parsed(bytes: &[u8]) -> Option<Arc<Pair>> {
        let handle: [u8; 16] = bytes.try_into().ok()?;
        PARSED.read().unwrap_or_else(|e| e.into_inner()).get(&handle).cloned()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        PARSED.write().unwrap_or_else(|e| e.into_inner()).remove(&self.0);
    }
}

/// Verifying is not done by way of `jsonwebtoken`: see `public`.
static PROVIDER: LazyLock<CryptoProvider> = LazyLock::new(|| CryptoProvider {
    signer_factory: |algorithm, key| match Handle::parsed(key.as_bytes()) {
        Some(pair) if pair.algorithm().jwt() == *algorithm => Ok(Box::new(Cached(pair))),
        _ => (aws_lc::DEFAULT_PROVIDER.signer_factory)(algorithm, key),
    },
    verifier_factory: aws_lc::DEFAULT_PROVIDER.verifier_factory,
    key_utils: aws_lc::DEFAULT_PROVIDER.key_utils.clone(),
});

/// Whether our provider is the process's. Asked before the first use of the crate: with two providers among its
/// features and none installed, that use would panic.
static INSTALLED: LazyLock<bool> = LazyLock::new(|| PROVIDER.install_default().is_ok());

struct Cached(Arc<Pair>);

impl Signer<Vec<u8>> for Cached {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        self.0.sign(message).map_err(SignatureError::from_source)
    }
}

impl JwtSigner for Cached {
    fn algorithm(&self) -> jwt::Algorithm {
        self.0.algorithm().jwt()
    }
}
