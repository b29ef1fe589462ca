//! What people see: sign-in, badges, consent, launchpad, card, refusal, sign-out. This file is the whole map of it.
//! Owns requests and answers; how a page looks is `pages`', what happens is `signon`'s, and no protocol is known.

mod assets;
mod badge;
mod browser;
mod card;
mod consent;
mod failure;
mod guard;
mod health;
mod language;
mod launchpad;
mod library_card;
pub mod metrics;
mod pin;
mod portals;
mod refusal;
mod screen;
mod shared;
mod sign_in;
mod sign_out;
mod watch;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};

use crate::signon::SignOn;
pub use failure::Failure;

/// A form of ours is far smaller.
const FORM_LIMIT: usize = 16 * 1024;

/// Every page, and around them and `others` (the protocols' routes) what guards each answer: headers, and a page
/// with a number where something broke.
pub fn router(signon: SignOn, others: Router) -> Router {
    let room = guard::Room::of(signon.app().config.serving.requests, &signon.app().metrics);
    Router::new()
        .route("/", get(launchpad::show))
        .route("/missing", get(launchpad::missing))
        .route("/card", get(card::show))
        .route("/card/link", get(library_card::show).post(library_card::link))
        .route("/card/link/undo", post(library_card::unlink))
        .route("/sign-in", get(sign_in::show).post(sign_in::answer))
        .route("/sign-in/{ticket}", get(sign_in::show).post(sign_in::answer))
        .route("/sign-in/{ticket}/decline", post(sign_in::decline))
        .route("/sign-in/at/{organisation}", get(sign_in::at))
        .route("/sign-in/with/{source}", post(portals::leave))
        .route("/sign-in/{ticket}/with/{source}", post(portals::leave_with_ticket))
        .route("/upstream/callback/{source}", get(portals::arrived))
        .route("/badge", get(badge::show).post(badge::scan))
        .route("/badge/{ticket}", get(badge::show).post(badge::scan))
        .route("/pictures/{handle}", get(badge::pictures).post(badge::pick))
        .route("/change-pin", get(pin::show).post(pin::change))
        .route("/change-pin/{ticket}", get(pin::show).post(pin::change))
        .route("/consent/{ticket}", get(consent::show).post(consent::answer))
        .route("/refused/{ticket}", get(refusal::show))
        .route("/sign-out", get(sign_out::ask).post(sign_out::end))
        .route("/sign-out/{wish}", get(sign_out::ask))
        .route("/signed-out", get(sign_out::ended))
        .route("/signed-out/{ticket}", get(sign_out::ended))
        .route("/shared-device", get(shared::standing))
        .route("/shared-device/{secret}", get(shared::ask).post(shared::enrol))
        .route("/still-there", get(shared::still_there))
        .route("/language", get(language::choose))
        .route("/assets/{file}", get(assets::serve))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::show))
        .method_not_allowed_fallback(failure::method_not_allowed)
        .fallback(failure::not_found)
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .with_state(signon.clone())
        .merge(others)
        .layer(middleware::from_fn_with_state(room, guard::within_bounds))
        .layer(middleware::from_fn_with_state(signon.clone(), guard::around))
        .layer(middleware::from_fn_with_state(signon, watch::over))
}
