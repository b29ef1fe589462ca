//! A SAML service provider by hand, which can ask for everything and do everything wrong. It believes nothing that our
//! key did not sign; stock software is in `saml`.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use oneaccess::wire::{
    dsig::{self, PublicKey, Signer},
    saml::{
        binding, instant, posted,
        redirect::{self, Kind},
    },
    xml::{self, namespace, write::Element},
    xmlenc::{self, Data, PrivateKey},
};
use url::Url;

use super::{
    browser::{Browser, Page},
    library::{Library, Patron},
};

pub struct Sp {
    pub vendor: String,
    pub entity_id: String,
    pub acs: String,
    pub slo: String,
    issuer: String,
    key: RsaKeyPair,
    pkcs8: Vec<u8>,
    /// DER in base64.
    pub certificate: String,
}

/// What its metadata says beside its addresses and its key.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    pub signed_requests: bool,
    pub encrypts: bool,
    pub without_keys: bool,
    pub without_logout: bool,
    pub logout_by_post: bool,
    pub name_id_formats: &'static [&'static str],
    /// Names of RequestedAttributes.
    pub requested: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub subject_id_req: Option<&'static str>,
    /// Further certificates that sign, DER in base64.
    pub also: Vec<String>,
    pub valid_until: Option<i64>,
    /// More lines of `[[vendor]]` and of `[[vendor.saml]]`.
    pub vendor_lines: &'static str,
    pub lines: &'static str,
}

/// What an answer said. Its signatures were verified before anything was read.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub xml: String,
    pub status: String,
    pub second: Option<String>,
    pub message: Option<String>,
    pub in_response_to: Option<String>,
    pub destination: Option<String>,
    pub relay_state: Option<String>,
    pub response_signed: bool,
    pub assertion_signed: bool,
    pub encrypted: bool,
    /// The plain assertion; absent where there is none.
    pub assertion: Option<String>,
    pub name_id: Option<String>,
    pub name_format: Option<String>,
    pub session_index: Option<String>,
    pub audience: Option<String>,
    pub recipient: Option<String>,
    pub class: Option<String>,
    /// By FriendlyName, in order.
    pub attributes: Vec<(String, Vec<String>)>,
}

impl Sp {
    pub fn new(library: &Library, vendor: &str) -> Sp {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap_or_else(|e| panic!("no RSA key: {e}"));
        let certificate = rcgen::CertificateParams::new(vec!["sp.example".into()]).unwrap().self_signed(&pair).unwrap();
        let pkcs8 = pair.serialize_der();
        Sp {
            vendor: vendor.to_owned(),
            entity_id: format!("https://{vendor}.example/sp"),
            acs: format!("https://{vendor}.example/acs"),
            slo: format!("https://{vendor}.example/slo"),
            issuer: library.issuer.clone(),
            key: RsaKeyPair::from_pkcs8(&pkcs8).unwrap(),
            pkcs8,
            certificate: STANDARD.encode(certificate.der()),
        }
    }

    /// A vendor with this service provider, declared and known to the server.
    pub async fn declared(library: &Library, vendor: &str, shape: Shape) -> Sp {
        let sp = Sp::new(library, vendor);
        sp.declare(library, &shape).fine();
        library.soon(&format!("the server knows {}", sp.entity_id), || async { sp.is_known().await }).await;
        sp
    }

    pub fn declare(&self, library: &Library, shape: &Shape) -> super::operator::Done {
        let file = library.write(&format!("{}-sp.xml", self.vendor), self.metadata(shape));
        library.apply(&self.toml(shape, &file.to_string_lossy()))
    }

    pub fn toml(&self, shape: &Shape, metadata: &str) -> String {
        format!(
            "[[vendor]]\nid = \"{0}\"\nname = \"{0} databases\"\naudience = [\"juvenile\", \"young-adult\", \"adult\"]\n\
             scopes = [\"library.databases\"]\n{1}\n[[vendor.saml]]\nmetadata = \"{metadata}\"\n{2}\n",
            self.vendor, shape.vendor_lines, shape.lines
        )
    }

