//! A forgotten PIN: the teacher of the class and the librarian of the branch can help, and nobody else.

use crate::{actors::*, promise};

const RULES: &str = "[classes]\nread = \"homeroom\"\nteachers_reset_pins = true\n\
    [[librarian]]\nname = \"desk.main\"\norganisations = [\"maple\"]\n\
    [[librarian]]\nname = \"desk.cedar\"\norganisations = [\"cedar\"]\n";

fn reset(library: &Library, n: usize, by: &[&str]) -> Done {
    let card = Primary::card(n).card;
    let mut args = vec!["card", "reset-pin", &card, "--reason", "forgot it", "--json"];
    args.extend(by);
    library.run(&args)
}

promise! { founded, async fn a_teacher_gives_a_temporary_pin_to_her_own_class_and_nobody_else(library) {
    library.with_lines(RULES);
    library.import(&Primary::delivery(&Primary::people()), &[]).fine();
    let (wren, heron) = (Primary::card(9).card, Primary::card(8).card);
    let mira = Primary::card(1);
    let browser = Browser::new();
    browser.sign_in(&library, &mira).await;

    for (n, by, why) in [
        (3, &wren, "another teacher's class"),
        (8, &wren, "a colleague"),
        (9, &wren, "herself"),
        (1, &heron, "a class of hers that is no home room"),
        (2, &Primary::card(1).card, "a child asks"),
    ] {
        let said = reset(&library, n, &["--as", by]).refused();
        assert!(said.stdout.trim().is_empty(), "{why}: {}", said.stdout);
    }
    assert!(browser.is_signed_in(&library).await);

    let given = reset(&library, 1, &["--as", &wren]).fine().json();
    let pin = given["pin"].as_str().unwrap().to_owned();
    assert!(pin.len() == 6 && pin.bytes().all(|b| b.is_ascii_digit()), "{pin}");
    library.soon("her sessions are over", || async { !browser.is_signed_in(&library).await }).await;
    let again = Browser::new();
    let page = again.try_sign_in(&library, &Patron::new(mira.card.clone(), pin.clone())).await;
    assert!(page.has("change-pin"), "it opens its own change alone: {}", page.body);
    assert!(again.open(library.url("/card")).await.has("change-pin"));
    again.change_pin(&page, &pin, CHANGED_PIN).await;
    assert!(again.is_signed_in(&library).await);
    assert!(!library.logs().contains(&pin), "the server never heard of it but by her");

    let events = library.run(&["audit", "tail", "-n", "300", "--json"]).fine().stdout;
    for word in ["reset-another-class", "reset-not-a-pupil", "reset-not-staff", "forgot it", "teacher"] {
        assert!(events.contains(word), "{word}: {events}");
    }
    assert!(!events.contains(&pin));
}}

promise! { founded, async fn a_class_that_is_no_more_gives_no_right_any_more(library) {
    library.with_lines(RULES);
    library.import(&Primary::delivery(&Primary::people()), &[]).fine();
    let wren = Primary::card(9).card;
    reset(&library, 1, &["--as", &wren]).fine();
    // Mira changes rooms.
    let moved = Primary::delivery(&Primary::people())
        .edit("enrollments.csv", |text| text.replace("room-1,school-willow,user-1", "room-2,school-willow,user-1"));
    library.import(&moved, &[]).fine();
    reset(&library, 1, &["--as", &wren]).refused();
    reset(&library, 1, &["--as", &Primary::card(8).card]).fine();
    library.run(&["directory", "undo", "cms"]).fine();
    reset(&library, 1, &["--as", &wren]).fine();
    // A delivery that says nothing of classes changes none; nobody who is withdrawn teaches.
    library.import(&Delivery::of(&Primary::people()), &[]).fine();
    reset(&library, 1, &["--as", &wren]).fine();
    let gone: Vec<Person> = Primary::people().into_iter().filter(|person| person.given != "Wren").collect();
    library.import(&Delivery::of(&gone), &["--accept-removals"]).fine();
    reset(&library, 1, &["--as", &wren]).refused();
    // Who keeps no classes any more forgets them with the next roster.
    library.with_lines("[classes]\nread = \"none\"\n");
    library.import(&Primary::delivery(&Primary::people()), &[]).fine();
    library.with_lines(RULES);
    reset(&library, 1, &["--as", &wren]).refused();
}}

promise! { founded, async fn a_librarian_helps_where_she_serves(library) {
    library.with_lines(RULES);
    library.import(&Primary::delivery(&Primary::people()), &[]).fine();
    reset(&library, 3, &["--as-librarian", "desk.main"]).fine();
    reset(&library, 8, &["--as-librarian", "desk.main"]).fine();
    reset(&library, 3, &["--as-librarian", "desk.cedar"]).refused();
    reset(&library, 3, &["--as-librarian", "desk.nowhere"]).refused();
    assert_eq!(reset(&library, 3, &[]).status, 2, "somebody must ask");
    // Without the switch no teacher does, whatever classes are known.
    library.with_lines("[classes]\nread = \"homeroom\"\n");
    reset(&library, 1, &["--as", &Primary::card(9).card]).refused();
}}

promise! { founded, async fn no_class_is_kept_unless_the_configuration_asks(library) {
    library.import(&Primary::delivery(&Primary::people()), &[]).fine();
    let records = library.records().await;
    assert!(!records.contains("Room 1") && !records.contains("room-1"), "a class is kept that nobody asked for");
}}
