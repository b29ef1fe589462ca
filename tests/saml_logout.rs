//! Sign-out by SAML: whoever begins it, a session ends everywhere, and nobody is told of more than there was.

use oneaccess::wire::{
    dsig,
    saml::{
        NameId, Subject, instant, logout,
        redirect::{Kind, Redirected},
        response::{Reply, Status},
        status,
    },
    xml::{self, write::Element},
};
use url::Url;

use crate::{actors::*, promise};

/// A request of this service provider to sign a reader out, as she was named to it.
fn goodbye(library: &Library, sp: &Sp, answer: &Answer, edit: impl FnOnce(Element) -> Element) -> Element {
    let name_id = NameId {
        value: answer.name_id.clone().unwrap(),
        format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".into()),
        ..NameId::default()
    };
    let request = logout::request(&logout::Logout {
        id: &saml_id(),
        issued_at: saml_now(),
        destination: &library.url("/saml/slo"),
        issuer: &sp.entity_id,
        not_on_or_after: saml_now() + 60_000,
        reason: None,
        name_id: &name_id,
        session_indexes: &[answer.session_index.as_deref().unwrap()],
    });
    edit(request)
}

fn by_redirect(library: &Library, sp: &Sp, request: &Element, relay_state: Option<&str>) -> String {
    sp.redirect_to(&library.url("/saml/slo"), Kind::Request, &request.render(), relay_state)
}

/// A message of ours in the query of an address that it was sent to, its signature verified.
async fn message(library: &Library, at: &Url) -> Redirected {
    let message = message_in(at);
    let signature = message.signature.clone().unwrap_or_else(|| panic!("not signed: {at}"));
    let algorithm = dsig::Algorithm::from_uri(&signature.algorithm_uri).unwrap();
    dsig::verify_octets(algorithm, &signature.octets, &signature.signature, &keys_of(library).await).unwrap();
    message
}

async fn outcome(library: &Library, at: &Url) -> (String, Option<String>) {
    let message = message(library, at).await;
    let document = xml::parse(&message.xml, &xml::MESSAGE).unwrap();
    let outcome = logout::read_response(document.root_element()).unwrap().status;
    let last = |uri: String| uri.rsplit(':').next().unwrap().to_owned();
    (last(outcome.top), outcome.second.map(last))
}

/// The service provider does as it is asked, and sends the browser back.
async fn obey(library: &Library, browser: &Browser, sp: &Sp, at: &Url, status: &'static str) -> Arrival {
    let asked = message(library, at).await;
    let document = xml::parse(&asked.xml, &xml::MESSAGE).unwrap();
    let request = logout::read_request(document.root_element()).unwrap();
    let (id, to) = (saml_id(), library.url("/saml/slo"));
    let answer = logout::response(&Reply {
        id: &id,
        in_response_to: Some(&request.id),
        destination: Some(&to),
        issuer: &sp.entity_id,
        issued_at: saml_now(),
        status: Status { top: status, second: None, message: None },
    });
    browser.go(sp.redirect_to(&to, Kind::Response, &answer.render(), None), "https://").await
}

promise! { shared, async fn a_reader_who_signs_out_is_signed_out_at_every_service_provider(library) {
    let one = Sp::declared(library, "out-one", Shape::default()).await;
    let two = Sp::declared(library, "out-two", Shape::default()).await;
    let (browser, patron) = (Browser::new(), library.patron("district_grade_7"));
    let first = one.click(library, &browser, &patron).await;
    let second = two.click(library, &browser, &patron).await;
    let page = browser.open(library.url("/sign-out")).await;
    let mut arrival = browser.submit_watching(&page, "sign-out", &[], "https://").await;
    for (sp, answer) in [(&one, &first), (&two, &second)] {
        let Arrival::Left(at) = arrival else { panic!("{arrival:?}") };
        assert!(at.as_str().starts_with(&sp.slo), "{at}");
        let asked = message(library, &at).await;
        let document = xml::parse(&asked.xml, &xml::MESSAGE).unwrap();
        let request = logout::read_request(document.root_element()).unwrap();
        assert!(matches!(&request.subject, Subject::Named(name) if Some(&name.value) == answer.name_id.as_ref()));
        assert_eq!(request.session_indexes, [answer.session_index.clone().unwrap()]);
        assert!(!asked.xml.contains(&patron.card) && asked.relay_state.is_none());
        arrival = obey(library, &browser, sp, &at, status::SUCCESS).await;
    }
    let page = arrival.page();
    assert!(page.body.contains("signed out everywhere"), "{}", page.body);
    assert!(page.body.contains("out-one databases") && page.body.contains("out-two databases"), "{}", page.body);
    assert!(browser.open(one.redirect(&one.request(|r| r), None)).await.has("sign-in"));
}}

