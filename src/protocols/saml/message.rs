//! A message as it came through a browser, by HTTP-Redirect or HTTP-POST (bindings 3.4, 3.5): whether it is from whom it
//! says, and meant for us. What it asks is `request`'s and `slo`'s to read.

use url::form_urlencoded;

use super::{error::Refusal, party::Party};
use crate::wire::{
    dsig,
    saml::{
        posted,
        redirect::{self, Detached, Kind},
    },
    xml::Node,
};

/// Not believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    pub kind: Kind,
    pub xml: String,
    pub relay_state: Option<String>,
    pub by: By,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum By {
    /// With the signature that stands beside it in the query.
    Redirect(Option<Detached>),
    /// A signature is within the message.
    Post,
}

impl Received {
    /// From a query string as it stands behind the question mark.
    ///
    /// # Errors
    /// `Refusal`, with what the vendor has to mend.
    pub fn by_redirect(raw_query: &str) -> Result<Received, Refusal> {
        let read = redirect::read(raw_query)?;
        let by = By::Redirect(read.signature);
        Ok(Received { kind: read.kind, xml: read.xml, relay_state: read.relay_state, by })
    }

    /// From the body of a form.
    ///
    /// # Errors
    /// As `by_redirect`.
    pub fn by_post(body: &[u8]) -> Result<Received, Refusal> {
        let [request, response, relay_state] = fields(body, ["SAMLRequest", "SAMLResponse", "RelayState"])?;
        let (kind, field) = match (request, response) {
            (Some(request), None) => (Kind::Request, request),
            (None, Some(response)) => (Kind::Response, response),
            (None, None) => return Err(Refusal::new("message-missing", "the form holds no SAML message")),
            (Some(_), Some(_)) => return Err(Refusal::new("two-messages", "the form holds two SAML messages")),
        };
        let relay_state = relay_state.map(posted::relay_state).transpose()?;
        Ok(Received { kind, xml: posted::read(&field)?, relay_state, by: By::Post })
    }

    pub fn is_signed(&self, root: Node<'_, '_>) -> bool {
        match &self.by {
            By::Redirect(detached) => detached.is_some() || dsig::has_signature(root),
            By::Post => dsig::has_signature(root),
        }
    }
}

/// Each of these fields of a form, once at most.
pub(super) fn fields<const N: usize>(body: &[u8], names: [&'static str; N]) -> Result<[Option<String>; N], Refusal> {
    let mut found = [const { None }; N];
    for (name, value) in form_urlencoded::parse(body) {
        let Some(place) = names.iter().position(|known| *known == name).and_then(|at| found.get_mut(at)) else {
            continue;
        };
        if place.replace(value.into_owned()).is_some() {
            return Err(Refusal::new("parameter-twice", format!("the form holds {name} twice")));
        }
    }
    Ok(found)
}

/// A message with its tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'m, 'a, 'i> {
    pub received: &'m Received,
    pub root: Node<'a, 'i>,
}

impl Message<'_, '_, '_> {
    /// Whether `party` sent it. A signature is never passed over where there is a key to judge it by, whether one was
    /// needed or not: what is read of a message is read from the very node that it covers.
    ///
    /// # Errors
    /// `Refusal`: missing where it is `required`, made by another key, or nothing that counts as a signature.
    pub fn is_from(&self, party: &Party, required: bool) -> Result<(), Refusal> {
        if !self.received.is_signed(self.root) {
            let hint = "this vendor's messages must be signed, and this one is not";
            return if required { Err(Refusal::new("signature-missing", hint)) } else { Ok(()) };
        }
        if party.signing.is_empty() {
            let hint = "the message is signed, but the vendor's metadata has no signing certificate";
            return if required { Err(Refusal::new("no-signing-certificate", hint)) } else { Ok(()) };
        }
        match &self.received.by {
            By::Post => Ok(dsig::verify(self.root, &party.signing).map(drop)?),
            By::Redirect(Some(_)) if dsig::has_signature(self.root) => {
                let hint = "by HTTP-Redirect the signature stands in the query, not within the message";
                Err(Refusal::new("signature-twice", hint))
            }
            By::Redirect(Some(Detached { algorithm_uri, signature, octets })) => {
                let algorithm = dsig::Algorithm::from_uri(algorithm_uri)?;
                Ok(dsig::verify_octets(algorithm, octets, signature, &party.signing)?)
            }
            By::Redirect(None) => {
                let hint =
                    "by HTTP-Redirect a signature stands in the query (SigAlg, Signature), not within the message";
                Err(Refusal::new("signature-in-message", hint))
            }
        }
    }

    /// Whether it was sent to `url` (bindings 3.4.5.2, 3.5.5.2): a signed message must say so.
    ///
    /// # Errors
    /// `Refusal`.
    pub fn is_for(&self, url: &str, destination: Option<&str>) -> Result<(), Refusal> {
        match destination {
            Some(destination) if destination != url => {
                let hint = format!("Destination is {destination:?}, and this is {url:?}");
                Err(Refusal::new("another-destination", hint))
            }
            None if self.received.is_signed(self.root) => {
                Err(Refusal::new("destination-missing", "a signed message must name its Destination"))
            }
            _ => Ok(()),
        }
    }
}
