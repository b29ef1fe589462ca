//! Who is at the door: the session cookie, and the address behind trusted proxies.

use std::net::IpAddr;

use aws_lc_rs::digest;
use http::{HeaderMap, header::COOKIE};

use crate::app::App;

/// What a request tells of its browser.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The value of the session cookie, as sent.
    pub cookie: Option<String>,
    /// The value of the cookie that marks the browser of a shared computer, as sent.
    pub device: Option<String>,
    /// The client's address, after the proxies that the configuration trusts.
    pub address: IpAddr,
}

/// `__Host-` ties the cookie to this host over https; plain http exists on loopback only.
pub fn session_cookie_name(issuer: &str) -> &'static str {
    if issuer.starts_with("https://") { "__Host-oneaccess" } else { "oneaccess" }
}

/// The cookie that marks a browser as one that many readers share.
pub fn device_cookie_name(issuer: &str) -> &'static str {
    if issuer.starts_with("https://") { "__Host-oneaccess-shared" } else { "oneaccess-shared" }
}

/// The Set-Cookie that takes the session's cookie away.
pub fn no_session_cookie(issuer: &str) -> String {
    let secure = if issuer.starts_with("https://") { "; Secure" } else { "" };
    format!("{}=; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age=0", session_cookie_name(issuer))
}

impl Visitor {
    pub fn from_request(app: &App, headers: &HeaderMap, peer: IpAddr) -> Visitor {
        let cookie_of = |headers, name| cookie(headers, name).map(str::to_owned);
        let cookie = cookie_of(headers, session_cookie_name(&app.config.issuer));
        let trusted = |address: IpAddr| app.config.trusted_proxies.iter().any(|network| network.contains(address));
        let device = cookie_of(headers, device_cookie_name(&app.config.issuer));
        Visitor { cookie, device, address: client_address(headers, peer, trusted) }
    }

    /// The hex SHA-256 that the session is kept under.
    pub(super) fn handle(&self) -> Option<String> {
        self.cookie.as_deref().map(handle_of)
    }
}

/// One cookie's value. Of two with the same name the first counts, as browsers send the more specific one first.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Walks X-Forwarded-For from the right for as long as the sender is trusted. An entry that is no address ends the
/// walk: what is left of it may be anybody's invention.
fn client_address(headers: &HeaderMap, peer: IpAddr, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer.to_canonical();
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().map(|v| v.to_str().unwrap_or("")).collect();
    for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !trusted(client) {
            break;
        }
        match entry.trim().parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
    }
    client
}

pub(super) fn handle_of(cookie: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, cookie.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(forwarded: &[&str], peer: &str) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let proxies = ["10.0.0.1".parse::<IpAddr>().unwrap(), "10.0.0.2".parse().unwrap()];
        client_address(&headers, peer.parse().unwrap(), |a| proxies.contains(&a)).to_string()
    }

    #[test]
    fn only_what_trusted_proxies_say_of_a_client_counts() {
        assert_eq!(address(&["198.51.100.1"], "203.0.113.9"), "203.0.113.9");
        assert_eq!(address(&["198.51.100.1"], "10.0.0.1"), "198.51.100.1");
        assert_eq!(address(&["1.1.1.1, 198.51.100.1, 10.0.0.2"], "10.0.0.1"), "198.51.100.1");
        assert_eq!(address(&["1.1.1.1", "198.51.100.1"], "10.0.0.1"), "198.51.100.1");
        assert_eq!(address(&["198.51.100.1, nonsense"], "10.0.0.1"), "10.0.0.1");
        assert_eq!(address(&[], "10.0.0.1"), "10.0.0.1");
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "xoneaccess=no; oneaccess=yes; oneaccess=later".parse().unwrap());
        assert_eq!(cookie(&headers, "oneaccess"), Some("yes"));
        assert_eq!(cookie(&headers, "access"), None);
    }
}