promise! { shared, async fn who_does_not_sign_her_out_is_named(library) {
    let sp = Sp::declared(library, "out-stubborn", Shape::default()).await;
    let silent = Sp::declared(library, "out-silent", Shape { without_logout: true, ..Shape::default() }).await;
    let (browser, patron) = (Browser::new(), library.patron("district_teacher"));
    sp.click(library, &browser, &patron).await;
    silent.click(library, &browser, &patron).await;
    let page = browser.open(library.url("/sign-out")).await;
    let Arrival::Left(at) = browser.submit_watching(&page, "sign-out", &[], "https://").await else { panic!() };
    let page = obey(library, &browser, &sp, &at, status::RESPONDER).await.page();
    assert!(page.body.contains("data-unreached") && page.body.contains("out-stubborn databases"), "{}", page.body);
    assert!(page.body.contains("data-open") && page.body.contains("out-silent databases"), "{}", page.body);
}}

promise! { shared, async fn a_service_provider_signs_its_reader_out_and_hears_how_it_went(library) {
    let ear = Ear::open().await;
    let oidc = library.declare(ear.declared("out-mixed", "backchannel_logout_uri = \"EAR/bye\"")).await;
    let oidc = OidcVendor::of(library, oidc).await;
    let asks = Sp::declared(library, "out-asks", Shape::default()).await;
    let other = Sp::declared(library, "out-other", Shape::default()).await;
    for obeys in [true, false] {
        let (browser, patron) = (Browser::new(), library.patron("district_grade_7"));
        let answer = asks.click(library, &browser, &patron).await;
        other.click(library, &browser, &patron).await;
        oidc.click(library, &browser, &patron, &["openid", "library.ebooks"]).await;
        let request = goodbye(library, &asks, &answer, |r| r);
        let arrival = browser.go(by_redirect(library, &asks, &request, Some("back to 7")), "https://").await;
        let Arrival::Left(at) = arrival else { panic!("{arrival:?}") };
        assert!(at.as_str().starts_with(&other.slo), "who asked is not asked: {at}");
        let how = if obeys { status::SUCCESS } else { status::RESPONDER };
        let mut arrival = obey(library, &browser, &other, &at, how).await;
        if let Arrival::Page(page) = &arrival {
            assert!(!obeys && page.body.contains("data-unreached"), "{}", page.body);
            arrival = browser.go(page.link("continue").unwrap(), "https://").await;
        }
        let Arrival::Left(at) = arrival else { panic!("{arrival:?}") };
        assert!(at.as_str().starts_with(&asks.slo), "{at}");
        assert_eq!(message_in(&at).relay_state.as_deref(), Some("back to 7"));
        let second = (!obeys).then(|| "PartialLogout".to_owned());
        assert_eq!(outcome(library, &at).await, ("Success".to_owned(), second));
        assert!(browser.open(asks.redirect(&asks.request(|r| r), None)).await.has("sign-in"), "nobody is signed in here");
    }
    ear.hears(2).await;
}}

