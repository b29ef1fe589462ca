//! Vendors that are SAML service providers, by stock libraries in their own languages, whose programs are in
//! `tests/clients/` and on the pages of `docs/integrate/`.
//!
//! Each runs as one process with a key of its own. It learns who it is from `VENDOR_…` variables and who the library is
//! from `LIBRARY_…` ones, and is told what to do over lines of JSON, each answered by one:
//!
//! | To the vendor | From the vendor |
//! |---|---|
//! | `{"metadata": true}` | `{"metadata": XML}`: what it sends the library |
//! | `{"begin": {"binding", "relay_state", "force_authn", "is_passive"}}` | `{"url"}` or `{"action", "fields"}`: where it sends the browser |
//! | `{"response": {"SAMLResponse", "RelayState"}}` | `{"name_id", "format", "session_index", "attributes", "relay_state", "issuer"}` |
//! | `{"logout": true}` | `{"url"}` |
//! | `{"message": {"query"}}`: what came to its single logout service | `{"url"}`, or `{"done": STATUS}` where the browser stays |
//! | `{"reload": URL}`: read the library's metadata again, from there | `{}` |
//! | anything that it refuses | `{"error": WHY}`, and it goes on |

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use url::Url;

use super::{
    beside::{Beside, Program},
    browser::{Arrival, Browser, Page},
    library::{Library, Patron},
    parts::{Folder, part},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Python's pysaml2, which lets xmlsec1 sign and verify.
    Pysaml2,
    /// Python's python3-saml, strict.
    Python3Saml,
    /// npm's @node-saml/node-saml.
    NodeSaml,
}

impl Peer {
    pub const ALL: [Peer; 3] = [Peer::Pysaml2, Peer::Python3Saml, Peer::NodeSaml];

    /// `None` where its toolchain is absent.
    fn program(self) -> Option<Program> {
        let python = |module: &str| Program::python(module, "the service providers of Python");
        match self {
            Peer::Pysaml2 => {
                part("ONEACCESS_TEST_XMLSEC1", "pysaml2, which needs xmlsec1")?;
                python("pysaml2_sp")
            }
            Peer::Python3Saml => python("python3_saml_sp"),
            Peer::NodeSaml => Program::node("./node-saml.mjs", "the service provider of npm"),
        }
    }
}

/// A key and a certificate of its own, as PEM files.
#[derive(Debug)]
pub struct Identity {
    pub key: PathBuf,
    pub certificate: PathBuf,
    _folder: Folder,
}

impl Identity {
    pub fn new(host: &str) -> Identity {
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let certificate = rcgen::CertificateParams::new(vec![host.to_owned()]).unwrap().self_signed(&pair).unwrap();
        let folder = Folder::new();
        Identity {
            key: folder.write("key.pem", pem("PRIVATE KEY", &pair.serialize_der())),
            certificate: folder.write("certificate.pem", pem("CERTIFICATE", certificate.der())),
            _folder: folder,
        }
    }

    /// The certificate as it stands in metadata.
    pub fn base64(&self) -> String {
        let text = std::fs::read_to_string(&self.certificate).unwrap();
        text.lines().filter(|line| !line.starts_with('-')).collect()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// How a vendor asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Question {
    pub by_post: bool,
    pub relay_state: &'static str,
    pub force_authn: bool,
    pub is_passive: bool,
}

/// Whom a vendor believes to see.
#[derive(Debug, Clone, PartialEq)]
pub struct Reader {
    pub name_id: String,
    pub format: String,
    pub session_index: String,
    /// By URI.
    pub attributes: BTreeMap<String, Vec<String>>,
    pub relay_state: String,
    pub issuer: String,
}

/// What pysaml2 shows by another name than the library sent.
const FRIENDLY: [(&str, &str); 3] = [
    ("eduPersonEntitlement", "urn:oid:1.3.6.1.4.1.5923.1.1.1.7"),
    ("eduPersonScopedAffiliation", "urn:oid:1.3.6.1.4.1.5923.1.1.1.9"),
    ("eduPersonTargetedID", "urn:oid:1.3.6.1.4.1.5923.1.1.1.10"),
];

/// One value or several, text or not, as each library likes it.
fn attributes(said: &Value) -> BTreeMap<String, Vec<String>> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let named = |(name, value): (&String, &Value)| {
        let uri = FRIENDLY.iter().find(|(friendly, _)| friendly == name).map_or(name.as_str(), |(_, uri)| uri);
        let values = value.as_array().map_or_else(|| vec![text(value)], |all| all.iter().map(text).collect());
        (uri.to_owned(), values)
    };
    said.as_object().into_iter().flatten().map(named).collect()
}

