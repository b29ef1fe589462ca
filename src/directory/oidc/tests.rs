//! What is believed of claims, told without a provider.

use serde_json::{Map, Value, json};

use super::{begin::Kept, claims::Claims, settings::Settings};
use crate::{
    directory::redirect::Turned,
    domain::{catalogue::SourceSettings, clock::Timestamp, lookup::LookupField},
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn source(more: Value) -> SourceSettings {
    let mut settings = json!({
        "issuer": "https://accounts.school.example", "client_id": "library", "client_secret_file": "/secrets/school",
        "name": "Example Schools", "roster": "cms", "match_claim": "preferred_username", "match_field": "username",
        "scopes": ["openid"], "algorithms": ["RS256", "ES256"],
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    SourceSettings {
        id: "school".parse().unwrap(),
        kind: "oidc".into(),
        timetable: Default::default(),
        yields_to: Vec::new(),
        alert_url: None,
        settings,
    }
}

fn settings(more: Value) -> Settings {
    Settings::read(&source(more)).unwrap_or_else(|misfit| panic!("{misfit}"))
}

fn kept() -> Kept {
    Kept {
        issuer: "https://accounts.school.example".into(),
        client_id: "library".into(),
        nonce: "n".into(),
        verifier: "v".into(),
        asked_at: NOW,
        fresh_after: None,
    }
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn a_token_holds_from_the_question_to_its_end_and_clocks_may_differ_a_little() {
    let seconds = NOW.seconds();
    for (issued, expires, good) in [
        (0, 300, true),
        (-59, 300, true),
        (59, 300, true),
        (0, -59, true),
        (0, -60, false),
        (61, 300, false),
        (-61, 300, false),
    ] {
        let claims = map(json!({ "iat": seconds + issued, "exp": seconds + expires }));
        assert_eq!(Claims::new(&claims).check_times(&kept(), NOW).is_ok(), good, "{issued} {expires}");
    }
    for broken in [json!({ "iat": seconds }), json!({ "exp": seconds }), json!({ "iat": "x", "exp": -1 })] {
        assert!(Claims::new(&map(broken)).check_times(&kept(), NOW).is_err());
    }
}

#[test]
fn who_it_is_for_is_this_client() {
    for (party, good) in [(json!({}), true), (json!({ "azp": "library" }), true), (json!({ "azp": "other" }), false)] {
        assert_eq!(Claims::new(&map(party)).check_party("library").is_ok(), good);
    }
}

#[test]
fn tenancy_is_exact_and_numbers_are_words() {
    let school = settings(json!({ "hosted_domain": "school.example", "claims": { "TenantId": "42" } }));
    let shown = |more: Value| {
        let mut claims = map(json!({ "sub": "s", "preferred_username": "mira" }));
        claims.extend(map(more));
        Claims::new(&claims).shown(&school)
    };
    assert_eq!(shown(json!({ "hd": "school.example", "TenantId": 42 })).unwrap().value, "mira");
    for more in [
        json!({ "TenantId": 42 }),
        json!({ "hd": "School.example", "TenantId": 42 }),
        json!({ "hd": "school.example", "TenantId": 421 }),
        json!({ "hd": ["school.example"], "TenantId": 42 }),
    ] {
        assert!(matches!(shown(more.clone()), Err(Turned::WrongTenant(_))), "{more}");
    }
}

#[test]
fn an_address_counts_when_it_is_verified_or_trusted() {
    let claims = |verified: Value| map(json!({ "sub": "s", "email": "m@school.example", "email_verified": verified }));
    let by_email = json!({ "match_claim": "email", "match_field": "email" });
    let strict = settings(by_email.clone());
    assert_eq!(strict.portal.field, LookupField::Email);
    for (verified, good) in
        [(json!(true), true), (json!("true"), true), (json!(false), false), (json!("yes"), false), (json!(null), false)]
    {
        assert_eq!(Claims::new(&claims(verified)).shown(&strict).is_ok(), good);
    }
    let mut trusting = by_email;
    trusting["trust_email"] = true.into();
    assert!(Claims::new(&claims(json!(false))).shown(&settings(trusting)).is_ok());
}

#[test]
fn a_password_is_said_of_a_sign_in_only_where_that_is_known() {
    let by = |acr: &str, more: Value| {
        let mut claims = map(json!({ "sub": "s", "preferred_username": "mira" }));
        claims.extend(map(more));
        Claims::new(&claims).shown(&settings(json!({ "acr": acr }))).unwrap().by_password
    };
    assert!(!by("none", json!({ "amr": ["pwd"] })));
    assert!(by("password", json!({})));
    assert!(!by("mapped", json!({})) && !by("mapped", json!({ "amr": ["badge"], "acr": "0" })));
    assert!(by("mapped", json!({ "amr": ["mfa"] })));
    let class = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    assert!(by("mapped", json!({ "acr": class })));
}

#[test]
fn the_same_subject_of_another_issuer_is_somebody_else() {
    let claims = map(json!({ "sub": "s", "preferred_username": "mira" }));
    let of = |issuer: &str| Claims::new(&claims).shown(&settings(json!({ "issuer": issuer }))).unwrap().subject;
    assert_ne!(of("https://a.example"), of("https://b.example"));
}
