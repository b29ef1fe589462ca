//! The district as a delivery: every file that a student system sends, in a zip or a folder.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::{
    CHARTER_ORG, DISTRICT_ORG, District, Job, Person,
    chance::Chance,
    columns::{CLASSES, COURSES, DEMOGRAPHICS, ENROLLMENTS, ORGS, ROLES, SESSIONS, USERS_1P1, USERS_1P2},
    district::GRADES,
    names,
    person::{Resident, guid},
    rows::{Pass, Rows, row},
};
use crate::directory::oneroster::{Progress, Version};

const MODIFIED: &str = "2026-08-03T04:10:00.000Z";
const SUBJECTS: [&str; 2] = ["Reading", "Mathematics"];
const CLASS_SIZE: usize = 25;
const TELL_EVERY: usize = 10_000;
const YEAR: &str = "5e551011-2026-4a00-8000-00000000aaaa";
const TERM: &str = "5e551011-2026-4a00-8000-00000000bbbb";

impl District {
    /// Writes the files to `path`: a zip where the name ends in `.zip`, else a folder. Progress counts rows.
    ///
    /// # Errors
    /// Where the place cannot be written.
    pub fn write(&self, path: &Path, version: Version, progress: &dyn Fn(Progress)) -> io::Result<()> {
        let mut delivery = Delivery::open(path)?;
        let mut told = Told { done: 0, total: self.row_estimate(version), progress };
        let told = &mut told;
        delivery.file("manifest.csv", &["propertyName", "value"], Pass::All, |rows| manifest(rows, version))?;
        delivery.file("academicSessions.csv", SESSIONS, Pass::All, sessions)?;
        delivery.file("orgs.csv", ORGS, Pass::All, |rows| self.orgs(rows))?;
        delivery.file("courses.csv", COURSES, Pass::All, courses)?;
        let classes = Classes::of(self);
        delivery.file("classes.csv", CLASSES, Pass::All, |rows| classes.write(self, rows))?;
        match version {
            Version::V1p1 => {
                delivery.file("users.csv", USERS_1P1, Pass::All, |rows| self.users(rows, version, told))?
            }
            Version::V1p2 => {
                delivery.file("users.csv", USERS_1P2, Pass::All, |rows| self.users(rows, version, told))?;
                delivery.file("roles.csv", ROLES, Pass::All, |rows| self.roles(rows, told))?;
            }
        }
        delivery.file("enrollments.csv", ENROLLMENTS, Pass::All, |rows| classes.enrol(self, rows, told))?;
        delivery.file("demographics.csv", DEMOGRAPHICS, Pass::All, |rows| self.demographics(rows, told))?;
        delivery.close()?;
        told.finish();
        Ok(())
    }

    fn row_estimate(&self, version: Version) -> usize {
        self.len() * if version == Version::V1p2 { 5 } else { 4 }
    }

    pub(super) fn orgs(&self, rows: &mut Rows<'_>) -> io::Result<()> {
        row(rows, [DISTRICT_ORG, "", MODIFIED, "Brookmere Fictional Schools", "district", "600", ""])?;
        row(rows, [CHARTER_ORG, "", MODIFIED, "Lanternwick Charter Network", "district", "60C", ""])?;
        for (place, school) in self.schools().iter().enumerate() {
            let code = (300 + place).to_string();
            row(rows, [&school.sourced_id, "", MODIFIED, &school.name, "school", &code, school.parent()])?;
        }
        Ok(())
    }

    pub(super) fn users(&self, rows: &mut Rows<'_>, version: Version, told: &mut Told<'_>) -> io::Result<()> {
        for person in self.people() {
            let family = person.family_name();
            let agent = if person.has_guardian() { person.guardian_id() } else { String::new() };
            user(
                rows,
                version,
                &User {
                    sourced_id: &person.sourced_id(),
                    orgs: &person.orgs().collect::<Vec<_>>().join(","),
                    role: person.job().word_1p1(),
                    username: &person.username(),
                    user_ids: &format!("{{SIS:{}}}", person.sis_number()),
                    given: &person.given_name(),
                    family: &family,
                    identifier: &person.identifier(),
                    agent: &agent,
                    grade: person.grade_code().unwrap_or_default(),
                    password: &person.initial_pin(),
                    preferred: &person.preferred_given_name().unwrap_or_default(),
                    primary_org: person.orgs().next().unwrap_or_default(),
                },
            )?;
            if person.has_guardian() {
                self.guardian(rows, version, &person, &agent, &family)?;
            }
            told.one_more();
        }
        Ok(())
    }