    /// Somebody unknown gets a page that says so.
    pub async fn is_known(&self) -> bool {
        let page = Browser::new().get(self.redirect(&self.request(|r| r.attr("IsPassive", "true")), None)).await;
        !page.body.contains("unknown-service-provider")
    }

    pub fn metadata(&self, shape: &Shape) -> String {
        let key = |usage: &'static str, certificate: &str| {
            let x509 = Element::new("ds:X509Certificate").text(certificate);
            let info = Element::new("ds:KeyInfo").child(Element::new("ds:X509Data").child(x509));
            Element::new("md:KeyDescriptor").attr("use", usage).child(info)
        };
        let at = |name: &'static str, binding: &str, location: &str| {
            Element::new(name).attr("Binding", binding).attr("Location", location)
        };
        let signing = [self.certificate.as_str()].into_iter().chain(shape.also.iter().map(String::as_str));
        let keys = signing.filter(|_| !shape.without_keys).map(|certificate| key("signing", certificate));
        let requested = |name: &&'static str| {
            let format = if name.starts_with("urn:") || name.starts_with("http") { "uri" } else { "basic" };
            let format = format!("urn:oasis:names:tc:SAML:2.0:attrname-format:{format}");
            Element::new("md:RequestedAttribute").attr("Name", *name).attr("NameFormat", format)
        };
        let consuming = (!shape.requested.is_empty()).then(|| {
            let name = Element::new("md:ServiceName").attr("xml:lang", "en").text("databases");
            let consuming = Element::new("md:AttributeConsumingService").attr("index", "0").child(name);
            consuming.children(shape.requested.iter().map(requested))
        });
        let role = Element::new("md:SPSSODescriptor")
            .attr("protocolSupportEnumeration", namespace::PROTOCOL)
            .attr("AuthnRequestsSigned", shape.signed_requests.to_string())
            .children(keys)
            .maybe(shape.encrypts.then(|| key("encryption", &self.certificate)))
            .children((!shape.without_logout).then(|| {
                at(
                    "md:SingleLogoutService",
                    if shape.logout_by_post { binding::POST } else { binding::REDIRECT },
                    &self.slo,
                )
            }))
            .children(shape.name_id_formats.iter().map(|format| Element::new("md:NameIDFormat").text(*format)))
            .child(
                at("md:AssertionConsumerService", binding::POST, &self.acs)
                    .attr("index", "0")
                    .attr("isDefault", "true"),
            )
            .child(at("md:AssertionConsumerService", binding::POST, &format!("{}/second", self.acs)).attr("index", "7"))
            .maybe(consuming);
        let values = |name: &'static str, values: &[&str]| {
            let value = |text: &&str| Element::new("saml:AttributeValue").text(*text);
            let format = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
            let attribute = Element::new("saml:Attribute").attr("Name", name).attr("NameFormat", format);
            (!values.is_empty()).then(|| attribute.children(values.iter().map(value)))
        };
        let subject_id: Vec<&str> = shape.subject_id_req.into_iter().collect();
        let about = [
            values("http://macedir.org/entity-category", shape.categories),
            values("urn:oasis:names:tc:SAML:profiles:subject-id:req", &subject_id),
        ];
        let about: Vec<Element> = about.into_iter().flatten().collect();
        let extensions = (!about.is_empty())
            .then(|| Element::new("md:Extensions").child(Element::new("mdattr:EntityAttributes").children(about)));
        Element::new("md:EntityDescriptor")
            .attr("entityID", self.entity_id.as_str())
            .maybe_attr("validUntil", shape.valid_until.map(instant::write))
            .maybe(extensions)
            .child(role)
            .render()
    }

    // ── Asking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    /// An AuthnRequest as it should be, changed by `edit`.
    pub fn request(&self, edit: impl FnOnce(Element) -> Element) -> Element {
        let issuer = Element::new("saml:Issuer").text(self.entity_id.as_str());
        edit(
            Element::new("samlp:AuthnRequest")
                .attr("ID", id())
                .attr("Version", "2.0")
                .attr("IssueInstant", instant::write(now()))
                .attr("Destination", self.sso())
                .attr("AssertionConsumerServiceURL", self.acs.as_str())
                .attr("ProtocolBinding", binding::POST)
                .child(issuer),
        )
    }

    pub fn sso(&self) -> String {
        format!("{}/saml/sso", self.issuer)
    }

    /// By HTTP-Redirect, signed.
    pub fn redirect(&self, request: &Element, relay_state: Option<&str>) -> String {
        self.redirect_to(&self.sso(), Kind::Request, &request.render(), relay_state)
    }

    pub fn redirect_to(&self, to: &str, kind: Kind, xml: &str, relay_state: Option<&str>) -> String {
        let sign = |octets: &[u8]| Ok(self.sign(octets));
        let signer = Signer { certificate: &self.certificate, sign: &sign };
        format!("{to}?{}", redirect::write(kind, xml, relay_state, Some(&signer)).unwrap())
    }

    pub fn unsigned(&self, request: &Element) -> String {
        format!("{}?{}", self.sso(), redirect::write(Kind::Request, &request.render(), None, None).unwrap())
    }

    /// By HTTP-POST, with a signature within.
    pub fn form(&self, request: Element, id: &str, relay_state: Option<&str>) -> Vec<(String, String)> {
        let sign = |octets: &[u8]| Ok(self.sign(octets));
        let signed = dsig::sign(request, id, &Signer { certificate: &self.certificate, sign: &sign }).unwrap();
        posted_fields("SAMLRequest", &signed, relay_state)
    }

    pub fn sign(&self, octets: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), octets, &mut signature).unwrap();
        signature
    }

    // ── Believing ──────────────────────────────────────────────────────────────────────────────────────────────────

    /// One whole sign-on by HTTP-Redirect.
    pub async fn click(&self, library: &Library, browser: &Browser, patron: &Patron) -> Answer {
        let page = self.arrive(browser, &self.redirect(&self.request(|r| r), Some("shelf 7")), patron).await;
        self.answer(library, &page).await
    }

    /// Opens the address, signs in where that is asked for, and stays on the page that hands over or refuses.
    pub async fn arrive(&self, browser: &Browser, url: &str, patron: &Patron) -> Page {
        let page = browser.open(url).await;
        if !page.has("sign-in") {
            return page;
        }
        browser.submit_and_follow(&page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await
    }

    /// The answer on a page that hands it over.
    pub async fn answer(&self, library: &Library, page: &Page) -> Answer {
        let (action, fields) =
            page.hand_over().unwrap_or_else(|| panic!("nothing is handed over: {} {}", page.url, page.body));
        let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        assert!(action == self.acs || action.starts_with(&format!("{}/", self.acs)), "{action}");
        let xml = posted::read(&field("SAMLResponse").unwrap()).unwrap();
        let keys = keys_of(library).await;
        Answer { relay_state: field("RelayState"), ..self.read(&xml, &keys) }
    }

    fn read(&self, text: &str, keys: &[PublicKey]) -> Answer {
        let document = xml::parse(text, &xml::MESSAGE).unwrap();
        let root = document.root_element();
        let response_signed = dsig::has_signature(root);
        if response_signed {
            dsig::verify(root, keys).unwrap();
        }
        let status = xml::child(root, namespace::PROTOCOL, "Status").unwrap();
        let code = xml::child(status, namespace::PROTOCOL, "StatusCode").unwrap();
        let second = xml::child(code, namespace::PROTOCOL, "StatusCode");
        let value = |node| xml::attribute(node, "Value").unwrap().rsplit(':').next().unwrap().to_owned();
        let mut answer = Answer {
            xml: text.to_owned(),
            status: value(code),
            second: second.map(value),
            message: xml::child(status, namespace::PROTOCOL, "StatusMessage")
                .map(|m| xml::text(m).unwrap().into_owned()),
            in_response_to: xml::attribute(root, "InResponseTo").map(str::to_owned),
            destination: xml::attribute(root, "Destination").map(str::to_owned),
            response_signed,
            ..Answer::default()
        };
        let plain = match xml::child(root, namespace::ASSERTION, "EncryptedAssertion") {
            Some(encrypted) => {
                let data = xml::child(encrypted, namespace::ENCRYPTION, "EncryptedData").unwrap();
                let key = PrivateKey::from_pkcs8(&self.pkcs8).unwrap();
                answer.encrypted = true;
                Some(xmlenc::decrypt(data, &key, &Data::ALL).unwrap())
            }
            None => xml::child(root, namespace::ASSERTION, "Assertion").map(|a| xml::c14n::exclusive(a, &[], None)),
        };
        if let Some(plain) = plain {
            self.read_assertion(&mut answer, &plain, keys);
            answer.assertion = Some(plain);
        }
        answer
    }

    fn read_assertion(&self, answer: &mut Answer, plain: &str, keys: &[PublicKey]) {
        let document = xml::parse(plain, &xml::MESSAGE).unwrap();
        let root = document.root_element();
        answer.assertion_signed = dsig::has_signature(root);
        if answer.assertion_signed {
            dsig::verify(root, keys).unwrap();
        }
        assert!(answer.assertion_signed || answer.response_signed, "nothing is signed: {plain}");
        let find = |name: &str| root.descendants().find(|node| xml::is(*node, namespace::ASSERTION, name));
        let text = |name: &str| find(name).map(|node| xml::text(node).unwrap().into_owned());
        let subject = find("Subject").unwrap();
        let name_id = xml::child(subject, namespace::ASSERTION, "NameID");
        answer.name_id = name_id.map(|node| xml::text(node).unwrap().into_owned());
        answer.name_format =
            name_id.and_then(|node| Some(xml::attribute(node, "Format")?.rsplit(':').next()?.to_owned()));
        answer.audience = text("Audience");
        answer.class = text("AuthnContextClassRef").map(|class| class.rsplit(':').next().unwrap().to_owned());
        let attribute =
            |element: &str, name: &str| find(element).and_then(|n| xml::attribute(n, name)).map(str::to_owned);
        answer.recipient = attribute("SubjectConfirmationData", "Recipient");
        answer.session_index = attribute("AuthnStatement", "SessionIndex");
        let named = root.descendants().filter(|node| xml::is(*node, namespace::ASSERTION, "Attribute"));
        for node in named {
            let values = xml::children(node, namespace::ASSERTION, "AttributeValue").map(|value| {
                let inner = xml::child(value, namespace::ASSERTION, "NameID").unwrap_or(value);
                xml::text(inner).unwrap().into_owned()
            });
            let name = xml::attribute(node, "FriendlyName").unwrap_or_default().to_owned();
            answer.attributes.push((name, values.collect()));
        }
    }
}

