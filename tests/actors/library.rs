//! A running library: the demo, or one founded with a configuration of the test's own.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    engine::{self, Database, Engine},
    operator::{self, Done, Operator},
    parts::{Folder, free_port},
    process::Process,
    roster::Delivery,
};

/// Debug builds on a busy machine are slow; a release must be ready in 5 s, which the benches measure.
const PATIENCE: Duration = Duration::from_secs(90);
/// The server sees a command's change within a second; the rest is patience for a busy machine.
const SOON: Duration = Duration::from_secs(4);

#[derive(Debug)]
pub struct Library {
    pub issuer: String,
    /// The demo's vendor; empty where the library was founded by the test.
    pub vendor_url: String,
    pub config: PathBuf,
    /// Address and port.
    pub listen: String,
    /// The demo's first line of JSON.
    pub welcome: Value,
    database: Database,
    command: Vec<String>,
    process: Process,
    /// What its processes find in their environment besides.
    surroundings: Vec<(String, String)>,
    folder: Folder,
}

/// A card and the PIN that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patron {
    pub card: String,
    pub pin: String,
}

impl Patron {
    pub fn new(card: impl Into<String>, pin: impl Into<String>) -> Patron {
        Patron { card: card.into(), pin: pin.into() }
    }
}

/// What an OIDC vendor was given at registration.
#[derive(Debug, Clone)]
pub struct RelyingParty {
    pub vendor: String,
    pub client_id: String,
    pub client_secret: Option<String>,
    pub auth_method: String,
    pub redirect_uri: String,
}

/// An OIDC vendor that a test declares for itself.
#[derive(Debug, Clone)]
pub struct Declared {
    pub id: &'static str,
    pub auth_method: &'static str,
    pub pkce: &'static str,
    pub redirect_uris: &'static [&'static str],
    pub scopes: &'static [&'static str],
    pub audience: &'static [&'static str],
    /// More lines of `[[vendor]]` and of `[[vendor.oidc]]`.
    pub vendor_lines: &'static str,
    pub oidc_lines: &'static str,
}

pub const SECRET: &str = "a-long-enough-secret-of-a-fictional-vendor-0123456789";

impl Default for Declared {
    fn default() -> Declared {
        Declared {
            id: "maple",
            auth_method: "client_secret_basic",
            pkce: "required",
            redirect_uris: &["https://maple.example/callback"],
            scopes: &["library.ebooks"],
            audience: &["juvenile", "young-adult", "adult"],
            vendor_lines: "",
            oidc_lines: "",
        }
    }
}

impl Declared {
    pub fn toml(&self) -> String {
        let secret = match self.auth_method {
            "none" => String::new(),
            _ => format!("client_secret = \"{SECRET}\"\n"),
        };
        format!(
            "[[vendor]]\nid = \"{0}\"\nname = \"{0} books\"\naudience = {1:?}\nscopes = {2:?}\n{3}\n\
             [[vendor.oidc]]\nclient_id = \"{0}-web\"\n{secret}token_endpoint_auth_method = \"{4}\"\n\
             redirect_uris = {5:?}\npkce = \"{6}\"\n{7}\n",
            self.id,
            self.audience,
            self.scopes,
            self.vendor_lines,
            self.auth_method,
            self.redirect_uris,
            self.pkce,
            self.oidc_lines,
        )
    }

    pub fn relying_party(&self) -> RelyingParty {
        RelyingParty {
            vendor: self.id.into(),
            client_id: format!("{}-web", self.id),
            client_secret: (self.auth_method != "none").then(|| SECRET.to_owned()),
            auth_method: self.auth_method.into(),
            redirect_uri: self.redirect_uris[0].into(),
        }
    }
}

