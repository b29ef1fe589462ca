//! Vendors that register clients by themselves: what an invitation bounds, at a client's birth and ever after.

use axum::http::Method;
use serde_json::json;

use super::*;
use crate::domain::{
    audit::{AuditEvent, Kind},
    registration::{Bounds, Invitation},
};

const TOKEN: &str = "an-initial-access-token";

fn bounds() -> Bounds {
    Bounds {
        redirects: vec!["https://maple.example/apps/*".parse().unwrap(), CALLBACK.parse().unwrap()],
        grants: vec!["authorization_code".into(), "refresh_token".into()],
        auth_methods: vec!["client_secret_basic".into(), "private_key_jwt".into()],
        ..Bounds::default()
    }
}

impl House {
    async fn invite(&self, token: &str, vendor: &str, bounds: Bounds, uses: u32) -> Invitation {
        let now = self.clock.now();
        let invitation = Invitation {
            id: format!("inv-{token}"),
            vendor: vendor.parse().unwrap(),
            bounds,
            uses,
            uses_left: uses,
            created_at: now,
            expires_at: now + Duration::from_secs(3600),
            withdrawn_at: None,
        };
        let hash = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()));
        self.provider.app().store.registrations().invite(&invitation, &hash, told(now)).await.unwrap();
        invitation
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        let (provider, body) = (State(self.provider.clone()), Bytes::from(body.to_string()));
        let id = || Path(path.rsplit('/').next().unwrap().to_owned());
        let response = match method {
            Method::POST => registration::register(provider, headers, body).await,
            Method::GET => registration::read(provider, id(), headers).await,
            Method::PUT => registration::replace(provider, id(), headers, body).await,
            _ => registration::remove(provider, id(), headers).await,
        };
        (response.status(), super::json(response).await)
    }

    async fn register(&self, token: &str, body: &Value) -> (StatusCode, Value) {
        self.call(Method::POST, "/oidc/register", token, body).await
    }
}

fn told(at: Timestamp) -> AuditEvent {
    AuditEvent { at, kind: Kind::Apply, payload: json!({}) }
}

fn path_of(client: &Value) -> String {
    client["registration_client_uri"].as_str().unwrap().strip_prefix(ISSUER).unwrap().to_owned()
}

