//! Schools' sign-ins that we did not write: npm's oidc-provider and Spring Authorization Server, each with its own pages.

use crate::{actors::*, promise};

async fn a_class_signs_in(library: &Library, school: &School) {
    library.opens_portals(&[("oak", school.source("oak"))], &people()).await;
    let first = Browser::new();
    let page = first.at_school(library, school, "pupil1", "birch-leaf").await;
    assert!(first.is_signed_in(library).await, "{}", page.body);
    // A second time, the school still knows her.
    first.sign_out(library).await;
    let page = first.open(library.url("/sign-in")).await;
    let away = first.goes_to_school(&page, "oak").await.location().unwrap();
    first.open(away).await;
    assert!(first.is_signed_in(library).await);
    // Another pupil in another browser; one with a wrong password stays at the school's page.
    let second = Browser::new();
    second.at_school(library, school, "pupil2", "willow-leaf").await;
    assert!(second.is_signed_in(library).await);
    let guess = Browser::new();
    guess.at_school(library, school, "pupil1", "wrong").await;
    assert!(!guess.is_signed_in(library).await);
    let bound = library.run(&["upstream", "list", "--json"]).fine().json();
    assert_eq!(bound[0]["bound"], 2, "{bound}");
}

promise! { founded, async fn pupils_sign_in_at_npms_oidc_provider(library) {
    let Some(school) = School::of_node(&library) else { return };
    a_class_signs_in(&library, &school).await;
    // Who goes back instead is told so, and has the PIN.
    let browser = Browser::new();
    let page = browser.open(library.url("/sign-in")).await;
    let away = browser.goes_to_school(&page, "oak").await.location().unwrap();
    let form = browser.open(away).await;
    let back = browser.submit_and_follow(&form, "deny", &[]).await;
    assert_eq!(back.reason().as_deref(), Some("upstream-failed"), "{}", back.body);
    assert!(back.has("sign-in"));
}}

promise! { founded, async fn pupils_sign_in_at_spring_authorization_server(library) {
    let Some(school) = School::of_java(&library) else { return };
    a_class_signs_in(&library, &school).await;
}}

promise! { founded, async fn a_child_presses_her_schools_button_and_is_back_at_her_books(library) {
    let Some(school) = School::of_node(&library) else { return };
    library.opens_portals(&[("oak", school.source("oak"))], &people()).await;
    Chromium::visit(Look::PHONE, async |screen| {
        screen.go(&library.url("/sign-in")).await;
        screen.is_accessible("the sign-in page with a school's button").await;
        screen.fits("the sign-in page with a school's button").await;
        screen.click("form[action$=\"/with/oak\"] button").await;
        screen.fill("#username", "pupil1").await;
        screen.fill("#password", "birch-leaf").await;
        screen.click("#in").await;
        screen.see("#done").await;
        assert_eq!(screen.url().await, library.url("/"));
        // Signed out here, she presses it again: her school still knows her and asks nothing.
        screen.click("#done").await;
        screen.see("#signed-out").await;
        screen.go(&library.url("/sign-in")).await;
        screen.click("form[action$=\"/with/oak\"] button").await;
        screen.see("#done").await;
    })
    .await;
}}
