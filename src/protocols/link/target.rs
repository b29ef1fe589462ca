//! Where EZproxy may be asked to go on to. It sends browsers on to hosts that it does not proxy, too, so whoever may name
//! any host has an open redirect with the library's name on it.

use url::{Host, Url};

/// Hosts that the operator named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hosts(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Host(String),
    /// Each host below.
    Below(String),
}

impl Hosts {
    /// # Errors
    /// A sentence on the one that is no host.
    pub fn read(text: &str) -> Result<Hosts, String> {
        let pattern = |word: &str| {
            let (host, below) = word.strip_prefix("*.").map_or((word, false), |host| (host, true));
            let good = matches!(Host::parse(host), Ok(Host::Domain(domain)) if domain == host && domain.contains('.'));
            match (good, below) {
                (false, _) => Err(format!("{word:?} is no host such as db.example or *.gale.example")),
                (true, true) => Ok(Pattern::Below(format!(".{host}"))),
                (true, false) => Ok(Pattern::Host(host.to_owned())),
            }
        };
        text.split_whitespace().map(pattern).collect::<Result<_, _>>().map(Hosts)
    }

    /// The target as a browser would understand it; `None` where it may not be gone to.
    pub fn admit(&self, target: &str) -> Option<String> {
        if target.bytes().any(|byte| byte.is_ascii_control() || byte == b'\\') {
            return None;
        }
        let url = Url::parse(target).ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        let Some(Host::Domain(host)) = url.host() else { return None };
        let named = self.0.iter().any(|pattern| match pattern {
            Pattern::Host(named) => host == named,
            Pattern::Below(end) => host.ends_with(end) && host.len() > end.len(),
        });
        (plain && named && matches!(url.scheme(), "https" | "http")).then(|| url.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_named_hosts_are_gone_to_however_the_target_is_written() {
        let hosts = Hosts::read("db.example *.gale.example").unwrap();
        for good in
            ["https://db.example/x?y=1#z", "http://db.example", "https://a.b.gale.example/", "HTTPS://DB.EXAMPLE/"]
        {
            assert!(hosts.admit(good).is_some(), "{good}");
        }
        for bad in [
            "https://evil.example/",
            "https://db.example.evil.example/",
            "https://evildb.example/",
            "https://gale.example/",
            "https://.gale.example/",
            "https://db.example@evil.example/",
            "https://user@db.example/",
            "https://evil.example\\@db.example/",
            "https://evil.example#db.example",
            "//db.example/",
            "/db.example",
            "javascript:alert('db.example')",
            "data:text/html,db.example",
            "https://db.example\r\nSet-Cookie: a=b",
            "https://127.0.0.1/",
            "",
        ] {
            assert_eq!(hosts.admit(bad), None, "{bad}");
        }
        assert_eq!(Hosts::read("").unwrap().admit("https://db.example/"), None);
        for wrong in ["*", "*.", "com", "https://db.example", "db.example/", "10.0.0.1"] {
            assert!(Hosts::read(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_gone_to_is_a_named_host_for_every_reader_of_the_address(
            before in "[a-z:/@\\\\.%0-9]{0,12}", middle in "(db\\.example|evil\\.example|gale\\.example)", after in ".{0,12}",
        ) {
            let hosts = Hosts::read("db.example *.gale.example").unwrap();
            if let Some(target) = hosts.admit(&format!("{before}{middle}{after}")) {
                let url = Url::parse(&target).unwrap();
                let host = url.host_str().unwrap();
                prop_assert!(host == "db.example" || host.ends_with(".gale.example"), "{target}");
                prop_assert!(url.username().is_empty() && matches!(url.scheme(), "http" | "https"));
            }
        }
    }
}
