//! A request to sign somebody in, check by check (profiles 4.1.4.1, core 3.4.1). What cannot be trusted ends in a page;
//! what only cannot be done is told to the service provider.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Provider, SSO, context,
    error::{Refusal, Status, Stop},
    message::{Message, Received, fields},
    names::{self, Form},
    party::Party,
    respond::ReturnTo,
};
use crate::{
    domain::clock::Timestamp,
    wire::{
        saml::{
            Subject, binding, posted,
            request::{self, Acs, AuthnRequest},
            status,
        },
        xml,
    },
};

/// What is kept of a request while the patron signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Words {
    pub entity_id: String,
    /// An address of its metadata.
    pub acs: String,
    /// The request's ID; none where nobody asked.
    pub in_response_to: Option<String>,
    /// The service provider's own, to be given back unchanged.
    pub relay_state: Option<String>,
    pub name: Form,
    /// The AuthnContextClassRef to answer with where a PIN was shown.
    pub class: String,
    /// And where a badge was; absent where that is less than is asked for.
    #[serde(default)]
    pub class_of_a_badge: Option<String>,
    /// Of the AttributeConsumingServices in its metadata.
    pub service: Option<u16>,
    /// The NameID that the answer must be about.
    pub expected: Option<String>,
    pub force_authn: bool,
    pub is_passive: bool,
}

impl Words {
    pub fn return_to(&self, party: &Arc<Party>) -> ReturnTo {
        ReturnTo {
            party: party.clone(),
            acs: self.acs.clone(),
            in_response_to: self.in_response_to.clone(),
            relay_state: self.relay_state.clone(),
        }
    }
}

/// How old a request may be: whoever comes back to a page of yesterday begins again at the vendor.
const OLDEST: Duration = Duration::from_secs(15 * 60);
/// What clocks may differ by.
pub(super) const SKEW: Duration = Duration::from_secs(3 * 60);

/// A request that may be answered, or why not, with whom it is from where that is known.
pub(super) type Checked = Result<(Arc<Party>, Words), (Option<Arc<Party>>, Stop)>;

/// The request in a message, and whose it is.
pub(super) fn checked(provider: &Provider, received: &Received, now: Timestamp) -> Checked {
    let nobody = |refusal: Refusal| (None, Stop::Page(refusal));
    // 1. XML within its limits, and an AuthnRequest of SAML 2.0 in it.
    let document = xml::parse(&received.xml, &xml::MESSAGE).map_err(|e| nobody(e.into()))?;
    let message = Message { received, root: document.root_element() };
    let request = request::read(message.root).map_err(|e| nobody(e.into()))?;
    // 2. Who asks is known by metadata.
    let party = provider.asking(&request.issuer).map_err(nobody)?;
    match of(provider, &party, message, &request, now) {
        Ok(words) => Ok((party, words)),
        Err(stop) => Err((Some(party), stop)),
    }
}

fn of(
    provider: &Provider,
    party: &Arc<Party>,
    message: Message<'_, '_, '_>,
    request: &AuthnRequest,
    now: Timestamp,
) -> Result<Words, Stop> {
    // 3. Its signature, where there is one or must be one.
    message.is_from(party, party.requests_signed)?;
    // 4. Meant for us.
    message.is_for(&provider.url(SSO), request.destination.as_deref())?;
    // 5. New.
    is_new(request, now)?;
    // 6. Where the answer goes is in its metadata.
    let words = Words {
        entity_id: party.entity_id.clone(),
        acs: consumer(party, &request.acs)?,
        in_response_to: Some(request.id.clone()),
        relay_state: message.received.relay_state.clone(),
        name: party.name_id,
        class: context::BEST.to_owned(),
        class_of_a_badge: context::class_of_a_badge(request.requested_authn_context.as_ref()).map(str::to_owned),
        service: request.attribute_consuming_service_index,
        expected: None,
        force_authn: request.force_authn,
        is_passive: request.is_passive,
    };
    // From here on there is somebody to tell.
    match answerable(party, request) {
        Ok((name, class, expected)) => Ok(Words { name, class, expected, ..words }),
        Err(status) => Err(Stop::Tell(Box::new(words.return_to(party)), status)),
    }
}

/// A sign-on that nobody asked for: `providerId`, and `target` as RelayState.
pub(super) fn unsolicited(provider: &Provider, query: &str) -> Result<Words, Refusal> {
    let [entity_id, target] = fields(query.as_bytes(), ["providerId", "target"])?;
    let entity_id =
        entity_id.ok_or_else(|| Refusal::new("missing", "providerId, the vendor's entityID, is missing"))?;
    let party = provider.asking(&entity_id)?;
    if !party.idp_initiated {
        let hint = "this vendor wants to ask first (`idp_initiated` is off): begin at the vendor";
        return Err(Refusal::new("not-asked-for", hint));
    }
    Ok(Words {
        acs: consumer(&party, &Acs::Default)?,
        entity_id: party.entity_id.clone(),
        in_response_to: None,
        relay_state: target.map(posted::relay_state).transpose()?,
        name: party.name_id,
        class: context::BEST.to_owned(),
        class_of_a_badge: context::class_of_a_badge(None).map(str::to_owned),
        service: None,
        expected: None,
        force_authn: false,
        is_passive: false,
    })
}

/// What is asked for and can be given: the NameID's form, how somebody signs in, and who it must be.
fn answerable(party: &Party, request: &AuthnRequest) -> Result<(Form, String, Option<String>), Status> {
    if request.protocol_binding.as_deref().is_some_and(|wanted| wanted != binding::POST) {
        return Err(Status::requester(status::UNSUPPORTED_BINDING, "answers are sent by HTTP-POST alone"));
    }
    let name = names::form(party, request.name_id_policy.as_ref())?;
    let class = context::class(request.requested_authn_context.as_ref())?;
    let expected = match &request.subject {
        None => None,
        Some(Subject::Named(name_id)) => Some(name_id.value.clone()),
        Some(Subject::Encrypted | Subject::Base) => {
            let hint = "the Subject of a request must be a NameID in plain text";
            return Err(Status::requester(status::REQUEST_UNSUPPORTED, hint));
        }
    };
    Ok((name, class.to_owned(), expected))
}

fn is_new(request: &AuthnRequest, now: Timestamp) -> Result<(), Refusal> {
    let issued = Timestamp(request.issue_instant);
    if now.since(issued) > OLDEST {
        let hint = "the request is more than 15 minutes old: begin again at the vendor, or set the vendor's clock";
        return Err(Refusal::new("request-too-old", hint));
    }
    if issued.since(now) > SKEW {
        let hint = "the request is from the future (IssueInstant): the vendor's clock is ahead by over three minutes";
        return Err(Refusal::new("request-from-the-future", hint));
    }
    Ok(())
}

/// Where the answer goes.
pub(super) fn consumer(party: &Party, asked: &Acs) -> Result<String, Refusal> {
    let unknown = || {
        let hint = match asked {
            Acs::Url(url) => format!("AssertionConsumerServiceURL {url:?} is not one of the vendor's metadata"),
            Acs::Index(index) => format!("the vendor's metadata has no AssertionConsumerService {index} by HTTP-POST"),
            Acs::Default => "the vendor's metadata has no AssertionConsumerService by HTTP-POST".to_owned(),
        };
        Refusal::new("unknown-consumer", hint)
    };
    party.consumer(asked).map(|known| known.location.clone()).ok_or_else(unknown)
}
