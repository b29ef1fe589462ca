//! SAML 2.0: we are the identity provider, vendors are service providers that are known by their metadata.

mod publish;
mod settings;
mod slo;
mod sso;

use axum::Router;

use super::Protocol;
use crate::{domain::field::Field, signon::SignOn};

/// The name that relying parties and grants are kept under.
const NAME: &str = "saml";

pub struct Saml;

impl Protocol for Saml {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> &'static [Field] {
        settings::FIELDS
    }

    fn routes(&self, signon: SignOn) -> Router {
        let provider = Provider::new(signon);
        Router::new().merge(publish::routes()).merge(sso::routes()).merge(slo::routes()).with_state(provider)
    }
}

/// What every endpoint works with. Cheap to clone.
#[derive(Clone)]
struct Provider {
    #[expect(dead_code, reason = "the endpoints follow")]
    signon: SignOn,
}

impl Provider {
    fn new(signon: SignOn) -> Provider {
        Provider { signon }
    }
}
