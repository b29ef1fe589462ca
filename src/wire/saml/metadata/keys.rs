//! The keys of a service provider, which come as certificates. What they are certified for means nothing: that they
//! stand in metadata which is believed is all (SAML V2.0 Metadata Interoperability Profile 2.6.1).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Error, Unreadable, fields};
use crate::wire::xml::{
    self, Node,
    namespace::{METADATA, SIGNATURE},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub der: Vec<u8>,
    /// SHA-256 of the DER, in hexadecimal.
    pub fingerprint: String,
    /// Milliseconds since 1970. For people: nothing stops working then.
    pub not_after: i64,
    /// For people.
    pub subject: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionKey {
    pub certificate: Certificate,
    /// Its descriptor says `use="encryption"`, instead of leaving open what the key is for.
    pub named: bool,
    /// URIs of what the key's owner can decrypt, the best first; may be empty.
    pub methods: Vec<String>,
}

#[derive(Default)]
pub(super) struct Keys {
    pub signing: Vec<Certificate>,
    pub encryption: Vec<EncryptionKey>,
}

/// A KeyDescriptor without `use` is for both. One that holds no certificate, but a bare key or its name, is passed over.
pub(super) fn read(role: Node<'_, '_>) -> Result<Keys, Error> {
    let mut keys = Keys::default();
    for descriptor in xml::children(role, METADATA, "KeyDescriptor") {
        let (signs, decrypts) = match xml::attribute(descriptor, "use") {
            None => (true, true),
            Some("signing") => (true, false),
            Some("encryption") => (false, true),
            Some(other) => {
                return Err(Unreadable::Value { attribute: "use", value: fields::shortened(other) }.into());
            }
        };
        let methods = methods(descriptor)?;
        for certificate in certificates(descriptor)? {
            if signs && !keys.signing.contains(&certificate) {
                keys.signing.push(certificate.clone());
            }
            if decrypts && !keys.encryption.iter().any(|key| key.certificate == certificate) {
                keys.encryption.push(EncryptionKey { certificate, named: !signs, methods: methods.clone() });
            }
        }
    }
    Ok(keys)
}

fn methods(descriptor: Node<'_, '_>) -> Result<Vec<String>, Error> {
    let methods = xml::children(descriptor, METADATA, "EncryptionMethod");
    Ok(methods.map(|method| fields::required(method, "Algorithm")).collect::<Result<_, _>>()?)
}

/// Those of one descriptor. A chain may be given in one X509Data; its authorities' keys are not the service provider's.
fn certificates(descriptor: Node<'_, '_>) -> Result<Vec<Certificate>, Error> {
    let mut all = Vec::new();
    for info in xml::children(descriptor, SIGNATURE, "KeyInfo") {
        for data in xml::children(info, SIGNATURE, "X509Data") {
            let nodes = xml::children(data, SIGNATURE, "X509Certificate");
            let ders = nodes.map(der).collect::<Result<Vec<_>, _>>()?;
            let parsed = ders.iter().map(|der| parse(der)).collect::<Result<Vec<_>, _>>()?;
            let issued_another = |issuer: &&X509Certificate<'_>| {
                let name = issuer.subject().as_raw();
                parsed.iter().any(|other| other.issuer().as_raw() == name && other.subject().as_raw() != name)
            };
            all.extend(parsed.iter().filter(|one| !issued_another(one)).map(certificate_of));
        }
    }
    Ok(all)
}

fn der(node: Node<'_, '_>) -> Result<Vec<u8>, Error> {
    let text = xml::text(node)?;
    let compact: String = text.chars().filter(|c| !xml::SPACE.contains(c)).collect();
    match compact.as_str() {
        "" => Err(Error::Certificate("it is empty")),
        pem if pem.starts_with("-----") => Err(Error::Certificate("leave out the BEGIN and END lines of PEM")),
        base64 => STANDARD.decode(base64).map_err(|_| Error::Certificate("it is not base64")),
    }
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Error> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Error::Certificate("it is no X.509 certificate in DER")),
    }
}

fn certificate_of(certificate: &X509Certificate<'_>) -> Certificate {
    let der = certificate.as_raw();
    Certificate {
        der: der.to_vec(),
        fingerprint: hex::encode(digest(&SHA256, der)),
        not_after: certificate.validity().not_after.timestamp().saturating_mul(1000),
        subject: certificate.subject().to_string(),
    }
}
