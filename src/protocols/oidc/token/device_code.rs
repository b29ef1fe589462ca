//! A device asks whether its reader has said yes (RFC 8628 sections 3.4 and 3.5).

use super::{Call, Issued, authorization_code};
use crate::protocols::oidc::{
    code,
    device::waiting::{self, Pace},
    error::{Error, Failure},
};

pub(super) async fn redeem(call: &Call<'_>) -> Result<Issued, Failure> {
    let Call { provider, params, client, .. } = call;
    let (shelf, now) = (&provider.app().shelf, provider.now());
    let presented = params.get("device_code").ok_or_else(|| Error::invalid_request("device_code is missing"))?;
    let name = code::key(presented);
    // 1. The code is one of ours, and this client's.
    let waiting = waiting::by_name(shelf, &name).await?;
    let waiting = waiting.filter(|waiting| waiting.client_id == client.id);
    let waiting = waiting.ok_or_else(|| Error::invalid_grant("the device code is unknown, or another client's"))?;
    // 2. It is not over.
    if waiting.is_over(now) {
        return Err(Error::new("expired_token", "the device code is over; begin again").into());
    }
    // 3. Its reader has said something.
    if waiting::was_declined(shelf, &name).await? {
        return Err(Error::new("access_denied", "the reader said no, or may not go on").into());
    }
    match authorization_code::spent(provider, code::DEVICE, presented).await? {
        Some(code) => authorization_code::issue(call, code::DEVICE, &code, presented).await,
        // 4. Or has not yet, and the device asks again, not too often.
        None => Err(match waiting::polled(shelf, &name, now).await? {
            Pace::Right => Error::new("authorization_pending", "the reader has not answered yet").into(),
            Pace::TooFast(seconds) => Error::new("slow_down", format!("ask every {seconds} seconds at most")).into(),
        }),
    }
}
