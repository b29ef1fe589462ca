//! What an operator fills in for an upstream, and what it gets wrong together.

use std::{collections::BTreeMap, path::PathBuf};

use openidconnect::{IssuerUrl, core::CoreJwsSigningAlgorithm as Algorithm};
use serde_json::Value;

use crate::{
    directory::redirect::{Creates, Portal},
    domain::{
        catalogue::SourceSettings,
        field::{Field, Kind, Misfit},
        id::OrganisationId,
        lookup::LookupField,
        patron::Role,
    },
};

const fn field(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Field {
    Field { name, kind, required: false, default, help }
}

const fn need(name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field { name, kind, required: true, default: "", help }
}

/// `none`, HS256 and their like are not among them: they cannot prove who signed.
const ALGORITHMS: &[&str] = &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

pub(super) const FIELDS: &[Field] = &[
    need(
        "issuer",
        Kind::Url,
        "The provider, exactly as its ID tokens spell it: `https://accounts.google.com`. The rest is discovered there.",
    ),
    need("client_id", Kind::Text, "What the provider calls this server."),
    need("client_secret_file", Kind::SecretFile, "The file that holds the secret that goes with it."),
    need("name", Kind::Text, "Its button on the sign-in page, as its people call it: \"Maple Schools\"."),
    need(
        "roster",
        Kind::Text,
        "The id of the source whose people sign in here; its own where it makes them (`create`).",
    ),
    need("match_claim", Kind::Text, "The claim of the ID token that says who it is: `email`, `oid`, `sub`."),
    need(
        "match_field",
        Kind::Text,
        "The field of the roster that it is compared with: `sourcedId`, `identifier`, `username`, `email` or \
         `userIds:Type`. Exactly one enrolled person must have it; case does not count.",
    ),
    field("scopes", Kind::Texts, "openid email", "What the provider is asked for; no more than `match_claim` needs."),
    field(
        "trust_email",
        Kind::Flag,
        "false",
        "The claim `email` counts although the provider does not say `email_verified`. Only where it gives out the \
         addresses itself.",
    ),
    field(
        "hosted_domain",
        Kind::Text,
        "",
        "Google: the domain that the claim `hd` must be. Without it any Google account is somebody's.",
    ),
    field("tenant", Kind::Text, "", "Microsoft Entra: the tenant id that the claim `tid` must be."),
    field("claims", Kind::Words, "", "Further claims that must be exactly this: `{ TenantId = \"1234\" }`."),
    field("algorithms", Kind::Choices(ALGORITHMS), "RS256 ES256", "How ID tokens may be signed."),
    field(
        "organisations",
        Kind::Texts,
        "",
        "Ids of the organisations whose people sign in here. Everybody of the roster without it.",
    ),
    field("roles", Kind::Choices(&["student", "staff"]), "student staff", "Which of them."),
    field(
        "create",
        Kind::Text,
        "",
        "For a school without a roster: the id of the organisation in which whoever the provider vouches for gets a card. \
         `roster` is then this source itself, `roles` says which one they are, `match_field` holds what the number is \
         made from, and `hosted_domain`, `tenant` or `claims` say who belongs there at all.",
    ),
    field(
        "pin",
        Kind::Choice(&["also", "never"]),
        "also",
        "Whether card and PIN open the sign-in page to these people as well. Where vendors' servers ask (SIP2 and its \
         like) there is no page to send anybody to, and the PIN stays.",
    ),
    field(
        "acr",
        Kind::Choice(&["none", "password", "mapped"]),
        "none",
        "How good a sign-in there is: not known; as good as a password; or that, where the provider's own `acr` or `amr` \
         says so.",
    ),
    field(
        "prompt",
        Kind::Choice(&["login", "select_account"]),
        "",
        "What the provider is asked to show even to whom it knows. Without it, whoever is signed in there passes.",
    ),
    field(
        "sign_out",
        Kind::Flag,
        "false",
        "Whoever signs out here is led to the provider's own sign-out as well, where it has one.",
    ),
];

/// What is believed of how somebody signed in there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acr {
    None,
    Password,
    Mapped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    Login,
    SelectAccount,
}

pub(super) struct Settings {
    pub issuer: IssuerUrl,
    pub client_id: String,
    pub client_secret_file: PathBuf,
    pub portal: Portal,
    pub match_claim: String,
    pub scopes: Vec<String>,
    pub trust_email: bool,
    /// Claims that must be exactly this.
    pub required: BTreeMap<String, String>,
    pub algorithms: Vec<Algorithm>,
    pub acr: Acr,
    pub prompt: Option<Prompt>,
    pub sign_out: bool,
}

