//! What applying promises, on a database of its own.

use super::*;
use crate::{
    admin::operations::difference::Action,
    domain::{
        field::{Field, Kind as FieldKind},
        id::{ScopeName, VendorUid},
    },
};

const OIDC: &[Field] = &[Field { name: "client_id", kind: FieldKind::Text, required: true, default: "", help: "" }];

const PROGRAMME: &str = r#"
[[scope]]
name = "library.ebooks"
[[organisation]]
id = "cms"
name = "Example Schools"
roster = ["d-1"]
card = { scheme = "raw", from = "identifier" }
[[agreement]]
id = "cms-2026"
organisation = "cms"
roles = ["student"]
grades = ["PK", "12"]
privileges = ["library.ebooks"]
from = 2026-07-01
to = 2031-06-30
[[vendor]]
id = "maple"
name = "Maple Books"
audience = ["juvenile"]
scopes = ["library.ebooks"]
[[vendor.oidc]]
client_id = "maple-web"
[[opt_out]]
card = "100017"
"#;

/// A database of its own, and the folder that goes away with it.
struct House {
    db: Db,
    clock: Clock,
    folder: std::path::PathBuf,
}

impl Drop for House {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl House {
    async fn new() -> House {
        let folder = std::env::temp_dir().join(format!("oneaccess-apply-{}", VendorUid::new()));
        let db = Db::open(&format!("sqlite:{}", folder.join("t.db").display())).await.unwrap();
        db.migrate().await.unwrap();
        House { db, clock: Clock::standing_at(Timestamp(1_790_000_000_000)), folder }
    }

    fn hand(&self) -> Hand<'_> {
        Hand { db: &self.db, clock: &self.clock, pins: None }
    }

    fn read(&self, text: &str) -> Declared {
        self.read_over(text, &Catalogue::default())
    }

    fn read_over(&self, text: &str, known: &Catalogue) -> Declared {
        let file = self.folder.join("programme.toml");
        std::fs::write(&file, text).unwrap();
        crate::config::load(&file, crate::config::Kinds { protocols: &[("oidc", OIDC)], sources: &[] }, known)
            .unwrap()
            .declared
    }

    async fn apply(&self, text: &str, options: Options) -> Difference {
        apply(self.hand(), self.read(text), options, "test").await.unwrap()
    }

    async fn uid(&self) -> VendorUid {
        self.db.catalogue().load().await.unwrap().vendors["maple"].uid
    }

    async fn applies_in_audit(&self) -> usize {
        let tail = self.db.audit().tail(100).await.unwrap();
        tail.iter().filter(|event| event.kind == "apply").count()
    }
}

const NOW: Options = Options { dry_run: false, prune: false };
const PRUNE: Options = Options { dry_run: false, prune: true };

#[tokio::test]
async fn applying_twice_changes_nothing_the_second_time() {
    let house = House::new().await;
    let first = house.apply(PROGRAMME, NOW).await;
    assert_eq!(first.count(Action::Added), 5);
    let versions = house.db.catalogue().versions().await.unwrap();
    let second = house.apply(PROGRAMME, NOW).await;
    assert!(second.is_empty(), "{second}");
    assert_eq!(house.db.catalogue().versions().await.unwrap(), versions);
    assert_eq!(house.applies_in_audit().await, 1);
    let catalogue = house.db.catalogue().load().await.unwrap();
    assert!(catalogue.relying_party("oidc", "maple-web").is_some());
    assert!(catalogue.opt_outs.contains("card:100017"));
}

#[tokio::test]
async fn a_dry_run_tells_the_difference_and_writes_nothing() {
    let house = House::new().await;
    let told = house.apply(PROGRAMME, Options { dry_run: true, prune: false }).await;
    assert_eq!(told.count(Action::Added), 5);
    assert!(house.db.catalogue().load().await.unwrap().vendors.is_empty());
    assert_eq!(house.applies_in_audit().await, 0);
}

#[tokio::test]
async fn a_change_is_told_field_by_field_and_every_process_is_told_to_look_again() {
    let house = House::new().await;
    house.apply(PROGRAMME, NOW).await;
    let before = house.db.catalogue().versions().await.unwrap().catalogue;
    let later = PROGRAMME.replace("2031-06-30", "2032-06-30").replace("[\"juvenile\"]", "[\"juvenile\", \"adult\"]");
    let difference = house.apply(&later, NOW).await;
    assert_eq!(
        difference.to_string(),
        "~ agreement cms-2026\n    to: 2031-06-30 → 2032-06-30\n\
         ~ vendor maple\n    audience: juvenile → juvenile, adult"
    );
    assert!(house.db.catalogue().versions().await.unwrap().catalogue > before);
    assert_eq!(house.applies_in_audit().await, 2);
}

