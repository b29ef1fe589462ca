//! Vendors of each kind that `docs/integrate/` has a page for, with the very lines of the page.

use super::*;

const AUDIENCE_BAND: &str = "/attributes/audience_band";
const PATRON_TYPE: &str = "/attributes/patron_type";

promise! { own, async fn one_door_for_all_libraries_finds_the_library_and_the_reader(library) {
    let Some(mut vendor) = ServiceProvider::run(Peer::NodeSaml, &library, "plover", &[]) else { return };
    vendor.declare(&library, include_str!("../clients/saml/plover.toml")).await;
    let domain = scope_domain(&library);
    for (name, role, band) in
        [("district_grade_2", "student", "juvenile"), ("district_teacher", "staff", "adult")]
    {
        let reader = vendor.click(&Browser::new(), &library.patron(name), Question::default()).await.unwrap();
        let told: BTreeSet<String> = reader.attributes.keys().cloned().collect();
        let band_name = library.url(AUDIENCE_BAND);
        assert_eq!(told, [TARGETED_ID.to_owned(), AFFILIATION.to_owned(), band_name.clone()].into());
        assert_eq!(reader.attributes[AFFILIATION], [format!("{role}@{domain}"), format!("member@{domain}")]);
        assert_eq!(reader.attributes[&band_name], [band]);
        assert!(reader.attributes[TARGETED_ID][0].contains(&reader.name_id), "{reader:?}");
    }
}}

promise! { own, async fn a_vendor_out_of_a_federations_metadata_sees_common_lib_terms(library) {
    let Some(mut vendor) = ServiceProvider::run(Peer::Python3Saml, &library, "osprey", &[]) else { return };
    let Some(other) = ServiceProvider::run(Peer::Python3Saml, &library, "heron", &[]) else { return };
    let one = |text: &str| text.split_once("?>").map_or(text, |(_, rest)| rest).to_owned();
    let federation = format!(
        "<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}{}</EntitiesDescriptor>",
        one(&other.metadata),
        one(&vendor.metadata)
    );
    library.write("vendors/federation.xml", federation);
    vendor.declare(&library, include_str!("../clients/saml/osprey.toml")).await;
    let reader = vendor.click(&Browser::new(), &library.patron("district_grade_7"), Question::default()).await.unwrap();
    let told: BTreeSet<&str> = reader.attributes.keys().map(String::as_str).collect();
    assert_eq!(told, BTreeSet::from([ENTITLEMENT, AFFILIATION, TARGETED_ID]));
    let common = "urn:mace:dir:entitlement:common-lib-terms".to_owned();
    assert!(reader.attributes[ENTITLEMENT].contains(&common), "{reader:?}");
    let page = vendor.arrive(&Browser::new(), &library.patron("district_grade_2"), Question::default()).await;
    assert_eq!(page.reason().as_deref(), Some("audience-mismatch"), "{}", page.words());
}}

promise! { own, async fn a_vendor_for_schools_is_entered_from_the_librarys_own_link(library) {
    let unasked = [("VENDOR_UNASKED", "1")];
    let Some(mut vendor) = ServiceProvider::run(Peer::Pysaml2, &library, "gannet", &unasked) else { return };
    vendor.declare(&library, include_str!("../clients/saml/gannet.toml")).await;
    let target = "https://gannet.example/homework?location=quillwater";
    let mut link = url::Url::parse(&library.url("/saml/unsolicited")).unwrap();
    link.query_pairs_mut().append_pair("providerId", &vendor.entity_id).append_pair("target", target);
    let (browser, patron) = (Browser::new(), library.patron("district_grade_7"));
    let page = browser.open(&link).await;
    let page = browser.submit_and_follow(&page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await;
    let (_, fields) = vendor.handed_over(&page);
    let reader = vendor.receive(&fields).unwrap();
    assert_eq!(reader.relay_state, target);
    let told = [(PATRON_TYPE, "student"), (AUDIENCE_BAND, "young-adult")];
    assert_eq!(reader.attributes, told.map(|(name, value)| (library.url(name), vec![value.to_owned()])).into());

    // Whoever does not want readers unasked gets none, whatever link is shown.
    let Some(asks) = ServiceProvider::start(Peer::Pysaml2, &library, "asks-first", "").await else { return };
    let mut link = url::Url::parse(&library.url("/saml/unsolicited")).unwrap();
    link.query_pairs_mut().append_pair("providerId", &asks.entity_id);
    let page = browser.get(&link).await;
    assert!(page.status == 400 && !page.has("continue"), "{}", page.words());
}}
