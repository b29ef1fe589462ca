//! Upstreams that speak OpenID Connect: a school's Google, Microsoft or ClassLink sign-in. Owns what is said to them and
//! what of their answers is believed. Who is let in for it is `signon`'s.

mod arrive;
mod begin;
mod claims;
mod known;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::Value;

use self::{known::Discovered, settings::Settings};
use crate::{
    directory::{
        redirect::{Departure, Portal, Redirect, Returned, Shown, Turned, Wish},
        source::{Kind, Means, Soon, Source},
    },
    domain::{
        catalogue::SourceSettings,
        clock::Timestamp,
        field::{Field, Misfit},
    },
    outbound::Outbound,
};

/// A person waits: whatever it takes to hear nothing is told within this.
const WITHIN: Duration = Duration::from_millis(4500);

pub struct OidcUpstream;

impl Kind for OidcUpstream {
    fn name(&self) -> &'static str {
        "oidc"
    }

    fn settings(&self) -> &'static [Field] {
        settings::FIELDS
    }

    fn check(&self, source: &SourceSettings) -> Result<(), Misfit> {
        Settings::read(source).map(drop)
    }

    fn open(&self, source: &SourceSettings, means: &Means) -> Result<Box<dyn Source>, String> {
        let settings = Settings::read(source).map_err(|misfit| misfit.to_string())?;
        let callback = format!("{}/upstream/callback/{}", means.issuer, source.id);
        let known = Discovered::new(settings.issuer.clone(), means.outbound.clone());
        Ok(Box::new(Upstream { settings, callback, known, outbound: means.outbound.clone() }))
    }
}

/// One provider, and we as its client.
struct Upstream {
    settings: Settings,
    /// Of its own for each upstream, so that no other one can send its answer here (RFC 9700 section 4.4.2.2).
    callback: String,
    known: Discovered,
    outbound: Outbound,
}

impl Source for Upstream {
    fn redirect(&self) -> Option<&dyn Redirect> {
        Some(self)
    }
}

impl Redirect for Upstream {
    fn portal(&self) -> &Portal {
        &self.settings.portal
    }

    fn leave<'a>(&'a self, wish: &'a Wish<'a>) -> Soon<'a, Result<Departure, Turned>> {
        in_time(self.request(wish))
    }

    fn arrive<'a>(&'a self, kept: &'a Value, back: &'a Returned, now: Timestamp) -> Soon<'a, Result<Shown, Turned>> {
        in_time(self.answer(kept, back, now))
    }

    fn goodbye<'a>(&'a self, back: &'a str, now: Timestamp) -> Soon<'a, Option<String>> {
        Box::pin(async move {
            if !self.settings.sign_out {
                return None;
            }
            tokio::time::timeout(WITHIN, self.end_session(back, now)).await.ok().flatten()
        })
    }
}

fn in_time<'a, T>(asking: impl Future<Output = Result<T, Turned>> + Send + 'a) -> Soon<'a, Result<T, Turned>> {
    Box::pin(async move {
        let late = |_| Turned::Away("there was no answer in time".into());
        tokio::time::timeout(WITHIN, asking).await.map_err(late)?
    })
}
