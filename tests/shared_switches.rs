//! One computer of a lab and the children who sit down at it one after another, in Debian's Chromium: whoever leaves,
//! and however, the next one finds nothing of hers.

use std::collections::BTreeMap;

use crate::{
    actors::*,
    promise,
    shared_devices::{people, set_up},
};

/// Long enough for a busy machine to click through the pages, short enough to wait for its end.
const LAB: &str = "[shared_devices]\nnetworks = [\"127.0.0.0/8\"]\nidle = \"12s\"";
const CHILDREN: usize = 12;
const SWITCHES: usize = 24;

promise! { founded, async fn twenty_four_children_in_a_row_each_see_only_themselves(library) {
    set_up(&mut library, "", LAB);
    let children = people(&library, CHILDREN);
    let room = ReadingRoom::open(&library).await;
    Chromium::visit(Look::CHROMEBOOK, async |screen| {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        screen.go(&library.issuer).await;
        for turn in 0..SWITCHES {
            // Everybody sits down twice, the second time after somebody else than the first.
            let child = &children[(turn * 5 + turn / CHILDREN) % CHILDREN];
            let others: Vec<&Patron> = children.iter().filter(|other| other.card != child.card).collect();
            let about = format!("turn {turn}, card {}", child.card);
            let nobody_else = async |what: &str| {
                let source = screen.source().await;
                let numbers = source.replace(' ', "");
                for other in &others {
                    assert!(!source.contains(&badge(other)), "{about}: {what} shows {}:\n{source}", badge(other));
                    assert!(!numbers.contains(&other.card), "{about}: {what} shows {}:\n{source}", other.card);
                }
            };
            screen.see("#sign-in").await;
            nobody_else("the sign-in page").await;
            assert_eq!(screen.see("#card").await.value().await.unwrap().unwrap_or_default(), "", "{about}");
            screen.sign_in(child).await;
            // Whoever signed in over another came by the room, and is there already.
            if turn % 3 != 1 {
                screen.see("[data-vendor]").await;
                nobody_else("the launchpad").await;
                screen.click("[data-vendor=\"room\"]").await;
            }
            screen.arrive(&room.url).await;
            let name = screen.see("#reader").await.text().await.unwrap();
            let known = names.entry(child.card.clone()).or_insert_with(|| name.clone());
            assert_eq!(*known, name, "{about}: the room takes her for somebody else");
            screen.go(&library.url("/card")).await;
            screen.see(".card-number").await;
            nobody_else("the card").await;
            let source = screen.source().await;
            assert!(source.contains(&badge(child)) && source.replace(' ', "").contains(&child.card), "{about}");

            let next = match turn % 3 {
                0 => {
                    // Somebody else signs in over her, from the vendor's page.
                    screen.go(&format!("{}/?fresh", room.url)).await;
                    continue;
                }
                1 => {
                    screen.click("#done").await;
                    "Done"
                }
                _ => "nothing done",
            };
            // Left alone, the page goes by itself.
            screen.arrive(&library.url("/signed-out")).await;
            screen.see("#next").await;
            assert!(!screen.source().await.contains(&badge(child)), "{about}, {next}");
            for step in 0..4 {
                screen.back().await;
                if screen.url().await.starts_with(&room.url) {
                    // A vendor's page, which its browser may keep: it is nobody's as soon as it is used.
                    screen.driver.refresh().await.unwrap();
                    screen.see("#sign-in").await;
                }
                let source = screen.source().await;
                let shows = |one: &Patron| source.contains(&badge(one)) || source.replace(' ', "").contains(&one.card);
                assert!(!children.iter().any(shows), "{about}, {next}, {} back at {}:\n{source}", step + 1, screen.url().await);
                assert!(!source.contains(&name), "{about}, {next}: {source}");
            }
            screen.go(&library.issuer).await;
        }
        let distinct: std::collections::BTreeSet<&String> = names.values().collect();
        assert_eq!((names.len(), distinct.len()), (CHILDREN, CHILDREN), "{names:?}");
    })
    .await;
    library.soon("the room heard of every end", || async { room.readers() == 0 }).await;
    assert!(room.farewells() >= SWITCHES || part("ONEACCESS_TEST_CHROMEDRIVER", "Chromium").is_none());
}}

promise! { founded, async fn without_scripts_a_page_left_alone_goes_as_well(library) {
    set_up(&mut library, "", &LAB.replace("12s", "15s"));
    let child = &people(&library, 1)[0];
    Chromium::visit(Look::WITHOUT_SCRIPTS, async |screen| {
        screen.go(&library.issuer).await;
        screen.sign_in(child).await;
        screen.see(".who.shared #done").await;
        screen.see("#still-there").await;
        assert!(screen.source().await.contains(&badge(child)), "she can see whom it asks");
        screen.arrive(&library.url("/signed-out")).await;
        assert!(!screen.source().await.contains(&badge(child)));
    })
    .await;
}}

promise! { founded, async fn pages_of_shared_computers_pass_axe_in_every_look(library) {
    set_up(&mut library, "", &LAB.replace("12s", "30m"));
    let child = &people(&library, 1)[0];
    let link = || {
        let made = library.run(&["shared-device", "enrol", "--name", "Branch 3, desk", "--json"]).fine().json();
        made["link"].as_str().unwrap().to_owned()
    };
    for (name, look) in [("light", Look::CHROMEBOOK), ("dark", Look::DARK), ("spanish", Look::SPANISH), ("narrow", Look::NARROW)] {
        let link = link();
        Chromium::visit(look, async |screen| {
            let seen = async |page: &str| {
                screen.picture(&format!("shared-{page}-{name}")).await;
                screen.is_accessible(&format!("{page}, {name}")).await;
                screen.fits(&format!("{page}, {name}")).await;
            };
            screen.go(&link).await;
            screen.see("#enrol").await;
            seen("enrol").await;
            screen.click("#enrol-submit").await;
            screen.see("#standing").await;
            seen("standing").await;
            screen.go(&link).await;
            screen.see("#over").await;
            seen("link-over").await;
            screen.go(&library.issuer).await;
            screen.see("#shared").await;
            seen("sign-in").await;
            screen.sign_in(child).await;
            screen.see(".who.shared").await;
            seen("launchpad").await;
            screen.go(&library.url("/still-there?back=/card")).await;
            screen.see("#still-there").await;
            seen("still-there").await;
            screen.click("#still-there").await;
            screen.see(".card-number").await;
            seen("card").await;
            screen.go(&library.url("/no-such-page")).await;
            seen("not-found").await;
            screen.go(&library.url("/device/connected")).await;
            seen("device-connected").await;
            screen.go(&library.issuer).await;
            screen.click("#done").await;
            screen.see("#next").await;
            seen("signed-out").await;
        })
        .await;
    }
}}

/// As the header shows who is there.
fn badge(child: &Patron) -> String {
    format!("P · {}", &child.card[2..])
}
