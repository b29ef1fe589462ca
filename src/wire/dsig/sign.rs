//! Signing what we built: the digest is of the very text that goes out.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Algorithm, Digest, ENVELOPED, EXCLUSIVE, Error};
use crate::wire::xml::write::Element;

/// RSASSA-PKCS1-v1_5 with SHA-256 over these octets.
pub type Sign<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, Error> + 'a;

/// Who signs: with RSA-SHA256, the one algorithm that every SAML software verifies.
pub struct Signer<'a> {
    /// The signer's certificate, DER as base64, to stand in the `ds:KeyInfo`. It tells the reader which of our keys it
    /// was; nobody should believe it.
    pub certificate: &'a str,
    pub sign: &'a Sign<'a>,
}

/// Signs `element`, whose `ID` is `id`, with one enveloped signature, put where SAML's schemas want it: after a
/// `saml:Issuer` that comes first, else before all else. Gives the canonical text.
///
/// # Errors
/// `NoId` where the element's `ID` is not that; whatever the signer says.
pub fn sign(element: Element, id: &str, signer: &Signer<'_>) -> Result<String, Error> {
    if element.attribute("ID") != Some(id) {
        return Err(Error::NoId);
    }
    let unsigned = element.render();
    let info = signed_info(id, &unsigned);
    let value = (signer.sign)(info.render().as_bytes())?;
    let signature = Element::new("ds:Signature")
        .child(info)
        .child(Element::new("ds:SignatureValue").text(STANDARD.encode(value)))
        .child(
            Element::new("ds:KeyInfo")
                .child(Element::new("ds:X509Data").child(Element::new("ds:X509Certificate").text(signer.certificate))),
        );
    Ok(element.after_first("saml:Issuer", signature).render())
}

fn signed_info(id: &str, unsigned: &str) -> Element {
    let algorithm = |name, uri: &str| Element::new(name).attr("Algorithm", uri);
    // The one prefix that our attribute values use: `xsi:type="xs:string"`.
    let inclusive =
        unsigned.contains(" xmlns:xs=\"").then(|| Element::new("ec:InclusiveNamespaces").attr("PrefixList", "xs"));
    let transforms = Element::new("ds:Transforms")
        .child(algorithm("ds:Transform", ENVELOPED))
        .child(algorithm("ds:Transform", EXCLUSIVE).maybe(inclusive));
    let digest = STANDARD.encode(Digest::Sha256.of(unsigned));
    Element::new("ds:SignedInfo")
        .child(algorithm("ds:CanonicalizationMethod", EXCLUSIVE))
        .child(algorithm("ds:SignatureMethod", Algorithm::RsaSha256.uri()))
        .child(
            Element::new("ds:Reference")
                .attr("URI", format!("#{id}"))
                .child(transforms)
                .child(algorithm("ds:DigestMethod", Digest::Sha256.uri()))
                .child(Element::new("ds:DigestValue").text(digest)),
        )
}
