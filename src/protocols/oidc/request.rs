//! What an authorization request must be (RFC 6749 section 4.1.1, OIDC Core section 3.1.2.1): a list of named checks
//! whose order is the specification, whichever way the request came.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Provider, claims_request,
    client::{Client, GrantType},
    error::{Error, Mode, ReturnTo, Stop},
    params::Params,
    redirect,
    terms::Terms,
    token::own_resource,
    tokens,
};
use crate::{
    domain::{card::CardNumber, catalogue::Catalogue, claims::Group, clock::Timestamp, scope::Scopes},
    keyring::{Expect, Lifetime},
    signon::{Ask, Fault},
};

/// Every parameter that means something here: none may be given twice. `resource` may (RFC 8707); others are ignored.
const KNOWN: &[&str] = &[
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "display",
    "ui_locales",
    "claims_locales",
    "id_token_hint",
    "login_hint",
    "acr_values",
    "claims",
    "request",
    "request_uri",
    "registration",
    "dpop_jkt",
];

/// Longer ones would travel through every cookie and token of the vendor.
const LONGEST_NONCE: usize = 512;
/// Of a SHA-256 in base64url (RFC 7636 section 4.2).
const HASH_LENGTH: usize = 43;
/// What is kept of a request while the patron signs in: this protocol's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Words {
    pub redirect_uri: String,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub challenge: Option<String>,
    pub terms: Terms,
    #[serde(default)]
    pub mode: Mode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// The pushed request that this came from, to be spent when a code is won.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed: Option<String>,
    /// Whom the client expects (`id_token_hint`); anybody else is not signed in to it.
    pub expected_subject: Option<String>,
}

impl Words {
    pub fn of(ask: &Ask) -> Result<Words, Stop> {
        Words::deserialize(&ask.state).map_err(|error| Stop::Broken(Fault::Broken(format!("request state: {error}"))))
    }

    pub fn back(&self) -> ReturnTo {
        ReturnTo { uri: self.redirect_uri.clone(), state: self.state.clone(), mode: self.mode }
    }
}

/// OIDC Core section 3.1.2.1: required, and compared as RFC 3986 section 6.2.1 does, byte by byte.
pub(super) fn registered_address(client: &Client, params: &Params<'_>) -> Result<ReturnTo, Stop> {
    let page = |hint: &str| Stop::Page(Error::invalid_request(hint));
    if params.repeats("redirect_uri") {
        return Err(page("redirect_uri is given twice"));
    }
    let uri = params.get("redirect_uri").ok_or_else(|| page("redirect_uri is missing"))?;
    if !redirect::is_registered(uri, &client.redirect_uris, client.native) {
        return Err(page("redirect_uri is not one of those registered for this client, byte by byte"));
    }
    let state = if params.repeats("state") { None } else { params.get("state").map(str::to_owned) };
    let mode = match params.get("response_mode") {
        Some("form_post") => Mode::FormPost,
        _ => Mode::Query,
    };
    Ok(ReturnTo { uri: uri.to_owned(), state, mode })
}

/// A request that holds.
#[derive(Debug)]
pub(super) struct Request {
    pub fresh_after: Option<Timestamp>,
    /// A badge will not do.
    pub password: bool,
    pub interactive: bool,
    /// The reader is asked first (`prompt=consent`).
    pub consent: bool,
    pub card_hint: Option<String>,
    pub languages: Vec<String>,
    pub words: Words,
}

/// From here on the client can be told.
pub(super) fn checked(
    provider: &Provider,
    client: &Client,
    params: &Params<'_>,
    back: &ReturnTo,
    now: Timestamp,
) -> Result<Request, Error> {
    given_once(params)?;
    no_registration(params)?;
    code_flow(client, params)?;
    never_in_the_fragment(params)?;
    let challenge = proof_key(client, params)?;
    let (claims, named) = claims_request::read(params.get("claims"))?;
    provider.signon.note_asked(&client.vendor, &client.scopes, params.get("scope").unwrap_or_default());
    let terms = Terms { claims, ..asked_scopes(client, params, &provider.app().catalogue(), now)? };
    own_resource(params, client)?;
    let nonce = nonce(params)?;
    let prompt = prompt(params)?;
    let fresh_after = freshness(params, prompt, now)?;
    let expected_subject = one_subject(expected_subject(provider, client, params)?, named)?;
    let words = Words {
        redirect_uri: back.uri.clone(),
        state: back.state.clone(),
        nonce,
        challenge,
        terms,
        mode: back.mode,
        jkt: announced_key(params)?,
        pushed: None,
        expected_subject,
    };
    Ok(Request {
        fresh_after,
        password: claims_request::wants_password(params.get("acr_values"), params.get("claims")),
        interactive: !prompt.none,
        consent: prompt.consent,
        card_hint: card_hint(params),
        languages: languages(params),
        words,
    })
}

