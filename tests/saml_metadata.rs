//! Metadata, theirs and ours: taken over by itself where it is safe, held back where it is not, and a rollover on either
//! side that nobody notices.

use oneaccess::wire::{
    dsig::{self, Signer},
    xml::write::Element,
};
use serde_json::Value;

use crate::{actors::*, promise};

/// Declared by the address of its metadata, and known to the server.
async fn at(library: &Library, press: &Press, sp: &Sp, lines: &'static str) {
    let shape = Shape { lines, ..Shape::default() };
    library.apply(&sp.toml(&shape, &press.url)).fine();
    library.soon("its metadata was read", || async { looked(library, sp)["state"] == "good" }).await;
}

/// What the operator sees of its address.
fn looked(library: &Library, sp: &Sp) -> Value {
    library.run(&["vendor", "metadata", &sp.vendor, "--json"]).fine().json()[0].clone()
}

fn refreshed(library: &Library, sp: &Sp) -> Value {
    library.run(&["vendor", "metadata", &sp.vendor, "--refresh", "--json"]).fine().json()[0].clone()
}

async fn is_let_in(library: &Library, sp: &Sp, url: &str) -> bool {
    let page = Browser::new().open(url).await;
    assert!(page.has("sign-in") || page.status == 400, "{} {} {}", sp.vendor, library.issuer, page.body);
    page.has("sign-in")
}

promise! { shared, async fn a_service_provider_changes_its_certificate_by_its_metadata_alone(library) {
    let (old, new) = (Sp::new(library, "roll"), Sp::new(library, "roll"));
    let signed = Shape { signed_requests: true, ..Shape::default() };
    let press = Press::prints(old.metadata(&signed)).await;
    at(library, &press, &old, "").await;
    let (by_old, by_new) = (|| old.redirect(&old.request(|r| r), None), || new.redirect(&new.request(|r| r), None));
    assert!(is_let_in(library, &old, &by_old()).await && !is_let_in(library, &new, &by_new()).await);
    // Both, and then the new one alone.
    press.now_prints(old.metadata(&Shape { also: vec![new.certificate.clone()], ..signed.clone() }));
    assert_eq!(refreshed(library, &old)["state"], "good");
    library.soon("the new key counts", || async { is_let_in(library, &new, &by_new()).await }).await;
    assert!(is_let_in(library, &old, &by_old()).await);
    press.now_prints(new.metadata(&signed));
    assert_eq!(refreshed(library, &old)["state"], "good");
    library.soon("the old key counts no more", || async { !is_let_in(library, &old, &by_old()).await }).await;
    assert!(is_let_in(library, &new, &by_new()).await);
}}

promise! { shared, async fn metadata_that_switches_a_check_off_waits_for_the_operator(library) {
    let sp = Sp::new(library, "weaken");
    let strict = Shape { signed_requests: true, encrypts: true, ..Shape::default() };
    let press = Press::prints(sp.metadata(&strict)).await;
    at(library, &press, &sp, "").await;
    let unsigned = || sp.unsigned(&sp.request(|r| r));
    assert!(!is_let_in(library, &sp, &unsigned()).await);
    press.now_prints(sp.metadata(&Shape::default()));
    let shown = refreshed(library, &sp);
    assert_eq!(shown["state"], "waits");
    let changes = shown["waits"]["changes"].as_array().unwrap();
    let named: Vec<&str> = changes.iter().map(|change| change["what"].as_str().unwrap()).collect();
    assert_eq!(named, ["AuthnRequestsSigned", "encryption certificates"], "{shown}");
    assert!(changes.iter().all(|change| change["weakens"].is_string()), "{shown}");
    let said = library.run(&["vendor", "metadata", "weaken"]).fine().stdout;
    assert!(said.contains("--accept") && said.contains("would no longer have to be signed"), "{said}");
    let weak = library.run(&["vendor", "show", "weaken", "--json"]).fine().json();
    assert_eq!(weak["relying_parties"][0]["weaknesses"], serde_json::json!(["metadata-waits"]));
    // Looking again changes nothing; turning it down keeps it from coming back; another look at the same is quiet.
    assert_eq!(refreshed(library, &sp)["state"], "waits");
    library.run(&["vendor", "metadata", "weaken", "--decline"]).fine();
    assert_eq!(refreshed(library, &sp)["state"], "good");
    assert!(!is_let_in(library, &sp, &unsigned()).await, "signatures are still asked for");
    library.run(&["vendor", "metadata", "weaken", "--accept"]).refused();
    press.now_prints(sp.metadata(&Shape { encrypts: true, ..Shape::default() }));
    assert_eq!(refreshed(library, &sp)["state"], "waits");
    library.run(&["vendor", "metadata", "weaken", "--accept"]).fine();
    library.soon("the operator's word counts", || async { is_let_in(library, &sp, &unsigned()).await }).await;
}}

