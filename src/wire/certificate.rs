//! X.509 certificates (RFC 5280): one around a key of ours, and what one says of itself. No authority stands behind them;
//! they are trusted by whoever was given them, as in SAML. The only home of `rcgen`.

use std::time::Duration;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the certificate could not be made: {0}")]
    Made(String),
    #[error("no certificate: {0}")]
    Malformed(String),
}

/// What a certificate of ours says. Instants are unix seconds.
#[derive(Debug, Clone, Copy)]
pub struct Says<'a> {
    pub common_name: &'a str,
    /// By chance, so that no two certificates of one name are taken for each other.
    pub serial: [u8; 16],
    pub not_before: i64,
    pub not_after: i64,
}

/// A certificate for the RSA key in `pkcs8`, signed by that key itself with SHA-256, as DER.
///
/// # Errors
/// `Made` where that is no RSA key, or the instants are not of our age.
pub fn self_signed(pkcs8: &[u8], says: &Says<'_>) -> Result<Vec<u8>, Error> {
    let failed = |e: rcgen::Error| Error::Made(e.to_string());
    let key = KeyPair::try_from(pkcs8).map_err(failed)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, says.common_name);
    let mut serial = says.serial;
    // Positive, and never zero (RFC 5280 section 4.1.2.2).
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(says.not_before)?;
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(says.not_after)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Ok(params.self_signed(&key).map_err(failed)?.der().to_vec())
}

fn since_1970(seconds: i64) -> Result<Duration, Error> {
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds <= YEAR_9999);
    seconds.map(Duration::from_secs).ok_or_else(|| Error::Made("a date beyond all calendars".into()))
}

/// The last second that a certificate can name.
const YEAR_9999: u64 = 253_402_300_799;

/// A certificate that was read. Nobody's word for it is asked: neither its dates nor its signature are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Unix seconds.
    pub not_before: i64,
    pub not_after: i64,
    /// Of hosts, DNS names and addresses, as its subject alternative name has them.
    pub names: Vec<String>,
    /// SubjectPublicKeyInfo, as DER.
    public_key: Vec<u8>,
}

impl Certificate {
    /// # Errors
    /// `Malformed` where `der` is not one certificate and nothing else.
    pub fn of(der: &[u8]) -> Result<Certificate, Error> {
        let (rest, read) = X509Certificate::from_der(der).map_err(|e| Error::Malformed(e.to_string()))?;
        if !rest.is_empty() {
            return Err(Error::Malformed("something follows it".into()));
        }
        let validity = read.validity();
        let names = match read.subject_alternative_name() {
            Ok(Some(names)) => names.value.general_names.iter().filter_map(host).collect(),
            _ => Vec::new(),
        };
        Ok(Certificate {
            names,
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            public_key: read.public_key().raw.to_vec(),
        })
    }

    /// Whether it names this host (RFC 6125 section 6.4): a star stands for the whole of the first label.
    pub fn is_for(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
            None => name.eq_ignore_ascii_case(host),
        })
    }

    /// Whether its key signed this: RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits or more.
    pub fn signed(&self, octets: &[u8], signature: &[u8]) -> bool {
        let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public_key);
        key.is_ok_and(|key| key.verify_sig(octets, signature).is_ok())
    }
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => match **octets {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            _ => <[u8; 16]>::try_from(*octets).ok().map(|octets| std::net::Ipv6Addr::from(octets).to_string()),
        },
        _ => None,
    }
}

/// The first certificate of a PEM text: of a chain, the one whose key its holder has.
///
/// # Errors
/// `Malformed` where there is none, or it is none.
pub fn first_of_pem(text: &str) -> Result<Certificate, Error> {
    let missing = || Error::Malformed("there is no BEGIN CERTIFICATE with its END".into());
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----").ok_or_else(missing)?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----").ok_or_else(missing)?;
    let base64: String = body.split_whitespace().collect();
    Certificate::of(&from_base64(&base64).ok_or_else(|| Error::Malformed("it is no base64".into()))?)
}

