//! Where the browser may be sent: to a byte-equal registered address, and nowhere else.

use crate::{actors::*, promise};

const REGISTERED: &str = "https://maple.example/callback";

/// Every one of these was accepted somewhere, by somebody, once.
const NEAR: &[&str] = &[
    "",
    "https://evil.example/callback",
    "https://maple.example.evil.example/callback",
    "https://maple.example@evil.example/callback",
    "https://user@maple.example/callback",
    "https://maple.example:pass@evil.example/callback",
    "https://evil.example#@maple.example/callback",
    "https://evil.example?https://maple.example/callback",
    "https://maple.example/callback/../evil",
    "https://maple.example/callback/..",
    "https://maple.example/evil/../callback",
    "https://maple.example/callback/..;/evil",
    "https://maple.example/callback;/evil",
    "https://maple.example/callback%2f..%2fevil",
    "https://maple.example/callback%252f..%252fevil",
    "https://maple.example/%63allback",
    "https://maple.example/callback/",
    "https://maple.example//callback",
    "https://maple.example/callback?",
    "https://maple.example/callback?next=https://evil.example",
    "https://maple.example/callback#",
    "https://maple.example/callback#fragment",
    "https://maple.example/Callback",
    "https://MAPLE.example/callback",
    "HTTPS://maple.example/callback",
    "https://maple.example:443/callback",
    "https://maple.example:8443/callback",
    "https://maple.example./callback",
    "https://maple.example/callback ",
    " https://maple.example/callback",
    "https://maple.example/call\tback",
    "https://maple.example/call\nback",
    "https://maple.example/callback\0",
    "https://maple.example\\callback",
    "https:\\\\maple.example/callback",
    "https://maple.example\\@evil.example/callback",
    "https:///maple.example/callback",
    "https:/maple.example/callback",
    "//maple.example/callback",
    "http://maple.example/callback",
    "https://mаple.example/callback", // the second letter is Cyrillic
    "https://xn--mple-55d.example/callback",
    "https://maple.example/callback*",
    "https://*.example/callback",
    "javascript:alert(1)//https://maple.example/callback",
    "data:text/html,https://maple.example/callback",
    "maple.example/callback",
    "/callback",
];

promise! { shared, async fn a_redirect_uri_is_equal_to_the_byte_or_refused(library) {
    let vendor = OidcVendor::of(library, library.declare(Declared { id: "bytewise", ..Declared::default() }).await).await;
    let right = vendor.request(&Challenge::new());
    for near in NEAR {
        never_leaves(&vendor, &with(&right, "redirect_uri", near), near).await;
    }
    // The law behind the table: any one-byte change is refused.
    let mut chance = vec![0; 120];
    aws_lc_rs::rand::fill(&mut chance).unwrap();
    for pair in chance.chunks(2) {
        let mut bent = REGISTERED.as_bytes().to_vec();
        let place = usize::from(pair[0]) % bent.len();
        let other = b' ' + pair[1] % 95;
        if bent[place] == other {
            continue;
        }
        bent[place] = other;
        let bent = String::from_utf8(bent).unwrap();
        never_leaves(&vendor, &with(&right, "redirect_uri", &bent), &bent).await;
    }
    // And the right one is not.
    assert!(vendor.ask(&right).await.page().has("sign-in"));
}}

promise! { shared, async fn only_the_port_of_a_native_loopback_address_is_free(library) {
    let native = Declared {
        id: "native",
        auth_method: "none",
        redirect_uris: &["http://127.0.0.1/callback"],
        oidc_lines: "application_type = \"native\"",
        ..Declared::default()
    };
    let vendor = OidcVendor::of(library, library.declare(native).await).await;
    let right = vendor.request(&Challenge::new());
    for port in ["", ":51234", ":1"] {
        let uri = format!("http://127.0.0.1{port}/callback");
        let page = Browser::new().go(vendor.authorize_url(&with(&right, "redirect_uri", &uri)), &uri).await.page();
        assert!(page.has("sign-in"), "{uri}");
    }
    for near in [
        "http://localhost:51234/callback",
        "http://127.0.0.1:51234/other",
        "http://127.0.0.2:51234/callback",
        "https://127.0.0.1:51234/callback",
        "http://127.0.0.1:51234@evil.example/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:/callback",
        "http://127.1:51234/callback",
        "http://2130706433:51234/callback",
    ] {
        never_leaves(&vendor, &with(&right, "redirect_uri", near), near).await;
    }
}}

promise! { shared, async fn an_unknown_client_gets_a_page_and_never_a_redirect(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let right = vendor.request(&Challenge::new());
    for client in ["", "nobody", "*", "<script>alert(1)</script>", "' OR 1=1 --"] {
        never_leaves(&vendor, &with(&right, "client_id", client), client).await;
    }
    never_leaves(&vendor, &without(&right, "client_id"), "no client_id").await;
    never_leaves(&vendor, &without(&right, "redirect_uri"), "no redirect_uri").await;
}}

promise! { shared, async fn host_and_proxy_headers_move_nothing(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let right = vendor.authorize_url(&vendor.request(&Challenge::new()));
    let headers = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-port", "666"),
        ("x-forwarded-prefix", "/evil.example"),
        ("x-forwarded-for", "evil.example, , 999.1.1.1:x"),
        ("x-original-url", "/evil.example"),
        ("x-rewrite-url", "/evil.example"),
        ("forwarded", "for=evil.example;host=evil.example;proto=http"),
    ];
    for header in headers {
        let browser = Browser::new();
        for url in [library.url("/.well-known/openid-configuration"), library.url("/"), right.clone()] {
            let answer = browser.get_with(&url, &[header]).await;
            let to = answer.header("location").to_owned();
            assert!(!to.contains("evil.example") && !to.contains("666"), "{header:?} moved {url} to {to}");
            assert!(!answer.body.contains("evil.example"), "{header:?} is in the answer of {url}");
            if answer.status == 200 && url.ends_with("openid-configuration") {
                assert_eq!(answer.json()["issuer"], library.issuer.as_str());
            }
        }
    }
}}

async fn never_leaves(vendor: &OidcVendor, request: &[(String, String)], what: &str) {
    let answer = Browser::new().get(vendor.authorize_url(request)).await;
    assert!(answer.location().is_none(), "{what:?} was sent to {}", answer.header("location"));
    assert_eq!(answer.status, 400, "{what:?}: {}", answer.body);
    assert!(!answer.has("sign-in"), "{what:?} reached the sign-in page");
    assert!(!answer.body.contains("<script>alert"), "{what:?} is in the page as it came");
    let away = answer.links().into_iter().find(|link| link.host_str() != Some("127.0.0.1"));
    assert!(away.is_none(), "{what:?}: the page links to {away:?}");
}

fn with(request: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    let mut request = request.to_vec();
    request.iter_mut().find(|(n, _)| n == name).unwrap().1 = value.to_owned();
    request
}

fn without(request: &[(String, String)], name: &str) -> Vec<(String, String)> {
    request.iter().filter(|(n, _)| n != name).cloned().collect()
}
