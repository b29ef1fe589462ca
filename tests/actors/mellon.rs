//! A vendor that is no program but a web server: Debian's Apache with mod_auth_mellon, set up as
//! `docs/integrate/mod_auth_mellon.md` says, in front of a page that shows what it was told.

use std::{fs, net::TcpStream, os::unix::fs::MetadataExt, path::PathBuf, time::Duration};

use super::{
    browser::{Browser, Page},
    library::Library,
    parts::{Folder, free_port, part},
    process::Process,
    saml::{Identity, declare, declared},
};

#[derive(Debug)]
pub struct Mellon {
    pub url: String,
    pub vendor: String,
    pub identity: Identity,
    port: u16,
    process: Option<Process>,
    command: [String; 4],
    env: Vec<(&'static str, String)>,
    folder: Folder,
}

/// What a server needs before it is somebody's: Debian's modules, one place to listen, files of its own.
const SERVER: &str = r#"
ServerRoot "FOLDER"
ServerName 127.0.0.1
Listen 127.0.0.1:PORT
PidFile "FOLDER/server.pid"
DefaultRuntimeDir "FOLDER"
ErrorLog "FOLDER/error.log"
LogLevel warn auth_mellon:debug
LoadModule mpm_event_module MODULES/mod_mpm_event.so
LoadModule authn_core_module MODULES/mod_authn_core.so
LoadModule authz_core_module MODULES/mod_authz_core.so
LoadModule authz_user_module MODULES/mod_authz_user.so
LoadModule dir_module MODULES/mod_dir.so
LoadModule mime_module MODULES/mod_mime.so
LoadModule include_module MODULES/mod_include.so
LoadModule auth_mellon_module MODULES/mod_auth_mellon.so
StartServers 1
DocumentRoot "FOLDER/pages"
DirectoryIndex index.shtml
TypesConfig /dev/null
AddType text/plain .shtml
AddOutputFilter INCLUDES .shtml
<Directory "FOLDER/pages">
    Options +Includes
    Require all granted
</Directory>
Include "SETTINGS"
"#;
const TEMPLATE: &str = include_str!("../clients/apache/mellon-metadata.xml");

impl Mellon {
    /// Declared at the library with these further lines of `[[vendor.saml]]`. `None` where Apache or the module is absent.
    pub async fn start(library: &Library, id: &str, lines: &str) -> Option<Mellon> {
        let mut mellon = Mellon::installed(library, id)?;
        mellon.read_library(library).await;
        mellon.publish(library, &mellon.metadata(&[&mellon.identity]), lines).await;
        mellon.restart();
        Some(mellon)
    }

    /// Its files, and nothing running yet.
    fn installed(library: &Library, id: &str) -> Option<Mellon> {
        let apache = part("ONEACCESS_TEST_APACHE", "Apache's mod_auth_mellon")?;
        let modules = part("ONEACCESS_TEST_APACHE_MODULES", "Apache's mod_auth_mellon")?;
        let (port, folder, identity) = (free_port(), Folder::new(), Identity::new("127.0.0.1"));
        for page in ["index.shtml", "grown-ups/index.shtml", "bye/index.shtml"] {
            folder.write(&format!("pages/{page}"), "<!--#printenv -->");
        }
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let mut text = SERVER
            .replace("FOLDER", &folder.path().to_string_lossy())
            .replace("PORT", &port.to_string())
            .replace("MODULES", &modules)
            .replace("SETTINGS", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/apache/mellon.conf"));
        if folder.path().metadata().unwrap().uid() == 0 {
            text.push_str("User www-data\nGroup www-data\n");
        }
        let config = folder.write("apache.conf", text).to_string_lossy().into_owned();
        let url = format!("http://127.0.0.1:{port}");
        let env = vec![
            ("LIBRARY_ISSUER", library.issuer.clone()),
            ("LIBRARY_METADATA_FILE", path("library.xml")),
            ("VENDOR_METADATA_FILE", path("metadata.xml")),
            ("VENDOR_KEY", path("key.pem")),
            ("VENDOR_CERTIFICATE", path("certificate.pem")),
        ];
        let mut mellon = Mellon {
            url,
            vendor: id.to_owned(),
            identity: Identity::new("127.0.0.1"),
            port,
            process: None,
            command: [apache, "-f".into(), config, "-DFOREGROUND".into()],
            env,
            folder,
        };
        mellon.become_known_by(identity);
        Some(mellon)
    }

    /// What it tells the library about itself, with these certificates for signatures.
    pub fn metadata(&self, identities: &[&Identity]) -> String {
        let begin = TEMPLATE.find("    <KeyDescriptor").unwrap();
        let end = TEMPLATE.find("    <SingleLogoutService").unwrap();
        let one = &TEMPLATE[begin..end];
        let all: String = identities.iter().map(|identity| one.replace("CERTIFICATE", &identity.base64())).collect();
        format!("{}{all}{}", &TEMPLATE[..begin], &TEMPLATE[end..]).replace("VENDOR_URL", &self.url)
    }

    /// The same, with a key to encrypt to.
    pub fn metadata_with_encryption(&self) -> String {
        let both = self.metadata(&[&self.identity, &self.identity]);
        both.replacen("use=\"signing\"", "use=\"encryption\"", 1)
    }

    /// Sends its metadata to the library, and waits until the server goes by it.
    pub async fn publish(&self, library: &Library, metadata: &str, lines: &str) {
        self.folder.write("metadata.xml", metadata);
        declare(library, &self.vendor, metadata, &declared(&self.vendor, lines)).await;
    }

    /// What a nightly job does: the library's metadata as it is now, into the file that Apache reads when it starts.
    pub async fn read_library(&self, library: &Library) {
        let page = Browser::new().get(library.url("/saml/metadata")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        self.folder.write("library.xml", &page.body);
    }

    /// Another key and certificate from the next start on.
    pub fn become_known_by(&mut self, identity: Identity) {
        for (from, to) in [(&identity.key, "key.pem"), (&identity.certificate, "certificate.pem")] {
            self.folder.write(to, fs::read(from).unwrap());
        }
        self.identity = identity;
    }

    pub fn restart(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop();
        }
        let command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let env: Vec<(&str, &str)> = self.env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut process = Process::start("apache", &command, &env, self.folder.path());
        let port = self.port;
        let answers = |_: &Process| TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(());
        let began = process.wait_for("it answered", Duration::from_secs(30), answers);
        began.unwrap_or_else(|why| panic!("{why}\n{}", self.log()));
        self.process = Some(process);
    }

    /// What its page says that it was told, by the names of `mellon.conf`.
    pub fn told(page: &Page, name: &str) -> Option<String> {
        let begin = format!("MELLON_{name}=");
        page.body.lines().find_map(|line| line.strip_prefix(&begin)).map(str::to_owned)
    }

    /// The pseudonym by which it knows who reads; `None` where its page did not come.
    pub fn reader(page: &Page) -> Option<String> {
        page.body.lines().find_map(|line| line.strip_prefix("REMOTE_USER=")).map(str::to_owned)
    }

    /// What went wrong, in its own words.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("error.log")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