promise! { shared, async fn what_weakens_under_the_same_names_waits_as_well(library) {
    const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
    const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let seals = |sp: &Sp| sp.metadata(&Shape { encrypts: true, ..Shape::default() });
    let names = |sp: &Sp, formats: &'static [&'static str]| sp.metadata(&Shape { name_id_formats: formats, ..Shape::default() });
    let asks = |sp: &Sp, requested: &'static [&'static str]| {
        let text = sp.metadata(&Shape { requested, ..Shape::default() });
        text.replace("<md:RequestedAttribute ", "<md:RequestedAttribute FriendlyName=\"eduPersonEntitlement\" ")
    };
    let (entitlement, mail) = (&["urn:oid:1.3.6.1.4.1.5923.1.1.1.7"], &["urn:oid:0.9.2342.19200300.100.1.3"]);
    type Text<'a> = &'a dyn Fn(&Sp) -> String;
    let changes: [(&str, Text, Text, &str); 6] = [
        // A key that may sign as well encrypts nothing by itself.
        ("weak-key", &seals, &|sp| seals(sp).replace(" use=\"encryption\"", ""), "waits"),
        ("weak-ask", &|sp| asks(sp, entitlement), &|sp| asks(sp, mail), "waits"),
        ("weak-form", &|sp| names(sp, &[UNSPECIFIED, TRANSIENT]), &|sp| names(sp, &[UNSPECIFIED, PERSISTENT]), "waits"),
        ("weak-order", &|sp| names(sp, &[TRANSIENT, PERSISTENT]), &|sp| names(sp, &[PERSISTENT, TRANSIENT]), "waits"),
        ("same-form", &|sp| names(sp, &[TRANSIENT]), &|sp| names(sp, &[UNSPECIFIED, TRANSIENT]), "good"),
        ("other-form", &|sp| names(sp, &[PERSISTENT]), &|sp| names(sp, &[TRANSIENT]), "good"),
    ];
    for (id, before, after, state) in changes {
        let sp = Sp::new(library, id);
        let press = Press::prints(before(&sp)).await;
        at(library, &press, &sp, "").await;
        assert_ne!(before(&sp), after(&sp), "{id}");
        press.now_prints(after(&sp));
        let shown = refreshed(library, &sp);
        assert_eq!(shown["state"], state, "{id}: {shown}");
    }
}}

promise! { shared, async fn nobody_takes_a_name_that_the_operator_gave_to_another(library) {
    let named = Sp::declared(library, "named-by-hand", Shape { signed_requests: true, ..Shape::default() }).await;
    // Its vendor comes before the other in every order.
    let mut claims = Sp::new(library, "claims-to-be-it");
    claims.entity_id = named.entity_id.clone();
    let press = Press::prints(claims.metadata(&Shape { signed_requests: true, ..Shape::default() })).await;
    at(library, &press, &claims, "").await;
    // Whoever knows this one has read the other.
    Sp::declared(library, "comes-after", Shape::default()).await;
    assert!(is_let_in(library, &named, &named.redirect(&named.request(|r| r), None)).await);
    assert!(!is_let_in(library, &claims, &claims.redirect(&claims.request(|r| r), None)).await);
}}

