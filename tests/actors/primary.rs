//! A primary school: two classes with their teachers, and a library whose configuration knows badges.

use std::{collections::BTreeMap, fs};

use super::{Browser, Delivery, Done, Library, Page, Patron, Person};

/// Room 1 of Wren has Mira and Theo of the kindergarten and Olive of grade 5; room 2 of Heron has Ada and Ivo. Wren is not
/// Heron's pupil, but Heron learns nothing and teaches much.
pub struct Primary;

pub const CLASSES: &str = "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,\
schoolSourcedId,termSourcedIds\nroom-1,active,,Room 1,KG,k1,,homeroom,,school-willow,t1\n\
room-2,active,,Room 2,01,k1,,homeroom,,school-willow,t1\nreading,active,,Reading,01,k2,,scheduled,,school-willow,t1\n";
pub const ENROLLMENTS: &str = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary\n\
e1,active,,room-1,school-willow,user-9,teacher,true\ne2,active,,room-1,school-willow,user-1,student,\n\
e3,active,,room-1,school-willow,user-2,student,\ne4,active,,room-1,school-willow,user-5,student,\n\
e5,active,,room-2,school-willow,user-8,teacher,true\ne6,active,,room-2,school-willow,user-3,student,\n\
e7,active,,room-2,school-willow,user-4,student,\ne8,active,,reading,school-willow,user-8,teacher,true\n\
e9,active,,reading,school-willow,user-1,student,\n";

impl Primary {
    pub fn child(n: usize, given: &str, grade: &'static str) -> Person {
        Person { given: given.to_owned(), grade, org: "school-willow", ..Person::pupil(n) }
    }

    pub fn people() -> Vec<Person> {
        let teacher = |n, given: &str| Person { role: "teacher", ..Primary::child(n, given, "") };
        vec![
            Primary::child(1, "Mira", "KG"),
            Primary::child(2, "Theo", "KG"),
            Primary::child(3, "Ada", "01"),
            Primary::child(4, "Ivo", "01"),
            Primary::child(5, "Olive", "05"),
            teacher(8, "Heron"),
            teacher(9, "Wren"),
        ]
    }

    pub fn delivery(people: &[Person]) -> Delivery {
        Delivery::of(people).with("classes.csv", CLASSES).with("enrollments.csv", ENROLLMENTS).edit(
            "manifest.csv",
            |text| {
                text.replace("file.classes,absent", "file.classes,bulk")
                    .replace("file.enrollments,absent", "file.enrollments,bulk")
            },
        )
    }

    pub fn card(n: usize) -> Patron {
        Primary::people().into_iter().find(|person| person.sourced_id == format!("user-{n}")).unwrap().card()
    }
}

/// What a configuration says of badges, where a test has nothing else in mind.
pub const BADGE: &str = "organisations = [\"maple\"]\ngrades = [\"PK\", \"02\"]\nscopes = [\"library.ebooks\"]\n";

impl Library {
    /// The same library with these lines behind its configuration, restarted.
    pub fn with_lines(&mut self, lines: &str) {
        let text = fs::read_to_string(&self.config).unwrap();
        let kept = text.split("\n# of this test\n").next().unwrap_or_default().to_owned();
        fs::write(&self.config, format!("{kept}\n# of this test\n{lines}")).unwrap();
        self.restart();
    }

    /// With badges, and the school's roster.
    pub fn with_badges(&mut self, more: &str) {
        self.with_lines(&format!(
            "[classes]\nread = \"homeroom\"\nteachers_reset_pins = true\n[badge]\n{BADGE}{more}\n"
        ));
        self.import(&Primary::delivery(&Primary::people()), &[]).fine();
    }

    /// `badge print`, with the sheet and the list in files of this library's folder.
    pub fn print_badges(&self, name: &str, args: &[&str]) -> (Done, String, String) {
        let (out, list) = (self.path().join(format!("{name}.html")), self.path().join(format!("{name}-list.html")));
        let (sheet, pictures) = (out.to_string_lossy().into_owned(), list.to_string_lossy().into_owned());
        let mut all = vec!["badge", "print", "--organisation", "maple", "--reason", "a new year", "--json"];
        all.extend(args);
        all.extend(["--out", &sheet, "--list-out", &pictures]);
        let done = self.run(&all);
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        (done, read(out), read(list))
    }

    /// Makes the secret of a child's badge one that the test knows: what is printed, only a scanner reads.
    pub async fn known_badge(&self, card: &str) -> String {
        let seed = uuid::Uuid::now_v7().simple().to_string();
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, seed.as_bytes());
        let secret: String =
            hash.as_ref()[..26].iter().map(|byte| char::from(letters[usize::from(byte % 32)])).collect();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let sql = format!(
            "UPDATE badge SET secret = '{digest}' WHERE void_at IS NULL AND patron IN \
             (SELECT patron FROM roster_entry WHERE card = '{card}')"
        );
        assert_eq!(self.tamper(&sql).await, 1, "{card} has one badge that works");
        secret
    }
}

impl Browser {
    /// Shows a badge at the page for it, as a hand scanner types it.
    pub async fn show_badge(&self, library: &Library, typed: &str) -> Page {
        let page = self.open(library.url("/badge")).await;
        self.submit_and_follow(&page, "badge", &[("badge", typed)]).await
    }

    /// Picks three pictures, by their places.
    pub async fn pick(&self, mut page: Page, places: &[usize]) -> Page {
        for place in places {
            page = self.submit_and_follow(&page, "pictures", &[("pick", &place.to_string())]).await;
        }
        page
    }
}

/// Whose pictures are which, as the teacher's list says: by given name.
pub fn pictures_of(list: &str) -> BTreeMap<String, Vec<usize>> {
    const SYMBOLS: [&str; 12] =
        ["sun", "moon", "star", "tree", "fish", "bird", "boat", "house", "flower", "apple", "kite", "key"];
    let rows = list.split("<tr>").filter(|row| row.contains("class=\"name\""));
    let of = |row: &str| {
        let name = row.split("</svg>").nth(1)?.split("</td>").next()?.to_owned();
        let pictures = row.split("data-picture=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let places = pictures.filter_map(|name| SYMBOLS.iter().position(|symbol| *symbol == name)).collect();
        Some((name, places))
    };
    rows.filter_map(of).collect()
}