    /// Parents are in real files too, and get no card.
    fn guardian(
        &self,
        rows: &mut Rows<'_>,
        version: Version,
        child: &Person<'_>,
        id: &str,
        family: &str,
    ) -> io::Result<()> {
        let number = (80_000_000 + u64::from(child.sis_number())).to_string();
        user(
            rows,
            version,
            &User {
                sourced_id: id,
                orgs: child.orgs().next().unwrap_or_default(),
                role: child.guardian_role(),
                username: &format!("g{number}"),
                user_ids: "",
                given: &names::given(&mut child.chance(17)),
                family,
                identifier: &number,
                agent: "",
                grade: "",
                password: "",
                preferred: "",
                primary_org: child.orgs().next().unwrap_or_default(),
            },
        )
    }

    pub(super) fn roles(&self, rows: &mut Rows<'_>, told: &mut Told<'_>) -> io::Result<()> {
        for person in self.people() {
            let mut ids = person.chance(18);
            let word = person.job().word_1p2();
            for (place, org) in person.orgs().enumerate() {
                let kind = if place == 0 { "primary" } else { "secondary" };
                role(rows, &guid(&mut ids), &person.sourced_id(), kind, word, org)?;
            }
            if person.has_guardian() {
                let org = person.orgs().next().unwrap_or_default();
                role(rows, &guid(&mut ids), &person.guardian_id(), "primary", person.guardian_role(), org)?;
            }
            told.one_more();
        }
        Ok(())
    }

    /// Columns that the importer has no business with stand here on purpose: a test looks for them afterwards.
    pub(super) fn demographics(&self, rows: &mut Rows<'_>, told: &mut Told<'_>) -> io::Result<()> {
        for person in self.people() {
            let (id, born) = (person.sourced_id(), person.birthday().to_string());
            let mut chance = person.chance(19);
            let sex = chance.pick(&["female", "male", "unspecified"]);
            let mut race = ["false"; 6];
            if let Some(one) = race.get_mut(chance.below(6)) {
                *one = "true";
            }
            let [native, asian, black, pacific, white, several] = race;
            let latino = if chance.one_in(4) { "true" } else { "false" };
            row(rows, [&id, "", MODIFIED, &born, sex, native, asian, black, pacific, white, several, latino])?;
            told.one_more();
        }
        Ok(())
    }
}

impl Person<'_> {
    fn has_guardian(&self) -> bool {
        self.is_student() && self.resident.number.is_multiple_of(30)
    }

    fn guardian_id(&self) -> String {
        guid(&mut self.chance(16))
    }

    fn guardian_role(&self) -> &'static str {
        match self.resident.number % 90 {
            0 => "guardian",
            30 => "parent",
            _ => "relative",
        }
    }
}

/// The classes of every school and grade: as many sections as there are children for.
struct Classes {
    sections: BTreeMap<(u16, u8), usize>,
    /// Numbers of the people who teach at each school.
    teachers: BTreeMap<u16, Vec<String>>,
}

impl Classes {
    fn of(district: &District) -> Classes {
        let mut children: BTreeMap<(u16, u8), usize> = BTreeMap::new();
        let mut teachers: BTreeMap<u16, Vec<String>> = BTreeMap::new();
        for person in district.people() {
            let Resident { school, grade, job, .. } = person.resident;
            match job {
                Job::Student => *children.entry((school, grade)).or_default() += 1,
                Job::Teacher => teachers.entry(school).or_default().push(person.sourced_id()),
                _ => {}
            }
        }
        let sections = children.into_iter().map(|(place, count)| (place, count.div_ceil(CLASS_SIZE))).collect();
        Classes { sections, teachers }
    }

