//! A real OpenLDAP server with people in it, on a loopback port of its own: plain, StartTLS and LDAPS.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::{
    parts::{Folder, free_port, part},
    process::Process,
};

pub const BASE: &str = "dc=maple,dc=example";
/// The account that may search, and its password.
pub const READER: &str = "cn=reader,dc=maple,dc=example";
pub const READER_PASSWORD: &str = "reads-everybody-7302";
const ADMIN: &str = "cn=admin,dc=maple,dc=example";
const ADMIN_PASSWORD: &str = "writes-everybody-9914";
/// What the server gives in one answer at most.
pub const SIZE_LIMIT: usize = 50;

const SETTINGS: &str = r#"
include SCHEMA/core.schema
include SCHEMA/cosine.schema
include SCHEMA/nis.schema
include SCHEMA/inetorgperson.schema
pidfile FOLDER/slapd.pid
argsfile FOLDER/slapd.args
modulepath MODULES
moduleload back_mdb
moduleload ppolicy
TLSCertificateFile FOLDER/tls.pem
TLSCertificateKeyFile FOLDER/tls.key
sizelimit size.soft=SIZE size.hard=SIZE size.prtotal=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="READER" read by anonymous auth by * none
database mdb
suffix "BASE"
rootdn "ADMIN"
rootpw ADMIN_PASSWORD
directory FOLDER/data
maxsize 268435456
index objectClass,uid,employeeNumber,entryUUID,entryCSN eq
overlay ppolicy
ppolicy_default "cn=policy,BASE"
"#;

const FIRST: &str = "dn: BASE
objectClass: dcObject
objectClass: organization
dc: maple
o: Maple Schools

dn: cn=policy,BASE
objectClass: pwdPolicy
objectClass: organizationalRole
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 100
pwdMustChange: TRUE

dn: READER
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: READER_PASSWORD

dn: ou=people,BASE
objectClass: organizationalUnit
ou: people

dn: ou=elsewhere,BASE
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://127.0.0.1:9/ou=elsewhere,BASE
";

#[derive(Debug)]
pub struct Slapd {
    pub ldap: String,
    pub ldaps: String,
    ports: [u16; 2],
    programs: [PathBuf; 3],
    process: Option<Process>,
    folder: Folder,
}

/// Somebody in the directory.
#[derive(Debug, Clone, Copy)]
pub struct Colleague<'a> {
    pub uid: &'a str,
    pub id: &'a str,
    pub kind: &'a str,
    /// More lines of the entry.
    pub more: &'a str,
}

impl Colleague<'_> {
    pub fn password(&self) -> String {
        format!("pass phrase of {}", self.uid)
    }

    pub fn dn(&self) -> String {
        format!("uid={},ou=people,{BASE}", self.uid)
    }

    pub fn ldif(&self) -> String {
        let Colleague { uid, id, kind, more } = self;
        format!(
            "dn: {}\nobjectClass: inetOrgPerson\nobjectClass: shadowAccount\nuid: {uid}\ncn: {uid}\nsn: Of {uid}\n\
             givenName: Given\nemployeeNumber: {id}\nemployeeType: {kind}\nou: org-maple\nmail: {uid}@maple.example\n\
             userPassword: {}\n{more}\n",
            self.dn(),
            self.password(),
        )
    }
}

