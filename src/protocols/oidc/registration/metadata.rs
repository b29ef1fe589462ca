//! Client metadata (RFC 7591 section 2, OpenID Connect Dynamic Client Registration 1.0 section 2): from JSON to the
//! settings that a configuration file would have given, within the bounds of an invitation; and back.

use serde_json::{Map, Value, json};

use super::super::{
    client::{Client, GrantType},
    error::Error,
    settings::FIELDS,
};
use crate::domain::{
    catalogue::Catalogue,
    clock::Timestamp,
    field::{self, Field, Kind},
    id::ScopeId,
    registration::Bounds,
    scope::Scopes,
    vendor::{RelyingParty, Vendor},
};

/// What a vendor may say by itself. Everything else is the operator's alone and stands as by default, however the
/// request names it.
const CHOOSABLE: &[&str] = &[
    "redirect_uris",
    "grant_types",
    "application_type",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "jwks",
    "jwks_uri",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "introspection_signed_response_alg",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "dpop_bound_access_tokens",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
    "initiate_login_uri",
];

/// How a client comes by our keys shares a name with its own keys, and is the operator's to say.
fn is_choosable(field: &Field) -> bool {
    CHOOSABLE.contains(&field.name) && !matches!(field.kind, Kind::TextAlone | Kind::Secret)
}

/// Lists of addresses that a browser is sent to, and single ones that it opens by a link or in a frame.
const REDIRECTS: &[&str] = &["redirect_uris", "post_logout_redirect_uris"];
const LINKS: &[&str] = &["initiate_login_uri", "frontchannel_logout_uri"];

/// Kept under these names beside the fields.
const NAME: &str = "client_name";
const SCOPES: &str = "scopes";
const LONGEST_NAME: usize = 200;

const STAYING: &str = "offline_access";
/// What these open is said by release rules, not by clients.
const STANDARD: &[&str] = &["openid", "profile", "email", "address", "phone"];

pub(super) fn invalid(hint: impl Into<String>) -> Error {
    Error::new("invalid_client_metadata", plain(&hint.into()))
}

/// A setting that is wrong, in the words of RFC 7591 section 3.2.2.
pub(super) fn misfit(field: &str, why: &str) -> Error {
    let code = if REDIRECTS.contains(&field) { "invalid_redirect_uri" } else { "invalid_client_metadata" };
    Error::new(code, plain(&format!("{field} {why}")))
}

/// RFC 6749 section 5.2: ASCII without quotes and backslashes.
fn plain(text: &str) -> String {
    let fit = |c: char| match c {
        '"' => '\'',
        ' '..='~' if c != '\\' => c,
        _ => '?',
    };
    text.chars().map(fit).take(300).collect()
}

/// What a registration is held against.
pub(super) struct Limits<'a> {
    pub bounds: &'a Bounds,
    pub vendor: &'a Vendor,
    pub catalogue: &'a Catalogue,
    pub now: Timestamp,
}

/// Settings as `config` would have read them; whether they fit together is `Client::read`'s.
///
/// # Errors
/// The first thing that cannot be registered.
pub(super) fn settings(wanted: &Map<String, Value>, limits: &Limits<'_>) -> Result<Map<String, Value>, Error> {
    let bounds = limits.bounds;
    // A value of null counts as left away (RFC 7592 section 2.2).
    let wanted = |name: &str| wanted.get(name).filter(|value| !value.is_null());
    refuse_what_is_not_offered(&wanted)?;
    let mut settings = Map::new();
    for field in FIELDS {
        let chosen = wanted(field.name).filter(|_| is_choosable(field));
        let value = match chosen {
            Some(value) => Some(read(field, value).map_err(|why| misfit(field.name, &why))?),
            None => usual(field, bounds),
        };
        if let Some(value) = value {
            let name =
                if let Kind::Jwks = field.kind { format!("client_{}", field.name) } else { field.name.to_owned() };
            settings.insert(name, value);
        }
    }
    settings.remove("client_id");
    within(&settings, bounds)?;
    let scope = wanted("scope").map(|scope| text(scope).map_err(|why| misfit("scope", &why))).transpose()?;
    let Asked { scopes, staying } = asked(scope, limits)?;
    if let Some(scopes) = scopes {
        settings.insert(SCOPES.to_owned(), json!(scopes));
    }
    settings.insert(STAYING.to_owned(), Value::Bool(staying));
    if let Some(name) = wanted(NAME) {
        let name = text(name).map_err(|why| misfit(NAME, &why))?;
        if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(misfit(NAME, "must be at most 200 characters, none of them a control character"));
        }
        settings.insert(NAME.to_owned(), Value::String(name.to_owned()));
    }
    Ok(settings)
}

