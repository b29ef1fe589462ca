//! A relying party as this protocol sees it: its settings, read once for each state of the catalogue.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use serde::Deserialize;
use serde_json::Value;

use super::{
    NAME,
    client_assertion::{self, Audience},
    client_keys::Keys,
    redirect,
};
use crate::{
    domain::{
        catalogue::Catalogue,
        id::VendorId,
        key::Reader,
        scope::Scopes,
        vendor::{RelyingParty, Vendor},
    },
    keyring::Algorithm,
    protocols::Misfit,
    wire::jose::PublicJwks,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    pub id: String,
    pub vendor: VendorId,
    pub issuer: String,
    pub grants: Vec<GrantType>,
    /// What the client renews may outlive the reader's session.
    pub may_stay: bool,
    /// What the vendor may ask for.
    pub scopes: Scopes,
    pub auth: Auth,
    pub profile: Profile,
    /// Its own, for assertions and request objects.
    pub keys: Keys,
    /// It sends its requests by itself, and browsers carry their names (RFC 9126).
    pub pushes: bool,
    /// It signs its requests (RFC 9101).
    pub signed_requests: bool,
    /// Its access tokens are bound to a key of its (RFC 9449).
    pub bound_tokens: bool,
    pub redirect_uris: Vec<String>,
    pub native: bool,
    pub pkce_required: bool,
    pub id_token_alg: Algorithm,
    pub access_token_alg: Algorithm,
    /// Userinfo answers are signed with it; absent: plain JSON.
    pub userinfo_alg: Option<Algorithm>,
    /// How it comes by our keys, and so which of them signs for it.
    pub reader: Reader,
    /// The audience of access tokens.
    pub resource: String,
    pub post_logout_redirect_uris: Vec<String>,
    /// It reads nothing but ID tokens: standard claims that scopes ask for go there, too.
    pub id_token_claims: bool,
    pub backchannel_logout_uri: Option<String>,
    pub frontchannel_logout_uri: Option<String>,
}

/// RFC 7591 section 2, `grant_types`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GrantType {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
    /// RFC 8628.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
}

impl GrantType {
    pub const ALL: [GrantType; 4] =
        [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials, GrantType::DeviceCode];

    pub fn as_str(self) -> &'static str {
        match self {
            GrantType::AuthorizationCode => "authorization_code",
            GrantType::RefreshToken => "refresh_token",
            GrantType::ClientCredentials => "client_credentials",
            GrantType::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }

    pub fn named(name: &str) -> Option<GrantType> {
        GrantType::ALL.into_iter().find(|grant| grant.as_str() == name)
    }
}

/// How a client proves itself at the token endpoint; secrets as SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auth {
    Basic([u8; 32]),
    Post([u8; 32]),
    /// Where `algorithm` is absent, any of the profile's.
    PrivateKeyJwt {
        algorithm: Option<Algorithm>,
        audience: Audience,
    },
    /// A public client: PKCE is all there is.
    None,
}

/// What a client is held to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Profile {
    #[default]
    Standard,
    /// FAPI 2.0 Security Profile.
    Fapi2,
}

impl Profile {
    /// Signatures that the client may make.
    pub fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Profile::Standard => client_assertion::ALGORITHMS,
            Profile::Fapi2 => client_assertion::FAPI_ALGORITHMS,
        }
    }
}

/// As they are kept; defaults are those of `settings::FIELDS`.
#[derive(Deserialize)]
struct Settings {
    #[serde(default, alias = "client_secret")]
    client_secret_sha256: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default = "code_alone")]
    grant_types: Vec<GrantType>,
    #[serde(default)]
    offline_access: bool,
    #[serde(default)]
    token_endpoint_auth_method: Method,
    #[serde(default)]
    token_endpoint_auth_signing_alg: Option<Algorithm>,
    #[serde(default)]
    assertion_audience: Audience,
    #[serde(default)]
    client_jwks: Option<Value>,
    #[serde(default)]
    jwks_uri: Option<String>,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    #[serde(default)]
    require_signed_request_object: bool,
    #[serde(default)]
    dpop_bound_access_tokens: bool,
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    application_type: ApplicationType,
    #[serde(default)]
    pkce: Pkce,
    #[serde(default)]
    id_token_signed_response_alg: Option<Algorithm>,
    #[serde(default)]
    access_token_signing_alg: Option<Algorithm>,
    #[serde(default)]
    userinfo_signed_response_alg: Option<Algorithm>,
    #[serde(default)]
    jwks: Option<String>,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    #[serde(default)]
    id_token_claims: bool,
    /// Of a client that its vendor registered, where that has less than the vendor.
    #[serde(default)]
    scopes: Option<Scopes>,
    // Whether the client needs `sid` there does not matter: it always gets it.
    #[serde(default)]
    backchannel_logout_uri: Option<String>,
    #[serde(default)]
    frontchannel_logout_uri: Option<String>,
}

