//! A library with a school whose pupils sign in at the school's own page.

use super::{
    Browser, Delivery, Library, Page, Person,
    liar::{CLIENT, CLIENT_SECRET, Liar},
    parts::{Folder, part},
    process::Process,
};

/// Two pupils, a teacher, and a pupil of the charter.
pub fn people() -> Vec<Person> {
    let teacher = Person { role: "teacher", grade: "", ..Person::pupil(3) };
    let charter = Person { org: "org-cedar", ..Person::pupil(4) };
    vec![Person::pupil(1), Person::pupil(2), teacher, charter]
}

impl Library {
    /// Declares `sources` (each with a secret in `ID.secret`), then imports these people, so that they are found.
    pub async fn opens_portals(&self, sources: &[(&str, String)], people: &[Person]) {
        self.write_secrets(sources);
        let all: Vec<&str> = sources.iter().map(|(_, toml)| toml.as_str()).collect();
        self.apply(&all.join("\n")).fine();
        self.import(&Delivery::of(people), &[]).fine();
        for (id, _) in sources {
            let there = || async { Browser::new().open(self.url("/sign-in?all=1")).await.button_to(id).is_some() };
            self.soon(&format!("the page offers {id}"), there).await;
        }
    }

    pub fn write_secrets(&self, sources: &[(&str, String)]) {
        for (id, _) in sources {
            self.write(&format!("{id}.secret"), format!("{CLIENT_SECRET}\n"));
        }
    }
}

impl Browser {
    /// Presses a school's button; where that leads, not opened.
    pub async fn goes_to_school(&self, page: &Page, source: &str) -> Page {
        let button = page.button_to(source).unwrap_or_else(|| panic!("no button to {source}:\n{}", page.body));
        self.submit(page, &button, &[]).await
    }

    /// The whole way: the button on the sign-in page, whatever `liar` says there, and back.
    pub async fn by_school(&self, library: &Library, liar: &Liar, source: &str) -> Page {
        let page = self.open(library.url("/sign-in?all=1")).await;
        let leaving = self.goes_to_school(&page, source).await;
        let authorize = leaving.location().unwrap_or_else(|| panic!("not sent away: {}", leaving.body));
        if !authorize.as_str().starts_with(&liar.issuer) {
            return self.open(authorize).await;
        }
        self.open(liar.lets_in(&authorize)).await
    }
}

impl Page {
    /// The id of the button that leads to this upstream.
    pub fn button_to(&self, source: &str) -> Option<String> {
        let ends = format!("/with/{source}\"");
        let body = self.body.replace("&#x2f;", "/");
        let form = body.split("<form").find(|form| form.contains(&ends))?;
        let at = form.find("<button id=\"")? + "<button id=\"".len();
        Some(form[at..].split('"').next()?.to_owned())
    }
}

/// A school's sign-in that we did not write, as a program beside the test.
pub struct School {
    issuer: String,
    scopes: &'static str,
    /// The claim that says who it is, and the roster's field that it is compared with.
    by: (&'static str, &'static str),
    _process: Process,
    _folder: Folder,
}

/// Its callback is the portal `oak`'s.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(90);

impl School {
    /// npm's oidc-provider; `None` where Node is absent, which is then a named skip.
    pub fn of_node(library: &Library) -> Option<School> {
        let folder = part("ONEACCESS_TEST_NODE_CLIENTS", "the upstream of npm")?;
        let node = std::env::var("ONEACCESS_TEST_NODE").unwrap_or_else(|_| "node".into());
        let program = format!("{folder}/upstream.mjs");
        Some(School::start(library, &[&node, &program], "\"openid\"", ("sub", "username")))
    }

    /// Spring Authorization Server; `None` where Java is absent, which is then a named skip.
    pub fn of_java(library: &Library) -> Option<School> {
        let folder = part("ONEACCESS_TEST_JAVA_UPSTREAM", "the upstream of Java")?;
        let java = std::env::var("ONEACCESS_TEST_JAVA").unwrap_or_else(|_| "java".into());
        let path = format!("{folder}/classes:{folder}/dependency/*");
        let command = [&*java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", &path, "upstream.Upstream"];
        Some(School::start(library, &command, "\"openid\"", ("sub", "username")))
    }

    fn start(library: &Library, command: &[&str], scopes: &'static str, by: (&'static str, &'static str)) -> School {
        let folder = Folder::new();
        let back = library.url("/upstream/callback/oak");
        let env = [
            ("UPSTREAM_CLIENT_ID", CLIENT),
            ("UPSTREAM_CLIENT_SECRET", CLIENT_SECRET),
            ("UPSTREAM_REDIRECT_URI", &*back),
        ];
        let mut process = Process::start("upstream", command, &env, folder.path());
        let said = |process: &Process| process.stdout().split_once('\n').map(|(line, _)| line.trim().to_owned());
        let issuer = process.wait_for("its issuer", PATIENCE, said).unwrap_or_else(|why| panic!("{why}"));
        School { issuer, scopes, by, _process: process, _folder: folder }
    }

    pub fn source(&self, id: &str) -> String {
        let (claim, field) = self.by;
        format!(
            "[[source]]\nid = \"{id}\"\nkind = \"oidc\"\nissuer = \"{}\"\nclient_id = \"{CLIENT}\"\n\
             client_secret_file = \"{id}.secret\"\nname = \"Oak school\"\nroster = \"cms\"\n\
             match_claim = \"{claim}\"\nmatch_field = \"{field}\"\nscopes = [{}]\n",
            self.issuer, self.scopes
        )
    }
}

impl Browser {
    /// Signs in at the school's page with a name and password of hers there; where that ends.
    pub async fn at_school(&self, library: &Library, school: &School, name: &str, password: &str) -> Page {
        let page = self.open(library.url("/sign-in")).await;
        let away = self.goes_to_school(&page, "oak").await.location().unwrap();
        assert!(away.as_str().starts_with(&school.issuer), "{away}");
        let form = self.open(away).await;
        self.submit_and_follow(&form, "username", &[("username", name), ("password", password)]).await
    }
}
