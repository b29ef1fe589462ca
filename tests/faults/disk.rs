//! The disk is full.

use super::{
    Rounds,
    crowd::{Crowd, FIRST, SETTINGS, people},
};
use crate::actors::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_in_words_and_when_there_is_room_again_all_goes_on() {
    let Some(disk) = SmallDisk::of(64) else { return };
    let database = format!("sqlite:{}", disk.path().join("oneaccess.db").display());
    let surroundings = vec![("ONEACCESS_DATABASE".to_owned(), database)];
    let people = people();
    let wish = Founding { people: &people[..FIRST], lines: SETTINGS, surroundings, ..Founding::of(Engine::Sqlite, 1) };
    let Some(mut fleet) = Fleet::founded(&wish) else { return };
    let crowd = Crowd::gather(&fleet).await;
    for round in Rounds::at_least(2) {
        crowd.hears(30).await;
        disk.fill();
        crowd.feels(503).await;
        let page = Browser::new().try_sign_in(&fleet.library, &Patron::new(people[0].card().card, CHANGED_PIN)).await;
        assert_eq!(page.status, 503, "{}", page.body);
        assert_ne!(page.header("retry-after"), "");
        for command in ["card", "patron"] {
            // A little room may be left within the database's own log: whatever is answered until that is used up, is kept.
            let look = [command, "show", &people[10].card().card, "--reason", "found"];
            let refused = (0..200).map(|_| fleet.library.run(&look)).find(|ran| ran.status != 0).unwrap();
            assert!(refused.stderr.contains("the disk is full"), "{command}: {}", refused.stderr);
        }
        assert!(fleet.library.logs().contains("the disk is full"), "{}", fleet.library.logs());
        if round % 2 == 1 {
            fleet.kill(0);
        }
        disk.make_room();
        if round % 2 == 1 {
            fleet.begin(0);
        }
    }
    crowd.hears(30).await;
    crowd.count("the disk full", &fleet).await;
    drop(fleet);
}
