//! Public keys as others publish them (RFC 7517), and tokens verified by them: a client's assertion, its request
//! object, its DPoP proof. Pure: fetching a `jwks_uri`, and what the claims must say, are the caller's.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Algorithm, Error, Parts, from_base64url, thumbprint};

/// Signature keys of one party that count; a party with more is refused, so that no token costs us many tries.
const MOST_KEYS: usize = 10;
/// A token longer than this is not looked into.
const LONGEST_TOKEN: usize = 16 * 1024;
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// One public key.
#[derive(Clone)]
pub struct PublicJwk {
    kid: Option<String>,
    thumbprint: String,
    /// Ready for each algorithm that it may be used with: an RSA key that names none fits two.
    parsed: Vec<(Algorithm, ParsedPublicKey)>,
}

/// Why a published key is not taken. For whoever published it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    #[error("it is no JSON object with a text `kty`")]
    NoKey,
    #[error("it holds a private or secret key (`{0}`): make a new one, and publish its public half alone")]
    Private(&'static str),
    #[error("its `{0}` is missing or not base64url of the right length")]
    Member(&'static str),
    #[error("an RSA key must have 2048 to 8192 bits, this one has {0}")]
    RsaBits(usize),
    #[error("it is no point of its curve, or no RSA key that can be used")]
    Broken,
    #[error("it is of a kind or for a use that signs nothing here (RSA, EC P-256 and OKP Ed25519 do)")]
    Unfit,
    #[error("a key set is a JSON object with a list `keys`")]
    NoSet,
    #[error("no key among them is one for signatures with RS256, PS256, ES256 or EdDSA")]
    Empty,
    #[error("there are more than {MOST_KEYS} signature keys")]
    TooMany,
}

impl PublicJwk {
    /// # Errors
    /// `BadKey`: `Unfit` where the key is not for signatures that we know, and may be passed over.
    pub fn read(jwk: &Value) -> Result<PublicJwk, BadKey> {
        let kty = text(jwk, "kty").ok_or(BadKey::NoKey)?;
        if let Some(secret) = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].into_iter().find(|m| !jwk[*m].is_null()) {
            return Err(BadKey::Private(secret));
        }
        if !is_for_verifying(jwk) {
            return Err(BadKey::Unfit);
        }
        let kind = match (kty, text(jwk, "crv")) {
            ("RSA", _) => rsa(jwk)?,
            ("EC", Some("P-256")) => p256(jwk)?,
            ("OKP", Some("Ed25519")) => ed25519(jwk)?,
            _ => return Err(BadKey::Unfit),
        };
        let parsed: Vec<_> = match text(jwk, "alg") {
            Some(alg) => kind.parsed.into_iter().filter(|(algorithm, _)| algorithm.as_str() == alg).collect(),
            None if jwk["alg"].is_null() => kind.parsed,
            None => return Err(BadKey::Member("alg")),
        };
        if parsed.is_empty() {
            return Err(BadKey::Unfit);
        }
        let kid = text(jwk, "kid").map(str::to_owned);
        Ok(PublicJwk { kid, thumbprint: thumbprint(&kind.members).map_err(|_| BadKey::Broken)?, parsed })
    }

    /// RFC 7638, by SHA-256: what DPoP calls `jkt` (RFC 9449 section 6.1).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.parsed.iter().any(|(fit, _)| *fit == algorithm)
    }

    /// The claims of a token that this key signed with `algorithm`. Nothing but the signature is judged here.
    pub fn open<T: DeserializeOwned>(&self, algorithm: Algorithm, token: &str) -> Result<T, Error> {
        let parts = Parts::of(token).ok_or(Error::Malformed)?;
        let signature = from_base64url(parts.signature).ok_or(Error::Malformed)?;
        if !self.signed(algorithm, parts.signed, &signature) {
            return Err(Error::Signature);
        }
        let claims = from_base64url(parts.claims).ok_or(Error::Malformed)?;
        serde_json::from_slice(&claims).map_err(|_| Error::Malformed)
    }

    fn signed(&self, algorithm: Algorithm, message: &str, signature: &[u8]) -> bool {
        let fit = self.parsed.iter().find(|(fit, _)| *fit == algorithm);
        fit.is_some_and(|(_, key)| key.verify_sig(message.as_bytes(), signature).is_ok())
    }
}

impl fmt::Debug for PublicJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicJwk({})", self.thumbprint)
    }
}

impl PartialEq for PublicJwk {
    fn eq(&self, other: &PublicJwk) -> bool {
        let fits = |key: &PublicJwk| key.parsed.iter().map(|(algorithm, _)| *algorithm).collect::<Vec<_>>();
        (&self.kid, &self.thumbprint, fits(self)) == (&other.kid, &other.thumbprint, fits(other))
    }
}

impl Eq for PublicJwk {}

/// The signature keys of one party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicJwks(Vec<PublicJwk>);

