//! EZproxy's tickets, as OCLC documents them: the digest of secret, user and packet in hex, and the packet, which holds the
//! time in Unix seconds and the groups.

use aws_lc_rs::digest;
use serde::Deserialize;

use super::{address::encoded, party::Proxy};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Digest {
    #[default]
    Sha512,
    Sha256,
    Sha1,
}

impl Digest {
    pub fn is_weak(self) -> bool {
        self == Digest::Sha1
    }

    fn of(self, text: &str) -> String {
        let algorithm = match self {
            Digest::Sha512 => &digest::SHA512,
            Digest::Sha256 => &digest::SHA256,
            Digest::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        };
        hex::encode(digest::digest(algorithm, text.as_bytes()))
    }
}

/// The proxy's sign-in with a ticket for `user` from now on (`time`, Unix seconds), and where it goes on to.
pub(super) fn address(proxy: &Proxy, secret: &str, user: &str, group: &str, time: i64, target: Option<&str>) -> String {
    let packet = format!("$u{time}$g{group}$e");
    let ticket = format!("{}{packet}", proxy.digest.of(&format!("{secret}{user}{packet}")));
    let target = target.map(|target| format!("&qurl={}", encoded(target))).unwrap_or_default();
    format!("{}/login?user={}&ticket={}{target}", proxy.base, encoded(user), encoded(&ticket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::link::target::Hosts;

    #[test]
    fn a_ticket_is_that_of_the_proxys_own_documentation() {
        let proxy = Proxy {
            base: "https://proxy.library.example".into(),
            digest: Digest::Sha1,
            hosts: Hosts::read("").unwrap(),
        };
        // printf 'shhhrdoe$u1146485842$gDefault$e' | sha1sum
        assert_eq!(
            address(&proxy, "shhh", "rdoe", "Default", 1_146_485_842, Some("https://db.example/?q=a b")),
            "https://proxy.library.example/login?user=rdoe&ticket=8cafe29355a45ffb31d30f86df763617b31ceba8%24u1146485842%24gDefault%24e\
             &qurl=https%3A%2F%2Fdb.example%2F%3Fq%3Da%20b"
        );
    }
}
