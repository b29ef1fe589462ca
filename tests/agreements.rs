//! What an operator is told of agreements.

use serde_json::json;

use crate::{actors::*, promise};

promise! { founded, async fn an_agreements_end_is_known_before_it_comes_and_changes_nothing(library) {
    let people = [
        Person::pupil(1),
        Person::pupil(2),
        Person { role: "teacher", grade: "", ..Person::pupil(3) },
        Person { org: "org-cedar", ..Person::pupil(4) },
        Person { org: "org-cedar", grade: "02", ..Person::pupil(5) },
    ];
    library.import(&Delivery::of(&people), &[]).fine();
    let blocked = people[1].card().card;
    library.run(&["card", "block", &blocked, "--reason", "lost"]).fine();

    let sooner = library.run(&["agreement", "simulate", "maple-all", "--ends", "2090-06-30", "--json"]).fine().json();
    assert_eq!((&sooner["at"], &sooner["ends"]), (&json!("2090-07-01"), &json!("2090-06-30")));
    let maple = json!({
        "organisation": "maple", "cards_today": 2, "cards_then": 0, "lapse": 2, "begin": 0,
        "lose": { "library.databases": 2, "library.ebooks": 2 }, "gain": {},
    });
    assert_eq!(sooner["organisations"], json!([maple]), "a blocked card has nothing to lose, and the charter keeps its own");
    assert_eq!((&sooner["total"]["cards_today"], &sooner["total"]["cards_then"]), (&json!(3), &json!(1)));

    let at_the_end = library.run(&["agreement", "simulate", "cedar-upper", "--json"]).fine().json();
    assert_eq!(at_the_end["total"]["lapse"], 3, "both agreements end that day");
    let before = library.run(&["agreement", "simulate", "maple-all", "--at", "2098-01-01"]).fine().stdout;
    assert!(before.contains("Quiet"), "{before}");
    let words = library.run(&["agreement", "simulate", "maple-all", "--ends", "2090-06-30"]).fine().stdout;
    assert!(words.contains("2 library.ebooks") && words.contains("2 cards would open nothing"), "{words}");

    for wrong in [&["no-such"][..], &["maple-all", "--ends", "2019-01-01"], &["maple-all", "--at", "2020-08-01"]] {
        library.run(&[&["agreement", "simulate"], wrong].concat()).refused();
    }
    let after = library.run(&["agreement", "list", "--json"]).fine().json();
    assert_eq!(after[1]["to"], "2099-06-30", "nothing was changed: {after}");
}}
