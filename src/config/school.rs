//! Classes, badges and librarians, as the file has them.

use super::{
    declarations::{Claimed, Draft},
    fields, read,
    section::{Section, known},
};
use crate::domain::{
    badge::{BadgeRule, SecondStep},
    class::ClassKinds,
    grade::Grade,
    id::OrganisationId,
};

/// What is known of classes, and what for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Classes {
    pub read: ClassKinds,
    /// The teacher of a class may give its pupils a temporary PIN.
    pub teachers_reset_pins: bool,
}

/// Who may give the patrons of these organisations a temporary PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Librarian {
    pub name: String,
    pub organisations: Vec<OrganisationId>,
}

pub(super) fn classes(section: &Section<'_>) -> Option<Classes> {
    let read = section.need("read", read::choice::<ClassKinds>(&["none", "homeroom", "scheduled", "all"]));
    let teachers_reset_pins = section.need("teachers_reset_pins", read::flag);
    let (read, teachers_reset_pins) = (read?, teachers_reset_pins?);
    if teachers_reset_pins && !read.any() {
        section.wrong("teachers_reset_pins", "needs classes: set read to \"homeroom\", \"scheduled\" or \"all\"");
        return None;
    }
    Some(Classes { read, teachers_reset_pins })
}

pub(super) fn librarians(root: &Section<'_>) -> Option<Vec<Librarian>> {
    let mut all: Vec<Librarian> = Vec::new();
    let mut sound = true;
    for section in root.tables("librarian", &known(fields::LIBRARIAN.fields)) {
        let name: Option<OrganisationId> = section.need("name", read::word);
        let organisations = organisations(&section);
        match (name, organisations) {
            (Some(name), Some(organisations)) if all.iter().all(|other| other.name != name.as_str()) => {
                all.push(Librarian { name: name.to_string(), organisations });
            }
            (Some(_), Some(_)) => {
                section.wrong("name", "stands there twice");
                sound = false;
            }
            _ => sound = false,
        }
    }
    sound.then_some(all)
}

pub(super) fn badge(section: &Section<'_>) -> Option<BadgeRule> {
    let organisations = organisations(section);
    let grades: Option<Vec<Grade>> =
        section.list("grades", read::word).map(|all| all.into_iter().map(|grade| grade.value).collect());
    let grades = match grades.as_deref() {
        Some([from, to]) if from <= to => Some((*from, *to)),
        Some(_) => {
            section.wrong("grades", "must be the first and the last grade, [\"PK\", \"02\"]");
            None
        }
        None => None,
    };
    let networks = section.list("networks", read::word);
    let hours = section.maybe("hours", read::word);
    let scopes = section.list("scopes", read::word);
    let release = section.need("release", |value| {
        let found = read::text(value)?;
        match found.as_str() {
            "default" => Ok(true),
            "agreed" => Ok(false),
            _ => Err(format!("{found:?}: use default or agreed")),
        }
    });
    let second_step = section.need("second_step", read::choice::<SecondStep>(&["none", "picture"]));
    let networks: Vec<_> = networks?.into_iter().map(|network| network.value).collect();
    if networks.is_empty() {
        section.warn("networks", "badges open from anywhere: whoever finds one can use it at home");
    }
    Some(BadgeRule {
        organisations: organisations?,
        grades: grades?,
        networks,
        hours: hours?,
        scopes: scopes?.into_iter().map(|scope| scope.value).collect(),
        plain: release?,
        second_step: second_step?,
    })
}

/// What these tables name of the programme: a name that nothing has would quietly open nothing.
pub(super) fn refer(root: &Section<'_>, draft: &mut Draft) {
    let mut sections = root.tables("librarian", &known(fields::LIBRARIAN.fields));
    if let Some(badge) = root.table(&fields::BADGE).filter(|badge| badge.is_written("scopes")) {
        for scope in badge.list("scopes", read::text).unwrap_or_default() {
            draft.refer(&badge, scope.line, "scopes", Claimed::Scope, &scope.value);
        }
        sections.push(badge);
    }
    for section in sections.iter().filter(|section| section.is_written("organisations")) {
        for id in section.list("organisations", read::text).unwrap_or_default() {
            draft.refer(section, id.line, "organisations", Claimed::Organisation, &id.value);
        }
    }
}

