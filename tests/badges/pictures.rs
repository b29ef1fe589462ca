//! Three pictures in order: easier than a PIN, and so counted harder.

use super::shown;
use crate::{actors::*, promise};

const PICTURES: &str = "second_step = \"picture\"\n";

fn other(right: &[usize]) -> Vec<usize> {
    right.iter().rev().copied().collect()
}

promise! { founded, async fn after_the_badge_come_three_pictures_and_only_the_right_ones_open(library) {
    library.with_badges(PICTURES);
    let (done, _, list) = library.print_badges("room-1", &["--class", "room-1"]);
    done.fine();
    let pictures = pictures_of(&list);
    assert_eq!(pictures.keys().collect::<Vec<_>>(), ["Mira", "Theo"]);
    let right = &pictures["Mira"];
    assert_eq!(right.len(), 3, "{list}");
    let secret = library.known_badge(&Primary::card(1).card).await;
    let browser = Browser::new();
    let page = browser.show_badge(&library, &secret).await;
    assert!(page.has("pictures") && !browser.is_signed_in(&library).await, "{}", page.body);
    let page = browser.pick(page, &other(right)).await;
    assert_eq!(page.reason().as_deref(), Some("pictures-wrong"), "{}", page.body);
    let page = browser.pick(page, right).await;
    assert!(browser.is_signed_in(&library).await, "{}", page.body);
    // The step is taken once.
    let elsewhere = Browser::new();
    let start = elsewhere.show_badge(&library, &secret).await;
    let last = elsewhere.pick(start, &right[..2]).await;
    let (url, mut fields) = last.fields("pictures");
    fields.push(("pick".into(), right[2].to_string()));
    assert!(elsewhere.post(&url, &fields).await.status.is_redirection());
    assert_eq!(elsewhere.post(&url, &fields).await.status, 410);
    // Pictures of one child are worth nothing with another's badge.
    let theo = library.known_badge(&Primary::card(2).card).await;
    let page = Browser::new();
    let start = page.show_badge(&library, &theo).await;
    if *right != pictures["Theo"] {
        assert_eq!(page.pick(start, right).await.reason().as_deref(), Some("pictures-wrong"));
    }
    // Nor is anything that no button sends.
    let browser = Browser::new();
    let start = browser.show_badge(&library, &secret).await;
    for (so_far, pick) in [("", "99"), ("0-1-2-3", "4"), ("x", "1"), ("0-1", ""), ("", "again")] {
        let page = browser.submit(&start, "pictures", &[("so_far", so_far), ("pick", pick)]).await;
        assert!(page.has("pictures") && page.reason().is_none(), "{so_far} {pick}: {}", page.body);
    }
}}

promise! { founded, async fn five_wrong_picks_lock_a_badge_until_the_teacher_gives_new_pictures(library) {
    library.with_badges(PICTURES);
    let (_, _, list) = library.print_badges("room-1", &["--class", "room-1"]);
    let right = pictures_of(&list)["Mira"].clone();
    let secret = library.known_badge(&Primary::card(1).card).await;
    // Each from a browser of its own, after a restart in between: what is counted is the badge.
    for n in 1..=5 {
        if n == 4 {
            library.restart();
        }
        let browser = Browser::new();
        let page = browser.show_badge(&library, &secret).await;
        let page = browser.pick(page, &other(&right)).await;
        let reason = if n < 5 { "pictures-wrong" } else { "pictures-locked" };
        assert_eq!(page.reason().as_deref(), Some(reason), "pick {n}: {}", page.body);
    }
    let browser = Browser::new();
    let page = browser.show_badge(&library, &secret).await;
    let page = browser.pick(page, &right).await;
    assert_eq!(page.reason().as_deref(), Some("pictures-locked"), "the right ones come too late: {}", page.body);
    let view = library.run(&["badge", "list", "--class", "room-1", "--reason", "x", "--json"]).fine().json();
    assert_eq!(view["classes"][0]["locked"], 1, "{view}");

    let new = library.path().join("new.html");
    let file = new.to_string_lossy().into_owned();
    let card = Primary::card(1).card;
    let args = ["badge", "pictures", "reset", "--card", &card, "--list-out", &file, "--reason", "forgot them", "--json"];
    assert_eq!(library.run(&args).fine().json()["badges"], 1);
    let changed = pictures_of(&std::fs::read_to_string(&new).unwrap())["Mira"].clone();
    let browser = Browser::new();
    let page = browser.show_badge(&library, &secret).await;
    browser.pick(page, &changed).await;
    assert!(browser.is_signed_in(&library).await, "the badge itself goes on");
}}

promise! { founded, async fn picks_sent_side_by_side_gain_nothing(library) {
    library.with_badges(PICTURES);
    let (_, _, list) = library.print_badges("room-1", &["--class", "room-1"]);
    let right = pictures_of(&list)["Mira"].clone();
    let secret = library.known_badge(&Primary::card(1).card).await;
    let browser = Browser::new();
    let start = browser.show_badge(&library, &secret).await;
    let (url, fields) = start.fields("pictures");
    let guess = |n: usize| {
        let (a, b) = (n % 12, (n + 1 + n / 12) % 12);
        let mut fields: Vec<(String, String)> = fields.iter().filter(|(name, _)| name != "so_far").cloned().collect();
        fields.extend([("so_far".into(), format!("{a}-{b}")), ("pick".into(), "0".into())]);
        fields
    };
    let wrong = |n: &usize| [n % 12, (n + 1 + n / 12) % 12, 0] != right[..];
    let all: Vec<_> = (0..24).filter(wrong).map(guess).collect();
    let answers = futures_of(all.iter().map(|fields| browser.post(&url, fields))).await;
    let looked_at = answers.iter().filter(|page| page.reason().as_deref() == Some("pictures-wrong")).count();
    assert!(looked_at <= 5, "{looked_at} of {} were looked at", all.len());
    assert_eq!(shown(&library, &secret).await, None, "the badge is read, its pictures are not");
    let page = browser.show_badge(&library, &secret).await;
    assert_eq!(browser.pick(page, &right).await.reason().as_deref(), Some("pictures-locked"));
}}

async fn futures_of<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut open = 0;
        for (one, done) in &mut waiting {
            if done.is_none() {
                match one.as_mut().poll(context) {
                    std::task::Poll::Ready(answer) => *done = Some(answer),
                    std::task::Poll::Pending => open += 1,
                }
            }
        }
        if open == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}
