//! The vendor: a service provider with a key, which asks, and believes nothing that the identity provider did not sign.

use std::{
    fmt, fs,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
};

use anyhow::{Context, anyhow, bail, ensure};
use aws_lc_rs::{
    encoding::AsDer,
    rand::{self, SystemRandom},
    rsa::KeySize,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use clap::ValueEnum;
use oneaccess::{
    domain::clock::Clock,
    wire::{
        certificate::{self, Says},
        dsig::{self, PublicKey, Signer},
        saml::{
            binding, format, instant,
            redirect::{self, Kind},
        },
        xml::{self, Node, namespace, write::Element},
    },
};

use super::idp::Idp;

pub const RELAY_STATE: &str = "shelf 7";
const KEY: &str = "sp.pk8";
const CERTIFICATE: &str = "sp.pem";
const YEAR: i64 = 366 * 86_400;

/// What the identity provider signs for it. Each is a service provider of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sign {
    Assertion,
    /// The response around the assertion as well.
    Both,
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sign::Assertion => "assertion",
            Sign::Both => "both",
        })
    }
}

impl Sign {
    fn entity_id(self) -> String {
        format!("https://{self}.sp.example")
    }
}

/// Makes a key, and the metadata of the service providers that share it, in `folder`.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let key = RsaKeyPair::generate(KeySize::Rsa2048).context("an RSA key")?;
    let pkcs8 = key.as_der().context("an RSA key")?;
    let mut serial = [0_u8; 16];
    rand::fill(&mut serial).map_err(|_| anyhow!("no randomness"))?;
    let now = Clock::system().now().seconds();
    let says = Says { common_name: "bench", serial, not_before: now - 86_400, not_after: now + YEAR };
    let certificate = certificate::to_base64(&certificate::self_signed(pkcs8.as_ref(), &says)?);
    fs::write(folder.join(KEY), pkcs8.as_ref())?;
    fs::write(folder.join(CERTIFICATE), certificate::pem(&certificate))?;
    for sign in Sign::value_variants() {
        fs::write(folder.join(format!("{sign}.xml")), metadata(*sign, &certificate))?;
    }
    Ok(())
}

fn metadata(sign: Sign, certificate: &str) -> String {
    let x509 = Element::new("ds:X509Certificate").text(certificate);
    let info = Element::new("ds:KeyInfo").child(Element::new("ds:X509Data").child(x509));
    let consumer = Element::new("md:AssertionConsumerService")
        .attr("Binding", binding::POST)
        .attr("Location", acs(&sign.entity_id()))
        .attr("index", "0");
    let role = Element::new("md:SPSSODescriptor")
        .attr("protocolSupportEnumeration", namespace::PROTOCOL)
        .child(Element::new("md:KeyDescriptor").attr("use", "signing").child(info))
        .child(Element::new("md:NameIDFormat").text(format::PERSISTENT))
        .child(consumer);
    Element::new("md:EntityDescriptor").attr("entityID", sign.entity_id()).child(role).render()
}

fn acs(entity_id: &str) -> String {
    format!("{entity_id}/acs")
}

pub struct ServiceProvider {
    pub acs: String,
    entity_id: String,
    sign: Sign,
    /// Whether its requests are signed.
    signs: bool,
    key: RsaKeyPair,
    certificate: String,
    in_advance: Mutex<Vec<Request>>,
}

/// A request by HTTP-Redirect, to be sent once.
pub struct Request {
    pub id: String,
    pub query: String,
}

impl ServiceProvider {
    /// From what `write` left in `folder`.
    pub fn read(folder: &Path, sign: Sign, signs: bool) -> anyhow::Result<ServiceProvider> {
        let file = |name| fs::read(folder.join(name)).with_context(|| format!("{name}: `load saml-sp` makes it"));
        let key = RsaKeyPair::from_pkcs8(&file(KEY)?).context(KEY)?;
        let pem = String::from_utf8(file(CERTIFICATE)?).context(CERTIFICATE)?;
        let certificate = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let entity_id = sign.entity_id();
        let in_advance = Mutex::default();
        Ok(ServiceProvider { acs: acs(&entity_id), entity_id, sign, signs, key, certificate, in_advance })
    }