promise! { shared, async fn the_last_good_copy_goes_on_when_an_address_brings_nothing(library) {
    let sp = Sp::new(library, "gone");
    let press = Press::prints(sp.metadata(&Shape::default())).await;
    at(library, &press, &sp, "").await;
    for (what, text, code) in [
        ("nothing", None, "status-404"),
        ("something else", Some("<html></html>".to_owned()), "no-metadata"),
        ("somebody else", Some(Sp::new(library, "other").metadata(&Shape::default())), "another-entity"),
        ("over", Some(sp.metadata(&Shape { valid_until: Some(saml_now() - 60_000), ..Shape::default() })), "metadata-expired"),
        ("a DTD", Some(format!("<!DOCTYPE x>{}", sp.metadata(&Shape::default()))), "xml-doctype"),
    ] {
        match text {
            Some(text) => press.now_prints(text),
            None => press.vanishes(),
        }
        let shown = refreshed(library, &sp);
        assert_eq!((&shown["state"], &shown["trouble"]["code"]), (&"stale".into(), &code.into()), "{what}: {shown}");
        assert!(is_let_in(library, &sp, &sp.redirect(&sp.request(|r| r), None)).await, "{what}");
    }
    press.now_prints(sp.metadata(&Shape::default()));
    assert_eq!(refreshed(library, &sp)["state"], "good");
}}

promise! { shared, async fn of_a_federation_one_entity_is_taken_and_only_as_the_federation_signed_it(library) {
    let (sp, federation) = (Sp::new(library, "member"), Sp::new(library, "federation"));
    let body = |entity: &Sp| {
        let other = Sp::new(library, "stranger").metadata(&Shape::default());
        let group = Element::new("md:EntitiesDescriptor").raw(entity.metadata(&Shape::default()));
        Element::new("md:EntitiesDescriptor").attr("ID", "_all").raw(other).child(group)
    };
    let signed_by = |signer: &Sp| {
        let sign = |octets: &[u8]| Ok(signer.sign(octets));
        dsig::sign(body(&sp), "_all", &Signer { certificate: &signer.certificate, sign: &sign }).unwrap()
    };
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", federation.certificate);
    let pem = library.write("federation.pem", pem).to_string_lossy().into_owned();
    let lines = format!("entity_id = \"{}\"\nmetadata_certificate = \"{pem}\"", sp.entity_id).leak();
    let press = Press::prints(signed_by(&federation)).await;
    at(library, &press, &sp, lines).await;
    library.soon("it is let in", || async { is_let_in(library, &sp, &sp.redirect(&sp.request(|r| r), None)).await }).await;
    let good = signed_by(&federation);
    for (what, text, code) in [
        ("unsigned", body(&sp).render(), "signature-missing"),
        ("signed by another", signed_by(&sp), "signature-wrong"),
        ("changed", good.replace("/acs\"", "/acs2\""), "signature-changed"),
        ("the group beside it", format!("<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{good}{}</md:EntitiesDescriptor>", sp.metadata(&Shape::default())), "signature-missing"),
    ] {
        press.now_prints(text);
        assert_eq!(refreshed(library, &sp)["trouble"]["code"], code, "{what}");
    }
}}

