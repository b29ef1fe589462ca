//! A roster's life: who leaves is out at once, who returns gets the same card, who was opted out stays out.

use crate::{actors::*, promise};

promise! { founded, async fn who_leaves_loses_sessions_and_tokens_at_once_and_returns_as_the_same_reader(library) {
    let (leaver, stays) = (Person::pupil(1), Person::pupil(2));
    let both = Delivery::of(&[leaver.clone(), stays.clone()]);
    library.import(&both, &[]).fine();
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let (browser, other) = (Browser::new(), Browser::new());
    let scopes = ["openid", "library.ebooks"];
    let tokens = vendor.click(&library, &browser, &leaver.card(), &scopes).await;
    let kept = vendor.click(&library, &other, &stays.card(), &scopes).await;
    let chosen = Patron::new(leaver.identifier.clone(), CHANGED_PIN);

    // A code in flight dies with her, too.
    let (code, challenge) = vendor.code(&browser, &chosen).await;
    library.import(&Delivery::of(std::slice::from_ref(&stays)), &["--accept-removals"]).fine();
    library.soon("the session is over", || async { !browser.is_signed_in(&library).await }).await;
    assert_eq!(vendor.userinfo(&tokens.access_token).await.0, 401);
    assert_eq!(vendor.token(&vendor.exchange(&code, &challenge)).await.0, 400, "the code in flight");
    let page = Browser::new().try_sign_in(&library, &chosen).await;
    assert_eq!(page.reason().as_deref(), Some("withdrawn"), "{}", page.body);
    assert!(other.is_signed_in(&library).await);
    assert_eq!(vendor.userinfo(&kept.access_token).await.0, 200, "nobody else lost anything");

    library.import(&both, &[]).fine();
    library.soon("she is back", || async {
        Browser::new().try_sign_in(&library, &chosen).await.reason().is_none()
    }).await;
    let again = vendor.click(&library, &Browser::new(), &chosen, &scopes).await;
    assert_eq!(again.subject, tokens.subject, "the same card, the same loans");
    assert!(!browser.is_signed_in(&library).await, "the old session stays dead");
}}

promise! { founded, async fn who_is_disabled_or_marked_for_deletion_counts_as_withdrawn(library) {
    let people: Vec<Person> = (1..=3).map(Person::pupil).collect();
    library.import(&Delivery::of(&people), &[]).fine();
    let disabled = Person { enabled: "false", ..people[0].clone() };
    let delivery = Delivery::of(&[disabled, people[1].clone(), people[2].clone()])
        .edit("users.csv", |text| text.replace("user-2,active", "user-2,tobedeleted"));
    library.import(&delivery, &["--accept-removals"]).fine();
    for person in &people[..2] {
        let page = Browser::new().try_sign_in(&library, &person.card()).await;
        assert!(page.has("sign-in") || page.reason().is_some(), "{}", page.body);
    }
    Browser::new().sign_in(&library, &people[2].card()).await;
}}

promise! { founded, async fn a_move_to_a_grade_outside_the_agreement_shuts_the_door(library) {
    let pupil = Person { org: "org-cedar", grade: "06", ..Person::pupil(1) };
    let others = [Person { org: "org-cedar", ..Person::pupil(2) }, Person { org: "org-cedar", ..Person::pupil(3) }];
    let with = |pupil: &Person| Delivery::of(&[pupil.clone(), others[0].clone(), others[1].clone()]);
    library.import(&with(&pupil), &[]).fine();
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let card = Patron::new(format!("CC{}", pupil.identifier), pupil.pin.clone());
    let browser = Browser::new();
    let tokens = vendor.click(&library, &browser, &card, &["openid", "library.ebooks"]).await;
    library.import(&with(&Person { grade: "05", ..pupil }), &[]).fine();
    let refused = || async { vendor.userinfo(&tokens.access_token).await.0 == 401 };
    library.soon("the token is worth nothing", refused).await;
    let url = vendor.authorize_url(&vendor.request(&Challenge::new()));
    let page = browser.go(&url, &vendor.party.redirect_uri).await.page();
    assert_eq!(page.reason().as_deref(), Some("grade-not-covered"), "{}", page.body);
}}
