//! What a district delivers: OneRoster 1.1, as clean or as dirty as a test wants.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
};

use zip::{ZipWriter, write::SimpleFileOptions};

/// A line of `users.csv`. The people are plainly fictional.
#[derive(Debug, Clone)]
pub struct Person {
    pub sourced_id: String,
    pub identifier: String,
    pub given: String,
    pub role: &'static str,
    pub grade: &'static str,
    pub org: &'static str,
    pub pin: String,
    pub enabled: &'static str,
}

impl Person {
    /// A pupil of the district's school in grade 7; `Person { …, ..Person::pupil(1) }` makes another.
    pub fn pupil(n: usize) -> Person {
        Person {
            sourced_id: format!("user-{n}"),
            identifier: format!("{}", 700_000 + n),
            given: format!("Pupil{n}"),
            role: "student",
            grade: "07",
            org: "school-birch",
            pin: format!("{}", 4711 + n * 13),
            enabled: "true",
        }
    }

    pub fn card(&self) -> super::Patron {
        super::Patron::new(self.identifier.clone(), self.pin.clone())
    }
}

/// Files by name.
#[derive(Debug, Clone)]
pub struct Delivery(BTreeMap<String, Vec<u8>>);

pub const USERS_HEADER: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,\
givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password";

impl Delivery {
    pub fn of(people: &[Person]) -> Delivery {
        let mut users = format!("{USERS_HEADER}\n");
        for p in people {
            users.push_str(&format!(
                "{},active,2026-08-01T00:00:00.000Z,{},{},{},{},,{},Fictional,,{},,,,,{},{}\n",
                p.sourced_id,
                p.enabled,
                p.org,
                p.role,
                p.given.to_lowercase(),
                p.given,
                p.identifier,
                p.grade,
                p.pin
            ));
        }
        let manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n\
            file.academicSessions,absent\nfile.categories,absent\nfile.classes,absent\nfile.classResources,absent\n\
            file.courses,absent\nfile.courseResources,absent\nfile.demographics,absent\nfile.enrollments,absent\n\
            file.lineItems,absent\nfile.orgs,bulk\nfile.resources,absent\nfile.results,absent\nfile.users,bulk\n\
            source.systemName,Fictional SIS\nsource.systemCode,fictional\n";
        let orgs = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n\
            org-maple,active,,Maple Schools,district,,\n\
            school-birch,active,,Birch Middle School,school,,org-maple\n\
            school-willow,active,,Willow Elementary School,school,,org-maple\n\
            org-cedar,active,,Cedar Charter,school,,\n";
        Delivery(BTreeMap::new()).with("manifest.csv", manifest).with("orgs.csv", orgs).with("users.csv", users)
    }

    pub fn with(mut self, name: &str, text: impl Into<Vec<u8>>) -> Delivery {
        self.0.insert(name.to_owned(), text.into());
        self
    }

    pub fn without(mut self, name: &str) -> Delivery {
        self.0.remove(name);
        self
    }

    /// Rewrites one file.
    pub fn edit(self, name: &str, change: impl FnOnce(String) -> String) -> Delivery {
        let text = String::from_utf8(self.0[name].clone()).unwrap();
        let changed = change(text);
        self.with(name, changed)
    }

    pub fn folder(&self, place: &Path) -> PathBuf {
        fs::create_dir_all(place).unwrap();
        for (name, text) in &self.0 {
            fs::write(place.join(name), text).unwrap();
        }
        place.to_owned()
    }

    pub fn bytes(&self, name: &str) -> &[u8] {
        &self.0[name]
    }

    /// A zip in which one file goes on for `size` bytes of one letter.
    pub fn bomb(&self, name: &str, size: u64) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (file, text) in &self.0 {
            let options = SimpleFileOptions::default().large_file(true);
            zip.start_file(file.as_str(), options).unwrap();
            zip.write_all(text).unwrap();
            if file == name {
                let letters = vec![b'a'; 1 << 20];
                for _ in 0..size >> 20 {
                    zip.write_all(&letters).unwrap();
                }
            }
        }
        zip.finish().unwrap().into_inner()
    }

    pub fn zip(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in &self.0 {
            zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
            zip.write_all(text).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }
}
