//! What outlives the process: keys, sessions, tokens, cards. What does not: nothing that was answered.

use crate::{actors::*, promise};

promise! { own, async fn everything_survives_a_restart(library) {
    survives(&mut library, Library::restart).await;
}}

promise! { own, async fn everything_survives_a_power_cut(library) {
    survives(&mut library, Library::crash).await;
}}

async fn survives(library: &mut Library, end: fn(&mut Library)) {
    let patron = library.patron("district_grade_7");
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let browser = Browser::new();
    let scopes = ["openid", "library.ebooks"];
    let before = vendor.click(library, &browser, &patron, &scopes).await;
    let keys = json_of(&vendor.endpoint("jwks_uri")).await;
    // Answered means durable: this sign-in is the last thing before the end.
    let last = Browser::new();
    last.sign_in(library, &library.patron("district_grade_2")).await;

    end(library);

    assert_eq!(json_of(&vendor.endpoint("jwks_uri")).await, keys);
    assert!(browser.is_signed_in(library).await && last.is_signed_in(library).await, "sessions are durable");
    let (status, userinfo) = vendor.userinfo(&before.access_token).await;
    assert_eq!((status, &userinfo["sub"]), (200, &before.subject.as_str().into()), "tokens of before are still good");
    let after = vendor.click(library, &browser, &patron, &scopes).await;
    assert_eq!(after.subject, before.subject);
    library.run(&["audit", "verify"]).fine();
    let told = library.run(&["audit", "tail", "--json"]).fine().stdout;
    assert!(told.matches("sign-in").count() >= 2, "both sign-ins are in the audit: {told}");
}