/// RFC 6749 section 3.1.
fn given_once(params: &Params<'_>) -> Result<(), Error> {
    match params.repeated(KNOWN) {
        Some(name) => Err(Error::invalid_request(format!("{name} is given twice"))),
        None => Ok(()),
    }
}

/// OIDC Core section 7.2.1: no client registers itself by the way.
fn no_registration(params: &Params<'_>) -> Result<(), Error> {
    match params.get("registration") {
        Some(_) => Err(Error::new("registration_not_supported", "registration is not supported")),
        None => Ok(()),
    }
}

/// RFC 9700 section 2.1.2: no token ever travels in a redirect.
fn code_flow(client: &Client, params: &Params<'_>) -> Result<(), Error> {
    if !client.grants.contains(&GrantType::AuthorizationCode) {
        return Err(Error::new("unauthorized_client", "this client is not registered for authorization_code"));
    }
    match params.get("response_type") {
        Some("code") => Ok(()),
        Some(_) => Err(Error::new("unsupported_response_type", "response_type must be code")),
        None => Err(Error::invalid_request("response_type is missing; it must be code")),
    }
}

fn never_in_the_fragment(params: &Params<'_>) -> Result<(), Error> {
    match params.get("response_mode") {
        None | Some("query" | "form_post") => Ok(()),
        Some(_) => Err(Error::invalid_request("response_mode must be query or form_post")),
    }
}

/// RFC 7636 section 4.3, RFC 9700 section 2.1.1: S256 alone; `plain`, which is what an absent method means, is refused.
fn proof_key(client: &Client, params: &Params<'_>) -> Result<Option<String>, Error> {
    match (params.get("code_challenge"), params.get("code_challenge_method")) {
        (None, None) if !client.pkce_required => Ok(None),
        (None, None) => Err(Error::invalid_request("code_challenge is missing; PKCE with S256 is required")),
        (None, Some(_)) => Err(Error::invalid_request("code_challenge_method without code_challenge")),
        (Some(challenge), Some("S256")) => {
            if is_hash(challenge) {
                Ok(Some(challenge.to_owned()))
            } else {
                Err(Error::invalid_request("code_challenge is not the base64url of a SHA-256"))
            }
        }
        (Some(_), _) => Err(Error::invalid_request("code_challenge_method must be S256")),
    }
}

