//! Single sign-on, `/saml/sso`.

use axum::Router;

use super::Provider;

pub(super) fn routes() -> Router<Provider> {
    Router::new()
}
