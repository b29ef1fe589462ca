//! Who is in the district and in the charter, and what a night changes: people join, leave, move and change.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    CHARTER_ORG, DISTRICT_ORG,
    chance::Chance,
    names,
    person::{Job, Person, Resident, Side, guid},
};

/// A whole fictional district and the charter beside it.
#[derive(Debug, Clone)]
pub struct District {
    pub(super) seed: u64,
    schools: Vec<School>,
    residents: Vec<Resident>,
    /// Who left and may come back, the longest away first.
    away: VecDeque<Resident>,
    /// How many people each side has ever had.
    ever: [u32; 2],
    night: u32,
}

#[derive(Debug, Clone)]
pub struct School {
    pub sourced_id: String,
    pub name: String,
    pub side: Side,
    pub level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Elementary,
    Middle,
    High,
    /// The charter's: every grade from KG on under one roof.
    All,
}

/// A grade here is its place in this list.
pub(super) const GRADES: [&str; 14] =
    ["PK", "KG", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"];

/// The programme at full size.
const FULL: usize = 165_000;
const FULL_STAFF: usize = 18_000;
const FULL_CHARTER: usize = 1_500;
const FULL_SCHOOLS: usize = 170;
/// So that every grade has a student on both sides, and every school a teacher.
const SMALLEST: usize = 60;

impl District {
    /// `people` students and staff, district and charter together; fewer than 60 become 60.
    pub fn new(people: usize) -> District {
        let people = people.max(SMALLEST);
        let charter_students = share(people, FULL_CHARTER).max(20);
        let charter_staff = (charter_students / 12).max(4);
        let staff = share(people, FULL_STAFF).saturating_sub(charter_staff).max(8);
        let students = people - charter_students - charter_staff - staff;

        let seed = people as u64;
        let mut district = District {
            seed,
            schools: schools(seed, share(people, FULL_SCHOOLS).max(3)),
            residents: Vec::with_capacity(people),
            away: VecDeque::new(),
            ever: [0; 2],
            night: 0,
        };
        for (side, students, staff) in
            [(Side::District, students, staff), (Side::Charter, charter_students, charter_staff)]
        {
            for nth in 0..students {
                district.enrol(side, nth);
            }
            for nth in 0..staff {
                district.hire(side, nth);
            }
        }
        district
    }

    /// The same district `nights` nights later: each night 2 % of the people have joined, left, moved school or
    /// changed name, grade or initial PIN.
    #[must_use]
    pub fn after_nights(mut self, nights: u32) -> District {
        for _ in 0..nights {
            self.night += 1;
            self.live_through_a_night();
        }
        self
    }

    /// The same district after one person left.
    #[must_use]
    pub fn without(mut self, sourced_id: &str) -> District {
        let residents = std::mem::take(&mut self.residents);
        let stays = |resident: &Resident| Person { district: &self, resident: *resident }.sourced_id() != sourced_id;
        self.residents = residents.into_iter().filter(stays).collect();
        self
    }

    /// How many students and staff there are, parents not counted.
    pub fn len(&self) -> usize {
        self.residents.len()
    }

    pub fn is_empty(&self) -> bool {
        self.residents.is_empty()
    }

    pub fn schools(&self) -> &[School] {
        &self.schools
    }

    /// Students and staff, in the order of the file.
    pub fn people(&self) -> impl Iterator<Item = Person<'_>> {
        self.residents.iter().map(|resident| Person { district: self, resident: *resident })
    }

    /// The school with this number, as residents name it; `None` for the district's office.
    pub(super) fn school(&self, number: u16) -> Option<&School> {
        self.schools.get(usize::from(number))
    }

    fn enrol(&mut self, side: Side, nth: usize) {
        let number = self.next_number(side);
        let mut chance = Chance::of(&[self.seed, side as u64, number.into(), 1]);
        // The first ones fill every grade once; the charter begins with KG.
        let lowest = usize::from(side == Side::Charter);
        let grade =
            if nth < GRADES.len() - lowest { nth + lowest } else { lowest + chance.below(GRADES.len() - lowest) };
        let grade = u8::try_from(grade).unwrap_or(0);
        let school = self.school_for(side, Some(grade), &mut chance);
        let second = chance.one_in(300).then(|| self.school_for(side, Some(grade), &mut chance));
        let second = second.filter(|second| *second != school);
        self.residents.push(Resident {
            number,
            side,
            job: Job::Student,
            grade,
            school,
            second,
            renamed: 0,
            repinned: 0,
        });
    }

    fn hire(&mut self, side: Side, nth: usize) {
        let number = self.next_number(side);
        let mut chance = Chance::of(&[self.seed, side as u64, number.into(), 2]);
        let job = match (nth, chance.below(100)) {
            (0, _) => Job::Teacher,
            (1, _) => Job::Principal,
            (_, 0..=69) => Job::Teacher,
            (_, 70..=82) => Job::Aide,
            (_, 83..=87) => Job::Counselor,
            (_, 88..=89) => Job::Principal,
            (_, 90..=92) => Job::Proctor,
            (_, 93..=95) => Job::SiteAdministrator,
            (_, 96) => Job::SystemAdministrator,
            _ => Job::DistrictAdministrator,
        };
        let at_the_office = matches!(job, Job::DistrictAdministrator | Job::SystemAdministrator);
        let school = if at_the_office { Resident::OFFICE } else { self.school_for(side, None, &mut chance) };
        let second = (!at_the_office && chance.one_in(30)).then(|| self.school_for(side, None, &mut chance));
        let second = second.filter(|second| *second != school);
        self.residents.push(Resident { number, side, job, grade: 0, school, second, renamed: 0, repinned: 0 });
    }

    fn next_number(&mut self, side: Side) -> u32 {
        let ever = match side {
            Side::District => &mut self.ever[0],
            Side::Charter => &mut self.ever[1],
        };
        *ever += 1;
        *ever - 1
    }

    fn school_for(&self, side: Side, grade: Option<u8>, chance: &mut Chance) -> u16 {
        let fits = |school: &School| school.side == side && grade.is_none_or(|grade| school.level.teaches(grade));
        let count = self.schools.iter().filter(|school| fits(school)).count();
        let chosen = chance.below(count.max(1));
        let fitting = self.schools.iter().enumerate().filter(|(_, school)| fits(school));
        let school = fitting.map(|(number, _)| number).nth(chosen).unwrap_or(0);
        u16::try_from(school).unwrap_or(Resident::OFFICE)
    }

    fn live_through_a_night(&mut self) {
        let mut chance = Chance::of(&[self.seed, self.night.into(), 3]);
        let before = self.residents.len();
        let mut touched: BTreeMap<usize, Event> = BTreeMap::new();
        let events = (before / 50).max(4);
        let mut joined = 0;
        for event in 0..events {
            let what = match event % 4 {
                0 => {
                    joined += 1;
                    continue;
                }
                1 => Event::Leaves,
                2 => Event::Moves,
                _ => Event::Changes,
            };
            let mut who = chance.below(before);
            while touched.contains_key(&who) {
                who = (who + 1) % before;
            }
            touched.insert(who, what);
        }
        let mut leaving = BTreeSet::new();
        for (who, event) in touched {
            let Some(mut resident) = self.residents.get(who).copied() else { continue };
            match event {
                Event::Leaves => {
                    leaving.insert(who);
                }
                Event::Moves => self.move_school(&mut resident, &mut chance),
                Event::Changes => resident.change(chance.below(3), &self.schools),
            }
            if let Some(place) = self.residents.get_mut(who) {
                *place = resident;
            }
        }
        let mut who = 0..;
        let away = &mut self.away;
        self.residents.retain(|resident| {
            let leaves = who.next().is_some_and(|who| leaving.contains(&who));
            if leaves {
                away.push_back(*resident);
            }
            !leaves
        });
        for nth in 0..joined {
            // One in twenty comes back; the rest are new.
            match (nth % 20, self.night > 1) {
                (0, true) => self.residents.extend(self.away.pop_front()),
                (1..=2, _) => self.hire(Side::District, usize::MAX),
                (3, _) => self.enrol(Side::Charter, usize::MAX),
                _ => self.enrol(Side::District, usize::MAX),
            }
        }
    }

    /// To another school of the same kind; where there is none, they come under a new PIN.
    fn move_school(&self, resident: &mut Resident, chance: &mut Chance) {
        if resident.school == Resident::OFFICE {
            return resident.repinned += 1;
        }
        let grade = (resident.job == Job::Student).then_some(resident.grade);
        let others = (0..8).map(|_| self.school_for(resident.side, grade, chance));
        match others.into_iter().find(|other| *other != resident.school && Some(*other) != resident.second) {
            Some(other) => resident.school = other,
            None => resident.repinned += 1,
        }
    }
}