#[tokio::test]
async fn an_invited_vendor_registers_a_client_and_a_pupil_clicks_into_it() {
    let house = House::open().await;
    house.invite(TOKEN, "maple", bounds(), 1).await;
    let wanted = json!({ "redirect_uris": [CALLBACK], "client_name": "Maple \u{1f341}", "contacts": ["x@maple.example"],
        "pkce": "optional", "profile": "fapi2", "id_token_claims": true, "offline_access": true, "no-such": { "a": 1 } });
    let (status, client) = house.register(TOKEN, &wanted).await;
    assert_eq!(status, StatusCode::CREATED, "{client}");
    assert_eq!(client["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(client["grant_types"], json!(["authorization_code"]));
    assert_eq!((&client["response_types"], &client["scope"]), (&json!(["code"]), &json!("openid library.ebooks")));
    assert_eq!((&client["client_name"], &client["client_secret_expires_at"]), (&json!("Maple \u{1f341}"), &json!(0)));
    for absent in ["pkce", "profile", "id_token_claims", "offline_access", "no-such", "contacts"] {
        assert!(client.get(absent).is_none(), "{absent} is not the vendor's to say: {client}");
    }
    let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let known = house.provider.client(id).unwrap();
    assert!(known.vendor.as_str() == "maple" && known.pkce_required && !known.id_token_claims && !known.may_stay);

    let (browser, _) = house.sign_in("4417", None).await;
    let code = house.code(&browser, &[("client_id", id)]).await;
    let (status, tokens) = house.token_as(&format!("{id}:{secret}"), &[("code", &code)]).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(house.userinfo(access).await.0, StatusCode::OK);

    let (status, again) = house.register(TOKEN, &wanted).await;
    assert_eq!((status, &again["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_token")), "one use is one use");

    let (path, token) = (path_of(&client), client["registration_access_token"].as_str().unwrap());
    let (status, _) = house.call(Method::DELETE, &path, token, &Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(house.provider.client(id), None);
    assert_eq!(house.userinfo(access).await.0, StatusCode::UNAUTHORIZED, "its grants ended with it");
    let (status, _) = house.call(Method::GET, &path, token, &Value::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn nothing_outside_the_invitation_is_registered() {
    let house = House::open().await;
    house.invite(TOKEN, "maple", bounds(), 1).await;
    let with = |more: Value| {
        let mut body = json!({ "redirect_uris": [CALLBACK] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let uri = |uri: &str| with(json!({ "redirect_uris": [CALLBACK, uri] }));
    for (body, code) in [
        (json!({}), "invalid_redirect_uri"),
        (uri("https://evil.example/callback"), "invalid_redirect_uri"),
        (uri("https://maple.example/other"), "invalid_redirect_uri"),
        (uri("https://maple.example/apps/../evil"), "invalid_redirect_uri"),
        (uri("https://maple.example/apps/a#x"), "invalid_redirect_uri"),
        (uri("http://maple.example/apps/a"), "invalid_redirect_uri"),
        (uri("javascript:alert(1)"), "invalid_redirect_uri"),
        (uri("data:text/html,x"), "invalid_redirect_uri"),
        (uri(""), "invalid_redirect_uri"),
        (with(json!({ "redirect_uris": "https://maple.example/callback" })), "invalid_redirect_uri"),
        (with(json!({ "post_logout_redirect_uris": ["https://evil.example/bye"] })), "invalid_redirect_uri"),
        (with(json!({ "initiate_login_uri": "https://evil.example/login" })), "invalid_client_metadata"),
        (with(json!({ "grant_types": ["authorization_code", "client_credentials"] })), "invalid_client_metadata"),
        (with(json!({ "grant_types": ["implicit"] })), "invalid_client_metadata"),
        (with(json!({ "grant_types": ["refresh_token"] })), "invalid_client_metadata"),
        (with(json!({ "response_types": ["code id_token"] })), "invalid_client_metadata"),
        (with(json!({ "subject_type": "public" })), "invalid_client_metadata"),
        (with(json!({ "scope": "openid library.hotspot" })), "invalid_client_metadata"),
        (with(json!({ "scope": "openid offline_access" })), "invalid_client_metadata"),
        (with(json!({ "token_endpoint_auth_method": "none" })), "invalid_client_metadata"),
        (with(json!({ "token_endpoint_auth_method": "client_secret_jwt" })), "invalid_client_metadata"),
        (with(json!({ "token_endpoint_auth_method": "private_key_jwt" })), "invalid_client_metadata"),
        (with(json!({ "id_token_signed_response_alg": "none" })), "invalid_client_metadata"),
        (with(json!({ "id_token_signed_response_alg": "HS256" })), "invalid_client_metadata"),
        (with(json!({ "id_token_encrypted_response_alg": "RSA-OAEP" })), "invalid_client_metadata"),
        (with(json!({ "jwks_uri": "http://maple.example/jwks" })), "invalid_client_metadata"),
        (with(json!({ "client_name": "a\nb" })), "invalid_client_metadata"),
        (with(json!({ "software_statement": "a.b.c" })), "invalid_software_statement"),
        (json!([]), "invalid_client_metadata"),
    ] {
        let (status, error) = house.register(TOKEN, &body).await;
        assert_eq!((status, &error["error"]), (StatusCode::BAD_REQUEST, &json!(code)), "{body}: {error}");
        let hint = error["error_description"].as_str().unwrap();
        assert!(hint.chars().all(|c| matches!(c, ' '..='~') && c != '"' && c != '\\'), "{hint}");
    }
    let (status, _) = house.register(TOKEN, &uri("https://maple.example/apps/reader")).await;
    assert_eq!(status, StatusCode::CREATED, "what was refused spent nothing");
}

#[tokio::test]
async fn bounds_choose_what_is_left_away() {
    let house = House::open().await;
    let strict = Bounds {
        auth_methods: vec!["client_secret_post".into()],
        grants: vec!["client_credentials".into()],
        algorithms: Some(vec!["ES256".into()]),
        scopes: Some(["library.ebooks".parse().unwrap()].into_iter().collect()),
        ..bounds()
    };
    house.invite(TOKEN, "maple", strict, 2).await;
    let (status, client) = house.register(TOKEN, &json!({ "id_token_signed_response_alg": null })).await;
    assert_eq!(status, StatusCode::CREATED, "{client}");
    assert_eq!(client["token_endpoint_auth_method"], "client_secret_post");
    assert_eq!((&client["id_token_signed_response_alg"], &client["response_types"]), (&json!("ES256"), &json!([])));
    assert_eq!((&client["grant_types"], &client["scope"]), (&json!(["client_credentials"]), &json!("library.ebooks")));
    let (status, _) = house.register(TOKEN, &json!({ "id_token_signed_response_alg": "RS256" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);

    house.invite("staying", "maple", Bounds { offline_access: true, ..bounds() }, 1).await;
    let wanted = json!({ "redirect_uris": [CALLBACK], "scope": "openid offline_access",
        "grant_types": ["authorization_code", "refresh_token"] });
    let (status, client) = house.register("staying", &wanted).await;
    assert_eq!((status, &client["scope"]), (StatusCode::CREATED, &json!("openid library.ebooks offline_access")));
    assert!(house.provider.client(client["client_id"].as_str().unwrap()).unwrap().may_stay);
}

#[tokio::test]
async fn a_client_brings_its_own_keys_and_does_not_say_how_it_comes_by_ours() {
    let house = House::open().await;
    house.invite(TOKEN, "maple", Bounds { algorithms: Some(vec!["ES256".into()]), ..bounds() }, 9).await;
    let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "k",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM" }] });
    let by_key = |more: Value| {
        let mut body = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for wrong in [
        json!({ "jwks": keys }),
        json!({ "token_endpoint_auth_signing_alg": "ES256" }),
        json!({ "token_endpoint_auth_signing_alg": "RS256", "jwks": keys }),
        json!({ "token_endpoint_auth_signing_alg": "ES256", "jwks": "pinned" }),
        json!({ "token_endpoint_auth_signing_alg": "ES256", "jwks": keys, "jwks_uri": "https://maple.example/jwks" }),
    ] {
        let (status, error) = house.register(TOKEN, &by_key(wrong.clone())).await;
        assert_eq!((status, &error["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_client_metadata")), "{wrong}");
    }
    let good = by_key(json!({ "token_endpoint_auth_signing_alg": "ES256", "jwks": keys }));
    let (status, client) = house.register(TOKEN, &good).await;
    assert_eq!((status, &client["jwks"]), (StatusCode::CREATED, &keys), "{client}");
    assert!(client.get("client_secret").is_none() && client.get("client_secret_expires_at").is_none());
}

#[tokio::test]
async fn a_client_stays_within_its_invitation_and_belongs_to_whoever_holds_its_token() {
    let house = House::open().await;
    house.invite(TOKEN, "maple", bounds(), 2).await;
    let wanted = json!({ "redirect_uris": [CALLBACK] });
    let (_, mine) = house.register(TOKEN, &wanted).await;
    let (_, other) = house.register(TOKEN, &wanted).await;
    let token = |client: &Value| client["registration_access_token"].as_str().unwrap().to_owned();
    let path = path_of(&mine);
    for stranger in
        [token(&other), TOKEN.to_owned(), "x".to_owned(), mine["client_secret"].as_str().unwrap().to_owned()]
    {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let (status, error) = house.call(method, &path, &stranger, &wanted).await;
            assert_eq!((status, &error["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_token")));
        }
    }
    let unknown = house.call(Method::GET, "/oidc/register/maple-web", &token(&mine), &Value::Null).await;
    assert_eq!(unknown.0, StatusCode::UNAUTHORIZED, "a declared client is not managed here");

    let put = async |more: Value| {
        let mut body = json!({ "client_id": mine["client_id"], "redirect_uris": [CALLBACK] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        house.call(Method::PUT, &path, &token(&mine), &body).await
    };
    for wider in [
        json!({ "client_id": other["client_id"] }),
        json!({ "client_id": null }),
        json!({ "client_secret": "another-secret" }),
        json!({ "grant_types": ["authorization_code", "client_credentials"] }),
        json!({ "redirect_uris": ["https://evil.example/"] }),
        json!({ "scope": "library.hotspot" }),
        json!({ "token_endpoint_auth_method": "none" }),
    ] {
        let (status, error) = put(wider.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wider}: {error}");
    }
    let (status, shown) = house.call(Method::GET, &path, &token(&mine), &Value::Null).await;
    assert_eq!((status, &shown["redirect_uris"]), (StatusCode::OK, &json!([CALLBACK])));
    assert!(shown.get("client_secret").is_none() && shown["registration_access_token"] == token(&mine));

    let new = "https://maple.example/apps/new";
    let (status, changed) = put(json!({ "redirect_uris": [new], "client_secret": mine["client_secret"],
        "profile": "fapi2", "pkce": "optional", "bounds": {} }))
    .await;
    assert_eq!((status, &changed["redirect_uris"]), (StatusCode::OK, &json!([new])), "{changed}");
    assert!(changed.get("client_secret").is_none(), "it keeps the one it has");
    let client = house.provider.client(mine["client_id"].as_str().unwrap()).unwrap();
    assert!(client.redirect_uris == [new] && client.pkce_required);
}

#[tokio::test]
async fn an_invitation_ends_by_time_by_withdrawal_and_with_its_vendor() {
    let house = House::open().await;
    let store = house.provider.app().store.registrations();
    let wanted = json!({ "redirect_uris": [CALLBACK] });
    house.invite("timed", "maple", bounds(), 1).await;
    let withdrawn = house.invite("withdrawn", "maple", bounds(), 1).await;
    assert!(store.withdraw(&withdrawn.id, house.clock.now(), told(house.clock.now())).await.unwrap());
    house.clock.advance(Duration::from_secs(3600));
    house.invite("orphan", "nobody", bounds(), 1).await;
    for token in ["timed", "withdrawn", "orphan", "never-issued"] {
        let (status, error) = house.register(token, &wanted).await;
        assert_eq!((status, &error["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_token")), "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_who_register_at_once_by_one_use_one_gets_a_client() {
    let house = Arc::new(House::open().await);
    house.invite(TOKEN, "maple", bounds(), 1).await;
    let tries: Vec<_> = (0..64)
        .map(|_| {
            let house = house.clone();
            tokio::spawn(async move { house.register(TOKEN, &json!({ "redirect_uris": [CALLBACK] })).await.0 })
        })
        .collect();
    let mut born = 0;
    for one in tries {
        born += usize::from(one.await.unwrap() == StatusCode::CREATED);
    }
    let clients = house.provider.app().store.catalogue().load().await.unwrap();
    let registered = clients.vendors["maple"].relying_parties.iter().filter(|party| party.registered.is_some()).count();
    assert_eq!((born, registered), (1, 1));
}
