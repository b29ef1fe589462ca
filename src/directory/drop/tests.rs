use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::{
    directory::{ReadError, Roster, source::Reading},
    domain::{class::ClassKinds, clock::Date},
};

/// Reads whatever does not begin with `bad`.
#[derive(Clone)]
struct Reader;

impl FromFile for Reader {
    fn read(&self, path: &Path, _: &Reading<'_>) -> Result<Roster, ReadError> {
        match fs::read(path) {
            Ok(bytes) if bytes.starts_with(b"bad") => Err(ReadError::NotOneRoster("it is bad".into())),
            Ok(_) => Ok(Roster::default()),
            Err(error) => Err(ReadError::Unreadable { path: path.display().to_string(), source: error }),
        }
    }
}

struct Place(DropFolder);

impl Place {
    fn new() -> Place {
        let path = std::env::temp_dir().join(format!("oneaccess-drop-{}", uuid::Uuid::now_v7()));
        fs::create_dir_all(&path).unwrap();
        let clock = Clock::standing_at(Timestamp(Clock::system().now().millis() + 60_000));
        Place(DropFolder { path, settle_after: Duration::from_secs(30), keep: 3, clock })
    }

    fn drop(&self, name: &str, text: &str) {
        fs::write(self.0.path.join(name), text).unwrap();
    }

    async fn pull(&self) -> Result<Option<String>, PullError> {
        let wish = Wish {
            now: self.0.clock.now(),
            today: "2026-11-02".parse::<Date>().unwrap(),
            birthdays: false,
            classes: ClassKinds::None,
            bookmark: None,
            progress: &|_, _| {},
        };
        Ok(self.0.pull(&Reader, &wish).await?.map(|delivery| delivery.origin))
    }

    fn names(&self, inside: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.0.path.join(inside)) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0.path);
    }
}

#[tokio::test]
async fn deliveries_come_in_the_order_of_their_names_and_each_once() {
    let place = Place::new();
    for name in ["2026-11-03.zip", "2026-11-01.zip", "2026-11-02.zip"] {
        place.drop(name, "good");
    }
    for name in ["2026-11-01.zip", "2026-11-02.zip", "2026-11-03.zip"] {
        assert_eq!(place.pull().await.unwrap().as_deref(), Some(name));
        assert_eq!(place.pull().await.unwrap().as_deref(), Some(name), "as long as nobody has settled it");
        place.0.settle(name, true).unwrap();
    }
    assert_eq!(place.pull().await.unwrap(), None);
    let taken = place.names(TAKEN);
    assert_eq!(taken.len(), 3);
    assert!(taken[0].ends_with("Z 2026-11-01.zip"), "{taken:?}");
    let mode = fs::metadata(place.0.path.join(TAKEN)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn what_is_still_on_its_way_waits_and_holds_up_those_behind_it() {
    let mut place = Place::new();
    for name in [".hidden.zip", "a.zip.part", "b.zip.filepart", "c.TMP"] {
        place.drop(name, "good");
    }
    place.0.clock = Clock::system();
    place.drop("one.zip", "good");
    place.drop("two.zip", "good");
    assert_eq!(place.pull().await.unwrap(), None, "it was written just now");
    place.0.clock = Clock::standing_at(Timestamp(Clock::system().now().millis() + 31_000));
    assert_eq!(place.pull().await.unwrap().as_deref(), Some("one.zip"));
}

#[tokio::test]
async fn a_folder_is_complete_when_the_last_file_in_it_is() {
    let mut place = Place::new();
    fs::create_dir(place.0.path.join("night")).unwrap();
    place.0.clock = Clock::system();
    place.drop("night/users.csv", "good");
    assert_eq!(place.pull().await.unwrap(), None);
    let name = "night";
    place.0.settle(name, true).unwrap();
    assert!(place.names(TAKEN)[0].ends_with(" night"));
}

#[tokio::test]
async fn one_that_cannot_be_read_is_set_aside_with_the_reason_and_holds_up_nobody() {
    let place = Place::new();
    place.drop("one.zip", "bad");
    place.drop("two.zip", "good");
    let PullError::Wrong(why) = place.pull().await.unwrap_err() else { panic!("wrong") };
    assert!(why.contains("one.zip") && why.contains("it is bad"), "{why}");
    assert_eq!(place.pull().await.unwrap().as_deref(), Some("two.zip"));
    let refused = place.names(REFUSED);
    assert!(refused[0].ends_with("one.zip") && refused[1].ends_with("one.zip - why.txt"), "{refused:?}");
    let why = fs::read_to_string(place.0.path.join(REFUSED).join(&refused[1])).unwrap();
    assert!(why.contains("it is bad"), "{why}");
}

#[tokio::test]
async fn links_lead_nowhere() {
    let place = Place::new();
    std::os::unix::fs::symlink("/etc/hostname", place.0.path.join("a.zip")).unwrap();
    assert_eq!(place.pull().await.unwrap(), None, "a link is no delivery");
    fs::create_dir(place.0.path.join("b")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", place.0.path.join("b/users.csv")).unwrap();
    let PullError::Wrong(why) = place.pull().await.unwrap_err() else { panic!("wrong") };
    assert!(why.contains("symbolic link"), "{why}");
    for name in ["../elsewhere", "a/b", "", ".", "..", TAKEN] {
        assert!(place.0.settle(name, true).is_err(), "{name}");
    }
}

#[tokio::test]
async fn only_the_newest_ones_are_kept_with_their_reasons() {
    let place = Place::new();
    for night in 1..=5 {
        place.drop(&format!("{night}.zip"), "bad");
        place.pull().await.unwrap_err();
        place.0.clock.advance(Duration::from_secs(60));
    }
    let refused = place.names(REFUSED);
    assert_eq!(refused.len(), 6, "{refused:?}");
    assert!(refused[0].contains(" 3.zip"), "{refused:?}");
    place.drop("refused/note from the help desk.txt", "stays");
    place.drop("9.zip", "bad");
    place.pull().await.unwrap_err();
    assert!(place.names(REFUSED).iter().any(|name| name.starts_with("note")));
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said_so() {
    let place = Place::new();
    fs::remove_dir(&place.0.path).unwrap();
    let PullError::Away(why) = place.pull().await.unwrap_err() else { panic!("away") };
    assert!(why.contains("oneaccess-drop-"), "{why}");
}