    fn write(&self, district: &District, rows: &mut Rows<'_>) -> io::Result<()> {
        self.each(|school, grade, subject, section| {
            let (id, course) = (class(district, school, grade, subject, section), course(grade, subject));
            let code = GRADES.get(usize::from(grade)).copied().unwrap_or_default();
            let (name, room) = (SUBJECTS.get(subject).copied().unwrap_or_default(), (100 + section).to_string());
            let title = format!("{name} {code}, section {}", section + 1);
            let org = district.school(school).map_or(DISTRICT_ORG, |school| &school.sourced_id);
            row(rows, [&id, "", MODIFIED, &title, code, &course, &room, "scheduled", "", org, TERM, name, "", ""])
        })
    }

    /// Two classes for each child, and a teacher for each class.
    fn enrol(&self, district: &District, rows: &mut Rows<'_>, told: &mut Told<'_>) -> io::Result<()> {
        let mut enrolment = |ids: &mut Chance, class: &str, school: &str, user: &str, role: &str| {
            let primary = if role == "teacher" { "true" } else { "" };
            row(rows, [&guid(ids), "", MODIFIED, class, school, user, role, primary, "2026-08-24", "2027-06-10"])
        };
        for person in district.people() {
            let Resident { school, grade, .. } = person.resident;
            if let (true, Some(place)) = (person.is_student(), person.school()) {
                let mut chance = person.chance(20);
                let sections = self.sections.get(&(school, grade)).copied().unwrap_or(1);
                let id = person.sourced_id();
                for subject in 0..SUBJECTS.len() {
                    let class = class(district, school, grade, subject, chance.below(sections));
                    enrolment(&mut chance, &class, &place.sourced_id, &id, "student")?;
                }
            }
            told.one_more();
            told.one_more();
        }
        let mut ids = Chance::of(&[district.seed, 6]);
        let mut nth = 0;
        self.each(|school, grade, subject, section| {
            nth += 1;
            let teachers = self.teachers.get(&school).map_or(&[] as &[String], Vec::as_slice);
            let teacher = teachers.get(nth % teachers.len().max(1));
            let (Some(place), Some(teacher)) = (district.school(school), teacher) else { return Ok(()) };
            let class = class(district, school, grade, subject, section);
            enrolment(&mut ids, &class, &place.sourced_id, teacher, "teacher")
        })
    }

    fn each(&self, mut tell: impl FnMut(u16, u8, usize, usize) -> io::Result<()>) -> io::Result<()> {
        for ((school, grade), sections) in &self.sections {
            for subject in 0..SUBJECTS.len() {
                for section in 0..*sections {
                    tell(*school, *grade, subject, section)?;
                }
            }
        }
        Ok(())
    }
}

fn class(district: &District, school: u16, grade: u8, subject: usize, section: usize) -> String {
    guid(&mut Chance::of(&[district.seed, school.into(), grade.into(), subject as u64, section as u64, 5]))
}

fn course(grade: u8, subject: usize) -> String {
    guid(&mut Chance::of(&[grade.into(), subject as u64, 7]))
}

fn manifest(rows: &mut Rows<'_>, version: Version) -> io::Result<()> {
    let (number, roles) = match version {
        Version::V1p1 => ("1.1", "absent"),
        Version::V1p2 => ("1.2", "bulk"),
    };
    row(rows, ["manifest.version", "1.0"])?;
    row(rows, ["oneroster.version", number])?;
    for file in ["academicSessions", "classes", "courses", "demographics", "enrollments", "orgs", "users"] {
        row(rows, [&format!("file.{file}"), "bulk"])?;
    }
    if version == Version::V1p2 {
        row(rows, ["file.roles", roles])?;
        row(rows, ["file.userProfiles", "absent"])?;
    }
    for file in ["categories", "classResources", "courseResources", "lineItems", "resources", "results"] {
        row(rows, [&format!("file.{file}"), "absent"])?;
    }
    row(rows, ["source.systemName", "Fictional Student System"])?;
    row(rows, ["source.systemCode", "FSS"])
}