fn organisations(section: &Section<'_>) -> Option<Vec<OrganisationId>> {
    let all = section.list("organisations", read::word)?;
    if all.is_empty() {
        section.wrong("organisations", "must name at least one organisation");
        return None;
    }
    Some(all.into_iter().map(|id| id.value).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Environment, FieldByField, Kinds, Rules, parse};
    use crate::domain::{badge::SecondStep, catalogue::Catalogue, class::ClassKinds};

    const HEAD: &str = "issuer = \"https://access.library.example\"\n[library]\nname = \"Example Library\"\n\
        time_zone = \"America/New_York\"\nscope_domain = \"library.example\"\n[[scope]]\nname = \"library.ebooks\"\n\
        [[organisation]]\nid = \"cms\"\nname = \"Example Schools\"\nroster = [\"d-1\"]\n\
        card = { scheme = \"raw\", from = \"identifier\" }\n";
    const BADGE: &str = "[badge]\norganisations = [\"cms\"]\ngrades = [\"PK\", \"02\"]\nscopes = [\"library.ebooks\"]\n\
        networks = [\"198.51.100.0/24\"]\nhours = \"07:00-16:00\"\nsecond_step = \"picture\"\n";

    fn read(more: &str) -> Result<Config, String> {
        let known = Catalogue::default();
        let rules = Rules { kinds: Kinds { protocols: &[], sources: &[] }, judge: &FieldByField, known: &known };
        let text = format!("{HEAD}{more}");
        let loaded = parse(&text, Path::new("oneaccess.toml"), &rules, &Environment::default());
        loaded.map(|loaded| loaded.settings.unwrap()).map_err(|problems| problems.to_string())
    }

    #[test]
    fn without_a_word_there_are_no_classes_no_badges_and_no_librarians() {
        let config = read("").unwrap();
        assert!(config.badge.is_none() && config.librarians.is_empty());
        assert_eq!((config.classes.read, config.classes.teachers_reset_pins), (ClassKinds::None, false));
    }

    #[test]
    fn what_is_written_is_what_holds() {
        let more = "[classes]\nread = \"homeroom\"\nteachers_reset_pins = true\n[[librarian]]\nname = \"desk.main\"\n\
                    organisations = [\"cms\"]\n";
        let config = read(&format!("{BADGE}{more}")).unwrap();
        let badge = config.badge.unwrap();
        assert!(badge.plain && badge.second_step == SecondStep::Picture && badge.hours.is_some());
        assert_eq!((badge.networks.len(), badge.scopes[0].as_str()), (1, "library.ebooks"));
        assert_eq!((config.classes.read, &*config.librarians[0].name), (ClassKinds::Homeroom, "desk.main"));
    }

    #[test]
    fn what_would_quietly_open_nothing_or_too_much_is_told() {
        for (good, bad, said) in [
            ("[\"cms\"]", "[\"cmx\"]", "there is no organisation \"cmx\""),
            ("[\"cms\"]", "[]", "at least one organisation"),
            ("library.ebooks\"]", "library.ebook\"]", "there is no scope \"library.ebook\""),
            ("[\"PK\", \"02\"]", "[\"02\", \"PK\"]", "the first and the last grade"),
            ("07:00-16:00", "7-16", "a part of the day"),
            ("\"picture\"", "\"pictures\"", "use none or picture"),
            ("198.51.100.0/24", "school", "is not an address or a network"),
            ("second_step", "second_stop", "did you mean second_step"),
        ] {
            let whole = BADGE.replace(good, bad);
            assert_ne!(whole, BADGE, "{good}");
            let told = read(&whole).unwrap_err();
            assert!(told.contains(said), "{bad}: {told}");
        }
        let told = read("[classes]\nteachers_reset_pins = true\n").unwrap_err();
        assert!(told.contains("needs classes"), "{told}");
        let twice = "[[librarian]]\nname = \"desk\"\norganisations = [\"cms\"]\n".repeat(2);
        assert!(read(&twice).unwrap_err().contains("stands there twice"));
    }
}
