//! Whom the demo introduces: one person for each answer that the programme gives.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::household::Household;
use crate::{
    admin::operations::{Desk, cards, directory},
    compose,
    directory::oneroster::{
        Version,
        generate::{District, Job, Person, Side},
    },
};

/// The prefix that keeps the charter's student IDs apart from the district's.
pub const CHARTER_PREFIX: &str = "HW";

/// The test patron that the demo's configuration declares.
pub const TEST_CARD: &str = "TEST-1001";
pub const TEST_PIN: &str = "735042";

/// One person of the demo.
#[derive(Debug, Clone)]
pub struct Part {
    pub words: &'static str,
    pub sourced_id: String,
    pub card: String,
    pub pin: String,
}

pub struct Cast(Vec<(&'static str, Part)>);

impl Cast {
    /// Picks everybody from the district, always the same ones.
    pub fn of(district: &District) -> Cast {
        let grade = |person: &Person<'_>, code: &str| person.grade().is_some_and(|grade| grade.code() == code);
        let mut parts: Vec<(&'static str, Part)> = Vec::new();
        let mut pick = |who, words, fits: &dyn Fn(&Person<'_>) -> bool| {
            let taken = |person: &Person<'_>| parts.iter().any(|(_, part)| part.sourced_id == person.sourced_id());
            let Some(person) = district.people().find(|person| fits(person) && !taken(person)) else { return };
            let card = match person.side() {
                Side::District => person.identifier(),
                Side::Charter => format!("{CHARTER_PREFIX}{}", person.identifier()),
            };
            let pin = person.initial_pin();
            parts.push((who, Part { words, sourced_id: person.sourced_id(), card, pin }));
        };
        let student = |side, code| move |p: &Person<'_>| p.side() == side && p.is_student() && grade(p, code);
        let teacher = |side| move |p: &Person<'_>| p.side() == side && p.job() == Job::Teacher;
        pick("district_grade_7", "a seventh grader", &student(Side::District, "07"));
        pick("district_grade_2", "a second grader", &student(Side::District, "02"));
        pick("charter_grade_8", "the charter's eighth grader", &student(Side::Charter, "08"));
        pick("district_teacher", "a teacher", &teacher(Side::District));
        pick("charter_teacher", "the charter's teacher", &teacher(Side::Charter));
        pick("first_pin", "who must choose a first PIN", &student(Side::District, "05"));
        pick("charter_grade_5", "refused: not in the agreement", &student(Side::Charter, "05"));
        pick("opted_out", "refused: the family opted out", &student(Side::District, "06"));
        pick("withdrawn", "refused: left the school", &student(Side::District, "09"));
        Cast(parts)
    }

    /// With the adult who has every standard claim: from the configuration, not from the roster.
    #[must_use]
    pub fn with_test_patron(mut self) -> Cast {
        let part = Part {
            words: "a test patron with every claim",
            sourced_id: "all-claims-staff".into(),
            card: TEST_CARD.into(),
            pin: TEST_PIN.into(),
        };
        self.0.push(("all_claims_staff", part));
        self
    }

    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &Part)> {
        self.0.iter().map(|(who, part)| (*who, part))
    }

    pub fn named(&self, who: &str) -> Option<&Part> {
        self.0.iter().find(|(name, _)| *name == who).map(|(_, part)| part)
    }

    pub fn json(&self) -> Value {
        let entry = |part: &Part| json!({ "card": part.card, "pin": part.pin });
        self.0.iter().map(|(who, part)| ((*who).to_owned(), entry(part))).collect::<Map<_, _>>().into()
    }

    /// Two nights of rosters through the real importer, the second without the one who left; then everybody has
    /// a PIN of their own, and `first_pin` one that she must change.
    pub async fn move_in(&self, desk: &Desk, household: &Household) -> Result<()> {
        let leaver = self.named("withdrawn").context("the district has nobody who could leave")?;
        let options = directory::ImportOptions { dry_run: false, accept_removals: true };
        for night in ["roster.zip", "roster-next-night.zip"] {
            let path = household.folder.join(night);
            let district = match night {
                "roster.zip" => household.district(),
                _ => household.district().without(&leaver.sourced_id),
            };
            let zip = path.clone();
            tokio::task::spawn_blocking(move || district.write(&zip, Version::V1p2, &|_| ()))
                .await?
                .with_context(|| format!("{} cannot be written", path.display()))?;
            let opened = compose::source(desk, "cms").await?;
            directory::import(desk, &opened, "cms", &path, options, |_| (), &|_, _, _| ()).await?;
        }
        for (who, part) in self.parts() {
            let temporary = who == "first_pin";
            cards::set_pin(desk, &part.card, &part.pin, temporary).await?;
        }
        Ok(())
    }
}