impl Settings {
    /// # Errors
    /// The field and a sentence, for the operator.
    pub fn read(source: &SourceSettings) -> Result<Settings, Misfit> {
        let wrong = |field: &'static str, why: &dyn std::fmt::Display| Misfit { field, why: why.to_string() };
        let text = |field: &'static str| match source.text(field).map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Ok(text.to_owned()),
            None => Err(wrong(field, &"is missing")),
        };
        let list = |field: &str| -> Vec<String> {
            let values = source.settings.get(field).and_then(Value::as_array);
            values.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
        };
        let flag = |field: &str| source.settings.get(field) == Some(&Value::Bool(true));

        let roster = text("roster")?;
        let organisations = list("organisations").iter().map(|id| id.parse()).collect::<Result<_, _>>();
        let mut roles: Vec<Role> = Vec::new();
        for role in list("roles") {
            roles.push(if role == "student" { Role::Student } else { Role::Staff });
        }
        if roles.is_empty() {
            roles = vec![Role::Student, Role::Staff];
        }
        let creates = source.text("create").map(|id| id.parse::<OrganisationId>());
        let creates = creates.transpose().map_err(|error| wrong("create", &error))?;
        let portal = Portal {
            name: text("name")?,
            roster: roster.parse().map_err(|error| wrong("roster", &error))?,
            field: text("match_field")?.parse::<LookupField>().map_err(|error| wrong("match_field", &error))?,
            organisations: organisations.map_err(|error| wrong("organisations", &error))?,
            roles,
            pin_stays: source.text("pin") != Some("never"),
            creates: None,
        };
        if creates.is_none() && roster == source.id.as_str() {
            return Err(wrong("roster", &"is this source itself, which has no roster; or is `create` missing?"));
        }

        let mut required = BTreeMap::new();
        if let Some(words) = source.settings.get("claims").and_then(Value::as_object) {
            required.extend(words.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))));
        }
        for (field, claim) in [("hosted_domain", "hd"), ("tenant", "tid")] {
            if let Some(value) = source.text(field) {
                required.insert(claim.to_owned(), value.to_owned());
            }
        }
        let portal = match creates {
            Some(organisation) => creating(portal, organisation, source, required.is_empty())?,
            None => portal,
        };
        let algorithms = list("algorithms").into_iter().map(|name| serde_json::from_value(Value::String(name)));
        let algorithms: Vec<Algorithm> =
            algorithms.collect::<Result<_, _>>().map_err(|error| wrong("algorithms", &error))?;
        if algorithms.is_empty() {
            return Err(wrong("algorithms", &"must not be empty"));
        }
        Ok(Settings {
            issuer: IssuerUrl::new(text("issuer")?).map_err(|error| wrong("issuer", &error))?,
            client_id: text("client_id")?,
            client_secret_file: text("client_secret_file")?.into(),
            portal,
            match_claim: text("match_claim")?,
            scopes: list("scopes"),
            trust_email: flag("trust_email"),
            required,
            algorithms,
            acr: match source.text("acr") {
                Some("password") => Acr::Password,
                Some("mapped") => Acr::Mapped,
                _ => Acr::None,
            },
            prompt: match source.text("prompt") {
                Some("login") => Some(Prompt::Login),
                Some("select_account") => Some(Prompt::SelectAccount),
                _ => None,
            },
            sign_out: flag("sign_out"),
        })
    }
}

/// A portal whose people are made as they come. `anybody`: nothing says who belongs there.
fn creating(
    portal: Portal,
    organisation: OrganisationId,
    source: &SourceSettings,
    anybody: bool,
) -> Result<Portal, Misfit> {
    let wrong = |field: &'static str, why: &str| Err(Misfit { field, why: why.to_owned() });
    if portal.roster != source.id {
        return wrong("roster", "must be this source itself where `create` makes its people");
    }
    if anybody {
        return wrong("create", "needs hosted_domain, tenant or claims: without them anybody would get a card");
    }
    let [role] = portal.roles[..] else { return wrong("roles", "must name exactly one where `create` makes people") };
    if matches!(portal.field, LookupField::SourcedId | LookupField::Email) {
        return wrong(
            "match_field",
            "must be identifier, username or userIds:Type where a card number is made from it",
        );
    }
    if !portal.leads_to(&organisation) {
        return wrong("create", "is not among `organisations`");
    }
    Ok(Portal { creates: Some(Creates { organisation, role }), ..portal })
}