fn sessions(rows: &mut Rows<'_>) -> io::Result<()> {
    row(rows, [YEAR, "", MODIFIED, "2026-2027", "schoolYear", "2026-08-24", "2027-06-10", "", "2027"])?;
    row(rows, [TERM, "", MODIFIED, "Full year", "term", "2026-08-24", "2027-06-10", YEAR, "2027"])
}

fn courses(rows: &mut Rows<'_>) -> io::Result<()> {
    for (grade, code) in (0u8..).zip(GRADES) {
        for (subject, name) in SUBJECTS.into_iter().enumerate() {
            let (id, title, short) = (course(grade, subject), format!("{name} {code}"), format!("{name:.3}-{code}"));
            row(rows, [&id, "", MODIFIED, YEAR, &title, &short, code, DISTRICT_ORG, name, ""])?;
        }
    }
    Ok(())
}

struct User<'a> {
    sourced_id: &'a str,
    orgs: &'a str,
    role: &'a str,
    username: &'a str,
    user_ids: &'a str,
    given: &'a str,
    family: &'a str,
    identifier: &'a str,
    agent: &'a str,
    grade: &'a str,
    password: &'a str,
    preferred: &'a str,
    primary_org: &'a str,
}

fn user(rows: &mut Rows<'_>, version: Version, user: &User<'_>) -> io::Result<()> {
    let User { sourced_id, orgs, role, username, user_ids, given, family, identifier, agent, grade, .. } = *user;
    let User { password, preferred, primary_org, .. } = *user;
    let house = if role == "student" { "pupils" } else { "staff" };
    let mail = if user_ids.is_empty() { String::new() } else { format!("{username}@{house}.example.org") };
    let tail = ["", identifier, mail.as_str(), "", "", agent, grade, password];
    let start = [sourced_id, "", MODIFIED, "true"];
    let names = [username, user_ids, given, family];
    match version {
        Version::V1p1 => row(rows, start.into_iter().chain([orgs, role]).chain(names).chain(tail)),
        Version::V1p2 => {
            let more = [identifier, "", preferred, "", "", primary_org, ""];
            row(rows, start.into_iter().chain(names).chain(tail).chain(more))
        }
    }
}

fn role(rows: &mut Rows<'_>, id: &str, user: &str, kind: &str, role: &str, org: &str) -> io::Result<()> {
    row(rows, [id, "", MODIFIED, user, kind, role, "", "", org, ""])
}

pub(super) enum Delivery {
    Zip(Box<ZipWriter<BufWriter<File>>>),
    Folder(PathBuf),
}

impl Delivery {
    pub fn open(path: &Path) -> io::Result<Delivery> {
        if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("zip")) {
            return Ok(Delivery::Zip(Box::new(ZipWriter::new(BufWriter::new(File::create(path)?)))));
        }
        fs::create_dir_all(path)?;
        Ok(Delivery::Folder(path.to_owned()))
    }

    pub fn file(
        &mut self,
        name: &str,
        header: &[&str],
        pass: Pass<'_>,
        fill: impl FnOnce(&mut Rows<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let out: Box<dyn Write + '_> = match self {
            Delivery::Zip(zip) => {
                // The fastest setting: a roster still shrinks to a third. Without a date, so that bytes repeat.
                let how = SimpleFileOptions::default().compression_level(Some(1)).large_file(true);
                zip.start_file(name, how)?;
                Box::new(zip)
            }
            Delivery::Folder(folder) => Box::new(BufWriter::new(File::create(folder.join(name))?)),
        };
        let mut rows = Rows::new(out, header, pass)?;
        fill(&mut rows)?;
        rows.finish(MODIFIED)
    }

    pub fn close(self) -> io::Result<()> {
        match self {
            Delivery::Zip(zip) => zip.finish()?.flush(),
            Delivery::Folder(_) => Ok(()),
        }
    }
}

pub(super) struct Told<'p> {
    pub done: usize,
    pub total: usize,
    pub progress: &'p dyn Fn(Progress),
}

impl Told<'_> {
    fn one_more(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(TELL_EVERY) {
            self.tell();
        }
    }

    pub fn finish(&mut self) {
        self.done = self.total;
        self.tell();
    }

    fn tell(&self) {
        (self.progress)(Progress { done: self.done as u64, total: self.total as u64 });
    }
}