impl PublicJwks {
    /// Keys for encryption and of kinds that we do not know are passed over (RFC 7517 section 5); one that is broken,
    /// weak or shows its private half spoils the set, so that its owner hears of it.
    ///
    /// # Errors
    /// `BadKey`, with what to mend.
    pub fn read(set: &Value) -> Result<PublicJwks, BadKey> {
        let listed = set.get("keys").and_then(Value::as_array).ok_or(BadKey::NoSet)?;
        let mut keys = Vec::new();
        for jwk in listed {
            match PublicJwk::read(jwk) {
                Err(BadKey::Unfit) => {}
                key => keys.push(key?),
            }
            if keys.len() > MOST_KEYS {
                return Err(BadKey::TooMany);
            }
        }
        if keys.is_empty() { Err(BadKey::Empty) } else { Ok(PublicJwks(keys)) }
    }

    pub fn keys(&self) -> &[PublicJwk] {
        &self.0
    }

    /// Whether a token that is signed with `algorithm` could be verified at all.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.0.iter().any(|key| key.fits(algorithm))
    }

    /// Header and claims of a token that one of these keys signed. With a `kid` only the keys of that name are tried;
    /// without, all that fit the algorithm. What the claims say is judged by the caller, times and audience included.
    ///
    /// # Errors
    /// `Refused`, the first thing found wrong; after `UnknownKey` a set fetched anew may help.
    pub fn verify<T: DeserializeOwned>(&self, token: &str, accept: &Accept<'_>) -> Result<(Foreign, T), Refused> {
        let (foreign, parts) = Foreign::of(token, accept)?;
        let named = |key: &&PublicJwk| foreign.kid.is_none() || key.kid == foreign.kid;
        let fit = || self.0.iter().filter(named).filter(|key| key.fits(foreign.algorithm));
        if fit().next().is_none() {
            return Err(Refused::UnknownKey);
        }
        let signature = from_base64url(parts.signature).ok_or(Refused::Malformed)?;
        if !fit().any(|key| key.signed(foreign.algorithm, parts.signed, &signature)) {
            return Err(Refused::Signature);
        }
        Ok((foreign, claims(&parts)?))
    }
}

/// Verifies a token by the key that its own header brings (`jwk`), as a DPoP proof is (RFC 9449 section 4.2): it proves
/// possession of that key and nothing else.
///
/// # Errors
/// `Refused`, the first thing found wrong.
pub fn verify_by_own_key<T: DeserializeOwned>(
    token: &str,
    accept: &Accept<'_>,
) -> Result<(PublicJwk, Foreign, T), Refused> {
    let (foreign, parts) = Foreign::of(token, accept)?;
    let key = PublicJwk::read(foreign.jwk.as_ref().ok_or(Refused::NoKey)?).map_err(Refused::OwnKey)?;
    if !key.fits(foreign.algorithm) {
        return Err(Refused::UnknownKey);
    }
    let signature = from_base64url(parts.signature).ok_or(Refused::Malformed)?;
    if !key.signed(foreign.algorithm, parts.signed, &signature) {
        return Err(Refused::Signature);
    }
    let claims = claims(&parts)?;
    Ok((key, foreign, claims))
}

/// Which tokens are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Accept<'a> {
    pub algorithms: &'a [Algorithm],
    /// The header's `typ`, one of these, compared as media types are: in any case, with or without `application/`
    /// (RFC 7515 section 4.1.9).
    pub types: &'a [&'a str],
    /// Whether `typ` may be absent.
    pub untyped: bool,
}

/// What a foreign token's header said, once the signature was found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    pub algorithm: Algorithm,
    pub typ: Option<String>,
    pub kid: Option<String>,
    jwk: Option<Value>,
}

/// Why a foreign token is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is no signed JWT in compact form")]
    Malformed,
    #[error("its header asks by `crit` for something that is not understood here")]
    Critical,
    #[error("its `alg` is not among those accepted here")]
    Algorithm,
    #[error("its `typ` is not that of this kind of token")]
    Type,
    #[error("no published key has its `kid` and fits its `alg`")]
    UnknownKey,
    #[error("its header holds no `jwk`")]
    NoKey,
    #[error("the key in its header cannot be used: {0}")]
    OwnKey(BadKey),
    #[error("its signature does not fit")]
    Signature,
}

/// Fields that are not named here are not looked at (RFC 7515 section 4): neither `jku` nor `x5u` is ever followed.
#[derive(Deserialize)]
struct ForeignHeader {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    jwk: Option<Value>,
    /// Present at all: we understand no extension.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    Value::deserialize(value).map(|_| true)
}

