//! Single logout: whichever vendor a reader leaves by, and whichever library it is written with, she has left them all.

use url::Url;

use super::*;

promise! { shared, async fn a_peers_sign_out_button_signs_out_and_comes_back(library) {
    for peer in Peer::ALL {
        let Some(mut vendor) = ServiceProvider::start(peer, library, &named("leaves", peer), "").await else { continue };
        let browser = Browser::new();
        vendor.click(&browser, &library.patron("district_grade_7"), Question::default()).await.unwrap();
        let begun = vendor.sign_out();
        assert!(begun.as_str().starts_with(&library.issuer), "{begun}");
        let (seen, page) = roam(&browser, begun, &mut [&mut vendor]).await;
        assert_eq!(seen, [vendor.vendor.clone()], "{}", page.map(|page| page.words()).unwrap_or_default());
        assert!(!browser.is_signed_in(library).await, "{peer:?}");
        let page = vendor.depart(&browser, Question::default()).await;
        assert!(page.has("sign-in"), "{peer:?}: {}", page.words());
    }
}}

promise! { shared, async fn peers_hear_that_their_reader_signed_out_at_the_library(library) {
    for peer in Peer::ALL {
        let Some(mut vendor) = ServiceProvider::start(peer, library, &named("hears", peer), "").await else { continue };
        let browser = Browser::new();
        vendor.click(&browser, &library.patron("district_teacher"), Question::default()).await.unwrap();
        let page = browser.open(library.url("/sign-out")).await;
        let answer = browser.submit(&page, "sign-out", &[]).await;
        let next = answer.location().unwrap_or_else(|| panic!("stayed: {}", answer.words()));
        let (seen, page) = roam(&browser, next, &mut [&mut vendor]).await;
        let page = page.expect("she ends at the library, which she left by");
        assert_eq!(seen, [vendor.vendor.clone()], "{}", page.words());
        assert!(page.body.contains("data-told") && !page.body.contains("data-unreached"), "{}", page.words());
        assert!(!browser.is_signed_in(library).await, "{peer:?}");
    }
}}

promise! { shared, async fn one_sign_out_reaches_peers_and_openid_connect_alike(library) {
    for by_vendor in [true, false] {
        let id = |what: &str| format!("{what}-{}", if by_vendor { "vendor" } else { "library" });
        let Some(mut one) = ServiceProvider::start(Peer::Pysaml2, library, &id("all-one"), "").await else { return };
        let Some(mut two) = ServiceProvider::start(Peer::NodeSaml, library, &id("all-two"), "").await else { return };
        let Some(mut three) = ServiceProvider::start(Peer::Python3Saml, library, &id("all-three"), "").await
        else { return };
        let ear = Ear::open().await;
        let declared = ear.declared(id("all-oidc").leak(), "backchannel_logout_uri = \"EAR/bye\"");
        let oidc = OidcVendor::of(library, library.declare(declared).await).await;

        let (browser, patron) = (Browser::new(), library.patron("charter_grade_8"));
        let tokens = oidc.click(library, &browser, &patron, &["openid", "library.ebooks"]).await;
        for vendor in [&mut one, &mut two, &mut three] {
            vendor.click(&browser, &patron, Question::default()).await.unwrap();
        }
        let from: Url = if by_vendor {
            two.sign_out()
        } else {
            let page = browser.open(library.url("/sign-out")).await;
            browser.submit(&page, "sign-out", &[]).await.location().expect("a way on")
        };
        let (seen, page) = roam(&browser, from, &mut [&mut one, &mut two, &mut three]).await;
        let all: BTreeSet<&str> = seen.iter().map(String::as_str).collect();
        assert_eq!(all, BTreeSet::from([one.vendor.as_str(), two.vendor.as_str(), three.vendor.as_str()]), "{seen:?}");
        assert_eq!(seen.len(), 3, "each once: {seen:?}");
        if by_vendor {
            assert_eq!(seen.last(), Some(&two.vendor), "whoever asked is answered last");
        } else {
            let page = page.expect("she ends at the library, which she left by");
            assert!(!page.body.contains("data-unreached") && !page.body.contains("data-open"), "{}", page.words());
        }
        let heard = ear.hears(1).await;
        assert_eq!(verified(library, &oidc.party.client_id, &heard[0]).await["sid"], tokens.id_claims["sid"]);
        assert!(!browser.is_signed_in(library).await);
    }
}}

promise! { shared, async fn nobody_else_can_sign_a_reader_out(library) {
    for peer in Peer::ALL {
        let Some(mut vendor) = ServiceProvider::start(peer, library, &named("stays", peer), "").await else { continue };
        let (browser, neighbour) = (Browser::new(), Browser::new());
        vendor.click(&neighbour, &library.patron("district_teacher"), Question::default()).await.unwrap();
        let begun = vendor.sign_out();
        // The neighbour's request in another browser, and her own one without its signature.
        browser.sign_in(library, &library.patron("district_grade_7")).await;
        browser.go(begun.as_str(), "https://").await;
        assert!(browser.is_signed_in(library).await, "{peer:?}: her neighbour's request");
        let kept = begun.query_pairs().filter(|(name, _)| !["Signature", "SigAlg"].contains(&name.as_ref()));
        let mut bare = begun.clone();
        bare.query_pairs_mut().clear().extend_pairs(kept);
        neighbour.go(bare.as_str(), "https://").await;
        assert!(neighbour.is_signed_in(library).await, "{peer:?}: without a signature");
    }
}}
