//! What can be seen without the database: the file, files that hold secrets, proxies, certificates.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::Finding;
use crate::{
    compose::{load, settings_of},
    config::{Config, Tls},
    domain::{catalogue::Catalogue, clock::Timestamp, network::Network},
    protocols::tls,
    wire::certificate,
};

const CONFIGURATION: &str = "configuration";
const SECRETS: &str = "secret-files";
const PROXIES: &str = "trusted-proxies";
const CERTIFICATE: &str = "certificate";

/// Days before a certificate's end.
const SOON: i64 = 21;
const DAY: i64 = 86_400;

/// Whether the file reads; its settings, where they do. Whether its declarations fit what is in force is `programme`'s.
pub fn configuration(file: &Path) -> (Vec<Finding>, Option<Config>) {
    let todo = "mend these lines; `oneaccess check` says the same";
    match settings_of(file) {
        Ok(Some(config)) => (vec![Finding::ok(CONFIGURATION, format!("{} reads", file.display()))], Some(config)),
        Ok(None) => {
            let found = format!("{} holds no settings, only declarations", file.display());
            (
                vec![Finding::failed(CONFIGURATION, found, "name the file that the server is started with: --config")],
                None,
            )
        }
        Err(problems) => {
            // With the rest of what is wrong, so that one round mends it all.
            let all = load(file, &Catalogue::default()).err().unwrap_or(problems).to_string();
            (all.lines().map(|line| Finding::failed(CONFIGURATION, line, todo)).collect(), None)
        }
    }
}

/// Files that the configuration names as holding a secret: nobody but the server should read them.
pub fn secrets(file: &Path) -> Vec<Finding> {
    let Some(table) = fs::read_to_string(file).ok().and_then(|text| text.parse::<toml::Table>().ok()) else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    named_in(&toml::Value::Table(table), &mut paths);
    let beside = file.parent().unwrap_or(Path::new(""));
    let (mut looked, mut found) = (0, Vec::new());
    for path in paths {
        let path = beside.join(path);
        let Ok(meta) = fs::metadata(&path) else { continue };
        looked += 1;
        if meta.mode() & 0o007 != 0 {
            let mode = format!("everybody on this machine may read it (mode {:o})", meta.mode() & 0o777);
            let todo = format!("chmod 600 {}", path.display());
            found.push(Finding::warning(SECRETS, mode, todo).of(path.display().to_string()));
        }
    }
    if found.is_empty() && looked > 0 {
        found.push(Finding::ok(SECRETS, format!("{looked} looked at, none open to everybody")));
    }
    found
}

/// `client_secret_file = "…"`, and `key` of a table of certificates. The key-encryption key has a check of its own.
fn named_in(value: &toml::Value, paths: &mut Vec<PathBuf>) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                let secret = name.ends_with("_file") && name != "key_encryption_key_file" && name != "jwks_file"
                    || name == "key" && table.contains_key("certificate");
                match value.as_str().filter(|_| secret) {
                    Some(path) => paths.push(path.into()),
                    None => named_in(value, paths),
                }
            }
        }
        toml::Value::Array(all) => all.iter().for_each(|one| named_in(one, paths)),
        _ => {}
    }
}

/// Whom we believe about readers' addresses. The throttle, shared computers and vendors' `addresses` stand on it.
pub fn proxies(config: &Config) -> Vec<Finding> {
    let ends_tls_elsewhere = !config.is_plain_http() && config.tls.is_none();
    let everybody = |network: &Network| FAR_APART.iter().all(|address| network.contains(*address));
    if config.trusted_proxies.iter().any(everybody) {
        let found = "everybody is trusted to say who they are, so nobody's guesses can be counted";
        return vec![Finding::failed(PROXIES, found, "name the proxy's own addresses in trusted_proxies")];
    }
    let mut found = Vec::new();
    if ends_tls_elsewhere && config.trusted_proxies.is_empty() {
        let what = "the issuer is https and there is no [tls], so a proxy stands in front, and none is trusted: every reader \
                    seems to come from its address";
        found.push(Finding::warning(
            PROXIES,
            what,
            "name its address in trusted_proxies, and let it send X-Forwarded-For",
        ));
    } else {
        found.push(Finding::ok(PROXIES, format!("{} trusted", config.trusted_proxies.len())));
    }
    if ends_tls_elsewhere && config.metrics.listen.is_none() && config.metrics.token.is_none() {
        let what = "a proxy on this machine that sends no X-Forwarded-For would show /metrics to everybody";
        found.push(Finding::warning("metrics", what, "give them an address of their own: [metrics] listen"));
    }
    found
}

/// No network has both but one that has all.
const FAR_APART: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))];

pub fn certificates(config: &Config, now: Timestamp) -> Vec<Finding> {
    let host = url::Url::parse(&config.issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
    let https = config.tls.iter().map(|tls| one(tls, "https", host.as_deref(), now));
    let sip2 = config.sip2.tls.iter().map(|tls| one(tls, "sip2", None, now));
    https.chain(sip2).collect()
}

fn one(tls: &Tls, whose: &str, host: Option<&str>, now: Timestamp) -> Finding {
    let renew = "renew the certificate; the server takes it up by itself";
    let path = tls.certificate.display();
    let finding = match first(tls) {
        Err(why) => Finding::failed(CERTIFICATE, why, "put a PEM certificate with its chain and its own key there"),
        Ok(certificate) => {
            let days = (certificate.not_after - now.seconds()).div_euclid(DAY);
            let misnamed = host.filter(|host| !certificate.is_for(host));
            match (days, misnamed) {
                (i64::MIN..0, _) => Finding::failed(CERTIFICATE, format!("{path} ended {} days ago", -days), renew),
                (_, Some(host)) => {
                    let found = format!("{path} is for {}, not for {host}", certificate.names.join(", "));
                    Finding::failed(CERTIFICATE, found, "get one for the issuer's host")
                }
                (0..SOON, _) => Finding::warning(CERTIFICATE, format!("{path} ends in {days} days"), renew),
                _ if certificate.not_before > now.seconds() => {
                    Finding::failed(CERTIFICATE, format!("{path} is not valid yet"), "is this machine's clock right?")
                }
                _ => Finding::ok(CERTIFICATE, format!("{path} holds for {days} days, and its key fits")),
            }
        }
    };
    finding.of(whose)
}

fn first(tls: &Tls) -> Result<certificate::Certificate, String> {
    tls::fits(&tls.certificate, &tls.key)?;
    let text =
        fs::read_to_string(&tls.certificate).map_err(|error| format!("{}: {error}", tls.certificate.display()))?;
    certificate::first_of_pem(&text).map_err(|error| format!("{}: {error}", tls.certificate.display()))
}
