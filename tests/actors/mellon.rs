//! A vendor that is no program but a web server: Debian's Apache with mod_auth_mellon, set up as
//! `docs/integrate/mod_auth_mellon.md` says, in front of a page that shows what it was told.

use std::fs;

use super::{
    apache::{Apache, Module},
    browser::{Browser, Page},
    library::Library,
    saml::{Identity, declare, declared},
};

#[derive(Debug)]
pub struct Mellon {
    pub url: String,
    pub vendor: String,
    pub identity: Identity,
    variables: Vec<(&'static str, String)>,
    apache: Apache,
}

const MODULE: Module =
    Module { name: "auth_mellon", log_level: "debug", settings: "mellon.conf", folders: ["grown-ups", "bye"] };
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
        let apache = Apache::installed(&MODULE)?;
        let path = |name: &str| apache.path(name).to_string_lossy().into_owned();
        let variables = vec![
            ("LIBRARY_ISSUER", library.issuer.clone()),
            ("LIBRARY_METADATA_FILE", path("library.xml")),
            ("VENDOR_METADATA_FILE", path("metadata.xml")),
            ("VENDOR_KEY", path("key.pem")),
            ("VENDOR_CERTIFICATE", path("certificate.pem")),
        ];
        let (url, vendor) = (apache.url.clone(), id.to_owned());
        let mellon = Mellon { url, vendor, identity: Identity::new("127.0.0.1"), variables, apache };
        mellon.keep_key();
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
        self.apache.write("metadata.xml", metadata);
        declare(library, &self.vendor, metadata, &declared(&self.vendor, lines)).await;
    }

    /// What a nightly job does: the library's metadata as it is now, into the file that Apache reads when it starts.
    pub async fn read_library(&self, library: &Library) {
        let page = Browser::new().get(library.url("/saml/metadata")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        self.apache.write("library.xml", &page.body);
    }

    /// Another key and certificate from the next start on.
    pub fn become_known_by(&mut self, identity: Identity) {
        self.identity = identity;
        self.keep_key();
    }

    fn keep_key(&self) {
        for (from, to) in [(&self.identity.key, "key.pem"), (&self.identity.certificate, "certificate.pem")] {
            self.apache.write(to, fs::read(from).unwrap());
        }
    }

    pub fn restart(&mut self) {
        let started = self.apache.start(&self.variables);
        started.unwrap_or_else(|why| panic!("{why}\n{}", self.log()));
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
        self.apache.log()
    }
}