impl Foreign {
    fn of<'t>(token: &'t str, accept: &Accept<'_>) -> Result<(Foreign, Parts<'t>), Refused> {
        if token.len() > LONGEST_TOKEN {
            return Err(Refused::Malformed);
        }
        let parts = Parts::of(token).ok_or(Refused::Malformed)?;
        let header = from_base64url(parts.header).ok_or(Refused::Malformed)?;
        let header: ForeignHeader = object(&header)?;
        if header.crit {
            return Err(Refused::Critical);
        }
        let algorithm = Algorithm::named(&header.alg).filter(|a| accept.algorithms.contains(a));
        let algorithm = algorithm.ok_or(Refused::Algorithm)?;
        let right = match &header.typ {
            Some(typ) => accept.types.iter().any(|wanted| same_media_type(typ, wanted)),
            None => accept.untyped,
        };
        if !right {
            return Err(Refused::Type);
        }
        Ok((Foreign { algorithm, typ: header.typ, kid: header.kid, jwk: header.jwk }, parts))
    }
}

fn same_media_type(said: &str, wanted: &str) -> bool {
    let short = match said.split_at_checked("application/".len()) {
        Some((front, rest)) if front.eq_ignore_ascii_case("application/") && !rest.contains('/') => rest,
        _ => said,
    };
    short.eq_ignore_ascii_case(wanted)
}

fn claims<T: DeserializeOwned>(parts: &Parts<'_>) -> Result<T, Refused> {
    object(&from_base64url(parts.claims).ok_or(Refused::Malformed)?)
}

/// Serde would read a struct from a list as well.
fn object<T: DeserializeOwned>(json: &[u8]) -> Result<T, Refused> {
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(Refused::Malformed);
    }
    serde_json::from_slice(json).map_err(|_| Refused::Malformed)
}

struct Kind {
    /// The members that the thumbprint covers.
    members: Value,
    parsed: Vec<(Algorithm, ParsedPublicKey)>,
}

fn rsa(jwk: &Value) -> Result<Kind, BadKey> {
    let (n, e) = (member(jwk, "n")?, member(jwk, "e")?);
    let bits = match n.first() {
        None | Some(0) => return Err(BadKey::Member("n")),
        Some(first) => n.len() * 8 - first.leading_zeros() as usize,
    };
    if !RSA_BITS.contains(&bits) {
        return Err(BadKey::RsaBits(bits));
    }
    // Odd, above one, and small enough that verifying stays cheap.
    if e.len() > 4 || e.first() == Some(&0) || e == [1] || e.last().is_none_or(|last| last % 2 == 0) {
        return Err(BadKey::Member("e"));
    }
    let key = RsaPublicKeyComponents { n, e };
    let parsed = [(Algorithm::Rs256, &RSA_PKCS1_2048_8192_SHA256), (Algorithm::Ps256, &RSA_PSS_2048_8192_SHA256)]
        .into_iter()
        .map(|(algorithm, how)| Ok((algorithm, key.to_parsed_public_key(how).map_err(|_| BadKey::Broken)?)))
        .collect::<Result<_, BadKey>>()?;
    Ok(Kind { members: json!({ "kty": "RSA", "n": jwk["n"], "e": jwk["e"] }), parsed })
}

fn p256(jwk: &Value) -> Result<Kind, BadKey> {
    let mut point = vec![4];
    for name in ["x", "y"] {
        let half = member(jwk, name)?;
        if half.len() != 32 {
            return Err(BadKey::Member(name));
        }
        point.extend(half);
    }
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).map_err(|_| BadKey::Broken)?;
    let members = json!({ "kty": "EC", "crv": "P-256", "x": jwk["x"], "y": jwk["y"] });
    Ok(Kind { members, parsed: vec![(Algorithm::Es256, key)] })
}

fn ed25519(jwk: &Value) -> Result<Kind, BadKey> {
    let x = member(jwk, "x")?;
    if x.len() != 32 {
        return Err(BadKey::Member("x"));
    }
    let key = ParsedPublicKey::new(&ED25519, &x).map_err(|_| BadKey::Broken)?;
    let members = json!({ "kty": "OKP", "crv": "Ed25519", "x": jwk["x"] });
    Ok(Kind { members, parsed: vec![(Algorithm::EdDsa, key)] })
}

/// RFC 7517 sections 4.2 and 4.3: not a key for encryption only.
fn is_for_verifying(jwk: &Value) -> bool {
    let used = jwk["use"].is_null() || jwk["use"] == "sig";
    let may = match &jwk["key_ops"] {
        Value::Null => true,
        operations => operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify")),
    };
    used && may
}

fn member(jwk: &Value, name: &'static str) -> Result<Vec<u8>, BadKey> {
    let bytes = text(jwk, name).and_then(from_base64url).filter(|bytes| !bytes.is_empty());
    bytes.ok_or(BadKey::Member(name))
}

fn text<'v>(jwk: &'v Value, name: &str) -> Option<&'v str> {
    jwk.get(name)?.as_str()
}

#[cfg(test)]
mod tests;