/// The base64url of a SHA-256.
fn is_hash(text: &str) -> bool {
    text.len() == HASH_LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What is not in the library's catalogue for this vendor is ignored (OIDC Core section 3.1.2.1); the token says what was
/// granted. Without `openid`, a request of which nothing is left asks for nothing (RFC 6749 section 3.3).
pub(super) fn asked_scopes(
    client: &Client,
    params: &Params<'_>,
    catalogue: &Catalogue,
    now: Timestamp,
) -> Result<Terms, Error> {
    let asked = || params.get("scope").unwrap_or_default().split(' ');
    let known = asked().filter_map(|name| catalogue.scope_asked(name, now));
    let asked_of_us: Scopes = known.filter(|scope| client.scopes.contains(scope)).cloned().collect();
    let openid = asked().any(|name| name == "openid");
    if !openid && asked_of_us.is_empty() {
        return Err(Error::new("invalid_scope", "scope holds neither openid nor a scope that this client may ask for"));
    }
    let offline = client.may_stay && asked().any(|name| name == "offline_access");
    let standard = if openid { asked().filter_map(Group::of_scope).collect() } else { Vec::new() };
    Ok(Terms { openid, offline, scopes: asked_of_us, standard, ..Terms::default() })
}

fn nonce(params: &Params<'_>) -> Result<Option<String>, Error> {
    match params.get("nonce") {
        Some(nonce) if nonce.len() > LONGEST_NONCE => {
            Err(Error::invalid_request(format!("nonce is longer than {LONGEST_NONCE} bytes")))
        }
        nonce => Ok(nonce.map(str::to_owned)),
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Prompt {
    none: bool,
    /// `login` or `select_account`: whoever sits there shows card and PIN again.
    sign_in: bool,
    consent: bool,
}

/// OIDC Core section 3.1.2.1.
fn prompt(params: &Params<'_>) -> Result<Prompt, Error> {
    let mut prompt = Prompt::default();
    let wishes: Vec<&str> = params.get("prompt").unwrap_or_default().split(' ').filter(|w| !w.is_empty()).collect();
    for wish in &wishes {
        match *wish {
            "none" if wishes.len() > 1 => return Err(Error::invalid_request("prompt none goes with nothing else")),
            "none" => prompt.none = true,
            "login" | "select_account" => prompt.sign_in = true,
            "consent" => prompt.consent = true,
            _ => return Err(Error::invalid_request("prompt must be of none, login, consent, select_account")),
        }
    }
    Ok(prompt)
}

/// The instant after which the PIN must have been shown: the later of what `prompt` and `max_age` say.
fn freshness(params: &Params<'_>, prompt: Prompt, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let by_age = match params.get("max_age") {
        None => None,
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
            // Longer than u32 seconds is longer than any session.
            text.parse::<u32>().ok().map(|seconds| now - Duration::from_secs(seconds.into()))
        }
        Some(_) => return Err(Error::invalid_request("max_age must be a whole number of seconds")),
    };
    Ok(if prompt.sign_in { Some(now) } else { by_age })
}

/// OIDC Core section 3.1.2.1: with a hint, nobody else may be signed in. An old one will do, a forged one will not.
fn expected_subject(provider: &Provider, client: &Client, params: &Params<'_>) -> Result<Option<String>, Error> {
    let Some(hint) = params.get("id_token_hint") else { return Ok(None) };
    let expect = Expect { typ: tokens::ID_TOKEN, issuer: provider.issuer(), lifetime: Lifetime::Any };
    let claims: Option<tokens::Hint> = provider.app().keyring.verify(hint, &expect).ok();
    match claims.filter(|claims| claims.aud == client.id) {
        Some(claims) => Ok(Some(claims.sub)),
        None => Err(Error::invalid_request("id_token_hint is no ID token that we gave to this client")),
    }
}

/// `id_token_hint` and the `claims` parameter may both name somebody: then the same.
fn one_subject(hinted: Option<String>, named: Option<String>) -> Result<Option<String>, Error> {
    match (hinted, named) {
        (Some(hinted), Some(named)) if hinted != named => {
            Err(Error::invalid_request("id_token_hint and claims name different subjects"))
        }
        (hinted, named) => Ok(hinted.or(named)),
    }
}

/// RFC 9449 section 10: a JWK thumbprint.
fn announced_key(params: &Params<'_>) -> Result<Option<String>, Error> {
    match params.get("dpop_jkt") {
        Some(jkt) if is_hash(jkt) => Ok(Some(jkt.to_owned())),
        Some(_) => Err(Error::invalid_request("dpop_jkt is not the base64url of a SHA-256")),
        None => Ok(None),
    }
}

/// `login_hint` fills in the card where it could be one; it decides nothing.
fn card_hint(params: &Params<'_>) -> Option<String> {
    let card = params.get("login_hint").and_then(CardNumber::read)?.as_str().to_owned();
    card.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-').then_some(card)
}

/// `ui_locales`: BCP 47 tags, best first.
fn languages(params: &Params<'_>) -> Vec<String> {
    let tags = params.get("ui_locales").unwrap_or_default().split(' ');
    tags.filter(|tag| !tag.is_empty() && tag.len() <= 35).take(8).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::oidc::client::tests::client;
    use serde_json::json;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn old_vendor() -> Client {
        let settings = json!({ "client_secret_sha256": "ab".repeat(32), "redirect_uris": ["https://maple.example/cb"],
                               "pkce": "optional" });
        client(settings).unwrap()
    }

    fn vendor() -> Client {
        Client { pkce_required: true, ..old_vendor() }
    }

    fn code(result: Result<impl Sized, Error>) -> &'static str {
        result.err().map_or("", |error| error.code)
    }

    #[test]
    fn a_proof_key_is_s256_or_refused() {
        for (query, required, optional) in [
            (format!("code_challenge={CHALLENGE}&code_challenge_method=S256"), "", ""),
            (format!("code_challenge={CHALLENGE}"), "invalid_request", "invalid_request"),
            (format!("code_challenge={CHALLENGE}&code_challenge_method=plain"), "invalid_request", "invalid_request"),
            (format!("code_challenge={CHALLENGE}&code_challenge_method=s256"), "invalid_request", "invalid_request"),
            (format!("code_challenge={CHALLENGE}A&code_challenge_method=S256"), "invalid_request", "invalid_request"),
            ("code_challenge=short&code_challenge_method=S256".into(), "invalid_request", "invalid_request"),
            ("code_challenge_method=S256".into(), "invalid_request", "invalid_request"),
            (String::new(), "invalid_request", ""),
            ("code_challenge=&code_challenge_method=".into(), "invalid_request", ""),
        ] {
            let params = Params::read(query.as_bytes());
            assert_eq!(code(proof_key(&vendor(), &params)), required, "{query}");
            assert_eq!(code(proof_key(&old_vendor(), &params)), optional, "{query}");
        }
    }

    #[test]
    fn each_known_parameter_may_be_given_once() {
        for name in KNOWN {
            let query = format!("{name}=a&x=1&x=2&{name}=a");
            assert_eq!(code(given_once(&Params::read(query.as_bytes()))), "invalid_request", "{name}");
        }
        assert_eq!(code(given_once(&Params::read(b"resource=a&resource=b&utm=1&utm=2"))), "");
    }

    #[test]
    fn what_we_do_not_do_is_refused_by_its_own_name() {
        let ask = |query: &str| {
            let params = Params::read(query.as_bytes());
            let checks = no_registration(&params)
                .and_then(|()| code_flow(&vendor(), &params))
                .and_then(|()| never_in_the_fragment(&params));
            code(checks)
        };
        assert_eq!(ask("response_type=code&response_mode=query&claims=%7B%7D&display=page&access_type=offline"), "");
        assert_eq!(ask("response_type=token"), "unsupported_response_type");
        assert_eq!(ask("response_type=code+id_token"), "unsupported_response_type");
        assert_eq!(ask(""), "invalid_request");
        assert_eq!(ask("response_type=code&response_mode=fragment"), "invalid_request");
        assert_eq!(ask("response_type=code&registration=%7B%7D"), "registration_not_supported");
    }

    #[test]
    fn prompt_and_max_age_say_how_fresh_the_sign_in_must_be() {
        let ask = |query: &str| {
            let params = Params::read(query.as_bytes());
            let prompt = prompt(&params)?;
            Ok::<_, Error>((!prompt.none, freshness(&params, prompt, NOW)?))
        };
        let ago = |seconds| Some(NOW - Duration::from_secs(seconds));
        assert_eq!(ask(""), Ok((true, None)));
        assert_eq!(ask("prompt=none"), Ok((false, None)));
        assert_eq!(ask("prompt=none&max_age=60"), Ok((false, ago(60))));
        assert_eq!(ask("prompt=login"), Ok((true, ago(0))));
        assert_eq!(ask("prompt=select_account+consent&max_age=60"), Ok((true, ago(0))));
        assert_eq!(ask("prompt=consent"), Ok((true, None)));
        assert_eq!(ask("max_age=0"), Ok((true, ago(0))));
        assert_eq!(ask("max_age=99999999999999999999"), Ok((true, None)));
        let asks = |query: &str| prompt(&Params::read(query.as_bytes())).unwrap().consent;
        assert!(asks("prompt=login+consent") && asks("prompt=consent") && !asks("prompt=login") && !asks(""));
        for query in
            ["prompt=none+login", "prompt=none+consent", "prompt=create", "max_age=-1", "max_age=1.5", "max_age=soon"]
        {
            assert_eq!(code(ask(query)), "invalid_request", "{query}");
        }
    }

    #[test]
    fn scopes_of_other_catalogues_are_ignored() {
        let asked = |query: &str| {
            let catalogue = Catalogue::of_scopes(&["library.ebooks", "library.checkout"]);
            let terms = asked_scopes(&vendor(), &Params::read(query.as_bytes()), &catalogue, NOW)?;
            Ok::<_, Error>((terms.openid, terms.scopes.to_string()))
        };
        let ebooks = "library.ebooks".to_owned();
        assert_eq!(asked("scope=openid+profile+library.ebooks+library.checkout+%22"), Ok((true, ebooks.clone())));
        assert_eq!(asked("scope=library.ebooks"), Ok((false, ebooks)));
        assert_eq!(asked("scope=openid"), Ok((true, String::new())));
        for query in ["", "scope=OpenID", "scope=profile", "scope=library.checkout"] {
            assert_eq!(code(asked(query)), "invalid_scope", "{query}");
        }
    }

    #[test]
    fn a_nonce_longer_than_any_client_makes_is_refused() {
        let long = format!("nonce={}", "n".repeat(LONGEST_NONCE + 1));
        assert_eq!(code(nonce(&Params::read(long.as_bytes()))), "invalid_request");
        assert_eq!(nonce(&Params::read(b"nonce=n")), Ok(Some("n".into())));
    }
}