impl Answer {
    pub fn attribute(&self, name: &str) -> Vec<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, values)| values.iter().map(String::as_str).collect()).unwrap_or_default()
    }

    pub fn names(&self) -> Vec<&str> {
        self.attributes.iter().map(|(name, _)| name.as_str()).collect()
    }
}

pub fn posted_fields(name: &str, xml: &str, relay_state: Option<&str>) -> Vec<(String, String)> {
    let mut fields = vec![(name.to_owned(), posted::write(xml))];
    fields.extend(relay_state.map(|state| ("RelayState".to_owned(), state.to_owned())));
    fields
}

/// The keys of our metadata, whose signature is by one of them.
pub async fn keys_of(library: &Library) -> Vec<PublicKey> {
    let page = Browser::new().get(library.url("/saml/metadata")).await;
    assert_eq!(page.header("content-type"), "application/samlmetadata+xml");
    let document = xml::parse(&page.body, &xml::METADATA).unwrap();
    let root = document.root_element();
    let certificates = root.descendants().filter(|node| xml::is(*node, namespace::SIGNATURE, "X509Certificate"));
    let published =
        certificates.filter(|node| node.ancestors().any(|a| xml::is(a, namespace::METADATA, "KeyDescriptor")));
    let der = |node| STANDARD.decode(&*xml::text(node).unwrap()).unwrap();
    let keys: Vec<PublicKey> = published.map(|node| PublicKey::from_certificate(&der(node)).unwrap()).collect();
    dsig::verify(root, &keys).unwrap();
    keys
}

pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

pub fn id() -> String {
    format!("_{}", super::random_word(20).replace('-', "x"))
}

/// The query of an address, as a message of SAML.
pub fn message_in(url: &Url) -> redirect::Redirected {
    redirect::read(url.query().unwrap_or_default()).unwrap()
}