/// Metadata that we know and do not do: passing it over in silence would let a client believe the contrary.
fn refuse_what_is_not_offered<'v>(wanted: &impl Fn(&str) -> Option<&'v Value>) -> Result<(), Error> {
    if wanted("software_statement").is_some() {
        return Err(Error::new("invalid_software_statement", "software statements are not taken here"));
    }
    let only = |name: &str, good: &Value| match wanted(name) {
        Some(value) if value != good => Err(misfit(name, &format!("must be {good}"))),
        _ => Ok(()),
    };
    if wanted("response_types") != Some(&json!([])) {
        only("response_types", &json!(["code"]))?;
    }
    only("subject_type", &json!("pairwise"))?;
    for name in [
        "id_token_encrypted_response_alg",
        "userinfo_encrypted_response_alg",
        "introspection_encrypted_response_alg",
        "request_object_encryption_alg",
    ] {
        if wanted(name).is_some() {
            return Err(misfit(name, "is not offered: nothing is encrypted beyond TLS"));
        }
    }
    Ok(())
}

/// One value, judged as the configuration judges it.
fn read(field: &Field, value: &Value) -> Result<Value, String> {
    let word = |words: &[&str], value: &Value| match text(value)? {
        word if words.contains(&word) => Ok(json!(word)),
        word => Err(format!("holds {word:?}: use {}", words.join(", "))),
    };
    let url = |value: &Value| {
        let text = text(value)?;
        field::url(text).map_err(|why| format!("holds {why}"))?;
        Ok(json!(text))
    };
    match field.kind {
        Kind::Flag => value.is_boolean().then(|| value.clone()).ok_or_else(|| "must be true or false".into()),
        Kind::Number(from, to) => {
            let number = value.as_i64().filter(|number| (from..=to).contains(number));
            number.map(Value::from).ok_or_else(|| format!("must be a number between {from} and {to}"))
        }
        Kind::Text => Ok(json!(text(value)?)),
        Kind::Choice(words) => word(words, value),
        Kind::Choices(words) => list(value)?.iter().map(|value| word(words, value)).collect(),
        Kind::Url => url(value),
        Kind::Urls => list(value)?.iter().map(url).collect(),
        Kind::Jwks => value.is_object().then(|| value.clone()).ok_or_else(|| "must be a JSON Web Key Set".into()),
        Kind::TextAlone
        | Kind::Secret
        | Kind::Document
        | Kind::Networks
        | Kind::Texts
        | Kind::Words
        | Kind::Duration(..)
        | Kind::Path
        | Kind::SecretFile => Err("cannot be chosen".into()),
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().filter(|text| !text.trim().is_empty()).ok_or_else(|| "must be a text that is not empty".into())
}

fn list(value: &Value) -> Result<&Vec<Value>, String> {
    value.as_array().ok_or_else(|| "must be a list".into())
}

/// What stands where the request says nothing: the default, or where the bounds leave it out what they have instead.
fn usual(field: &Field, bounds: &Bounds) -> Option<Value> {
    let default = field.default_value();
    let signs = |usual: &str| {
        let Some(allowed) = &bounds.algorithms else { return default.clone() };
        let Kind::Choice(words) = field.kind else { return default.clone() };
        let mut possible = words.iter().filter(|word| allowed.iter().any(|one| one == **word));
        let first = possible.clone().find(|word| **word == usual).or_else(|| possible.next());
        first.map(|word| json!(word))
    };
    match field.name {
        "grant_types" => match bounds.grants.iter().any(|grant| grant == GrantType::AuthorizationCode.as_str()) {
            true => default,
            false => Some(json!(bounds.grants)),
        },
        "token_endpoint_auth_method" => match default.as_ref().and_then(Value::as_str) {
            Some(method) if bounds.auth_methods.iter().any(|allowed| allowed == method) => default,
            _ => bounds.auth_methods.first().map(|method| json!(method)),
        },
        "id_token_signed_response_alg" => signs("RS256"),
        "access_token_signing_alg" => signs("ES256"),
        _ => default,
    }
}

/// Everything that the invitation bounds.
fn within(settings: &Map<String, Value>, bounds: &Bounds) -> Result<(), Error> {
    let outside =
        |field: &str, what: &str| misfit(field, &format!("holds {what:?}, which the invitation does not allow"));
    let words = |name: &str| match settings.get(name) {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    for (name, allowed) in [("grant_types", &bounds.grants), ("token_endpoint_auth_method", &bounds.auth_methods)] {
        if let Some(word) = words(name).into_iter().find(|word| !allowed.iter().any(|one| one == word)) {
            return Err(outside(name, word));
        }
    }
    for name in REDIRECTS {
        if let Some(uri) = words(name).into_iter().find(|uri| !bounds.redirects.iter().any(|bound| bound.allows(uri))) {
            return Err(outside(name, uri));
        }
    }
    for name in LINKS {
        let near = |uri: &&str| bounds.redirects.iter().any(|bound| bound.same_origin(uri));
        if let Some(uri) = words(name).into_iter().find(|uri| !near(uri)) {
            return Err(outside(name, uri));
        }
    }
    let Some(allowed) = &bounds.algorithms else { return Ok(()) };
    for name in settings.keys().filter(|name| name.ends_with("_alg")) {
        if let Some(word) = words(name).into_iter().find(|word| !allowed.iter().any(|one| one == word)) {
            return Err(outside(name, word));
        }
    }
    let by_key = words("token_endpoint_auth_method") == ["private_key_jwt"];
    if by_key && !settings.contains_key("token_endpoint_auth_signing_alg") {
        return Err(misfit(
            "token_endpoint_auth_signing_alg",
            &format!("is missing: name one of {}", allowed.join(", ")),
        ));
    }
    Ok(())
}

struct Asked {
    /// Absent: whatever the vendor may ask for.
    scopes: Option<Scopes>,
    staying: bool,
}

/// `scope`. Without a scope of the library in it: all that the bounds allow.
fn asked(scope: Option<&str>, limits: &Limits<'_>) -> Result<Asked, Error> {
    let Limits { bounds, vendor, catalogue, now } = limits;
    let allowed = |scope: &&ScopeId| {
        vendor.scopes.contains(scope) && bounds.scopes.as_ref().is_none_or(|all| all.contains(scope))
    };
    let outside = |word: &str| misfit("scope", &format!("holds {word:?}, which the invitation does not allow"));
    let (mut scopes, mut staying) = (Vec::new(), false);
    for word in scope.unwrap_or_default().split_whitespace().filter(|word| !STANDARD.contains(word)) {
        if word == STAYING {
            staying = bounds.offline_access;
            if !staying {
                return Err(outside(word));
            }
        } else {
            let scope = catalogue.scope_asked(word, *now).filter(allowed);
            scopes.push(scope.ok_or_else(|| outside(word))?.clone());
        }
    }
    let scopes = if scopes.is_empty() { bounds.scopes.clone() } else { Some(Scopes::from_iter(scopes)) };
    Ok(Asked { scopes, staying })
}

/// What is registered, in the words of the request.
pub(super) fn effective(
    party: &RelyingParty,
    client: &Client,
    catalogue: &Catalogue,
    now: Timestamp,
) -> Map<String, Value> {
    let kept = |name: &str| party.settings.get(name).cloned();
    let mut document = Map::new();
    for field in FIELDS.iter().filter(|field| is_choosable(field)) {
        let value =
            if let Kind::Jwks = field.kind { kept(&format!("client_{}", field.name)) } else { kept(field.name) };
        document.extend(value.map(|value| (field.name.to_owned(), value)));
    }
    document.extend(kept(NAME).map(|name| (NAME.to_owned(), name)));
    document.insert("id_token_signed_response_alg".into(), json!(client.id_token_alg.as_str()));
    let by_browser = client.grants.contains(&GrantType::AuthorizationCode);
    document.insert("response_types".into(), if by_browser { json!(["code"]) } else { json!([]) });
    document.insert("subject_type".into(), json!("pairwise"));
    let mut scope = catalogue.spelled(&client.scopes, now);
    if by_browser {
        scope = format!("openid {scope}");
    }
    if client.may_stay {
        scope.push_str(" offline_access");
    }
    document.insert("scope".into(), json!(scope.trim()));
    document
}