fn code_alone() -> Vec<GrantType> {
    vec![GrantType::AuthorizationCode]
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    #[default]
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
    None,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ApplicationType {
    #[default]
    Web,
    Native,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pkce {
    #[default]
    Required,
    Optional,
}

impl Client {
    /// # Errors
    /// The setting that does not fit, and why.
    pub fn read(vendor: &Vendor, party: &RelyingParty, issuer: &str) -> Result<Client, Misfit> {
        let misfit = |field, why: &str| Misfit { field, why: why.to_owned() };
        let settings = Settings::deserialize(&party.settings)
            .map_err(|e| Misfit { field: "settings", why: format!("cannot be read: {e}") })?;
        let secret = match &settings.client_secret_sha256 {
            Some(hash) => {
                let mut bytes = [0; 32];
                hex::decode_to_slice(hash, &mut bytes)
                    .map_err(|_| misfit("client_secret", "is not kept as a SHA-256"))?;
                Some(bytes)
            }
            None => None,
        };
        let keys = keys(settings.client_jwks.as_ref(), settings.jwks_uri)?;
        let auth = match (settings.token_endpoint_auth_method, secret) {
            (Method::ClientSecretBasic, Some(hash)) => Auth::Basic(hash),
            (Method::ClientSecretPost, Some(hash)) => Auth::Post(hash),
            (Method::None, None) => Auth::None,
            (Method::PrivateKeyJwt, None) if keys == Keys::None => {
                return Err(misfit("jwks", "is missing: private_key_jwt needs the client's public keys, or jwks_uri"));
            }
            (Method::PrivateKeyJwt, None) => Auth::PrivateKeyJwt {
                algorithm: settings.token_endpoint_auth_signing_alg,
                audience: settings.assertion_audience,
            },
            (Method::PrivateKeyJwt, Some(_)) => {
                return Err(misfit("client_secret", "is given, but token_endpoint_auth_method is private_key_jwt"));
            }
            (Method::None, Some(_)) => {
                return Err(misfit("client_secret", "is given, but token_endpoint_auth_method is none"));
            }
            (_, None) => {
                return Err(misfit(
                    "client_secret",
                    "is missing; without one, token_endpoint_auth_method must be none",
                ));
            }
        };
        let reader = match &settings.jwks {
            Some(text) => text.parse().map_err(|why| Misfit { field: "jwks", why })?,
            None => Reader::Normal,
        };
        let pkce_required = settings.pkce == Pkce::Required;
        if auth == Auth::None && !pkce_required {
            return Err(misfit("pkce", "must be required for a client without a secret"));
        }
        for (field, uris) in [
            ("redirect_uris", &settings.redirect_uris),
            ("post_logout_redirect_uris", &settings.post_logout_redirect_uris),
        ] {
            if let Some(bad) = uris.iter().find(|uri| !redirect::may_be_registered(uri)) {
                return Err(Misfit {
                    field,
                    why: format!("holds {bad:?}: no absolute URI of visible ASCII without #"),
                });
            }
        }
        let grants = settings.grant_types;
        let by_browser = grants.contains(&GrantType::AuthorizationCode);
        if by_browser && settings.redirect_uris.is_empty() {
            return Err(misfit("redirect_uris", "must not be empty"));
        }
        let by_device = grants.contains(&GrantType::DeviceCode);
        if grants.contains(&GrantType::RefreshToken) && !by_browser && !by_device {
            return Err(misfit("grant_types", "holds refresh_token, but nothing that could be renewed"));
        }
        if grants.contains(&GrantType::ClientCredentials) && auth == Auth::None {
            return Err(misfit("grant_types", "holds client_credentials, but the client has no credentials"));
        }
        if settings.require_signed_request_object && keys == Keys::None {
            return Err(misfit("jwks", "is missing: require_signed_request_object needs the client's public keys"));
        }
        if settings.offline_access && !grants.contains(&GrantType::RefreshToken) {
            return Err(misfit("offline_access", "needs refresh_token among grant_types"));
        }
        let fapi = settings.profile == Profile::Fapi2;
        let id_token_alg =
            settings.id_token_signed_response_alg.unwrap_or(if fapi { Algorithm::Es256 } else { Algorithm::Rs256 });
        let access_token_alg = settings.access_token_signing_alg.unwrap_or(Algorithm::Es256);
        if fapi && by_device {
            return Err(misfit("grant_types", "must not hold device_code, because profile is fapi2"));
        }
        if fapi {
            demanded_by_fapi2(auth, pkce_required, &settings.redirect_uris, [id_token_alg, access_token_alg])?;
        }
        if let Some(uri) = &settings.frontchannel_logout_uri
            && !settings.redirect_uris.iter().any(|redirect| redirect::same_origin(redirect, uri))
        {
            let why = "must have the scheme, host and port of one of redirect_uris";
            return Err(misfit("frontchannel_logout_uri", why));
        }
        Ok(Client {
            id: party.key.clone(),
            vendor: vendor.id.clone(),
            issuer: issuer.to_owned(),
            grants,
            may_stay: settings.offline_access,
            scopes: settings.scopes.map_or_else(|| vendor.scopes.clone(), |own| vendor.scopes.intersection(&own)),
            auth,
            profile: settings.profile,
            keys,
            pushes: fapi || settings.require_pushed_authorization_requests,
            signed_requests: settings.require_signed_request_object,
            bound_tokens: fapi || settings.dpop_bound_access_tokens,
            redirect_uris: settings.redirect_uris,
            native: settings.application_type == ApplicationType::Native,
            pkce_required,
            id_token_alg,
            access_token_alg,
            userinfo_alg: settings.userinfo_signed_response_alg,
            reader,
            resource: settings.resource.unwrap_or_else(|| format!("{issuer}/vendors/{}", vendor.id)),
            post_logout_redirect_uris: settings.post_logout_redirect_uris,
            id_token_claims: settings.id_token_claims,
            backchannel_logout_uri: settings.backchannel_logout_uri,
            frontchannel_logout_uri: settings.frontchannel_logout_uri,
        })
    }
}

/// FAPI 2.0 Security Profile sections 5.3 and 5.4: what it forbids is refused when it is declared, not when it is used.
fn demanded_by_fapi2(
    auth: Auth,
    pkce_required: bool,
    redirect_uris: &[String],
    signed_with: [Algorithm; 2],
) -> Result<(), Misfit> {
    let misfit = |field, why: &str| Err(Misfit { field, why: format!("{why}, because profile is fapi2") });
    let Auth::PrivateKeyJwt { algorithm, audience } = auth else {
        return misfit("token_endpoint_auth_method", "must be private_key_jwt");
    };
    if audience != Audience::Issuer {
        return misfit("assertion_audience", "must be issuer");
    }
    if !pkce_required {
        return misfit("pkce", "must be required");
    }
    if algorithm.is_some_and(|one| !client_assertion::FAPI_ALGORITHMS.contains(&one)) {
        return misfit("token_endpoint_auth_signing_alg", "must be PS256, ES256 or EdDSA");
    }
    if signed_with.iter().any(|one| !client_assertion::FAPI_ALGORITHMS.contains(one)) {
        return misfit("id_token_signed_response_alg", "and access_token_signing_alg must be PS256, ES256 or EdDSA");
    }
    if redirect_uris.iter().any(|uri| !uri.starts_with("https://") && !redirect::is_loopback(uri)) {
        return misfit("redirect_uris", "must be https");
    }
    Ok(())
}

fn keys(here: Option<&Value>, at: Option<String>) -> Result<Keys, Misfit> {
    match (here, at) {
        (Some(_), Some(_)) => Err(Misfit { field: "jwks_uri", why: "is given, and jwks as well: give one".into() }),
        (Some(set), None) => match PublicJwks::read(set) {
            Ok(keys) => Ok(Keys::Here(Arc::new(keys))),
            Err(bad) => Err(Misfit { field: "jwks", why: format!("cannot be used: {bad}") }),
        },
        (None, Some(uri)) => Ok(Keys::At(uri)),
        (None, None) => Ok(Keys::None),
    }
}

/// Every client of one state of the catalogue.
struct Snapshot {
    of: Arc<Catalogue>,
    clients: HashMap<String, Arc<Client>>,
}

/// The clients of the present catalogue: read when it changes, not when a click comes.
pub(super) struct Clients {
    issuer: String,
    now: RwLock<Option<Arc<Snapshot>>>,
}

impl Clients {
    pub fn new(issuer: &str) -> Clients {
        Clients { issuer: issuer.to_owned(), now: RwLock::default() }
    }

    /// `None` where the catalogue has no such client. One whose settings cannot be read is none either.
    pub fn find(&self, catalogue: &Arc<Catalogue>, id: &str) -> Option<Arc<Client>> {
        let kept = self.now.read().unwrap_or_else(|e| e.into_inner()).clone();
        let snapshot = match kept {
            Some(snapshot) if Arc::ptr_eq(&snapshot.of, catalogue) => snapshot,
            _ => {
                let fresh = Arc::new(self.read(catalogue));
                *self.now.write().unwrap_or_else(|e| e.into_inner()) = Some(fresh.clone());
                fresh
            }
        };
        snapshot.clients.get(id).cloned()
    }

    fn read(&self, catalogue: &Arc<Catalogue>) -> Snapshot {
        let mut clients = HashMap::new();
        for vendor in catalogue.vendors.values() {
            for party in vendor.relying_parties.iter().filter(|party| party.protocol == NAME) {
                match Client::read(vendor, party, &self.issuer) {
                    Ok(client) => drop(clients.insert(party.key.clone(), Arc::new(client))),
                    Err(misfit) => tracing::error!(client_id = party.key, %misfit, "client left out"),
                }
            }
        }
        Snapshot { of: catalogue.clone(), clients }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::{grade::AudienceBand, id::VendorUid};
    use serde_json::json;

    pub fn vendor(settings: Value) -> Vendor {
        Vendor {
            id: "maple".parse().unwrap(),
            uid: VendorUid(uuid::Uuid::from_u128(1)),
            name: "Maple Books".into(),
            description: None,
            shelf: Default::default(),
            audience: vec![AudienceBand::Juvenile],
            scopes: ["library.ebooks".parse().unwrap()].into_iter().collect(),
            release: Vec::new(),
            launch_url: None,
            disabled: false,
            relying_parties: vec![RelyingParty {
                protocol: NAME.into(),
                key: "maple-web".into(),
                settings,
                registered: None,
                published: None,
            }],
        }
    }

    pub fn client(settings: Value) -> Result<Client, Misfit> {
        let vendor = vendor(settings);
        Client::read(&vendor, &vendor.relying_parties[0], "https://access.library.example")
    }

    fn hash() -> String {
        "ab".repeat(32)
    }

    #[test]
    fn what_the_operator_leaves_away_is_what_the_standard_says() {
        let client =
            client(json!({ "client_secret_sha256": hash(), "redirect_uris": ["https://maple.example/cb"] })).unwrap();
        assert_eq!(client.auth, Auth::Basic([0xab; 32]));
        assert_eq!((client.id_token_alg, client.access_token_alg), (Algorithm::Rs256, Algorithm::Es256));
        assert_eq!(client.resource, "https://access.library.example/vendors/maple");
        assert!(client.pkce_required && !client.native);
    }

    #[test]
    fn settings_that_do_not_fit_together_are_refused_by_name() {
        let uris = json!(["https://maple.example/cb"]);
        for (settings, field) in [
            (json!({ "redirect_uris": uris }), "client_secret"),
            (json!({ "redirect_uris": uris, "client_secret_sha256": "plain" }), "client_secret"),
            (
                json!({ "redirect_uris": uris, "client_secret_sha256": hash(), "token_endpoint_auth_method": "none" }),
                "client_secret",
            ),
            (json!({ "redirect_uris": uris, "token_endpoint_auth_method": "none", "pkce": "optional" }), "pkce"),
            (json!({ "redirect_uris": [], "client_secret_sha256": hash() }), "redirect_uris"),
            (json!({ "redirect_uris": ["https://a.example/#x"], "client_secret_sha256": hash() }), "redirect_uris"),
            (json!({ "redirect_uris": ["/cb"], "client_secret_sha256": hash() }), "redirect_uris"),
            (
                json!({ "redirect_uris": uris, "client_secret_sha256": hash(), "post_logout_redirect_uris": ["x"] }),
                "post_logout_redirect_uris",
            ),
            (json!({ "redirect_uris": uris, "client_secret_sha256": hash(), "pkce": "plain" }), "settings"),
        ] {
            assert_eq!(client(settings.clone()).unwrap_err().field, field, "{settings}");
        }
    }

    #[test]
    fn a_changed_catalogue_is_seen_at_once_and_an_unchanged_one_is_not_read_again() {
        let catalogue = |uri: &str| {
            let vendor = vendor(json!({ "client_secret_sha256": hash(), "redirect_uris": [uri] }));
            let mut catalogue = Catalogue::default();
            catalogue.vendors.insert(vendor.id.clone(), vendor);
            Arc::new(catalogue.indexed())
        };
        let (old, new) = (catalogue("https://a.example/"), catalogue("https://b.example/"));
        let clients = Clients::new("https://access.library.example");
        let first = clients.find(&old, "maple-web").unwrap();
        assert!(Arc::ptr_eq(&first, &clients.find(&old, "maple-web").unwrap()));
        assert_eq!(clients.find(&new, "maple-web").unwrap().redirect_uris, ["https://b.example/"]);
        assert_eq!(clients.find(&new, "other"), None);
    }
}
