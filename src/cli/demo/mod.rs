//! `oneaccess demo`: the main job on this machine, with nothing to configure. A fictional district is written as a
//! OneRoster zip, imported by the real importer, and served with a real vendor beside it.

#[path = "../../../examples/bookshelf/shelf.rs"]
mod bookshelf;
mod cast;
mod household;

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;

use crate::{compose, domain::clock::Clock};
use cast::Cast;
use household::{Addresses, Household};

use super::output::Output;

#[derive(Debug, Args)]
pub struct Demo {
    /// Where the sign-in service listens; loopback only. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the demo's e-book vendor listens; loopback only.
    #[arg(long, default_value = "127.0.0.1:8081")]
    vendor_listen: SocketAddr,
    /// Where vendors' servers ask by SIP2; loopback only. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    sip2_listen: SocketAddr,
    /// Where everything is kept; the same folder brings the same district back.
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
    /// Students and staff, district and charter together. The same number makes the same people.
    #[arg(long, default_value_t = 1_200, value_parser = clap::value_parser!(u32).range(60..=1_000_000))]
    people: u32,
}

pub async fn run(command: Demo, output: Output) -> Result<()> {
    let server = listen(command.listen, "--listen")?;
    let vendor = listen(command.vendor_listen, "--vendor-listen")?;
    let (listen, vendor_listen) = (server.local_addr()?, vendor.local_addr()?);

    ensure_loopback(command.sip2_listen, "--sip2-listen")?;
    let at = Addresses { web: listen, vendor: vendor_listen, sip2: command.sip2_listen };
    let household = Household::open(&command.data, at, command.people)?;
    let config = compose::read_settings(&household.config)?;
    let issuer = config.issuer.clone();
    let desk = compose::desk(config, Clock::system()).await?;
    let cast = Cast::of(&household.district());
    super::apply::own_declarations(&desk, &household.config).await?;
    if !household.is_settled() {
        eprintln!("Making a district of {} people …", household.people);
        cast.move_in(&desk, &household).await?;
        household.settle()?;
    }

    let cast = if household.declares_test_patron()? { cast.with_test_patron() } else { cast };
    let signon = compose::sign_on(desk).await?;
    let others = compose::listen(&signon)?;
    let sip2 = others.iter().find(|other| other.protocol == "sip2").map(|other| other.address);
    vendor.set_nonblocking(true)?;
    let shelf = bookshelf::serve(
        bookshelf::Settings {
            listen: vendor_listen,
            public_url: household.vendor_url.clone(),
            issuer: issuer.clone(),
            client_id: household::CLIENT_ID.into(),
            client_secret: household.client_secret.clone(),
            name: "Maple Books".into(),
        },
        tokio::net::TcpListener::from_std(vendor)?,
    );
    let mut ready = json!({
        "issuer": issuer,
        "vendor_url": household.vendor_url,
        "data": household.folder,
        "config": household.config,
        "patrons": cast.json(),
        "relying_parties": { "oidc": {
            "client_id": household::CLIENT_ID,
            "client_secret": household.client_secret,
            "token_endpoint_auth_method": "client_secret_basic",
            "redirect_uri": format!("{}/callback", household.vendor_url),
        }},
        "saml": { "metadata": format!("{issuer}/saml/metadata") },
    });
    if let (Some(address), Some(password)) = (sip2, &household.sip2_password) {
        ready["sip2"] = json!({
            "address": address,
            "login": household::SIP2_LOGIN,
            "password": password,
            "institution": household::SIP2_INSTITUTION,
        });
    }
    if output.json {
        say!("{ready}");
    } else {
        tell(&issuer, &household, sip2, &cast);
    }
    tokio::select! {
        ended = compose::serve(signon, server, others) => ended,
        ended = shelf => ended,
    }
}

fn ensure_loopback(address: SocketAddr, flag: &str) -> Result<()> {
    ensure!(address.ip().is_loopback(), "{flag} {address}: the demo speaks in clear, so it listens on loopback only");
    Ok(())
}

fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    ensure_loopback(address, flag)?;
    TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address}; choose another place with {flag}, for example {flag} 127.0.0.1:0")
    })
}

fn tell(issuer: &str, household: &Household, sip2: Option<SocketAddr>, cast: &Cast) {
    say!();
    say!("  Your library is open:  {issuer}");
    say!("  An e-book vendor:      {}", household.vendor_url);
    if let (Some(address), Some(password)) = (sip2, &household.sip2_password) {
        say!("  Its server asks at:    {address}  (SIP2, {} / {password})", household::SIP2_LOGIN);
    }
    say!();
    say!("  Sign in as …                          student ID     PIN");
    for (who, part) in cast.parts() {
        say!("    {:<34}  {:<13}  {}", part.words, part.card, part.pin);
        if who == "charter_teacher" {
            say!();
        }
    }
    say!();
    say!(
        "  Everything is in {}; start again with the same folder and it is all still there.",
        household.folder.display()
    );
    say!("  Ctrl-C ends.");
    say!();
}
