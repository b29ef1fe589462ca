//! What a night's delivery means for people: told before it comes, bridged over a summer, taken back with all that
//! followed.

use serde_json::json;

use crate::{actors::*, promise};

/// The district, with a summer that today is in, or not.
fn district(bridge: &str) -> String {
    format!(
        "[[organisation]]\nid = \"maple\"\nname = \"Maple Schools\"\nroster = [\"org-maple\"]\n\
         card = {{ scheme = \"raw\", from = \"identifier\" }}\ninitial_pin = \"password\"\n{bridge}\n"
    )
}

/// From a month ago to in a month, whatever day it is.
fn summer() -> String {
    let day = |days: i64| {
        let at = std::time::SystemTime::now() + std::time::Duration::from_secs(40 * 86_400);
        let at = at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64 - (40 - days) * 86_400;
        let (_, month, day) = civil(at.div_euclid(86_400));
        format!("{month:02}-{day:02}")
    };
    format!("bridge = {{ from = \"{}\", until = \"{}\" }}", day(-30), day(30))
}

/// Year, month and day of so many days since 1970 (Howard Hinnant's `civil_from_days`, written anew).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

promise! { founded, async fn an_operator_reads_what_a_night_means_for_privileges_before_it_comes(library) {
    let people: Vec<Person> = (1..=20).map(Person::pupil).collect();
    let first = library.import(&Delivery::of(&people), &["--dry-run"]).fine().json();
    let everybody = json!([{
        "organisation": "maple", "cards_today": 0, "cards_then": 20, "lapse": 0, "begin": 20,
        "lose": {}, "gain": { "library.databases": 20, "library.ebooks": 20 },
    }]);
    assert_eq!(first["privileges"], everybody);
    library.import(&Delivery::of(&people), &[]).fine();

    let mut night = people.clone();
    night.truncate(18);
    night[0].org = "org-cedar";
    night[1].org = "org-cedar";
    night[1].grade = "02";
    let look = library.import(&Delivery::of(&night), &["--dry-run", "--accept-removals"]).fine().json();
    let means = json!([{
        "organisation": "maple", "cards_today": 4, "cards_then": 1, "lapse": 3, "begin": 0,
        "lose": { "library.databases": 4, "library.ebooks": 3 }, "gain": {},
    }]);
    assert_eq!(look["privileges"], means, "two left, one went to a charter for e-books alone, one to it too young");
    let path = Delivery::of(&night).zip();
    let path = library.write("night.zip", path);
    let words = library.run(&["directory", "import", "cms", &path.to_string_lossy(), "--dry-run"]).fine().stdout;
    assert!(words.contains("4 lose library.databases") && words.contains("3 cards open nothing any more"), "{words}");
}}

promise! { founded, async fn a_graduate_keeps_the_card_over_the_summer_and_a_disabled_person_does_not(library) {
    library.apply(&district(&summer())).fine();
    let people: Vec<Person> = (1..=20).map(Person::pupil).collect();
    library.import(&Delivery::of(&people), &[]).fine();
    let (graduate, disabled) = (people[0].card(), people[1].card());
    let (at_home, elsewhere) = (Browser::new(), Browser::new());
    at_home.sign_in(&library, &graduate).await;
    elsewhere.sign_in(&library, &disabled).await;

    let mut night = people.clone();
    night[1].enabled = "false";
    night.remove(0);
    let done = library.import(&Delivery::of(&night), &[]).fine().json();
    assert_eq!((&done["preview"]["totals"]["withdrawn"], &done["preview"]["totals"]["bridged"]), (&json!(2), &json!(1)));
    library.soon("the disabled pupil is out", || async { !elsewhere.is_signed_in(&library).await }).await;
    assert!(at_home.is_signed_in(&library).await, "school is out, reading is not");
    library.run_with(&["card", "set-pin", &graduate.card], "582047\n").fine();
    Browser::new().sign_in(&library, &Patron::new(graduate.card.clone(), "582047")).await;
    let shown = library.run(&["card", "show", &graduate.card, "--reason", "desk", "--json"]).fine().json();
    assert_eq!(shown["standing"], "bridged");
    assert!(shown["last_day"].is_string(), "{shown}");
    let why = library.run(&["explain", &graduate.card, "shelf"]).fine().stdout;
    assert!(why.contains("the card lives on until"), "{why}");

    // The summer is called off, and the next night finds her nowhere: who left before keeps what she was promised.
    library.apply(&district("")).fine();
    let mut later = night.clone();
    later.remove(1);
    library.import(&Delivery::of(&later), &[]).fine();
    let gone = people[2].card();
    let page = Browser::new().try_sign_in(&library, &gone).await;
    assert_eq!(page.reason().as_deref(), Some("withdrawn"));
    Browser::new().sign_in(&library, &Patron::new(graduate.card.clone(), "582047")).await;
}}

promise! { founded, async fn an_undo_restores_what_held_before_a_night_even_after_later_ones(library) {
    let people: Vec<Person> = (1..=12).map(Person::pupil).collect();
    let night = |n: usize| Delivery::of(&people[..n]);
    library.import(&night(10), &[]).fine();
    library.import(&night(4), &["--accept-removals"]).fine();
    library.import(&night(12), &[]).fine();
    let refused = library.run(&["directory", "undo", "cms", "--run", "2"]).refused();
    assert!(refused.stderr.contains("--and-later"), "{}", refused.stderr);
    let undone = library.run(&["directory", "undo", "cms", "--run", "2", "--and-later", "--json"]).fine().json();
    assert_eq!((&undone["undone"], &undone["live"]), (&json!(3), &json!(1)));
    Browser::new().sign_in(&library, &people[9].card()).await;
    assert!(Browser::new().try_sign_in(&library, &people[11].card()).await.has("sign-in"), "nobody knows her again");
    let states = library.run(&["directory", "runs", "cms", "--json"]).fine().json();
    let states: Vec<&str> = states.as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["undone", "undone", "live"]);
}}

promise! { founded, async fn a_delivery_of_changes_changes_whom_it_names_and_nobody_else(library) {
    let people: Vec<Person> = (1..=12).map(Person::pupil).collect();
    let delta = |people: &[Person], status: &str| {
        Delivery::of(people)
            .edit("manifest.csv", |text| text.replace("file.users,bulk", "file.users,delta").replace("file.orgs,bulk", "file.orgs,absent"))
            .edit("users.csv", |text| text.replace(",active,", &format!(",{status},")))
            .without("orgs.csv")
    };
    let early = library.import(&delta(&people[..1], "active"), &[]).refused();
    assert!(early.stderr.contains("whole delivery"), "{}", early.stderr);
    library.import(&Delivery::of(&people), &[]).fine();
    let leaver = Browser::new();
    leaver.sign_in(&library, &people[3].card()).await;
    let stayer = Browser::new();
    stayer.sign_in(&library, &people[4].card()).await;

    let newcomer = Person::pupil(40);
    let done = library.import(&delta(std::slice::from_ref(&newcomer), "active"), &[]).fine().json();
    assert_eq!((&done["preview"]["totals"]["added"], &done["preview"]["totals"]["unchanged"]), (&json!(1), &json!(12)));
    Browser::new().sign_in(&library, &newcomer.card()).await;
    let done = library.import(&delta(&people[3..4], "tobedeleted"), &[]).fine().json();
    assert_eq!(done["preview"]["totals"]["withdrawn"], 1);
    library.soon("who is deleted is out", || async { !leaver.is_signed_in(&library).await }).await;
    assert!(stayer.is_signed_in(&library).await);
}}
