//! Stock clients of SIP2, as `docs/integrate/sip2.md` tells a vendor to use them.

use crate::{
    actors::{
        Account, Browser, Delivery, Doors, Library, OidcVendor, Person, Sip2, Sip2Peer, Sip2Vendor, payload_of,
        sip2_address,
    },
    promise,
};

promise! { shared, async fn pythons_pysip2_is_content(library) {
    is_content(library, Sip2Peer::Pysip2).await;
}}

promise! { shared, async fn rusts_sip2_is_content(library) {
    is_content(library, Sip2Peer::Sip2).await;
}}

/// One connection, on which good cards, bad ones and none at all come one after another.
async fn is_content(library: &Library, peer: Sip2Peer) {
    let Some(mut vendor) = Sip2Vendor::start(peer, Account::of(library)) else { return };
    let status = vendor.connect().await.unwrap();
    assert_eq!(status.field("code"), Some("98"), "{status:?}");
    assert_eq!((status.field("AO"), status.field("BX")), (Some("MARBLEWICK"), Some("YNNNYYYYYNNNNNNN")));
    assert_eq!(status.field("protocol_version"), Some("2.00"));

    let mira = library.patron("district_grade_7");
    let name = subject_by_oidc(library).await;
    let found = vendor.information(&mira.card, Some(&mira.pin)).await.unwrap();
    assert_eq!((found.field("code"), found.verdict()), (Some("64"), (Some("Y"), Some("Y"))), "{found:?}");
    assert_eq!((found.field("AA"), found.field("AE")), (Some(&*name), Some("Library patron")));
    assert_eq!((found.field("patron_status"), found.field("language")), (Some("              "), Some("001")));
    assert_eq!((found.field("AO"), found.field("AF")), (Some("MARBLEWICK"), None));
    // A vendor's own field, which pysip2 passes over.
    let class = (peer == Sip2Peer::Sip2).then_some("young-adult");
    assert_eq!(found.field("PC"), class);
    let short = vendor.status(&mira.card, Some(&mira.pin)).await.unwrap();
    assert_eq!((short.field("code"), short.verdict()), (Some("24"), (Some("Y"), Some("Y"))), "{short:?}");
    assert_eq!((short.field("AA"), short.field("AE")), (Some(&*name), Some("Library patron")));
    assert_eq!(vendor.reader(&mira.card, &mira.pin).await.unwrap(), name);

    // Nobody's, and each peer's own: what others guess must not count here.
    let (nobodys, guess) = match peer {
        Sip2Peer::Pysip2 => ("1000011", "882211"),
        Sip2Peer::Sip2 => ("1000012", "882212"),
    };
    for (what, card, pin) in [
        ("no PIN", &*mira.card, None),
        ("an empty one", &mira.card, Some("")),
        ("nobody's card", nobodys, Some(guess)),
        ("nobody's card without a PIN", nobodys, None),
        ("no card", "", Some(guess)),
    ] {
        for refused in [vendor.information(card, pin).await.unwrap(), vendor.status(card, pin).await.unwrap()] {
            assert_eq!(refused.verdict(), (Some("N"), Some("N")), "{what}: {refused:?}");
            assert_eq!(refused.reason(), Some("sign-in-failed"), "{what}: {refused:?}");
            assert_eq!(refused.field("AA").unwrap_or_default(), card, "as it was sent");
        }
    }

    let charter = library.patron("charter_grade_5");
    let refused = vendor.information(&charter.card, Some(&charter.pin)).await.unwrap();
    assert_eq!((refused.verdict(), refused.reason()), ((Some("N"), Some("N")), Some("grade-not-covered")));
    assert_eq!((refused.field("patron_status"), refused.field("AE")), (Some("YYYY          "), None));
    let told = vendor.reader(&charter.card, &charter.pin).await.unwrap_err();
    assert!(told.contains("(grade-not-covered)"), "the page's lines say why: {told}");
    let spanish = vendor.information_in("008", &charter.card, &charter.pin).await.unwrap();
    assert!(
        spanish.field("AF").unwrap().contains("escuela") && spanish.field("language") == Some("008"),
        "{spanish:?}"
    );

    let ended = vendor.end(&mira.card).await.unwrap();
    assert_eq!((ended.field("code"), ended.field("end_session")), (Some("36"), Some("Y")), "{ended:?}");
    assert_eq!(ended.field("AA"), Some(&*mira.card));
    assert_eq!(vendor.reader(&mira.card, &mira.pin).await.unwrap(), name, "the connection stays");
}

