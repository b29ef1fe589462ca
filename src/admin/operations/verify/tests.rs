//! What no token from outside can show: those that we signed, and that are worth nothing all the same.

use std::time::Duration;

use super::*;
use crate::{
    admin::operations::apply,
    compose, config,
    domain::{
        clock::Clock,
        field::{Field, Kind as FieldKind},
        key::Reader,
    },
    keyring::Algorithm,
};

const NOW: Timestamp = Timestamp(1_790_856_000_000);

const OIDC: &[Field] = &[Field { name: "client_id", kind: FieldKind::Text, required: true, default: "", help: "" }];

const HOUSE: &str = r#"
issuer = "https://access.library.example"
database = "sqlite:house.db"
key_encryption_key_file = "kek"
[library]
name = "Quillwater Library"
time_zone = "America/New_York"
scope_domain = "quillwater.example"
[[scope]]
name = "library.ebooks"
[[vendor]]
id = "maple"
name = "Maple Books"
audience = ["adult"]
scopes = ["library.ebooks"]
[[vendor.oidc]]
client_id = "maple-web"
"#;

#[tokio::test]
async fn what_we_signed_is_judged_by_its_words_and_the_time() {
    let folder = std::env::temp_dir().join(format!("oneaccess-verify-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("house.toml");
    std::fs::write(&file, HOUSE).unwrap();
    let read =
        config::load(&file, crate::config::Kinds { protocols: &[("oidc", OIDC)], sources: &[] }, &Catalogue::default())
            .unwrap();
    let clock = Clock::standing_at(NOW);
    let desk = compose::desk(read.settings.unwrap(), clock.clone()).await.unwrap();
    apply::apply(desk.hand(), read.declared, apply::Options::default(), "test").await.unwrap();

    let good = json!({ "iss": desk.config.issuer, "sub": "maple-web", "aud": ["x"], "client_id": "maple-web",
                       "jti": "client.abc", "iat": NOW.seconds(), "exp": NOW.seconds() + 300 });
    let but = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let signed = |typ: &str, claims: &Value| {
        desk.keyring.sign(Algorithm::Es256, Reader::Normal, clock.now(), typ, claims).unwrap()
    };
    let elsewhere = json!("https://elsewhere.example");
    for (code, typ, claims) in [
        (None, "at+jwt", good.clone()),
        (Some("wrong-issuer"), "at+jwt", but("iss", elsewhere)),
        (Some("expired"), "at+jwt", but("exp", json!(NOW.seconds()))),
        (Some("not-yet"), "at+jwt", but("iat", json!(NOW.seconds() + 61))),
        (Some("not-yet"), "at+jwt", but("nbf", json!(NOW.seconds() + 61))),
        (Some("unknown-type"), "something+jwt", good.clone()),
        (Some("unknown-client"), "at+jwt", but("client_id", json!("gone"))),
        (Some("unknown-grant"), "at+jwt", but("jti", json!(format!("{}.abc", GrantId::new())))),
        (Some("malformed"), "at+jwt", but("exp", Value::Null)),
    ] {
        let verdict = verify(&desk, &signed(typ, &claims), None).await.unwrap();
        assert_eq!((verdict.reason, verdict.valid), (code, code.is_none()), "{claims}");
    }
    let token = signed("at+jwt", &good);
    clock.advance(Duration::from_secs(299));
    assert!(verify(&desk, &token, None).await.unwrap().valid);
    clock.advance(Duration::from_secs(1));
    assert_eq!(verify(&desk, &token, None).await.unwrap().reason, Some("expired"));
    drop(std::fs::remove_dir_all(&folder));
}
