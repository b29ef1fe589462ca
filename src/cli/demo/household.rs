//! The demo's folder: its configuration, its secrets, and what it remembers from start to start.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::cast::{CHARTER_PREFIX, Cast, TEST_CARD, TEST_PIN};
use crate::{
    directory::oneroster::generate::{CHARTER_ORG, DISTRICT_ORG, District},
    domain::handle,
};

pub const CLIENT_ID: &str = "maple-web";
pub const SIP2_LOGIN: &str = "maple";
pub const SIP2_INSTITUTION: &str = "MARBLEWICK";

pub struct Household {
    pub folder: PathBuf,
    pub config: PathBuf,
    pub people: usize,
    pub vendor_url: String,
    pub client_secret: String,
    /// Absent in a folder of an earlier release.
    pub sip2_password: Option<String>,
    settled: bool,
}

/// Where everything listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    pub web: SocketAddr,
    pub vendor: SocketAddr,
    pub sip2: SocketAddr,
}

/// What one start tells the next.
#[derive(Debug, Serialize, Deserialize)]
struct Memory {
    people: usize,
    listen: SocketAddr,
    vendor_listen: SocketAddr,
    #[serde(default)]
    sip2_listen: Option<SocketAddr>,
    settled: bool,
}

/// The secret in this file, made at the first start.
fn secret(path: &Path) -> Result<String> {
    if !path.exists() {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        writeln!(file, "{}", handle::random()?)?;
    }
    Ok(fs::read_to_string(path)?.trim().to_owned())
}

impl Household {
    /// Makes the folder, or finds what an earlier start left in it. The district stays the one it was made with.
    pub fn open(folder: &Path, at: Addresses, people: u32) -> Result<Household> {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let folder = folder.canonicalize()?;
        let memory = match fs::read_to_string(folder.join("demo.json")) {
            Ok(text) => {
                Some(serde_json::from_str::<Memory>(&text).context("demo.json cannot be read; use another --data")?)
            }
            Err(_) => None,
        };
        let asked = usize::try_from(people)?;
        let people = memory.as_ref().map_or(asked, |memory| memory.people);
        if people != asked && asked != 1_200 {
            eprintln!("This folder holds a district of {people} people already; --people {asked} is ignored.");
        }
        let client_secret = secret(&folder.join("secrets/maple"))?;
        let config = folder.join("oneaccess.toml");
        let speaks_sip2 = fs::read_to_string(&config).map_or(true, |text| text.contains("[[vendor.sip2]]"));
        let sip2_password = match speaks_sip2 {
            true => Some(secret(&folder.join("secrets/maple-sip2"))?),
            false => None,
        };
        let household = Household {
            config,
            people,
            vendor_url: format!("http://{}", at.vendor),
            client_secret,
            sip2_password,
            settled: memory.as_ref().is_some_and(|memory| memory.settled),
            folder,
        };
        household.configure(memory.as_ref(), at)?;
        household.remember(at)?;
        Ok(household)
    }

    pub fn district(&self) -> District {
        District::new(self.people)
    }

    /// A folder of an earlier release has a configuration without one.
    pub fn declares_test_patron(&self) -> Result<bool> {
        Ok(fs::read_to_string(&self.config)?.contains(TEST_CARD))
    }

    /// Whether everybody has moved in.
    pub fn is_settled(&self) -> bool {
        self.settled
    }

    pub fn settle(&self) -> Result<()> {
        let path = self.folder.join("demo.json");
        let mut memory: Memory = serde_json::from_str(&fs::read_to_string(&path)?)?;
        memory.settled = true;
        fs::write(&path, serde_json::to_string_pretty(&memory)?)?;
        Ok(())
    }

    fn remember(&self, at: Addresses) -> Result<()> {
        let memory = Memory {
            people: self.people,
            listen: at.web,
            vendor_listen: at.vendor,
            sip2_listen: Some(at.sip2),
            settled: self.settled,
        };
        fs::write(self.folder.join("demo.json"), serde_json::to_string_pretty(&memory)?)?;
        Ok(())
    }

    /// Writes the configuration once; later starts change nothing in it but addresses that moved.
    fn configure(&self, memory: Option<&Memory>, at: Addresses) -> Result<()> {
        let text = match (fs::read_to_string(&self.config), memory) {
            (Ok(text), Some(before)) => {
                let text = text
                    .replace(&before.listen.to_string(), &at.web.to_string())
                    .replace(&before.vendor_listen.to_string(), &at.vendor.to_string());
                match before.sip2_listen {
                    Some(before) => text.replace(&format!("\"{before}\""), &format!("\"{}\"", at.sip2)),
                    None => text,
                }
            }
            _ => self.fresh_configuration(at),
        };
        fs::write(&self.config, text).with_context(|| format!("{} cannot be written", self.config.display()))
    }

    fn fresh_configuration(&self, at: Addresses) -> String {
        let cast = Cast::of(&self.district());
        let opted_out = cast.named("opted_out").map(|part| part.sourced_id.as_str()).unwrap_or_default();
        include_str!("oneaccess.toml")
            .replace("{listen}", &at.web.to_string())
            .replace("{sip2_listen}", &at.sip2.to_string())
            .replace("{sip2_login}", SIP2_LOGIN)
            .replace("{sip2_institution}", SIP2_INSTITUTION)
            .replace("{vendor_url}", &self.vendor_url)
            .replace("{client_id}", CLIENT_ID)
            .replace("{district_org}", DISTRICT_ORG)
            .replace("{charter_org}", CHARTER_ORG)
            .replace("{charter_prefix}", CHARTER_PREFIX)
            .replace("{opted_out}", opted_out)
            .replace("{test_card}", TEST_CARD)
            .replace("{test_pin}", TEST_PIN)
    }
}
