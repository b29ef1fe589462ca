//! One fictional person: everything they are called and numbered follows from the size of the district and their number.

use super::{
    CHARTER_ORG, DISTRICT_ORG,
    chance::Chance,
    district::{District, GRADES, School},
    names,
};
use crate::domain::{clock::Date, grade::Grade};

/// A student or a member of staff.
#[derive(Debug, Clone, Copy)]
pub struct Person<'d> {
    pub(super) district: &'d District,
    pub(super) resident: Resident,
}

/// Where a person belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    District = 0,
    Charter = 1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    Student,
    Teacher,
    Aide,
    Principal,
    Counselor,
    Proctor,
    SiteAdministrator,
    DistrictAdministrator,
    SystemAdministrator,
}

/// What is kept of a person; the rest is made when it is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resident {
    /// Never given twice on one side.
    pub number: u32,
    pub side: Side,
    pub job: Job,
    /// Place in `GRADES`; of no meaning for staff.
    pub grade: u8,
    pub school: u16,
    pub second: Option<u16>,
    /// How often the family name and the initial PIN have changed.
    pub renamed: u8,
    pub repinned: u8,
}

impl Resident {
    /// The school number of who works for the whole organisation.
    pub const OFFICE: u16 = u16::MAX;
}

impl<'d> Person<'d> {
    pub fn sourced_id(&self) -> String {
        guid(&mut self.chance(10))
    }

    /// The ID that the card is made from: seven digits. Unique within a side only; one in ten of the charter's is
    /// also the ID of somebody in the district.
    pub fn identifier(&self) -> String {
        const LARGEST_SHARED: u64 = 4_500_000;
        let number = u64::from(self.resident.number);
        let place = match self.resident.side {
            Side::Charter if !number.is_multiple_of(10) => LARGEST_SHARED + number,
            _ => number,
        };
        // Multiplying by a number without a common factor only shuffles: no two places meet.
        if place < 9_000_000 {
            (1_000_000 + (place * 5_497_117 + self.district.seed) % 9_000_000).to_string()
        } else {
            (1_000_000_000 + place).to_string()
        }
    }

    pub fn given_name(&self) -> String {
        names::given(&mut self.chance(11))
    }

    pub fn family_name(&self) -> String {
        names::family(&mut self.chance(12 + (u64::from(self.resident.renamed) << 8)))
    }

    /// 1.2: the name that one in twenty goes by instead.
    pub fn preferred_given_name(&self) -> Option<String> {
        let mut chance = self.chance(13);
        chance.one_in(20).then(|| names::given(&mut chance))
    }

    /// Initials and number.
    pub fn username(&self) -> String {
        let (given, family) = (self.given_name(), self.family_name());
        let initial = |name: &str| name.chars().find(char::is_ascii_alphabetic).unwrap_or('x').to_ascii_lowercase();
        let side = if self.resident.side == Side::Charter { "c" } else { "" };
        format!("{side}{}{}{}", initial(&given), initial(&family), self.identifier())
    }

    /// The number that the student system knows the person by, `{SIS:12345}`.
    pub fn sis_number(&self) -> u32 {
        10_000 + self.resident.number * 2 + self.resident.side as u32
    }

    pub fn is_student(&self) -> bool {
        self.resident.job == Job::Student
    }

    pub fn job(&self) -> Job {
        self.resident.job
    }

    pub fn grade(&self) -> Option<Grade> {
        self.grade_code().and_then(|code| code.parse().ok())
    }

    pub fn side(&self) -> Side {
        self.resident.side
    }

    /// The first one; `None` for who works in the office.
    pub fn school(&self) -> Option<&'d School> {
        self.district.school(self.resident.school)
    }

    /// sourcedIds of where they learn or work, the first one first.
    pub fn orgs(&self) -> impl Iterator<Item = &'d str> {
        let office = match self.resident.side {
            Side::District => DISTRICT_ORG,
            Side::Charter => CHARTER_ORG,
        };
        let (district, second) = (self.district, self.resident.second);
        let first = self.school().map_or(office, |school| school.sourced_id.as_str());
        std::iter::once(first)
            .chain(second.and_then(|second| district.school(second)).map(|school| school.sourced_id.as_str()))
    }

    /// Six digits.
    pub fn initial_pin(&self) -> String {
        format!("{:06}", self.chance(14 + (u64::from(self.resident.repinned) << 8)).below(1_000_000))
    }

    pub fn birthday(&self) -> Date {
        let mut chance = self.chance(15);
        let year = match self.is_student() {
            true => 2021 - i16::from(self.resident.grade) + i16::from(chance.one_in(3)),
            false => 1958 + i16::try_from(chance.below(44)).unwrap_or(0),
        };
        let month = i8::try_from(1 + chance.below(12)).unwrap_or(1);
        let day = i8::try_from(1 + chance.below(28)).unwrap_or(1);
        Date::new(year, month, day).unwrap_or_else(|| unreachable!("every month has 28 days"))
    }

    pub(super) fn grade_code(&self) -> Option<&'static str> {
        GRADES.get(usize::from(self.resident.grade)).copied().filter(|_| self.is_student())
    }

    pub(super) fn chance(&self, purpose: u64) -> Chance {
        Chance::of(&[self.district.seed, self.resident.side as u64, self.resident.number.into(), purpose])
    }
}

impl Job {
    /// The role word of OneRoster 1.1, which knows fewer.
    pub fn word_1p1(self) -> &'static str {
        match self {
            Job::Student => "student",
            Job::Teacher => "teacher",
            Job::Aide => "aide",
            Job::Proctor => "proctor",
            Job::Counselor => "aide",
            _ => "administrator",
        }
    }

    /// The role word of OneRoster 1.2.
    pub fn word_1p2(self) -> &'static str {
        match self {
            Job::Counselor => "counselor",
            Job::Principal => "principal",
            Job::SiteAdministrator => "siteAdministrator",
            Job::DistrictAdministrator => "districtAdministrator",
            Job::SystemAdministrator => "systemAdministrator",
            other => other.word_1p1(),
        }
    }
}

/// An id in the shape that student systems give out.
pub(super) fn guid(chance: &mut Chance) -> String {
    let (a, b) = (chance.next(), chance.next());
    let (b, c) = (b & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000, a & 0xfff);
    format!("{:08x}-{:04x}-4{c:03x}-{:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff, b >> 48, b & 0xffff_ffff_ffff)
}