/// Standard base64 without line breaks: a certificate as `x5c` (RFC 7517 section 4.7) and SAML metadata have it.
pub fn to_base64(der: &[u8]) -> String {
    STANDARD.encode(der)
}

/// `None` where `text` is not base64 in its one spelling.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The textual encoding of RFC 7468 section 5, of base64.
pub fn pem(base64: &str) -> String {
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = base64;
    while let Some((line, more)) = rest.split_at_checked(rest.len().min(64)).filter(|(line, _)| !line.is_empty()) {
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::jose::{Algorithm, SigningKey};

    const SAYS: Says<'static> =
        Says { common_name: "Maple Falls", serial: [0; 16], not_before: 1_790_000_000, not_after: 2_550_000_000 };

    #[test]
    fn a_certificate_is_for_the_hosts_that_it_names() {
        let names = ["access.library.example", "*.pages.example", "127.0.0.1"].map(str::to_owned).into();
        let of = Certificate { not_before: 0, not_after: 0, names, public_key: Vec::new() };
        for host in ["access.library.example", "ACCESS.library.example", "a.pages.example", "127.0.0.1"] {
            assert!(of.is_for(host), "{host}");
        }
        for host in ["library.example", "a.b.pages.example", "pages.example", "x.access.library.example", "127.0.0.2"] {
            assert!(!of.is_for(host), "{host}");
        }
    }

    #[test]
    fn a_certificate_says_what_it_was_told_and_knows_its_key() {
        let secret = SigningKey::generate(Algorithm::Rs256).unwrap();
        let key = SigningKey::from_pkcs8(Algorithm::Rs256, &secret).unwrap();
        let der = self_signed(&secret, &SAYS).unwrap();
        let read = Certificate::of(&der).unwrap();
        // The end lies beyond 2049, where the form of dates changes.
        assert_eq!((read.not_before, read.not_after), (SAYS.not_before, SAYS.not_after));
        let signature = key.sign_octets(b"octets").unwrap();
        assert!(read.signed(b"octets", &signature) && !read.signed(b"others", &signature));
        let chain = format!("a comment\n{}{}", pem(&to_base64(&der)), pem("AAAA"));
        assert_eq!(first_of_pem(&chain), Ok(read.clone()));
        assert!(first_of_pem(&pem("AAAA")).is_err() && first_of_pem("nothing").is_err());
        assert!(
            !Certificate::of(&self_signed(&SigningKey::generate(Algorithm::Rs256).unwrap(), &SAYS).unwrap())
                .unwrap()
                .signed(b"octets", &signature)
        );

        let (_, whole) = X509Certificate::from_der(&der).unwrap();
        assert_eq!(whole.subject().to_string(), "CN=Maple Falls");
        assert_eq!(whole.issuer(), whole.subject());
        assert!(!whole.is_ca());
        let other = self_signed(&secret, &Says { serial: [1; 16], ..SAYS }).unwrap();
        assert_ne!(other, der, "a serial number of its own");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let secret = SigningKey::generate(Algorithm::Rs256).unwrap();
        let mut der = self_signed(&secret, &SAYS).unwrap();
        assert!(self_signed(&secret, &Says { not_after: i64::MAX, ..SAYS }).is_err());
        assert!(self_signed(b"no key", &SAYS).is_err());
        assert!(Certificate::of(b"").is_err() && Certificate::of(&der[..der.len() - 1]).is_err());
        der.push(0);
        assert!(Certificate::of(&der).is_err());
    }

    #[test]
    fn text_is_cut_into_lines_that_everybody_reads() {
        let text = pem(&to_base64(&[7; 100]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines[0], lines[lines.len() - 1]), ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"));
        assert!(lines[1..lines.len() - 2].iter().all(|line| line.len() == 64));
        assert_eq!(from_base64(&lines[1..lines.len() - 1].concat()).unwrap(), [7; 100]);
    }
}
