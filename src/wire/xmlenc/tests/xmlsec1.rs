//! What we encrypt `xmlsec1` decrypts. Passed over where it is not installed.

use std::{fs, process::Command};

use super::{Data, PLAIN, STANDARD, Transport, VENDOR, encrypted};
use crate::wire::xml::{MESSAGE, c14n, parse};
use base64::Engine;

fn canonical(said: &str) -> String {
    parse(said, &MESSAGE).map(|it| c14n::exclusive(it.root_element(), &[], None)).unwrap_or_default()
}

#[test]
fn xmlsec1_decrypts_what_we_encrypt() {
    if Command::new("xmlsec1").arg("--version").output().is_err() {
        eprintln!("xmlsec1 is not installed: passed over");
        return;
    }
    let folder = std::env::temp_dir().join(format!("oneaccess-xmlsec1-decrypt-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let lines: Vec<String> =
        STANDARD.encode(&VENDOR.pkcs8).as_bytes().chunks(64).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    fs::write(folder.join("key.pem"), pem).unwrap();
    for data in Data::ALL {
        for transport in Transport::ALL {
            fs::write(folder.join("encrypted.xml"), encrypted(data, transport)).unwrap();
            let output = Command::new("xmlsec1")
                .args(["--decrypt", "--privkey-pem", "key.pem", "encrypted.xml"])
                .current_dir(&folder)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            let complaint = String::from_utf8_lossy(&output.stderr);
            // Versions before 1.3 know OAEP only with SHA-1.
            let unknown = transport == Transport::Oaep11Sha256 && complaint.contains("rsa-oaep");
            assert!(canonical(&said) == PLAIN || unknown, "{data:?} {transport:?}: {said} {complaint}");
        }
    }
    fs::remove_dir_all(folder).unwrap();
}
