//! What a vendor's engineer may look back at: each exchange of a client with us and what came of it, in the words that
//! the client got. What the reader was told stays the reader's.

use axum::http::{HeaderMap, header};

use super::{
    NAME, Provider,
    client::Client,
    client_assertion, client_auth,
    error::{Error, Failure, Going, Stop},
};
use crate::{
    domain::exchange::Exchange,
    protocols::{Voucher, Vouching},
    telemetry::measure::OTHER,
};

impl Provider {
    /// What was asked was done.
    pub(super) fn did(&self, client: &Client, step: &'static str, what: &str) {
        self.note(client, step, "ok", what);
    }

    /// What was asked of an endpoint for programs was not done. Nobody is noted where nobody whom we know is named.
    pub(super) fn failed(&self, headers: &HeaderMap, body: &[u8], step: &'static str, failure: &Failure) {
        let named = client_auth::claimed(headers, body).and_then(|id| self.client(&id));
        match (named, failure) {
            (Some(client), _) => self.failed_for(&client, step, failure),
            (None, Failure::Refused(error)) => self.app().metrics.exchanges.count(&[OTHER, NAME, step, error.code]),
            (None, Failure::Broken(_)) => self.app().metrics.exchanges.count(&[OTHER, NAME, step, "server_error"]),
        }
    }

    pub(super) fn failed_for(&self, client: &Client, step: &'static str, failure: &Failure) {
        match failure {
            Failure::Refused(error) => self.refused(client, step, error),
            Failure::Broken(_) => self.note(client, step, "server_error", "something broke here, on our side"),
        }
    }

    /// Where a browser went that a client sent.
    pub(super) fn went(&self, client_id: &str, step: &'static str, outcome: &Result<Going, Stop>) {
        let Some(client) = self.client(client_id) else { return };
        match outcome {
            Ok(Going::Back(..)) => self.did(&client, step, "the browser went back with a code"),
            Ok(Going::Here(_)) => self.did(&client, step, "the reader was shown a page of ours"),
            Err(Stop::Page(error) | Stop::Tell(_, error)) => self.refused(&client, step, error),
            Err(Stop::Broken(_)) => self.note(&client, step, "server_error", "something broke here, on our side"),
        }
    }

    pub(super) fn refused(&self, client: &Client, step: &'static str, error: &Error) {
        self.note(client, step, error.code, &error.hint);
    }

    fn note(&self, client: &Client, step: &'static str, outcome: &'static str, detail: &str) {
        let (relying_party, detail) = (client.id.clone(), detail.to_owned());
        let exchange = Exchange { at: self.now(), protocol: NAME, relying_party, step, outcome, detail, times: 1 };
        self.app().note(&client.vendor, exchange);
    }
}

/// Clients, by what they prove themselves with at the token endpoint: a secret as HTTP Basic, an assertion as Bearer.
pub(super) struct OfClients(pub Provider);

impl Voucher for OfClients {
    fn vendor<'a>(&'a self, headers: &'a HeaderMap) -> Vouching<'a> {
        Box::pin(async move {
            let client = match bearer(headers) {
                Some(assertion) => self.by_assertion(assertion).await,
                None => client_auth::by_basic(&self.0, headers).ok_or(Failure::Refused(Error::invalid_client(""))),
            };
            match client {
                Ok(client) => Ok(Some(client.vendor.clone())),
                Err(Failure::Refused(_)) => Ok(None),
                Err(Failure::Broken(fault)) => Err(fault),
            }
        })
    }
}

impl OfClients {
    async fn by_assertion(&self, assertion: &str) -> Result<std::sync::Arc<Client>, Failure> {
        let unknown = || Failure::from(Error::invalid_client("unknown"));
        let id = client_assertion::claimed_client(assertion).ok_or_else(unknown)?;
        let client = self.0.client(&id).ok_or_else(unknown)?;
        client_assertion::check(&self.0, &client, assertion).await?;
        Ok(client)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
