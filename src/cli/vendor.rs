//! `oneaccess vendor …`.

use std::path::Path;

use anyhow::{Result, ensure};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    invitation,
    output::{Output, bold, green, yellow},
    table::Table,
    vendor_metadata, vendor_test,
};
use crate::{
    admin::operations::{
        Desk,
        vendors::{self, VendorView},
    },
    compose,
    domain::{clock::Timestamp, farewell::Standing, vendor},
};

#[derive(Debug, Subcommand)]
pub enum Vendor {
    /// All vendors.
    List,
    /// One vendor: whom it serves, what it is told, how it speaks.
    Show { id: String },
    /// Whether a click would work, looked at from our side: green, or what to mend and on whose side. Exits with 1 then.
    Test { id: String },
    /// The secret that a vendor checks our links and tickets with, to be handed to it.
    Secret { id: String },
    /// What a vendor's SAML service providers publish at an address: when it was looked at, and what of it waits.
    Metadata(vendor_metadata::Metadata),
    /// Shuts a vendor out: nobody is let through to it, and its tokens stop.
    Disable { id: String },
    /// Lets a vendor in again.
    Enable { id: String },
    /// Lets a vendor register clients by itself, within bounds: prints the token for it, once.
    Invite(invitation::Invite),
    /// The invitations of a vendor.
    Invitations { id: String },
    /// Withdraws an invitation.
    Uninvite { id: String, invitation: String },
}

pub async fn run(desk: &Desk, file: &Path, command: Vendor, output: Output) -> Result<()> {
    match command {
        Vendor::List => list(desk, output).await,
        Vendor::Show { id } => show(desk, &id, output).await,
        Vendor::Test { id } => vendor_test::run(desk, file, &id, output).await,
        Vendor::Secret { id } => secret(desk, &id, output).await,
        Vendor::Metadata(wish) => vendor_metadata::run(desk, wish, output).await,
        Vendor::Disable { id } => switch(desk, &id, true, output).await,
        Vendor::Enable { id } => switch(desk, &id, false, output).await,
        Vendor::Invite(wish) => invitation::invite(desk, wish, output).await,
        Vendor::Invitations { id } => invitation::list(desk, &id, output).await,
        Vendor::Uninvite { id, invitation } => invitation::withdraw(desk, &id, &invitation, output).await,
    }
}

async fn list(desk: &Desk, output: Output) -> Result<()> {
    let all = vendors::list(desk).await?;
    let documents: Vec<Value> = all.iter().map(|view| document(desk, view)).collect::<Result<_>>()?;
    output.document(&documents, |_| {
        if all.is_empty() {
            say!("No vendor yet: declare one with [[vendor]] and apply the file.");
            return;
        }
        let mut table = Table::new(["ID", "NAME", "STATE", "AUDIENCE", "SPEAKS", "IS TOLD MORE"]);
        for VendorView { vendor, .. } in &all {
            let more: Vec<String> = vendor.release.iter().map(|item| word(&item.name)).collect();
            let mut speaks: Vec<&str> = vendor.relying_parties.iter().map(|p| p.protocol.as_str()).collect();
            speaks.dedup();
            let registered = vendor.relying_parties.iter().filter(|party| party.registered.is_some()).count();
            let by_itself = if registered > 0 { format!(" ({registered} by itself)") } else { String::new() };
            table.row([
                vendor.id.to_string(),
                vendor.name.clone(),
                state(vendor).to_owned(),
                audience(vendor),
                format!("{}{by_itself}", speaks.join(", ")),
                if more.is_empty() { "-".to_owned() } else { more.join(", ") },
            ]);
        }
        table.print();
        for VendorView { vendor, .. } in &all {
            for party in &vendor.relying_parties {
                for code in compose::weaknesses(vendor, party, desk.clock.now()) {
                    say!("{} {} of {}: {}", yellow("weakness:"), party.key, vendor.id, weakness(code));
                }
            }
        }
    })
}