    /// Writes and signs requests ahead, on all cores, until there are `count`: an RSA signature costs as much as what is
    /// measured.
    pub fn prepare(&self, idp: &Idp, count: usize) -> anyhow::Result<()> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let missing = count.saturating_sub(self.waiting().len());
        let share = missing.div_ceil(threads);
        let fresh: anyhow::Result<Vec<Vec<Request>>> = thread::scope(|scope| {
            let write = || (0..share).map(|_| self.write(idp)).collect::<anyhow::Result<Vec<_>>>();
            let writing: Vec<_> = (0..threads).map(|_| scope.spawn(write)).collect();
            writing.into_iter().map(|one| one.join().map_err(|_| anyhow!("a signing thread broke"))?).collect()
        });
        self.waiting().extend(fresh?.into_iter().flatten());
        Ok(())
    }

    /// One that was not sent before; where none is left it is written now, at the generator's cost.
    pub fn request(&self, idp: &Idp) -> anyhow::Result<Request> {
        let ready = self.waiting().pop();
        ready.map_or_else(|| self.write(idp), Ok)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Request>> {
        self.in_advance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, idp: &Idp) -> anyhow::Result<Request> {
        let id = fresh_id()?;
        let query = self.query(&self.element(&id, &idp.destination).render())?;
        Ok(Request { id, query })
    }

    /// A request's XML as it stands behind the question mark.
    pub fn query(&self, xml: &str) -> anyhow::Result<String> {
        let sign = |octets: &[u8]| self.octets(octets);
        let signer = Signer { certificate: &self.certificate, sign: &sign };
        Ok(redirect::write(Kind::Request, xml, Some(RELAY_STATE), self.signs.then_some(&signer))?)
    }

    /// A request's XML with the signature within.
    pub fn enveloped(&self, id: &str, destination: &str) -> anyhow::Result<String> {
        let sign = |octets: &[u8]| self.octets(octets);
        Ok(dsig::sign(self.element(id, destination), id, &Signer { certificate: &self.certificate, sign: &sign })?)
    }

    /// DER in base64.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// As stock software asks.
    pub fn element(&self, id: &str, destination: &str) -> Element {
        let policy = Element::new("samlp:NameIDPolicy").attr("Format", format::PERSISTENT).attr("AllowCreate", "true");
        Element::new("samlp:AuthnRequest")
            .attr("ID", id)
            .attr("Version", "2.0")
            .attr("IssueInstant", instant::write(Clock::system().now().millis()))
            .attr("Destination", destination)
            .attr("AssertionConsumerServiceURL", self.acs.as_str())
            .attr("ProtocolBinding", binding::POST)
            .child(Element::new("saml:Issuer").text(self.entity_id.as_str()))
            .child(policy)
    }

    /// A signature over these octets.
    pub fn octets(&self, octets: &[u8]) -> Result<Vec<u8>, dsig::Error> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        let signed = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), octets, &mut signature);
        signed.map(|()| signature).map_err(|e| dsig::Error::Signing(e.to_string()))
    }

    /// Believes an answer, or says why not. What was signed.
    pub fn judge(&self, text: &str, request: &str, keys: &[PublicKey]) -> anyhow::Result<&'static str> {
        let document = xml::parse(text, &xml::MESSAGE)?;
        let response = document.root_element();
        let assertion = xml::only(response, namespace::ASSERTION, "Assertion").context("not one assertion")?;
        let signed = match self.sign {
            Sign::Assertion => {
                ensure!(!dsig::has_signature(response), "more is signed than was asked for");
                "the assertion signed"
            }
            Sign::Both => {
                dsig::verify(response, keys).context("the response")?;
                "both signed"
            }
        };
        dsig::verify(assertion, keys).context("the assertion")?;
        self.is_for_us(assertion, request)?;
        Ok(signed)
    }

    fn is_for_us(&self, assertion: Node<'_, '_>, request: &str) -> anyhow::Result<()> {
        let find = |name: &str| assertion.descendants().find(|node| xml::is(*node, namespace::ASSERTION, name));
        let confirmed = find("SubjectConfirmationData").context("no SubjectConfirmationData")?;
        ensure!(xml::attribute(confirmed, "InResponseTo") == Some(request), "it answers another request");
        ensure!(xml::attribute(confirmed, "Recipient") == Some(&*self.acs), "it is for another address");
        let audience = xml::text(find("Audience").context("no Audience")?)?;
        ensure!(audience == self.entity_id, "it is for {audience}");
        let name = find("NameID").context("no NameID")?;
        ensure!(xml::attribute(name, "Format") == Some(format::PERSISTENT), "its NameID is of another form");
        let attributes = assertion.descendants().filter(|node| xml::is(*node, namespace::ASSERTION, "Attribute"));
        match attributes.count() {
            4 => Ok(()),
            other => bail!("it tells {other} attributes, and 4 are compared"),
        }
    }
}

pub fn fresh_id() -> anyhow::Result<String> {
    let mut random = [0_u8; 20];
    rand::fill(&mut random).map_err(|_| anyhow!("no randomness"))?;
    Ok(random.iter().fold("_".to_owned(), |id, byte| id + &format!("{byte:02x}")))
}
