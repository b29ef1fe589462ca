//! Promises of the reader, told with deliveries.

mod classes;
mod delta;
mod dirty;
mod refused;
mod round_trip;

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::{Options, ReadError, read};
use crate::{
    directory::{Note, Outcome, Person, Roster},
    domain::class::ClassKinds,
};

/// A folder of this test alone, gone when the test ends.
pub(super) struct Place(PathBuf);

impl Place {
    pub fn new() -> Place {
        let path = env::temp_dir().join(format!("oneaccess-{}", uuid::Uuid::now_v7()));
        fs::create_dir_all(&path).unwrap();
        Place(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A delivery in the making: a sound little one, of which a test spoils a part.
#[derive(Clone)]
struct Delivery(Vec<(String, Vec<u8>)>);

const MANIFEST_1P1: &str =
    "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\n";
const MANIFEST_1P2: &str = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.orgs,bulk\nfile.users,bulk\nfile.roles,bulk\n";
const ORGS: &str = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n\
    d,,,Brookmere Schools,district,,\n\
    s1,,,Thistledown Middle School,school,,d\n\
    s2,,,Copperwick High School,school,,d\n";
const USERS_1P1: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,\
    familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password\n\
    u1,,,true,s1,student,mb1,{SIS:1},Marisel,Brookquill,,4417001,mb1@pupils.example.org,,,,07,246810\n\
    u2,,,true,\"s1,s2\",teacher,tw2,{SIS:2},Tavowen,Willowmere,,4417002,tw2@example.org,,,,,135791\n\
    u3,,,true,s1,parent,,,Quilaria,Brookquill,,,,,,,,\n";
const USERS_1P2: &str = "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,\
    identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,\
    preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns\n\
    u1,,,true,mb1,{SIS:1},Marisel,Brookquill,,4417001,,,,,07,246810,,,,,s1,\n\
    u2,,,true,tw2,{SIS:2},Tavowen,Willowmere,,4417002,,,,,,135791,,Tavi,,,s1,\n\
    u3,,,true,,,Quilaria,Brookquill,,,,,,,,,,,,,,\n";
const ROLES: &str = "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,\
    userProfileSourcedId\n\
    r1,,,u1,primary,student,,,s1,\n\
    r2,,,u2,secondary,teacher,,,s2,\n\
    r3,,,u2,primary,teacher,2020-08-01,,s1,\n\
    r4,,,u3,primary,parent,,,s1,\n";

impl Delivery {
    fn v1p1() -> Delivery {
        Delivery(vec![]).with("manifest.csv", MANIFEST_1P1).with("orgs.csv", ORGS).with("users.csv", USERS_1P1)
    }

    fn v1p2() -> Delivery {
        Delivery(vec![])
            .with("manifest.csv", MANIFEST_1P2)
            .with("orgs.csv", ORGS)
            .with("users.csv", USERS_1P2)
            .with("roles.csv", ROLES)
    }

    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Delivery {
        let mut rest = self.without(name);
        rest.0.push((name.to_owned(), text.as_ref().to_owned()));
        rest
    }

    fn without(mut self, name: &str) -> Delivery {
        self.0.retain(|(other, _)| other != name);
        self
    }

    /// The file with one text in place of another, which must be there.
    fn changed(self, name: &str, from: &str, to: &str) -> Delivery {
        let old = self.0.iter().find(|(other, _)| other == name).map(|(_, bytes)| bytes.clone()).unwrap();
        let old = String::from_utf8(old).unwrap();
        assert!(old.contains(from), "{from}");
        self.with(name, old.replace(from, to))
    }

    fn in_folder(&self, folder: &Path) {
        for (name, bytes) in &self.0 {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    fn zipped(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in &self.0 {
            zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn read(&self) -> Result<Roster, ReadError> {
        self.read_on("2026-11-02", false)
    }

    fn read_on(&self, today: &str, birthdays: bool) -> Result<Roster, ReadError> {
        let place = Place::new();
        self.in_folder(&place.0);
        read(
            &place.0,
            &Options { birthdays, classes: ClassKinds::None, today: today.parse().unwrap(), progress: &|_| {} },
        )
    }

    fn roster(&self) -> Roster {
        self.read().unwrap()
    }

    /// The stable word of the error that the whole delivery comes to.
    fn error(&self) -> (&'static str, String) {
        let error = self.read().map(|roster| roster.people.len()).unwrap_err();
        (error.kind(), error.to_string())
    }
}

fn read_zip(bytes: &[u8]) -> Result<Roster, ReadError> {
    let place = Place::new();
    let path = place.join("roster.zip");
    fs::write(&path, bytes).unwrap();
    read(
        &path,
        &Options {
            birthdays: false,
            classes: ClassKinds::None,
            today: "2026-11-02".parse().unwrap(),
            progress: &|_| {},
        },
    )
}

/// All that counts of a person, in one line that begins with the sourcedId.
pub(super) fn told(person: &Person) -> String {
    let posts: Vec<_> = person.posts.iter().map(|post| (&post.org, post.role, post.grade)).collect();
    let pin = person.password.as_ref().map(|pin| secrecy::ExposeSecret::expose_secret(pin).to_owned());
    let Person { sourced_id, given_name, family_name, identifier, username, user_ids, birthday, .. } = person;
    let names = format!("{given_name} {family_name} {identifier:?} {username:?} {user_ids:?}");
    format!("{sourced_id} {names} {posts:?} {pin:?} {birthday:?} {}", person.enabled)
}

fn person<'r>(roster: &'r Roster, id: &str) -> &'r Person {
    roster.people.iter().find(|person| person.sourced_id == id).unwrap()
}

fn ids(roster: &Roster) -> Vec<&str> {
    roster.people.iter().map(|person| person.sourced_id.as_str()).collect()
}

/// The one note of this kind.
fn note<'r>(roster: &'r Roster, kind: &str) -> &'r Note {
    let mut found = roster.report.notes.iter().filter(|note| note.kind == kind);
    let first = found.next().unwrap_or_else(|| panic!("no {kind} in {:#?}", roster.report.notes));
    assert!(found.next().is_none(), "more than one {kind}");
    first
}

fn refused<'r>(roster: &'r Roster, kind: &str) -> (&'r str, u64, &'r str) {
    let note = note(roster, kind);
    assert_eq!(note.outcome, Outcome::Refused);
    (&note.file, note.line, &note.column)
}

fn repaired<'r>(roster: &'r Roster, kind: &str) -> (&'r str, u64, &'r str) {
    let note = note(roster, kind);
    assert_eq!(note.outcome, Outcome::Repaired);
    assert_eq!(roster.report.refusals(), 0);
    (&note.file, note.line, &note.column)
}
