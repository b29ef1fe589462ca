//! Classes of a school as far as the library knows them: who learns and who teaches in which. Read and kept only where a
//! configuration asks for it.

use serde::{Deserialize, Serialize};

/// Which classes of a roster are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassKinds {
    /// Who is in which class is the school's business alone.
    #[default]
    None,
    Homeroom,
    Scheduled,
    All,
}

impl ClassKinds {
    pub fn any(self) -> bool {
        self != ClassKinds::None
    }

    /// Whether a class of this OneRoster `classType` is one of them.
    pub fn take(self, class_type: &str) -> bool {
        match self {
            ClassKinds::None => false,
            ClassKinds::Homeroom => class_type.eq_ignore_ascii_case("homeroom"),
            ClassKinds::Scheduled => class_type.eq_ignore_ascii_case("scheduled"),
            ClassKinds::All => true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClassRole {
    Student,
    Teacher,
}

/// One class with its members, as a source delivered it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassRoll {
    pub sourced_id: String,
    pub title: String,
    /// sourcedId of the school.
    pub org: String,
    /// As the roster spells them, `KG,01`.
    pub grades: String,
    /// Sorted, each once.
    pub members: Vec<(String, ClassRole)>,
}

impl ClassRoll {
    pub fn students(&self) -> impl Iterator<Item = &str> {
        self.of(ClassRole::Student)
    }

    pub fn has(&self, sourced_id: &str, role: ClassRole) -> bool {
        self.of(role).any(|member| member == sourced_id)
    }

    fn of(&self, role: ClassRole) -> impl Iterator<Item = &str> {
        self.members.iter().filter(move |(_, of)| *of == role).map(|(member, _)| member.as_str())
    }

    /// `s user-1`, a line each: what is kept of the members. No sourcedId holds a line end.
    pub fn written_members(&self) -> String {
        let line = |(member, role): &(String, ClassRole)| match role {
            ClassRole::Student => format!("s {member}"),
            ClassRole::Teacher => format!("t {member}"),
        };
        self.members.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What `written_members` wrote; a line that it never wrote is passed over.
    pub fn read_members(text: &str) -> Vec<(String, ClassRole)> {
        let member = |line: &str| match line.split_once(' ')? {
            ("s", member) => Some((member.to_owned(), ClassRole::Student)),
            ("t", member) => Some((member.to_owned(), ClassRole::Teacher)),
            _ => None,
        };
        text.lines().filter_map(member).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_as_they_were_written() {
        let members = vec![("a b".to_owned(), ClassRole::Student), ("t1".to_owned(), ClassRole::Teacher)];
        let text = |text: &str| text.to_owned();
        let roll = ClassRoll {
            sourced_id: text("c1"),
            title: text("Room 4"),
            org: text("s1"),
            grades: text("KG"),
            members: members.clone(),
        };
        assert_eq!(ClassRoll::read_members(&roll.written_members()), members);
        assert!(roll.has("t1", ClassRole::Teacher) && !roll.has("t1", ClassRole::Student));
        assert_eq!(roll.students().collect::<Vec<_>>(), ["a b"]);
    }

    #[test]
    fn no_class_is_taken_unless_somebody_asks() {
        assert!(!ClassKinds::default().take("homeroom"));
        assert!(ClassKinds::Homeroom.take("Homeroom") && !ClassKinds::Homeroom.take("scheduled"));
        assert!(ClassKinds::Scheduled.take("scheduled") && !ClassKinds::Scheduled.take(""));
        assert!(ClassKinds::All.take(""));
    }
}