impl Library {
    /// The demo that all promises of this process share, one for each engine.
    pub fn shared(engine: Engine) -> Option<&'static Library> {
        static SQLITE: OnceLock<Option<Library>> = OnceLock::new();
        static POSTGRES: OnceLock<Option<Library>> = OnceLock::new();
        let place = match engine {
            Engine::Sqlite => &SQLITE,
            Engine::Postgres => &POSTGRES,
        };
        place.get_or_init(|| Library::demo(engine)).as_ref()
    }

    /// `oneaccess demo`, with a data folder and a database of its own.
    pub fn demo(engine: Engine) -> Option<Library> {
        let database = engine.database()?;
        let folder = Folder::new();
        // A port that was free may be taken by the time the demo binds it: try again then.
        for attempt in 1.. {
            let (listen, vendor) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
            let data = folder.path().join("data");
            let command: Vec<String> = [
                env!("CARGO_BIN_EXE_oneaccess"),
                "demo",
                "--json",
                "--listen",
                &listen,
                "--vendor-listen",
                &vendor,
                "--data",
                &data.to_string_lossy(),
            ]
            .map(str::to_owned)
            .into();
            let mut process = begin(&command, &env_of(&database), &folder);
            match process.wait_for("its first line", PATIENCE, first_line) {
                Ok(line) => {
                    let welcome: Value = serde_json::from_str(&line)
                        .unwrap_or_else(|e| panic!("the first line is no JSON ({e}): {line}"));
                    let text = |name: &str| welcome[name].as_str().unwrap_or_default().to_owned();
                    return Some(Library {
                        issuer: text("issuer"),
                        vendor_url: text("vendor_url"),
                        config: PathBuf::from(text("config")),
                        listen,
                        welcome: welcome.clone(),
                        database,
                        command,
                        process,
                        surroundings: Vec::new(),
                        folder,
                    });
                }
                Err(why) if attempt < 3 && why.contains("in use") => {
                    let _ = fs::remove_dir_all(&data);
                }
                Err(why) => panic!("{why}"),
            }
        }
        None
    }

    /// `oneaccess serve` with a small configuration: a district `maple`, a charter `cedar`, one vendor `shelf`, and
    /// nobody in it yet.
    pub fn founded(engine: Engine) -> Option<Library> {
        Library::founded_at(engine, None, "")
    }

    /// The same, known by another address than its own, and with more lines of settings.
    pub fn founded_at(engine: Engine, issuer: Option<&str>, lines: &str) -> Option<Library> {
        Some(Library::founded_on(engine.database()?, issuer, lines, Vec::new()))
    }

    /// The same on a database of the caller's, with more in the environment of its processes.
    pub fn founded_on(
        database: Database,
        issuer: Option<&str>,
        lines: &str,
        surroundings: Vec<(String, String)>,
    ) -> Library {
        let folder = Folder::new();
        let listen = format!("127.0.0.1:{}", free_port());
        let issuer = issuer.map_or_else(|| format!("http://{listen}"), str::to_owned);
        let shelf = Declared { id: "shelf", ..Declared::default() };
        let text = format!(
            "issuer = \"{issuer}\"\nlisten = \"{listen}\"\ndatabase = \"sqlite:data/oneaccess.db\"\n\
             key_encryption_key_file = \"keys/kek\"\nprivate_destinations = [\"127.0.0.0/8\"]\n{lines}\n{PROGRAMME}\n{}",
            shelf.toml()
        );
        let config = folder.write("oneaccess.toml", text);
        let command: Vec<String> =
            [env!("CARGO_BIN_EXE_oneaccess"), "serve", "--config", &config.to_string_lossy()].map(str::to_owned).into();
        let env = [env_of(&database), surroundings.clone()].concat();
        let mut process = begin(&command, &env, &folder);
        process
            .wait_for("it answered", PATIENCE, |_| answers(&listen).then_some(()))
            .unwrap_or_else(|why| panic!("{why}"));
        let (welcome, vendor_url) = (Value::Null, String::new());
        Library { issuer, vendor_url, config, listen, welcome, database, command, process, surroundings, folder }
    }

    /// One more process that serves this library, at an address of its own; ready.
    pub fn another(&self, name: &str, listen: &str) -> Process {
        let words: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let env = self.env();
        let mut env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        env.extend([("RUST_LOG", "debug"), ("ONEACCESS_LISTEN", listen)]);
        let mut process = Process::start(name, &words, &env, self.folder.path());
        process
            .wait_for("it answered", PATIENCE, |_| answers(listen).then_some(()))
            .unwrap_or_else(|why| panic!("{why}"));
        process
    }

    pub fn patron(&self, name: &str) -> Patron {
        let of = |key: &str| {
            let value = &self.welcome["patrons"][name][key];
            value.as_str().unwrap_or_else(|| panic!("the demo names no {key} of {name}")).to_owned()
        };
        Patron { card: of("card"), pin: of("pin") }
    }

    /// The demo's vendor, as an OIDC client.
    pub fn oidc(&self) -> RelyingParty {
        let of = |key: &str| self.welcome["relying_parties"]["oidc"][key].as_str().unwrap_or_default().to_owned();
        RelyingParty {
            vendor: self.vendor_of(&of("client_id")),
            client_id: of("client_id"),
            client_secret: Some(of("client_secret")),
            auth_method: of("token_endpoint_auth_method"),
            redirect_uri: of("redirect_uri"),
        }
    }

    /// The vendor `shelf` of a founded library.
    pub fn shelf(&self) -> RelyingParty {
        Declared { id: "shelf", ..Declared::default() }.relying_party()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file beside the library, as an operator would.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        self.folder.write(name, text)
    }

    /// A command beside the running server, with its configuration.
    pub fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, "")
    }

    pub fn run_with(&self, args: &[&str], input: &str) -> Done {
        self.operator().run_with(args, input)
    }

    /// Who types commands here, also while the library itself is in other hands.
    pub fn operator(&self) -> Operator {
        Operator { config: self.config.clone(), env: self.env() }
    }

    fn env(&self) -> Vec<(String, String)> {
        [env_of(&self.database), self.surroundings.clone()].concat()
    }

    /// A command with its arguments alone.
    pub fn run_bare(&self, args: &[&str]) -> Done {
        operator::run(args, &[], "")
    }

    pub fn apply(&self, toml: &str) -> Done {
        let file = self.write(&format!("apply-{}.toml", uuid::Uuid::now_v7().simple()), toml);
        self.run(&["apply", &file.to_string_lossy()])
    }

    /// Declares one more vendor and waits until the server knows it.
    pub async fn declare(&self, vendor: Declared) -> RelyingParty {
        self.apply(&vendor.toml()).fine();
        let party = vendor.relying_party();
        // A known client hears of a wrong request by redirect; an unknown one never does.
        let discovery = super::json_of(&self.url("/.well-known/openid-configuration")).await;
        let mut url = url::Url::parse(discovery["authorization_endpoint"].as_str().unwrap()).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", &party.client_id)
            .append_pair("redirect_uri", &party.redirect_uri)
            .append_pair("response_type", "none-such");
        let browser = super::Browser::new();
        let known = || async { browser.get(url.as_str()).await.location().is_some() };
        self.soon(&format!("the server knows {}", party.client_id), known).await;
        party
    }

    /// Imports a delivery through the source `cms`.
    pub fn import(&self, delivery: &Delivery, more: &[&str]) -> Done {
        let path = delivery.folder(&self.path().join(format!("delivery-{}", uuid::Uuid::now_v7().simple())));
        self.import_path(&path, more)
    }

    pub fn import_path(&self, path: &Path, more: &[&str]) -> Done {
        let path = path.to_string_lossy().into_owned();
        let mut args = vec!["directory", "import", "cms", &path, "--json"];
        args.extend(more);
        self.run(&args)
    }

    /// Waits until `look` says yes.
    pub async fn soon<F: Future<Output = bool>>(&self, what: &str, look: impl Fn() -> F) {
        wait(what, SOON, Duration::from_millis(20), look).await;
    }

    /// Waits as long as it may take until `look` says yes.
    pub async fn soon_enough<F: Future<Output = bool>>(&self, within: Duration, what: &str, look: impl Fn() -> F) {
        let give_up = Instant::now() + within;
        while !look().await {
            assert!(Instant::now() < give_up, "not within {within:?}: {what}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The same for what a timetable does.
    pub async fn by_timetable<F: Future<Output = bool>>(&self, what: &str, look: impl Fn() -> F) {
        wait(what, PATIENCE, Duration::from_millis(500), look).await;
    }

    /// Waits until the server lets a vendor log in. Looks seldom: thirty wrong logins in a minute are a guesser's.
    pub async fn logs_in<F: Future<Output = bool>>(&self, vendor: &str, try_it: impl Fn() -> F) {
        wait(&format!("{vendor} may log in"), SOON, Duration::from_millis(200), try_it).await;
    }

    /// Asks the server to end, and says how long that took it.
    pub fn stop(&mut self) -> Duration {
        let asked = Instant::now();
        self.process.stop();
        asked.elapsed()
    }

    /// Asks the server to end, and does not wait for it.
    pub fn ask_to_end(&mut self) {
        self.process.ask_to_end();
    }

    /// Cuts every connection to the database but our own, where it has any.
    pub async fn cut_connections(&self) {
        if matches!(self.database, Database::Postgres { .. }) {
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            assert!(self.tamper(cut).await > 0, "it had connections");
        }
    }

    /// Ends the server and starts it again with the same data.
    pub fn restart(&mut self) {
        self.process.stop();
        self.start_again();
    }

    /// The same, after a power cut.
    pub fn crash(&mut self) {
        self.process.kill();
        self.start_again();
    }

    /// Moves to a new database by `backup` and `restore`: of the other engine, where there is one to try.
    pub fn move_house(&mut self, key: &Path) {
        let backup = self.path().join(format!("{}.backup", uuid::Uuid::now_v7().simple()));
        let (file, key) = (backup.to_string_lossy().into_owned(), key.to_string_lossy().into_owned());
        self.run(&["backup", "--out", &file, "--key-file", &key]).fine();
        self.process.stop();
        self.database = match self.database {
            Database::Sqlite => Engine::Postgres.database().unwrap_or(Database::Sqlite),
            Database::Postgres { .. } => Database::Sqlite,
        };
        if matches!(self.database, Database::Sqlite) {
            let path = self.sqlite_file();
            for ending in ["", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(ending);
                let _ = fs::remove_file(name);
            }
        }
        self.run(&["restore", "--from", &file, "--key-file", &key]).fine();
        self.start_again();
    }

    /// A new, empty database of the same engine.
    pub fn another_database(&self) -> Database {
        let engine = if matches!(self.database, Database::Sqlite) { Engine::Sqlite } else { Engine::Postgres };
        engine.database().unwrap()
    }

    /// A command with its arguments alone, on another database.
    pub fn run_on(&self, database: &Database, args: &[&str]) -> Done {
        let env = env_of(database);
        let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        operator::run(args, &env, "")
    }

    /// Ends the server without a chance to tidy up.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts a server that has ended again; ready.
    pub fn start_again(&mut self) {
        let lines = self.process.stdout().lines().count();
        self.process = begin(&self.command, &self.env(), &self.folder);
        let listen = self.listen.clone();
        let ready = |process: &Process| {
            let said = self.welcome.is_null() || process.stdout().lines().count() > lines;
            (said && answers(&listen)).then_some(())
        };
        self.process.wait_for("it answered again", PATIENCE, ready).unwrap_or_else(|why| panic!("{why}"));
    }

    /// All that the server printed.
    pub fn logs(&self) -> String {
        format!("{}\n{}", self.process.stdout(), self.process.stderr())
    }

    /// Runs SQL behind the product's back; says how many rows it changed.
    pub async fn tamper(&self, sql: &str) -> u64 {
        engine::tamper(&self.database, &self.sqlite_file(), sql).await
    }

    /// Everything that the database holds, as text.
    pub async fn records(&self) -> String {
        engine::dump(&self.database, &self.sqlite_file()).await
    }

    fn sqlite_file(&self) -> PathBuf {
        let settings = self.settings();
        let url = settings.get("database").and_then(toml::Value::as_str).unwrap_or("sqlite:oneaccess.db");
        let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
        self.config.parent().unwrap().join(path)
    }

    /// The vendor that declares this client.
    fn vendor_of(&self, client_id: &str) -> String {
        let settings = self.settings();
        let all = settings.get("vendor").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        let declares = |vendor: &&toml::Value| {
            let clients = vendor.get("oidc").and_then(toml::Value::as_array).cloned().unwrap_or_default();
            clients.iter().any(|c| c.get("client_id").and_then(toml::Value::as_str) == Some(client_id))
        };
        let vendor = all.iter().find(declares).unwrap_or_else(|| panic!("no vendor declares {client_id}"));
        vendor["id"].as_str().unwrap().to_owned()
    }

    fn settings(&self) -> toml::Table {
        fs::read_to_string(&self.config).unwrap().parse().unwrap()
    }
}

async fn wait<F: Future<Output = bool>>(what: &str, within: Duration, pause: Duration, look: impl Fn() -> F) {
    let give_up = Instant::now() + within;
    while !look().await {
        assert!(Instant::now() < give_up, "not within {within:?}: {what}");
        tokio::time::sleep(pause).await;
    }
}

const PROGRAMME: &str = r#"
[library]
name = "Quillwater Library"
time_zone = "America/New_York"
scope_domain = "quillwater.example"

[[scope]]
name = "library.ebooks"
[[scope]]
name = "library.databases"

[[organisation]]
id = "maple"
name = "Maple Schools"
roster = ["org-maple"]
card = { scheme = "raw", from = "identifier" }
initial_pin = "password"

[[organisation]]
id = "cedar"
name = "Cedar Charter"
roster = ["org-cedar"]
card = { scheme = "prefix", prefix = "CC", from = "identifier" }
initial_pin = "password"

[[agreement]]
id = "maple-all"
organisation = "maple"
roles = ["student", "staff"]
grades = ["PK", "12"]
privileges = ["library.ebooks", "library.databases"]
from = 2020-07-01
to = 2099-06-30

[[agreement]]
id = "cedar-upper"
organisation = "cedar"
roles = ["student", "staff"]
grades = ["06", "12"]
privileges = ["library.ebooks"]
from = 2020-07-01
to = 2099-06-30

[[source]]
id = "cms"
kind = "oneroster-csv"
"#;

fn begin(command: &[String], env: &[(String, String)], folder: &Folder) -> Process {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    env.push(("RUST_LOG", "debug"));
    Process::start("oneaccess", &words, &env, folder.path())
}

fn env_of(database: &Database) -> Vec<(String, String)> {
    match database {
        Database::Sqlite => Vec::new(),
        Database::Postgres { url } => vec![("ONEACCESS_DATABASE".into(), url.clone())],
    }
}

fn first_line(process: &Process) -> Option<String> {
    let said = process.stdout();
    said.split_once('\n').map(|(line, _)| line.to_owned())
}

/// Whether `/health/ready` answers 200.
pub(super) fn answers(listen: &str) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(listen) else { return false };
    let request = format!("GET /health/ready HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