promise! { shared, async fn metadata_in_a_file_is_judged_when_it_is_applied(library) {
    let sp = Sp::new(library, "filed");
    let two = Element::new("md:EntitiesDescriptor")
        .raw(sp.metadata(&Shape::default()))
        .raw(Sp::new(library, "filed-too").metadata(&Shape::default()))
        .render();
    let over_http = sp.metadata(&Shape::default()).replace("https://filed.example/acs", "http://filed.example/acs");
    let idp = Browser::new().get(library.url("/saml/metadata")).await.body;
    for (text, shape, why) in [
        ("<not-xml", Shape::default(), "not well-formed"),
        (two.as_str(), Shape::default(), "say by its entityID which one"),
        (over_http.as_str(), Shape::default(), "https"),
        (idp.as_str(), Shape::default(), "identity provider"),
        (&sp.metadata(&Shape { without_keys: true, ..Shape::default() }), Shape { lines: "signed_requests = \"required\"", ..Shape::default() }, "signing certificate"),
        (&sp.metadata(&Shape::default()), Shape { lines: "encrypt = \"always\"\nsign = \"everything\"", ..Shape::default() }, "everything"),
        (&sp.metadata(&Shape::default()), Shape { lines: "certificate = \"sometimes\"", ..Shape::default() }, "certificate"),
    ] {
        let file = library.write("filed.xml", text).to_string_lossy().into_owned();
        let done = library.apply(&sp.toml(&shape, &file)).refused();
        assert!(done.stderr.contains(why) && done.stderr.contains("vendor.saml"), "{why}: {}", done.stderr);
    }
    let file = library.write("filed.xml", two).to_string_lossy().into_owned();
    let named = Shape { lines: "entity_id = \"https://filed.example/sp\"", ..Shape::default() };
    library.apply(&sp.toml(&named, &file)).fine();
    let shown = library.run(&["vendor", "show", "filed", "--json"]).fine().json();
    assert_eq!(shown["relying_parties"][0]["key"], "https://filed.example/sp");
}}

promise! { founded, async fn our_certificate_rolls_over_and_nobody_notices(library) {
    crate::keys::settle(&mut library, "\n[keys]\nsaml_cache_lifetime = \"2s\"\nmargin = \"1s\"\nsaml_pinned_for = \"1h\"\n");
    let people = [Person::pupil(1)];
    library.import(&Delivery::of(&people), &[]).fine();
    let patron = people[0].card();
    let pinned = Sp::declared(&library, "laggard", Shape::default()).await;
    let normal = Sp::declared(&library, "modern", Shape { lines: "certificate = \"normal\"", ..Shape::default() }).await;
    let quick_eye = Sp::declared(&library, "fetcher", Shape::default()).await;
    let attested = Sp::declared(&library, "attested", Shape::default()).await;
    let browser = Browser::new();
    browser.sign_in(&library, &patron).await;
    let signed_with = |sp: &Sp| {
        let (library, browser, sp) = (&library, &browser, sp.redirect(&sp.request(|r| r), None));
        async move {
            let page = browser.open(sp).await;
            let (_, fields) = page.hand_over().unwrap();
            let xml = oneaccess::wire::saml::posted::read(&fields[0].1).unwrap();
            assert!(keys_of(library).await.len() <= 2);
            xml.split("X509Certificate>").nth(1).unwrap().split('<').next().unwrap().to_owned()
        }
    };
    let old = signed_with(&pinned).await;
    library.run(&["keys", "rotate", "--algorithm", "saml"]).fine();
    library.soon("both certificates are published", || async { keys_of(&library).await.len() == 2 }).await;
    assert_eq!(signed_with(&normal).await, old, "not used before everybody can have it");
    // One fetches our metadata at its own address, for another the operator vouches.
    let shown = library.run(&["vendor", "show", "fetcher", "--json"]).fine().json();
    let address = shown["relying_parties"][0]["entrance"].as_str().unwrap().to_owned();
    assert_eq!(Browser::new().get(&address).await.status, 200);
    library.run(&["keys", "attest", "attested"]).fine();
    // Who asks for the head alone has no certificate.
    let shown = library.run(&["vendor", "show", "laggard", "--json"]).fine().json();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.head(shown["relying_parties"][0]["entrance"].as_str().unwrap()).send().await.unwrap().status(), 200);
    library.soon("the next one signs", || async { signed_with(&normal).await != old }).await;
    let new = signed_with(&normal).await;
    library.soon("who fetched it has moved", || async { signed_with(&quick_eye).await == new }).await;
    library.soon("who is vouched for has moved", || async { signed_with(&attested).await == new }).await;
    assert_eq!(signed_with(&pinned).await, old, "who lags goes on as before");
    let listed = library.run(&["keys", "list", "--json"]).fine().json().to_string();
    assert!(listed.contains("laggard") && listed.contains("rsa-sha256-2"), "{listed}");
    // The deadline.
    library.run(&["keys", "defer", "--algorithm", "saml", "2020-01-01"]).refused();
}}