impl Slapd {
    /// With these people in it, running. `None` where the server is absent.
    pub fn with(people: &[Colleague<'_>]) -> Option<Slapd> {
        let server = PathBuf::from(part("ONEACCESS_TEST_SLAPD", "OpenLDAP's slapd")?);
        let change = PathBuf::from(part("ONEACCESS_TEST_LDAPMODIFY", "OpenLDAP's ldapmodify")?);
        let fill = server.with_file_name("slapadd");
        let (ports, folder) = ([free_port(), free_port()], Folder::new());
        certify(&folder);
        let settings = filled(SETTINGS, folder.path());
        folder.write("slapd.conf", settings);
        let mut slapd = Slapd {
            ldap: format!("ldap://127.0.0.1:{}", ports[0]),
            ldaps: format!("ldaps://127.0.0.1:{}", ports[1]),
            ports,
            programs: [server, change, fill],
            process: None,
            folder,
        };
        slapd.fill(people);
        slapd.start();
        Some(slapd)
    }

    /// Sets the directory up anew, with these people alone. It must not be running.
    pub fn fill(&self, people: &[Colleague<'_>]) {
        let _ = fs::remove_dir_all(self.path("data"));
        fs::create_dir_all(self.path("data")).unwrap();
        let people: String = people.iter().map(|one| format!("\n{}", one.ldif())).collect();
        let ldif = self.folder.write("people.ldif", format!("{}{people}", filled(FIRST, self.folder.path())));
        let mut add = Command::new(&self.programs[2]);
        let done = add.arg("-q").arg("-f").arg(self.path("slapd.conf")).arg("-l").arg(ldif).output().unwrap();
        assert!(done.status.success(), "slapadd: {}", String::from_utf8_lossy(&done.stderr));
    }

    pub fn start(&mut self) {
        let config = self.path("slapd.conf");
        let urls = format!("{} {}", self.ldap, self.ldaps);
        let server = self.programs[0].to_string_lossy().into_owned();
        // Level 256: each operation and its result, never a password.
        let command = [server.as_str(), "-d", "256", "-f", &config.to_string_lossy(), "-h", &urls];
        let mut process = Process::start("slapd", &command, &[], self.folder.path());
        let answers = |_: &Process| {
            let up = self.ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok());
            up.then_some(())
        };
        process.wait_for("it answered", Duration::from_secs(30), answers).unwrap_or_else(|why| panic!("{why}"));
        self.process = Some(process);
    }

    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop();
        }
    }

    /// Changes entries as an administrator of the directory would: LDIF, `dn: …` and `changetype: …`.
    pub fn change(&self, ldif: &str) {
        let file = self.folder.write("change.ldif", ldif);
        let mut change = Command::new(&self.programs[1]);
        let account = ["-x", "-H", &self.ldap, "-D", ADMIN, "-w", ADMIN_PASSWORD, "-f"];
        let done = change.args(account).arg(file).output().unwrap();
        assert!(done.status.success(), "ldapmodify: {}", String::from_utf8_lossy(&done.stderr));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The authority of its certificate; `stranger.pem` is another one.
    pub fn authority(&self) -> PathBuf {
        self.path("authority.pem")
    }

    /// The file with the password of the account that searches.
    pub fn password_file(&self) -> PathBuf {
        self.folder.write("reader", READER_PASSWORD)
    }

    /// Everything that it was asked so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("slapd.err")).unwrap_or_default()
    }
}

fn filled(text: &str, folder: &Path) -> String {
    text.replace("FOLDER", &folder.to_string_lossy())
        .replace("SCHEMA", "/etc/ldap/schema")
        .replace("MODULES", "/usr/lib/ldap")
        .replace("READER_PASSWORD", READER_PASSWORD)
        .replace("READER", READER)
        .replace("ADMIN_PASSWORD", ADMIN_PASSWORD)
        .replace("ADMIN", ADMIN)
        .replace("BASE", BASE)
        .replace("SIZE", &SIZE_LIMIT.to_string())
}

/// An authority of its own, a certificate by it for this machine, and an authority that nobody should trust for it.
fn certify(folder: &Folder) {
    let authority = || {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        (pem("CERTIFICATE", params.self_signed(&key).unwrap().der()), Issuer::new(params, key))
    };
    let (trusted, issuer) = authority();
    folder.write("authority.pem", trusted);
    folder.write("stranger.pem", authority().0);
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    folder.write("tls.pem", pem("CERTIFICATE", certificate.der()));
    folder.write("tls.key", pem("PRIVATE KEY", &key.serialize_der()));
}

fn pem(of: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {of}-----\n{}\n-----END {of}-----\n", lines.join("\n"))
}