promise! { shared, async fn nobody_signs_out_somebody_else(library) {
    let sp = Sp::declared(library, "out-mine", Shape::default()).await;
    let other = Sp::declared(library, "out-theirs", Shape::default()).await;
    let (browser, patron) = (Browser::new(), library.patron("district_teacher"));
    let answer = sp.click(library, &browser, &patron).await;
    let elsewhere = sp.click(library, &Browser::new(), &library.patron("district_grade_7")).await;
    // Another reader, another session of hers, and what another service provider knows of her.
    for (whose, who) in [(&elsewhere, &sp), (&answer, &other)] {
        let request = goodbye(library, who, whose, |r| r);
        let arrival = browser.go(by_redirect(library, who, &request, None), "https://").await;
        let Arrival::Left(at) = arrival else { panic!("{arrival:?}") };
        assert_eq!(outcome(library, &at).await, ("Requester".to_owned(), Some("UnknownPrincipal".to_owned())));
    }
    // Not signed, signed by somebody else, for somebody else, too old, a second time.
    let unsigned = |request: &Element| by_redirect(library, &sp, request, None).split("&SigAlg").next().unwrap().to_owned();
    let good = goodbye(library, &sp, &answer, |r| r);
    let mallory = Sp::new(library, "out-mallory");
    for (what, url, code) in [
        ("unsigned", unsigned(&good), "signature-missing"),
        ("by another key", mallory.redirect_to(&library.url("/saml/slo"), Kind::Request, &good.render(), None), "signature-wrong"),
        ("for elsewhere", by_redirect(library, &sp, &goodbye(library, &sp, &answer, |r| r.attr("Destination", "https://elsewhere.example/slo")), None), "another-destination"),
        ("old", by_redirect(library, &sp, &goodbye(library, &sp, &answer, |r| r.attr("IssueInstant", instant::write(saml_now() - 3_600_000))), None), "request-too-old"),
        ("over", by_redirect(library, &sp, &goodbye(library, &sp, &answer, |r| r.attr("NotOnOrAfter", instant::write(saml_now() - 600_000))), None), "request-too-old"),
        ("by nobody", by_redirect(library, &mallory, &goodbye(library, &mallory, &answer, |r| r), None), "unknown-service-provider"),
    ] {
        let page = browser.get(&url).await;
        assert!(page.status == 400 && page.body.contains(code), "{what}: {} {}", page.status, page.body);
        assert!(!browser.open(library.url("/")).await.has("sign-in"), "{what}: she is still signed in");
    }
    let url = by_redirect(library, &sp, &good, None);
    let Arrival::Left(at) = browser.go(&url, "https://").await else { panic!() };
    assert_eq!(outcome(library, &at).await, ("Success".to_owned(), None));
    sp.click(library, &browser, &patron).await;
    let again = browser.get(&url).await;
    assert!(again.body.contains("replayed"), "{}", again.body);
}}

promise! { shared, async fn a_service_provider_without_keys_can_only_ask_her(library) {
    let sp = Sp::declared(library, "out-keyless", Shape { without_keys: true, ..Shape::default() }).await;
    let (browser, patron) = (Browser::new(), library.patron("district_teacher"));
    let answer = sp.click(library, &browser, &patron).await;
    let request = goodbye(library, &sp, &answer, |r| r);
    let page = browser.open(by_redirect(library, &sp, &request, Some("x"))).await;
    assert!(page.has("sign-out") && page.body.contains("out-keyless databases"), "{}", page.body);
    assert!(!browser.open(library.url("/")).await.has("sign-in"), "she is still signed in");
    // She says yes. Who cannot be told is told of.
    let silent = Sp::declared(library, "out-untold", Shape { without_logout: true, ..Shape::default() }).await;
    silent.click(library, &browser, &patron).await;
    let Arrival::Left(at) = browser.submit_watching(&page, "sign-out", &[], "https://").await else { panic!() };
    assert!(at.as_str().starts_with(&sp.slo), "she is signed out there, too: {at}");
    let Arrival::Left(at) = obey(library, &browser, &sp, &at, status::SUCCESS).await else { panic!() };
    assert_eq!(message_in(&at).relay_state.as_deref(), Some("x"));
    assert_eq!(outcome(library, &at).await, ("Success".to_owned(), Some("PartialLogout".to_owned())));
}}

