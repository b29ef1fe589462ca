//! What it costs to read and judge one signed request, with nothing else around it: on one thread, through
//! `oneaccess::wire`, as `protocols::saml` does it. Beside it, for scale, RSA-2048 alone.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use oneaccess::wire::{
    certificate,
    dsig::{self, PublicKey},
    saml::{
        posted,
        redirect::{self, Kind},
        request::{self, Acs},
    },
    xml::{self, Node},
};
use serde::Serialize;
use url::form_urlencoded;

use super::super::{form::encode, meter, report::rounded};
use super::sp::{RELAY_STATE, ServiceProvider, fresh_id};

const DESTINATION: &str = "http://127.0.0.1:8080/saml/sso";

#[derive(Debug, Serialize)]
pub struct Figure {
    pub what: &'static str,
    /// Of the XML.
    pub bytes: usize,
    /// By the wall's clock; a busy machine has part of it.
    pub per_second: f64,
    /// Per second of CPU time: what one core alone would do.
    pub per_cpu_second: f64,
    pub cpu_ms: f64,
}

/// Each measure for so long.
pub fn figures(sp: &ServiceProvider, each: Duration) -> anyhow::Result<Vec<Figure>> {
    let key = sp.public_key()?;
    let id = fresh_id()?;
    let posted = sp.enveloped(&id, DESTINATION)?;
    let body = encode([("SAMLRequest", &*posted::write(&posted)), ("RelayState", RELAY_STATE)]);
    let plain = sp.element(&id, DESTINATION).render();
    let query = sp.query(&plain)?;
    let keys = [key];
    let detached = redirect::read(&query)?.signature.context("a signature")?;
    let octets = dsig::Algorithm::from_uri(&detached.algorithm_uri)?;
    ensure!(by_post(&body.replace("shelf", "shelve"), &keys).is_ok(), "the RelayState of a form is not signed");
    ensure!(by_redirect(&query.replace("shelf", "shelve"), &keys).is_err(), "that of a query is");
    Ok(vec![
        measured("by HTTP-POST", posted.len(), each, || by_post(&body, &keys))?,
        measured("by HTTP-Redirect", plain.len(), each, || by_redirect(&query, &keys))?,
        measured("RSA alone, verified", detached.octets.len(), each, || {
            Ok(dsig::verify_octets(octets, &detached.octets, &detached.signature, &keys)?)
        })?,
        // What one more signature in an answer must cost, on this machine at this moment.
        measured("RSA alone, signed", detached.octets.len(), each, || {
            sp.octets(&detached.octets).map(drop).map_err(Into::into)
        })?,
    ])
}

/// From a form's body to a request that was believed.
fn by_post(body: &str, keys: &[PublicKey]) -> anyhow::Result<()> {
    let mut fields = form_urlencoded::parse(body.as_bytes());
    let (_, field) = fields.find(|(name, _)| name == "SAMLRequest").context("no SAMLRequest")?;
    let relay_state = fields.find(|(name, _)| name == "RelayState").map(|(_, value)| value.into_owned());
    black_box(relay_state.map(posted::relay_state).transpose()?);
    let text = posted::read(&field)?;
    let document = xml::parse(&text, &xml::MESSAGE)?;
    checked(document.root_element(), |root| Ok(dsig::verify(root, keys).map(drop)?))
}

/// From a query to a request that was believed.
fn by_redirect(query: &str, keys: &[PublicKey]) -> anyhow::Result<()> {
    let read = redirect::read(query)?;
    ensure!(read.kind == Kind::Request, "no request");
    let document = xml::parse(&read.xml, &xml::MESSAGE)?;
    checked(document.root_element(), |root| {
        ensure!(!dsig::has_signature(root), "signed twice");
        let detached = read.signature.as_ref().context("not signed")?;
        let algorithm = dsig::Algorithm::from_uri(&detached.algorithm_uri)?;
        Ok(dsig::verify_octets(algorithm, &detached.octets, &detached.signature, keys)?)
    })
}

/// The checks of a request that need nothing but itself.
fn checked(root: Node<'_, '_>, signature: impl Fn(Node<'_, '_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let request = request::read(root)?;
    signature(root)?;
    ensure!(request.destination.as_deref() == Some(DESTINATION), "for somebody else");
    ensure!(matches!(&request.acs, Acs::Url(url) if url.starts_with(&request.issuer)), "an unknown consumer");
    ensure!(request.issue_instant > 0, "older than it can be");
    black_box(request);
    Ok(())
}

fn measured(
    what: &'static str,
    bytes: usize,
    each: Duration,
    once: impl Fn() -> anyhow::Result<()>,
) -> anyhow::Result<Figure> {
    // Between two looks at the clock.
    const BATCH: u32 = 64;
    let run = |longest: Duration| -> anyhow::Result<(u32, Duration, Duration)> {
        let (began, cpu, mut times) = (Instant::now(), meter::own_cpu(), 0);
        while began.elapsed() < longest {
            for _ in 0..BATCH {
                once()?;
            }
            times += BATCH;
        }
        Ok((times, began.elapsed(), meter::own_cpu().saturating_sub(cpu)))
    };
    run(each / 5)?;
    let (times, wall, cpu) = run(each)?;
    let rate = |span: Duration| rounded(f64::from(times) / span.as_secs_f64());
    let cpu_ms = cpu.as_secs_f64() * 1000.0 / f64::from(times);
    Ok(Figure { what, bytes, per_second: rate(wall), per_cpu_second: rate(cpu), cpu_ms: (cpu_ms * 1e5).round() / 1e5 })
}

impl ServiceProvider {
    fn public_key(&self) -> anyhow::Result<PublicKey> {
        let der = certificate::from_base64(self.certificate()).context("its certificate")?;
        Ok(PublicKey::from_certificate(&der)?)
    }
}