enum Event {
    Leaves,
    Moves,
    Changes,
}

impl Resident {
    fn change(&mut self, what: usize, schools: &[School]) {
        match what {
            0 => self.renamed += 1,
            1 if self.job == Job::Student => {
                let level = schools.get(usize::from(self.school)).map_or(Level::All, |school| school.level);
                self.grade = if level.teaches(self.grade + 1) { self.grade + 1 } else { self.grade - 1 };
            }
            _ => self.repinned += 1,
        }
    }
}

impl Level {
    /// Whether the grade at this place of `GRADES` is taught here.
    pub(super) fn teaches(self, grade: u8) -> bool {
        match self {
            Level::Elementary => grade <= 6,
            Level::Middle => (7..=9).contains(&grade),
            Level::High => (10..=13).contains(&grade),
            Level::All => (1..=13).contains(&grade),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Level::Elementary => "Elementary",
            Level::Middle => "Middle",
            Level::High => "High",
            Level::All => "Charter",
        }
    }
}

impl School {
    /// sourcedId of the organisation above.
    pub fn parent(&self) -> &'static str {
        match self.side {
            Side::District => DISTRICT_ORG,
            Side::Charter => CHARTER_ORG,
        }
    }
}

/// The district's schools, half of them elementary, and the charter's one.
fn schools(seed: u64, count: usize) -> Vec<School> {
    let school = |place: usize, side: Side, level: Level| School {
        sourced_id: guid(&mut Chance::of(&[seed, place as u64, 4])),
        name: names::school(place, level.word()),
        side,
        level,
    };
    let level = |place: usize| match place % 9 {
        1 | 5 => Level::Middle,
        2 | 7 => Level::High,
        _ => Level::Elementary,
    };
    let charter = school(count, Side::Charter, Level::All);
    (0..count).map(|place| school(place, Side::District, level(place))).chain([charter]).collect()
}

fn share(people: usize, of_full: usize) -> usize {
    (people * of_full + FULL / 2) / FULL
}
