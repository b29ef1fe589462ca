//! What the server tells of itself to whoever watches it.

use super::{Table, may};

pub const METRICS: Table = Table {
    name: "metrics",
    many: false,
    help: "Who may read `/metrics`, docs/operate/metrics.md. Without this table: whoever asks from this machine itself, and \
           not by way of a proxy.",
    fields: &[
        may(
            "listen",
            "address and port",
            "An address of their own, `127.0.0.1:9090`: whoever reaches it may read them, and the main one has them no \
             more. Without TLS.",
        ),
        may(
            "token_file",
            "path",
            "A file whose text is a token of 16 characters or more: whoever sends it (`Authorization: Bearer`) may read \
             them, from wherever.",
        ),
    ],
};
