//! The corpus of bad tokens, against our own door and against the API of every recipe in `docs/integrate/`.

mod corpus;
mod keys;
mod pretender;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::{
    corpus::{Bad, Known},
    pretender::Pretender,
};
use crate::{actors::*, promise};

promise! { shared, async fn no_bad_token_opens_userinfo(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let patron = library.patron("district_grade_7");
    let tokens = vendor.click(library, &Browser::new(), &patron, &["openid", "library.ebooks"]).await;
    let jwks = json_of(&vendor.endpoint("jwks_uri")).await;
    let evil = Pretender::start().await;
    let known = Known { good: &tokens.access_token, jwks: &jwks, evil_keys: &evil.keys_url(), trusted: None };
    let mut bad = known.bad_tokens();
    bad.push(Bad { name: "the ID token".into(), token: tokens.id_token.clone() });
    many(&bad);
    let browser = Browser::new();
    let door = url::Url::parse(&vendor.endpoint("userinfo_endpoint")).unwrap();
    for Bad { name, token } in &bad {
        let answer = browser.post(&door, &[("access_token".into(), token.clone())]).await;
        assert!([400, 401].contains(&answer.status.as_u16()), "{name}: {} {}", answer.status, answer.body);
        let said = introspected(&vendor, token).await;
        assert!(said["error"] == "invalid_request" || said == json!({ "active": false }), "{name}: {said}");
        if fits_a_header(token) {
            let (status, said) = vendor.userinfo(token).await;
            assert!([400, 401, 431].contains(&status), "{name}, in the header: {status} {said}");
        }
    }
    assert_eq!(evil.visits(), 0, "nobody reads keys where a token says so");
    assert_eq!(vendor.userinfo(&tokens.access_token).await.0, 200, "and the good one is still good");
    assert_eq!(introspected(&vendor, &tokens.access_token).await["active"], true);
}}

promise! { shared, async fn no_bad_token_passes_apache(library) {
    let Some(apache) = Openidc::start(library).await else { return };
    let vendor = OidcVendor::of(library, apache.party.clone()).await;
    let patron = library.patron("district_grade_7");
    let tokens = vendor.click(library, &Browser::new(), &patron, &["openid", "library.ebooks"]).await;
    let jwks = json_of(&vendor.endpoint("jwks_uri")).await;
    let evil = Pretender::start().await;
    let known = Known { good: &tokens.access_token, jwks: &jwks, evil_keys: &evil.keys_url(), trusted: None };
    assert_eq!(apache.api(&tokens.access_token).await.status, 200);
    for Bad { name, token } in known.bad_tokens().iter().filter(|bad| fits_a_header(&bad.token)) {
        let answer = apache.api(token).await;
        assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{name}: {}", answer.body);
    }
    assert_eq!(evil.visits(), 0, "nobody reads keys where a token says so");
}}

/// What libraries take although they should not, and which helps no forger: another spelling of the very same token, or
/// bytes that only the library itself could have signed, and never does.
const LENIENT: &[&str] = &[
    "OpenidClient: a padded signature",
    "Oauth4webapi: a padded signature",
    "Pyjwt: a padded signature",
    "SpringSecurity: a padded signature",
    "GoOidc: a blank inside",
    "GoOidc: a line break inside",
    "Authlib: claims in UTF-16",
    "Pyjwt: claims in UTF-16",
    "Oauth4webapi: claims that are no UTF-8",
    "GoOidc: claims that are no UTF-8",
    "SpringSecurity: claims that are no UTF-8",
    "Openidconnect: claims that are no UTF-8",
    "SpringSecurity: claim iss: the scheme in capitals",
];

/// A pretended library whose keys the test holds, so that each bad token has nothing wrong but the one thing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_recipe_believes_a_bad_token() {
    let library = Pretender::start().await;
    let good = library.access_token();
    let jwks = library.jwks();
    let evil = Pretender::start().await;
    let known = Known { good: &good, jwks: &jwks, evil_keys: &evil.keys_url(), trusted: Some(library.trusted()) };
    let mut bad = known.bad_tokens();
    bad.push(Bad { name: "an ID token".into(), token: library.id_token() });
    many(&bad);
    let mut tried = 0;
    let mut believed = BTreeSet::new();
    for stock in Stock::ALL {
        let Some(mut client) = library.client(stock) else { continue };
        tried += 1;
        let claims = client.believe(&good).await.unwrap_or_else(|why| panic!("the good one: {why}"));
        assert_eq!(claims["sub"], "reader");
        for Bad { name, token } in &bad {
            if client.believe(token).await.is_ok() {
                believed.insert(format!("{stock:?}: {name}"));
            }
        }
        client.believe(&good).await.unwrap_or_else(|why| panic!("the good one, again: {why}"));
    }
    let lenient: BTreeSet<String> = LENIENT.iter().map(|line| (*line).to_owned()).collect();
    let dangerous: Vec<&String> = believed.difference(&lenient).collect();
    assert!(dangerous.is_empty(), "believed: {dangerous:#?}");
    assert!(tried < Stock::ALL.len() || believed == lenient, "no longer believed: mend the list, and rejoice");
    assert_eq!(evil.visits(), 0, "nobody reads keys where a token says so");
}

async fn introspected(vendor: &OidcVendor, token: &str) -> Value {
    let secret = vendor.party.client_secret.as_deref();
    let request =
        reqwest::Client::builder().no_proxy().build().unwrap().post(vendor.endpoint("introspection_endpoint"));
    let answer = request.basic_auth(&vendor.party.client_id, secret).form(&[("token", token)]).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

fn fits_a_header(token: &str) -> bool {
    reqwest::header::HeaderValue::from_str(&format!("Bearer {token}")).is_ok()
}

fn many(bad: &[Bad]) {
    let names: BTreeSet<&str> = bad.iter().map(|b| b.name.as_str()).collect();
    assert!(names.len() >= 60, "{} bad tokens", names.len());
    println!("{} bad tokens", names.len());
}