promise! { shared, async fn a_sign_out_travels_by_post_as_well(library) {
    let (asks, other) = (Sp::new(library, "out-posts"), Sp::new(library, "out-posted"));
    for sp in [&asks, &other] {
        sp.declare(library, &Shape { logout_by_post: true, ..Shape::default() }).fine();
    }
    library.soon("both are known", || async { asks.is_known().await && other.is_known().await }).await;
    let (browser, patron) = (Browser::new(), library.patron("district_grade_7"));
    let answer = asks.click(library, &browser, &patron).await;
    other.click(library, &browser, &patron).await;
    let id = saml_id();
    let request = goodbye(library, &asks, &answer, |r| r.attr("ID", id.as_str()));
    let slo: Url = library.url("/saml/slo").parse().unwrap();
    let turned = browser.post_from_elsewhere(&slo, &asks.form(request, &id, Some("y")), false).await;
    let place = turned.location().unwrap();
    let (_, ticket) = place.as_str().rsplit_once('/').unwrap();
    for elsewhere in ["", "slo%20", "..%2fslo%2f", "%2fsaml%2fslo%2f"].map(|before| format!("/saml/sso/{before}{ticket}")) {
        let page = Browser::new().get(library.url(&elsewhere)).await;
        assert_eq!(page.status, 400, "a ticket opens the door that it was given at: {elsewhere} {}", page.body);
    }
    let page = browser.open(turned.location().unwrap()).await;
    let (to, fields) = page.hand_over().unwrap();
    assert_eq!((to.as_str(), fields[0].0.as_str()), (&*other.slo, "SAMLRequest"));
    let xml_text = oneaccess::wire::saml::posted::read(&fields[0].1).unwrap();
    let document = xml::parse(&xml_text, &xml::MESSAGE).unwrap();
    dsig::verify(document.root_element(), &keys_of(library).await).unwrap();
    let asked = logout::read_request(document.root_element()).unwrap();
    let reply_id = saml_id();
    let reply = logout::response(&Reply {
        id: &reply_id,
        in_response_to: Some(&asked.id),
        destination: Some(slo.as_str()),
        issuer: &other.entity_id,
        issued_at: saml_now(),
        status: Status { top: status::SUCCESS, second: None, message: None },
    });
    let fields = other.form(reply, &reply_id, None).into_iter().map(|(_, value)| ("SAMLResponse".to_owned(), value));
    let back = browser.post_from_elsewhere(&slo, &fields.collect::<Vec<_>>(), false).await;
    let page = browser.open(back.location().unwrap()).await;
    let (to, fields) = page.hand_over().unwrap();
    assert_eq!(to, asks.slo);
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, fields[1].1.as_str()), (vec!["SAMLResponse", "RelayState"], "y"));
    let xml_text = oneaccess::wire::saml::posted::read(&fields[0].1).unwrap();
    let document = xml::parse(&xml_text, &xml::MESSAGE).unwrap();
    dsig::verify(document.root_element(), &keys_of(library).await).unwrap();
    let answer = logout::read_response(document.root_element()).unwrap();
    assert!(answer.status.top.ends_with(":Success") && answer.status.second.is_none() && answer.in_response_to == Some(id));
}}

promise! { shared, async fn an_answer_that_nobody_asked_for_changes_nothing(library) {
    let sp = Sp::declared(library, "out-unasked", Shape::default()).await;
    let (id, to) = (saml_id(), library.url("/saml/slo"));
    let answer = |in_response_to: Option<&str>| {
        let reply = Reply {
            id: &id,
            in_response_to,
            destination: Some(&to),
            issuer: &sp.entity_id,
            issued_at: saml_now(),
            status: Status { top: status::SUCCESS, second: None, message: None },
        };
        sp.redirect_to(&to, Kind::Response, &logout::response(&reply).render(), None)
    };
    let browser = Browser::new();
    assert_eq!(browser.get(answer(None)).await.status, 400);
    let page = browser.get(answer(Some("_nothing-that-was-asked"))).await;
    assert_eq!(page.location().map(|to| to.path().to_owned()).as_deref(), Some("/signed-out"));
}}