pub struct ServiceProvider {
    /// The vendor's id at the library.
    pub vendor: String,
    pub url: String,
    pub entity_id: String,
    pub identity: Identity,
    pub metadata: String,
    program: Beside,
}

impl ServiceProvider {
    /// Starts it, and declares it at the library with these further lines of `[[vendor.saml]]`. `None` where its
    /// toolchain is absent, which is then a named skip.
    pub async fn start(peer: Peer, library: &Library, id: &str, lines: &str) -> Option<ServiceProvider> {
        let vendor = ServiceProvider::run(peer, library, id, &[])?;
        vendor.declare(library, &declared(id, lines)).await;
        Some(vendor)
    }

    /// The same, but its metadata asks for no encryption.
    pub async fn plain(peer: Peer, library: &Library, id: &str, lines: &str) -> Option<ServiceProvider> {
        let vendor = ServiceProvider::run(peer, library, id, &[("VENDOR_PLAIN", "1")])?;
        vendor.declare(library, &declared(id, lines)).await;
        Some(vendor)
    }

    /// Starts it, unknown to the library.
    pub fn run(peer: Peer, library: &Library, id: &str, env: &[(&str, &str)]) -> Option<ServiceProvider> {
        let program = peer.program()?;
        let url = format!("https://{id}.example");
        let identity = Identity::new(&format!("{id}.example"));
        let file = |path: &PathBuf| path.to_string_lossy().into_owned();
        let ours = [
            ("LIBRARY_ENTITY_ID", &*library.url("/saml/metadata")),
            ("LIBRARY_METADATA", &library.url("/saml/metadata")),
            ("VENDOR_URL", &url),
            ("VENDOR_KEY", &file(&identity.key)),
            ("VENDOR_CERTIFICATE", &file(&identity.certificate)),
        ];
        let program = Beside::start(format!("{peer:?}"), program, &[&ours, env].concat());
        let (vendor, entity_id, metadata) = (id.to_owned(), format!("{url}/saml/metadata"), String::new());
        let mut started = ServiceProvider { vendor, url, entity_id, identity, metadata, program };
        started.metadata = started.ask(&json!({ "metadata": true })).unwrap()["metadata"].as_str().unwrap().to_owned();
        Some(started)
    }

    /// Gives its metadata to the library, declares it by this TOML, and waits until the server goes by it.
    pub async fn declare(&self, library: &Library, toml: &str) {
        declare(library, &self.vendor, &self.metadata, toml).await;
    }

    /// The same vendor with other lines of `[[vendor.saml]]`.
    pub async fn declare_again(&self, library: &Library, lines: &str) {
        self.declare(library, &declared(&self.vendor, lines)).await;
    }

    /// Reads the library's metadata again, from this address.
    pub fn reload(&mut self, address: &str) {
        self.ask(&json!({ "reload": address })).unwrap();
    }

    // ── Single sign-on ─────────────────────────────────────────────────────────────────────────────────────────────

    /// One whole click. `Err` with the library's own words where it refuses what came back.
    pub async fn click(&mut self, browser: &Browser, patron: &Patron, how: Question) -> Result<Reader, String> {
        let page = self.arrive(browser, patron, how).await;
        let (_, fields) = self.handed_over(&page);
        self.receive(&fields)
    }

    /// Its link is clicked: the page that the library shows.
    pub async fn depart(&mut self, browser: &Browser, how: Question) -> Page {
        let binding = if how.by_post { "post" } else { "redirect" };
        let wish = json!({ "begin": { "binding": binding, "relay_state": how.relay_state,
            "force_authn": how.force_authn, "is_passive": how.is_passive } });
        let begun = self.ask(&wish).unwrap();
        let Some(action) = begun["action"].as_str() else { return browser.open(begun["url"].as_str().unwrap()).await };
        let fields = begun["fields"].as_object().unwrap().iter();
        let fields: Vec<(String, String)> =
            fields.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        let page = browser.post_from_elsewhere(&action.parse().unwrap(), &fields, false).await;
        match page.location() {
            Some(next) => browser.open(next).await,
            None => page,
        }
    }