#[tokio::test]
async fn what_the_file_leaves_out_stays_unless_pruned() {
    let house = House::new().await;
    house.apply(PROGRAMME, NOW).await;
    let without = &PROGRAMME[..PROGRAMME.find("[[vendor]]").unwrap()];
    assert!(house.apply(without, NOW).await.is_empty());
    let pruned = house.apply(without, PRUNE).await;
    assert_eq!(pruned.to_string(), "- vendor maple\n- opt-out card:100017");
}

#[tokio::test]
async fn a_vendor_that_comes_back_finds_its_readers_and_one_that_was_switched_off_stays_off() {
    let house = House::new().await;
    house.apply(PROGRAMME, NOW).await;
    let uid = house.uid().await;
    house.apply(&PROGRAMME[..PROGRAMME.find("[[vendor]]").unwrap()], PRUNE).await;
    house.apply(PROGRAMME, NOW).await;
    assert_eq!(house.uid().await, uid);

    let mut vendor = house.db.catalogue().load().await.unwrap().vendors["maple"].clone();
    vendor.disabled = true;
    let mut tx = house.db.begin().await.unwrap();
    tx.catalogue().put(Kind::Vendor, "maple", &vendor, house.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(house.apply(PROGRAMME, NOW).await.is_empty());
    assert!(house.db.catalogue().load().await.unwrap().vendors["maple"].disabled);
}

#[tokio::test]
async fn a_programme_that_does_not_fit_together_is_refused_as_a_whole() {
    let house = House::new().await;
    house.apply(PROGRAMME, NOW).await;
    // The file adds a scope, takes away the organisation that its agreement is with, and prunes.
    let mut declared = house.read(&PROGRAMME.replace("library.ebooks", "library.films"));
    declared.organisations.clear();
    let error = apply(house.hand(), declared, PRUNE, "test").await.unwrap_err();
    assert!(error.to_string().contains("agreement cms-2026 is with cms"), "{error}");
    let catalogue = house.db.catalogue().load().await.unwrap();
    assert!(catalogue.scopes.contains_key("library.ebooks") && !catalogue.scopes.contains_key("library.films"));
    assert_eq!(house.applies_in_audit().await, 1);
}

#[tokio::test]
async fn the_audit_keeps_no_childs_card_of_an_opt_out() {
    let house = House::new().await;
    house.apply(PROGRAMME, NOW).await;
    let tail = house.db.audit().tail(100).await.unwrap();
    let all = tail.iter().filter_map(|event| event.payload.as_ref()).map(ToString::to_string).collect::<String>();
    assert!(all.contains("maple") && !all.contains("100017"), "{all}");
}

#[tokio::test]
async fn a_file_neither_undoes_a_rotation_nor_fails_on_it_whichever_name_it_spells() {
    let house = House::new().await;
    house.apply(PROGRAMME, NOW).await;
    let (old, new): (ScopeName, ScopeName) = ("library.ebooks".parse().unwrap(), "library.reading".parse().unwrap());
    let now = house.clock.now();
    let mut tx = house.db.begin().await.unwrap();
    let mut scope = tx.catalogue().load().await.unwrap().scopes["library.ebooks"].clone();
    scope.rotate(&old, new, now, now + std::time::Duration::from_secs(60), now).unwrap();
    tx.catalogue().put(Kind::Scope, "library.ebooks", &scope, now).await.unwrap();
    tx.commit().await.unwrap();

    let renamed = PROGRAMME.replace("library.ebooks", "library.reading");
    let halfway = PROGRAMME.replacen("library.ebooks", "library.reading", 1);
    let both = format!("{PROGRAMME}\n[[scope]]\nname = \"library.reading\"\n");
    for options in [NOW, PRUNE] {
        for text in [PROGRAMME, &renamed, &halfway, &both] {
            let known = house.db.catalogue().load().await.unwrap();
            let difference = apply(house.hand(), house.read_over(text, &known), options, "test").await.unwrap();
            assert!(difference.is_empty(), "{difference}\n{text}");
        }
    }
    let described =
        renamed.replacen("name = \"library.reading\"", "name = \"library.reading\"\ndescription = \"Stories\"", 1);
    let known = house.db.catalogue().load().await.unwrap();
    apply(house.hand(), house.read_over(&described, &known), PRUNE, "test").await.unwrap();
    let after = house.db.catalogue().load().await.unwrap().scopes["library.ebooks"].clone();
    assert_eq!(after, Scope { description: Some("Stories".into()), ..scope });
}
