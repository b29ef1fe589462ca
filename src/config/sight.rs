//! Who may read what the server tells of itself, as the file has it.

use std::net::SocketAddr;

use secrecy::SecretString;

use super::{read, section::Section};

/// Who may read `/metrics`.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// An address of their own; absent: the main one, from this machine or with the token.
    pub listen: Option<SocketAddr>,
    pub token: Option<SecretString>,
}

const SHORTEST_TOKEN: usize = 16;

pub(super) fn metrics(section: &Section<'_>) -> Option<Sight> {
    let listen = section.maybe("listen", |value| {
        let text = read::text(value)?;
        text.parse().map_err(|_| format!("{text:?} is not an address and a port such as 127.0.0.1:9090"))
    });
    let token = section.maybe("token_file", |value| {
        let token = read::secret_file(&section.resolve(&read::text(value)?))?;
        let plain = token.len() >= SHORTEST_TOKEN && token.bytes().all(|b| b.is_ascii_graphic());
        if plain {
            Ok(SecretString::from(token))
        } else {
            Err("must hold 16 characters or more, without blanks".into())
        }
    });
    Some(Sight { listen: listen?, token: token? })
}