    /// The same, signed in on the way, until the library hands over to a vendor or says why not.
    pub async fn arrive(&mut self, browser: &Browser, patron: &Patron, how: Question) -> Page {
        let page = self.depart(browser, how).await;
        if !page.has("sign-in") {
            return page;
        }
        browser.submit_and_follow(&page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await
    }

    /// The address and the fields that a page hands over, which must be this vendor's.
    #[track_caller]
    pub fn handed_over(&self, page: &Page) -> (Url, Vec<(String, String)>) {
        assert!(page.has("continue"), "nothing is handed over: {} {}\n{}", page.url, page.status, page.words());
        let (to, fields) = page.fields("continue");
        assert!(to.as_str().starts_with(&format!("{}/", self.url)), "{to}");
        (to, fields)
    }

    /// What it makes of a POST to its assertion consumer service.
    pub fn receive(&mut self, fields: &[(String, String)]) -> Result<Reader, String> {
        let fields: serde_json::Map<String, Value> =
            fields.iter().map(|(n, v)| (n.clone(), v.clone().into())).collect();
        let said = self.ask(&json!({ "response": fields }))?;
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        Ok(Reader {
            name_id: text("name_id"),
            format: text("format"),
            session_index: text("session_index"),
            attributes: attributes(&said["attributes"]),
            relay_state: text("relay_state"),
            issuer: text("issuer"),
        })
    }

    // ── Single logout ──────────────────────────────────────────────────────────────────────────────────────────────

    /// Its "sign out" is clicked: where it sends the browser.
    pub fn sign_out(&mut self) -> Url {
        self.ask(&json!({ "logout": true })).unwrap()["url"].as_str().unwrap().parse().unwrap()
    }

    /// The browser came to its single logout service: where it sends her, `None` where she stays and is signed out.
    pub fn hear(&mut self, address: &Url) -> Result<Option<Url>, String> {
        assert!(address.as_str().starts_with(&format!("{}/saml/slo?", self.url)), "{address}");
        let said = self.ask(&json!({ "message": { "query": address.query().unwrap() } }))?;
        match said["url"].as_str() {
            Some(url) => Ok(Some(url.parse().unwrap())),
            None => {
                assert_eq!(said["done"], "Success", "{said}");
                Ok(None)
            }
        }
    }

    pub(super) fn ask(&mut self, message: &Value) -> Result<Value, String> {
        self.program.ask(message)
    }
}

/// A vendor of databases with one service provider, by another name each time, so that one sees which declaration counts.
pub fn declared(id: &str, lines: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "[[vendor]]\nid = \"{id}\"\nname = \"{id} databases {count}\"\n\
         audience = [\"juvenile\", \"young-adult\", \"adult\"]\nscopes = [\"library.databases\"]\n\n\
         [[vendor.saml]]\nmetadata = \"vendors/{id}.xml\"\n{lines}\n"
    )
}

/// Gives a vendor's metadata to the library, declares it by this TOML, and waits until the running server goes by it:
/// until its self-test shows the vendor by the TOML's name.
pub async fn declare(library: &Library, id: &str, metadata: &str, toml: &str) {
    library.write(&format!("vendors/{id}.xml"), metadata);
    library.apply(toml).fine();
    let declared: toml::Table = toml.parse().unwrap();
    let name = declared["vendor"][0]["name"].as_str().unwrap();
    let shown = library.run(&["vendor", "show", id, "--json"]).fine().json();
    let mut parties = shown["relying_parties"].as_array().unwrap().iter();
    let party = parties.find(|party| party["protocol"] == "saml").unwrap_or_else(|| panic!("{shown}"));
    let (_, password) = party["entrance"].as_str().unwrap().rsplit_once('/').unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = client.get(library.url(&format!("/vendors/{id}/selftest"))).basic_auth(id, Some(password));
    let is_known = || async {
        let answer = ask.try_clone().unwrap().send().await.unwrap();
        answer.json::<Value>().await.unwrap()["name"] == name
    };
    library.soon(&format!("the server knows {name}"), is_known).await;
}

/// Follows a browser from here around all that sign out, until somebody keeps it: the ids of the vendors that it came to,
/// in this order, and the library's page if that is where it stayed.
pub async fn roam(browser: &Browser, from: Url, vendors: &mut [&mut ServiceProvider]) -> (Vec<String>, Option<Page>) {
    let (mut seen, mut arrival) = (Vec::new(), Arrival::Left(from));
    loop {
        let next = match arrival {
            Arrival::Page(page) => return (seen, Some(page)),
            Arrival::Left(url) => url,
        };
        let here = vendors.iter_mut().find(|vendor| next.as_str().starts_with(&format!("{}/", vendor.url)));
        let Some(vendor) = here else {
            arrival = browser.go(next, "https://").await;
            continue;
        };
        seen.push(vendor.vendor.clone());
        match vendor.hear(&next).unwrap() {
            Some(onward) => arrival = Arrival::Left(onward),
            None => return (seen, None),
        }
    }
}
