//! Guessing: slow for the guesser, harmless for everybody else behind the same address.

use crate::{actors::*, promise};

/// No rule may allow more wrong tries than this on one card, or with one PIN from one address.
const FAR_TOO_MANY: usize = 30;

promise! { own, async fn guessing_one_card_stops_and_no_classmate_is_locked_out(library) {
    let victim = library.patron("district_grade_7");
    let mut answered = 0;
    for n in 0..FAR_TOO_MANY {
        let page = Browser::new().try_sign_in(&library, &Patron::new(victim.card.clone(), format!("83{n:03}"))).await;
        if stopped(&page) {
            break;
        }
        answered += 1;
    }
    assert!(answered < FAR_TOO_MANY, "{answered} guesses were answered");
    let page = Browser::new().try_sign_in(&library, &victim).await;
    assert!(stopped(&page), "even the right PIN waits now:\n{}", page.body);
    // The school sits behind one address.
    Browser::new().sign_in(&library, &library.patron("district_grade_2")).await;
    Browser::new().sign_in(&library, &library.patron("district_teacher")).await;
}}

promise! { own, async fn guessing_in_parallel_brings_no_more_guesses(library) {
    let victim = library.patron("district_grade_7");
    let library = std::sync::Arc::new(library);
    let guesses: Vec<_> = (0..64)
        .map(|n| {
            let (library, guess) = (library.clone(), Patron::new(victim.card.clone(), format!("83{n:03}")));
            tokio::spawn(async move {
                let page = Browser::new().try_sign_in(&library, &guess).await;
                !stopped(&page) && page.status != 503
            })
        })
        .collect();
    let mut answered = 0;
    for guess in guesses {
        answered += usize::from(guess.await.unwrap());
    }
    assert!(answered <= FAR_TOO_MANY / 2, "{answered} guesses were answered");
}}

promise! { own, async fn one_pin_over_many_cards_is_caught(library) {
    let mut answered = 0;
    for n in 0..FAR_TOO_MANY {
        let page = Browser::new().try_sign_in(&library, &Patron::new(format!("9981{n:04}"), "84512")).await;
        if stopped(&page) {
            break;
        }
        answered += 1;
    }
    assert!(answered < FAR_TOO_MANY, "{answered} cards were tried with one PIN");
    Browser::new().sign_in(&library, &library.patron("district_grade_2")).await;
}}

promise! { own, async fn the_change_of_pin_is_no_way_around_the_throttle(library) {
    let patron = library.patron("first_pin");
    let browser = Browser::new();
    browser.sign_in_until_change(&library, &patron).await;
    for n in 0..FAR_TOO_MANY {
        let page = browser.open(library.url("/")).await;
        if !page.has("change-pin") {
            return; // the guesser was put out
        }
        browser.change_pin(&page, &format!("83{n:03}"), "730194").await;
    }
    // Whether it is said or not: by now even the right one is refused.
    let page = browser.open(library.url("/")).await;
    browser.change_pin(&page, &patron.pin, "730194").await;
    let page = Browser::new().try_sign_in(&library, &Patron::new(patron.card, "730194")).await;
    assert!(page.has("sign-in") || stopped(&page), "{FAR_TOO_MANY} guesses of the current PIN were answered");
}}

fn stopped(page: &Page) -> bool {
    page.status == 429 || page.reason().as_deref() == Some("too-many-tries")
}