/// What the demo's vendor is told of the reader by OIDC.
async fn subject_by_oidc(library: &Library) -> String {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let patron = library.patron("district_grade_7");
    let tokens = vendor.click(library, &Browser::new(), &patron, &["openid", "library.ebooks"]).await;
    payload_of(&tokens.id_token)["sub"].as_str().unwrap().to_owned()
}

promise! { shared, async fn a_stock_client_with_a_wrong_login_is_told_so_and_may_try_again(library) {
    for peer in Sip2Peer::ALL {
        let mut account = Account::of(library);
        account.password = "not-the-password".into();
        let Some(mut stranger) = Sip2Vendor::start(peer, account) else { continue };
        let refused = stranger.connect().await.unwrap_err();
        assert!(refused.contains("does not know this login"), "{refused}");
        let mut vendor = Sip2Vendor::start(peer, Account::of(library)).unwrap();
        vendor.connect().await.unwrap();
    }
}}

promise! { own, async fn a_wrong_pin_is_refused_as_an_unknown_card_is_by_every_stock_client(library) {
    let mira = library.patron("district_grade_7");
    for peer in Sip2Peer::ALL {
        let Some(mut vendor) = Sip2Vendor::start(peer, Account::of(&library)) else { continue };
        vendor.connect().await.unwrap();
        let wrong = vendor.information(&mira.card, Some("991188")).await.unwrap();
        let unknown = vendor.information("1000001", Some("991188")).await.unwrap();
        assert_eq!((wrong.verdict(), wrong.reason()), ((Some("N"), Some("N")), Some("sign-in-failed")));
        for same in ["AF", "AE", "patron_status", "PC"] {
            assert_eq!(wrong.field(same), unknown.field(same), "{peer:?}");
        }
        vendor.reader(&mira.card, "991188").await.unwrap_err();
        vendor.reader(&mira.card, &mira.pin).await.unwrap();
    }
}}

promise! { shared, async fn an_engineer_tries_sip2_out_as_the_page_says(library) {
    library.run(&["apply", "tests/clients/sip2.toml"]).fine();
    let account = Account {
        address: sip2_address(library).to_string(),
        login: "heron-trial".into(),
        password: "not-a-secret-but-long-enough-to-try-it-out".into(),
        institution: "MARBLEWICK".into(),
    };
    let known = || async {
        Sip2::connect(sip2_address(library)).await.log_in(&account.login, &account.password).await == "941"
    };
    library.logs_in("heron-trial", known).await;
    let mira = library.patron("district_grade_7");
    let mut names = Vec::new();
    for peer in Sip2Peer::ALL {
        let Some(mut vendor) = Sip2Vendor::start(peer, account.clone()) else { continue };
        vendor.connect().await.unwrap();
        names.push(vendor.reader(&mira.card, &mira.pin).await.unwrap());
    }
    names.dedup();
    assert_eq!(names.len(), 1, "one name at one vendor: {names:?}");
}}

promise! { founded, async fn pythons_pysip2_asks_over_tls_and_trusts_nobody_else(library) {
    const PASSWORD: &str = "a-password-of-a-fictional-vendor";
    let pupil = Person::pupil(1);
    library.import(&Delivery::of(std::slice::from_ref(&pupil)), &[]).fine();
    let (doors, other) = (Doors::open(&mut library, PASSWORD, ""), crate::actors::Identity::new("127.0.0.1"));
    let account = Account {
        address: doors.tls.to_string(),
        login: "shelf".into(),
        password: PASSWORD.into(),
        institution: "QUILL".into(),
    };
    let Some(mut vendor) = Sip2Vendor::over_tls(account.clone(), &doors.identity.certificate) else { return };
    let card = pupil.card();
    assert_eq!(vendor.connect().await.unwrap().field("AM"), Some("Quillwater Library"));
    let found = vendor.information(&card.card, Some(&card.pin)).await.unwrap();
    assert_eq!((found.verdict(), found.field("AO")), ((Some("Y"), Some("Y")), Some("QUILL")), "{found:?}");
    assert_eq!(vendor.information(&card.card, Some("a wrong one")).await.unwrap().verdict(), (Some("N"), Some("N")));
    assert_eq!(vendor.reader(&card.card, &card.pin).await.unwrap(), found.field("AA").unwrap());

    let mut wary = Sip2Vendor::over_tls(account, &other.certificate).unwrap();
    let refused = wary.connect().await.unwrap_err();
    assert!(refused.contains("SSLCertVerificationError"), "another's certificate: {refused}");
    vendor.end(&card.card).await.unwrap();
}}
