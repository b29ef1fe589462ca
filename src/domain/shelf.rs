//! Where the shelf is, when it is not in this process.

use std::{fmt, str::FromStr};

use secrecy::{ExposeSecret, SecretString};

/// A Redis server, or the sentinels that know which one is the primary. Shown without its login.
#[derive(Debug, Clone)]
pub struct Place {
    pub tls: bool,
    /// Of the server or, where there is a `primary`, of its sentinels: the first that answers is believed.
    pub hosts: Vec<(String, u16)>,
    /// The name under which the sentinels know the primary.
    pub primary: Option<String>,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    /// The number of Redis's database.
    pub database: u32,
}

const REDIS: u16 = 6379;
const SENTINEL: u16 = 26379;
const FORMS: &str =
    "must be redis://HOST:PORT/NUMBER, rediss://… with TLS, or redis-sentinel://HOST:PORT,HOST:PORT/PRIMARY/NUMBER";

impl Place {
    /// Whether all of it is this machine.
    pub fn is_loopback(&self) -> bool {
        let here = |host: &str| host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        self.hosts.iter().all(|(host, _)| here(host))
    }
}

impl FromStr for Place {
    type Err = String;

    /// What is wrong is told without repeating the text, which may hold a password.
    fn from_str(text: &str) -> Result<Place, String> {
        let (scheme, rest) = text.split_once("://").ok_or(FORMS)?;
        let (tls, sentinels) = match scheme {
            "redis" => (false, false),
            "rediss" => (true, false),
            "redis-sentinel" => (false, true),
            "rediss-sentinel" => (true, true),
            "redis-cluster" | "rediss-cluster" => {
                return Err(format!("a cluster is not spoken with, one primary carries the shelf: it {FORMS}"));
            }
            _ => return Err(FORMS.into()),
        };
        if rest.contains(['?', '#']) || rest.chars().any(char::is_whitespace) {
            return Err(format!("holds a character that has no place here (write it percent-encoded): it {FORMS}"));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) =
            authority.rsplit_once('@').map_or((None, authority), |(login, hosts)| (Some(login), hosts));
        let (user, password) = match login {
            None => (None, None),
            Some(login) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                let user = decoded(user)?;
                let password = decoded(password)?;
                ((!user.is_empty()).then_some(user), (!password.is_empty()).then(|| SecretString::from(password)))
            }
        };
        let port = if sentinels { SENTINEL } else { REDIS };
        let hosts: Vec<(String, u16)> = hosts.split(',').map(|one| host(one, port)).collect::<Result<_, _>>()?;
        if !sentinels && hosts.len() > 1 {
            return Err("names several hosts: with redis-sentinel:// they are those of the sentinels".into());
        }
        let (primary, number) = match (sentinels, path.split_once('/')) {
            (false, None) => (None, path),
            (true, None) => (Some(path), ""),
            (true, Some((primary, number))) => (Some(primary), number),
            (false, Some(_)) => return Err(FORMS.into()),
        };
        if primary == Some("") {
            return Err("needs the name under which the sentinels know the primary, after the hosts and a slash".into());
        }
        let database = match number {
            "" => 0,
            number => number.parse().map_err(|_| "ends with something that is not the number of a database")?,
        };
        Ok(Place { tls, hosts, primary: primary.map(str::to_owned), user, password, database })
    }
}

fn host(text: &str, port: u16) -> Result<(String, u16), String> {
    let wrong = || "names a host that is not a name or an address, with a port behind a colon".to_owned();
    let (host, port) = match text.strip_prefix('[') {
        Some(v6) => {
            let (host, after) = v6.split_once(']').ok_or_else(wrong)?;
            (host, if after.is_empty() { Some(port) } else { after.strip_prefix(':').and_then(|p| p.parse().ok()) })
        }
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()),
            None => (text, Some(port)),
        },
    };
    let port = port.filter(|port: &u16| *port > 0).ok_or_else(wrong)?;
    let good = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b));
    if good { Ok((host.to_owned(), port)) } else { Err(wrong()) }
}

/// Without its percent-encoding.
fn decoded(text: &str) -> Result<String, String> {
    let wrong = || "holds a user name or password that is not well percent-encoded".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = after.split_at_checked(2).ok_or_else(wrong)?;
        bytes.extend(hex::decode(digits).map_err(|_| wrong())?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentinel = if self.primary.is_some() { "-sentinel" } else { "" };
        write!(f, "redis{}{sentinel}://", if self.tls { "s" } else { "" })?;
        for (n, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            match host.contains(':') {
                true => write!(f, "{comma}[{host}]:{port}")?,
                false => write!(f, "{comma}{host}:{port}")?,
            }
        }
        if let Some(primary) = &self.primary {
            write!(f, "/{primary}")?;
        }
        write!(f, "/{}", self.database)
    }
}

impl Place {
    /// The password in the clear, for whoever connects.
    pub fn exposed_password(&self) -> Option<&str> {
        self.password.as_ref().map(ExposeSecret::expose_secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Place {
        text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn a_server_is_read_and_shown_without_its_login() {
        let place = read("rediss://ada:s%40fe%2Fword@shelf.example/3");
        assert_eq!((place.tls, place.database, place.user.as_deref()), (true, 3, Some("ada")));
        assert_eq!(place.exposed_password(), Some("s@fe/word"));
        assert_eq!(place.to_string(), "rediss://shelf.example:6379/3");
        assert!(!format!("{place:?}").contains("s@fe"));
        assert_eq!(read("redis://:only-a-password@[::1]:7000").to_string(), "redis://[::1]:7000/0");
        assert!(read("redis://[::1]:7000").is_loopback() && !place.is_loopback());
    }

    #[test]
    fn sentinels_are_read_with_the_name_of_their_primary() {
        let place = read("redis-sentinel://one.example,two.example:26380/library/1");
        assert_eq!(place.primary.as_deref(), Some("library"));
        assert_eq!(place.to_string(), "redis-sentinel://one.example:26379,two.example:26380/library/1");
        assert_eq!(read("rediss-sentinel://one.example/library").database, 0);
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for text in [
            "hunter2",
            "http://:hunter2@shelf.example",
            "redis-cluster://:hunter2@one.example",
            "redis://:hunter2@one.example,two.example",
            "redis://:hunter2@",
            "redis://:hunter2@shelf.example:0",
            "redis://:hunter2@shelf.example/x",
            "redis://:hunter2@shelf.example/0/1",
            "redis://:hunter2%zz@shelf.example",
            "redis://:hunter2#@shelf.example",
            "redis-sentinel://:hunter2@one.example",
        ] {
            let why = text.parse::<Place>().unwrap_err();
            assert!(!why.contains("hunter2"), "{text}: {why}");
        }
    }
}
