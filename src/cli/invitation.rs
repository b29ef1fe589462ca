//! `oneaccess vendor invite|invitations|uninvite`: how a vendor comes to register clients of its own.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::{
    output::{Output, bold},
    table::Table,
};
use crate::{
    admin::operations::{
        Desk,
        invitations::{self, View, Wish},
    },
    compose,
    domain::{
        clock::span,
        id::ScopeName,
        registration::{InvitationState, RedirectBound},
    },
};

#[derive(Debug, Args)]
pub struct Invite {
    vendor: String,
    /// Where browsers may be sent: an address, or all below one: `https://maple.example/apps/*`.
    #[arg(long, value_name = "URL")]
    redirect: Vec<RedirectBound>,
    /// What a client may do at the token endpoint. Without it: authorization_code.
    #[arg(long, value_name = "GRANT")]
    grant: Vec<String>,
    /// Scopes that a client may ask for; offline_access where it may stay. Without it: those of the vendor.
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Signatures to choose from. Without it: all that there are.
    #[arg(long, value_name = "ALG")]
    alg: Vec<String>,
    /// How a client may prove itself. Without it: by a secret or by its own key; name `none` for apps.
    #[arg(long, value_name = "METHOD")]
    auth_method: Vec<String>,
    /// How many clients may be registered.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    uses: u32,
    /// For how long: 12h, 7d.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = time)]
    expires: Duration,
}

const LONGEST: Duration = Duration::from_secs(400 * 86_400);

fn time(text: &str) -> Result<Duration, String> {
    let found = span(text).ok_or_else(|| format!("{text:?} is not a duration such as 12h or 7d"))?;
    if found.is_zero() || found > LONGEST { Err("must be between 1s and 400d".into()) } else { Ok(found) }
}

pub async fn invite(desk: &Desk, invite: Invite, output: Output) -> Result<()> {
    let settings = compose::Settings::all();
    let fields = settings.of_protocol("oidc").context("OpenID Connect is not built in")?;
    let wish = Wish {
        redirects: invite.redirect,
        grants: invite.grant,
        scopes: invite.scope,
        algorithms: invite.alg,
        auth_methods: invite.auth_method,
        uses: invite.uses,
        expires: invite.expires,
    };
    let (view, token) = invitations::invite(desk, &invite.vendor, wish, fields).await?;
    let endpoint = format!("{}/oidc/register", desk.config.issuer);
    let document = json!({ "invitation": view, "initial_access_token": token, "registration_endpoint": endpoint });
    output.document(&document, |_| {
        say!("Vendor {} is invited ({}), until {}.", bold(view.vendor.as_str()), view.id, view.expires_at);
        say!("Hand this token to it by a way that you trust. It is shown this once:\n");
        say!("  {}\n", bold(&token));
        say!("Registers at  {endpoint}");
        bounds(&view).into_iter().for_each(|(name, value)| say!("{name:<13} {value}"));
    })
}

pub async fn list(desk: &Desk, vendor: &str, output: Output) -> Result<()> {
    let all = invitations::list(desk, vendor).await?;
    output.document(&all, |all| {
        if all.is_empty() {
            say!("Vendor {vendor} was never invited: oneaccess vendor invite {vendor}");
            return;
        }
        let mut table = Table::new(["ID", "STATE", "#USES LEFT", "UNTIL", "BOUNDS"]);
        for view in all {
            let bounds: Vec<String> = bounds(view).into_iter().map(|(_, value)| value).collect();
            table.row([
                view.id.clone(),
                state(view.state).to_owned(),
                format!("{} of {}", view.uses_left, view.uses),
                view.expires_at.clone(),
                bounds.join("; "),
            ]);
        }
        table.print();
    })
}

pub async fn withdraw(desk: &Desk, vendor: &str, id: &str, output: Output) -> Result<()> {
    let changed = invitations::withdraw(desk, vendor, id).await?;
    let document = json!({ "vendor": vendor, "invitation": id, "state": "withdrawn", "changed": changed });
    output.document(&document, |_| match changed {
        true => say!("Invitation {id} is withdrawn. Clients that registered by it stay."),
        false => say!("Invitation {id} was withdrawn already."),
    })
}

fn bounds(view: &View) -> Vec<(&'static str, String)> {
    let bounds = &view.bounds;
    let redirects: Vec<&str> = bounds.redirects.iter().map(RedirectBound::as_str).collect();
    let names = |names: &Vec<ScopeName>| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let mut scopes = view.scopes.as_ref().map_or("those of the vendor".to_owned(), names);
    if bounds.offline_access {
        scopes.push_str(" offline_access");
    }
    vec![
        ("Redirects", if redirects.is_empty() { "none".to_owned() } else { redirects.join(" ") }),
        ("Grants", bounds.grants.join(" ")),
        ("Scopes", scopes),
        ("Proves by", bounds.auth_methods.join(" ")),
        ("Signatures", bounds.algorithms.as_ref().map_or("any".to_owned(), |all| all.join(" "))),
    ]
}

fn state(state: InvitationState) -> &'static str {
    match state {
        InvitationState::Open => "open",
        InvitationState::Used => "used up",
        InvitationState::Expired => "expired",
        InvitationState::Withdrawn => "withdrawn",
    }
}