async fn show(desk: &Desk, id: &str, output: Output) -> Result<()> {
    let view = vendors::show(desk, id).await?;
    let farewells = vendors::farewells(desk, &view.vendor.id).await?;
    let mut document = document(desk, &view)?;
    document["farewells"] = farewells.iter().map(farewell).collect();
    output.document(&document, |_| {
        let VendorView { vendor, scopes } = &view;
        say!("{} ({})", bold(&vendor.name), vendor.id);
        say!("State       {}", if vendor.disabled { yellow("disabled") } else { green("enabled") });
        say!("Shelf       {}", word(&vendor.shelf));
        say!("Audience    {}", audience(vendor));
        say!("Scopes      {}", scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        if let Some(url) = &vendor.launch_url {
            say!("Launches    {url}");
        }
        say!("Is told     a pseudonym of its own, audience band, student or staff, scopes");
        for item in &vendor.release {
            say!("  and       {}: {}", word(&item.name), item.purpose);
        }
        for party in &vendor.relying_parties {
            say!("\n{} {}", bold(&party.protocol), party.key);
            if let Some(at) = party.registered {
                say!("  registered by the vendor itself, {}", at.rfc3339());
            }
            if let Some(entrance) = compose::entrance(desk, vendor, party) {
                say!("  {:<28} {entrance}", "begins at");
            }
            for (name, value) in shown(&party.settings).as_object().into_iter().flatten() {
                say!("  {name:<28} {}", plain(value));
            }
            for code in compose::weaknesses(vendor, party, desk.clock.now()) {
                say!("  {} {}", yellow("weakness:"), weakness(code));
            }
        }
        if !farewells.is_empty() {
            say!("\n{}", bold("Told that a session has ended, the newest first"));
            let mut table = Table::new(["AT", "RELYING PARTY", "STATE", "TRIES", "TROUBLE"]);
            for told in &farewells {
                table.row([
                    told.created_at.rfc3339(),
                    told.relying_party.clone(),
                    progress(told).to_owned(),
                    told.tries.to_string(),
                    told.trouble.clone().unwrap_or_else(|| "-".into()),
                ]);
            }
            table.print();
        }
    })
}

async fn secret(desk: &Desk, id: &str, output: Output) -> Result<()> {
    let view = vendors::show(desk, id).await?;
    let secrets = compose::secrets(desk, &view.vendor);
    ensure!(!secrets.is_empty(), "{id} has no link that we sign: secrets of its own are in its [[vendor.…]] tables");
    vendors::note_secret_shown(desk, &view.vendor.id).await?;
    let document: Vec<Value> = secrets
        .iter()
        .map(|(party, secret)| json!({ "protocol": party.protocol, "key": party.key, "secret": secret }))
        .collect();
    output.document(&document, |_| {
        for (party, secret) in &secrets {
            say!("{} {}: {secret}", party.protocol, party.key);
        }
        eprintln!("Hand it over on a way that nobody reads along. A new secret: another secret_version.");
    })
}

async fn switch(desk: &Desk, id: &str, disabled: bool, output: Output) -> Result<()> {
    let changed = vendors::set_disabled(desk, id, disabled).await?;
    let now = if disabled { "disabled" } else { "enabled" };
    output.document(&json!({ "vendor": id, "state": now, "changed": changed }), |_| match changed {
        true => say!("Vendor {id} is {now} now."),
        false => say!("Vendor {id} was {now} already."),
    })
}

/// No session and no patron in it: an admin sees whether a vendor answers, not who was there.
fn farewell(told: &Standing) -> Value {
    json!({
        "at": told.created_at.rfc3339(),
        "relying_party": told.relying_party,
        "state": progress(told),
        "tries": told.tries,
        "told_at": told.told_at.map(|at| at.rfc3339()),
        "next_try": told.due_at.map(|at| at.rfc3339()),
        "trouble": told.trouble,
    })
}

fn progress(told: &Standing) -> &'static str {
    match (told.told_at, told.due_at) {
        (Some(_), _) => "told",
        (None, Some(_)) => "waiting",
        (None, None) => "given up",
    }
}

fn state(vendor: &vendor::Vendor) -> &'static str {
    if vendor.disabled { "disabled" } else { "enabled" }
}

fn audience(vendor: &vendor::Vendor) -> String {
    vendor.audience.iter().map(|band| band.as_str()).collect::<Vec<_>>().join(", ")
}

/// A code as an operator reads it.
fn weakness(code: &str) -> String {
    let words = match code {
        "pkce-optional" => "a stolen code is worth something: PKCE is optional",
        "assertion-audience" => "its assertions may name the token endpoint as aud instead of the issuer alone",
        "pinned-keys" => "our key is in its configuration by hand: it cannot follow when a key is replaced at once",
        "encryption-cbc" => "its assertions are encrypted by CBC, which can be tampered with: GCM cannot",
        "idp-initiated" => "answers that nobody asked for are sent to it: they can be planted in somebody's browser",
        "metadata-expires" => "its metadata is over within a week, or is over: its publisher must renew it",
        "metadata-waits" => "its metadata changed for the worse: see oneaccess vendor metadata",
        "metadata-stale" => "the last look at its metadata failed: see oneaccess vendor metadata",
        "metadata-missing" => "its metadata could not be fetched yet: nobody can go there",
        "any-address" => "its servers may ask from anywhere: name their addresses",
        "look-up-without-pin" => "it may find out which numbers are cards: it looks cards up without a PIN",
        "card-number-kept" => "it keeps card numbers instead of its own pseudonym of each reader",
        "no-password" => "its address alone says who it is: it logs in without a password",
        "secret-in-address" => "its secret stands in an address, which proxies and browsers like to write down",
        "referrer-alone" => "the page that readers come from is all it checks: that is easily made up",
        "card-pattern" => "it takes any number that fits a pattern: anybody can come in, and it gets card numbers",
        "ticket-sha1" => "its tickets are signed by SHA-1: EZproxy takes sha256 and sha512 too",
        "slow-keys" => "it reads our keys more seldom than once a day: a lost key serves there for longer",
        _ => return code.to_owned(),
    };
    format!("{words} ({code})")
}

/// A vendor as JSON, without the hashes of its secrets.
fn document(desk: &Desk, view: &VendorView) -> Result<Value> {
    let mut document = serde_json::to_value(&view.vendor)?;
    document["scopes"] = serde_json::to_value(&view.scopes)?;
    if let Some(parties) = document.get_mut("relying_parties").and_then(Value::as_array_mut) {
        for (party, read) in parties.iter_mut().zip(&view.vendor.relying_parties) {
            party["entrance"] = compose::entrance(desk, &view.vendor, read).into();
            party["weaknesses"] = compose::weaknesses(&view.vendor, read, desk.clock.now()).into();
            party["settings"] = shown(&party["settings"]);
            if let Some(at) = party["registered"].as_i64() {
                party["registered"] = Timestamp(at).rfc3339().into();
            }
        }
    }
    Ok(document)
}

fn shown(settings: &Value) -> Value {
    let Some(fields) = settings.as_object() else { return settings.clone() };
    let field = |(name, value): (&String, &Value)| match name.strip_suffix("_sha256") {
        Some(secret) => (secret.to_owned(), json!("(set; kept as a hash)")),
        None => match name.strip_suffix("_document") {
            Some(file) => (file.to_owned(), json!(format!("(a file of {} bytes)", value.as_str().map_or(0, str::len)))),
            None => (name.clone(), value.clone()),
        },
    };
    Value::Object(fields.iter().map(field).collect())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The word that serde writes.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
