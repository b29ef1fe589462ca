//! `oneaccess verify`: a token is told in words, and each way of being worthless has a code of its own.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{actors::*, promise};

/// The verdict, and whether the exit status agrees with it.
fn verdict(library: &Library, token: &str) -> Value {
    let done = library.run_with(&["verify", "--json"], token);
    let verdict = done.json();
    assert_eq!(done.status == 0, verdict["valid"] == true, "{}", done.words());
    assert_eq!(done.stderr.contains("not valid"), verdict["valid"] == false, "{}", done.stderr);
    verdict
}

fn header_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

/// The token with its header and claims bent, and the signature left as it was.
fn bent(token: &str, bend: impl Fn(&mut Value, &mut Value)) -> String {
    let (mut header, mut claims) = (header_of(token), payload_of(token));
    bend(&mut header, &mut claims);
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", encode(&header), encode(&claims), token.rsplit('.').next().unwrap())
}

async fn tokens(library: &Library, vendor: &OidcVendor, browser: &Browser) -> (String, String) {
    library.import(&Delivery::of(&[Person::pupil(1), Person::pupil(2)]), &[]).fine();
    let tokens = vendor.click(library, browser, &Person::pupil(1).card(), &["openid", "library.ebooks"]).await;
    (tokens.access_token, tokens.id_token)
}

promise! { founded, async fn a_good_token_is_told_in_words_and_names_nobody_without_a_reason(library) {
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let (access, id) = tokens(&library, &vendor, &Browser::new()).await;
    let told = verdict(&library, &access);
    assert_eq!((&told["kind"], &told["vendor"], &told["client"]), (&"access-token".into(), &"shelf".into(), &"shelf-web".into()));
    assert_eq!((&told["grant"]["holds"], &told["key"]["published"]), (&true.into(), &true.into()));
    assert_eq!(told["scope"], "openid library.ebooks");
    assert!(told["expires_at"].as_str().is_some_and(|at| at.ends_with("ST") || at.ends_with("DT")), "{told}");
    assert!(told["patron"].is_null(), "{told}");
    assert_eq!(verdict(&library, &format!("{id}\n"))["kind"], "id-token");

    let words = library.run(&["verify", &access]).fine().stdout;
    for said in ["Valid", "an access token", "shelf-web", "library.ebooks", "holds"] {
        assert!(words.contains(said), "{said}: {words}");
    }
    let file = library.write("token", &access).to_string_lossy().into_owned();
    let named = library.run(&["verify", &format!("@{file}"), "--reason", "a vendor wrote to us", "--json"]).fine().json();
    assert_eq!(named["patron"]["card"], Person::pupil(1).identifier.as_str());
    let audit = library.run(&["audit", "tail", "--json"]).fine().stdout;
    assert!(audit.contains("a vendor wrote to us") && audit.contains("\"verify\""), "{audit}");
    assert!(!audit.contains(&access), "no token is in the audit");
}}

promise! { founded, async fn each_way_of_being_no_token_has_its_code(library) {
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let (access, id) = tokens(&library, &vendor, &Browser::new()).await;
    let (head, tail) = access.rsplit_once('.').unwrap();
    let header = |name: &'static str, value: Value| bent(&access, move |header, _| header[name] = value.clone());
    let cases = [
        ("empty", " \n".to_owned()),
        ("malformed", "hello".into()),
        ("malformed", format!("{head}.{tail}.x.y.z.z")),
        ("malformed", access.replacen("ey", "e y", 1)),
        ("malformed", format!("!{access}")),
        ("malformed", header("jwk", json!({ "kty": "oct", "k": "AA" }))),
        ("malformed", header("crit", json!(["b64"]))),
        ("encrypted", format!("{access}.a.b")),
        ("unsigned", format!("{head}.")),
        ("unsigned", header("alg", json!("none"))),
        ("unsigned", header("alg", json!("nOnE"))),
        ("symmetric", header("alg", json!("HS256"))),
        ("wrong-algorithm", header("alg", json!("RS256"))),
        ("unknown-key", header("kid", json!("somebody-elses"))),
        ("wrong-signature", header("typ", json!("JWT"))),
        ("wrong-signature", bent(&access, |_, claims| claims["scope"] = json!("openid library.everything"))),
        ("wrong-signature", bent(&id, |_, claims| claims["patron_type"] = json!("staff"))),
        ("refresh-token", format!("{}.0.seal", payload_of(&access)["jti"].as_str().unwrap().split('.').next().unwrap())),
    ];
    for (code, token) in cases {
        let told = verdict(&library, &token);
        assert_eq!(told["reason"], code, "{token}: {told}");
        assert!(told["grant"].is_null() && told["patron"].is_null(), "nothing is looked up for what is not ours: {told}");
    }
}}

promise! { founded, async fn a_token_whose_ground_is_gone_says_which(library) {
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let browser = Browser::new();
    let (access, _) = tokens(&library, &vendor, &browser).await;
    let reason = |token: &str| verdict(&library, token)["reason"].as_str().unwrap_or_default().to_owned();

    library.run(&["scope", "retire", "library.ebooks", "--anyway"]).fine();
    assert_eq!(reason(&access), "nothing-granted");
    library.run(&["vendor", "disable", "shelf"]).fine();
    assert_eq!(reason(&access), "vendor-disabled");
    library.run(&["vendor", "enable", "shelf"]).fine();
    library.run(&["card", "block", &Person::pupil(1).identifier, "--reason", "lost"]).fine();
    let told = verdict(&library, &access);
    assert_eq!((&told["reason"], &told["grant"]["reason"]), (&"revoked".into(), &"revoked".into()), "{told}");
    assert_eq!(library.tamper("DELETE FROM passage").await, 1);
    assert_eq!(reason(&access), "unknown-grant");
}}
