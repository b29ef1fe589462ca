//! What an operator fills in for a vendor that readers are sent to by a link.

use crate::{
    domain::field::{Field, Kind},
    protocols::bands,
};

pub(super) const FIELDS: &[Field] = &[
    Field { name: "id", kind: Kind::Text, required: true, default: "", help: "Its name in lists and in the audit." },
    Field {
        name: "kind",
        kind: Kind::Choice(&["signed", "ezproxy", "referrer", "card"]),
        required: false,
        default: "signed",
        help: "How the vendor knows that the library vouches: a signature in the address; a ticket for EZproxy; the page \
               that readers come from (`Referer`); or nothing but a card number that fits a pattern, the weakest.",
    },
    Field {
        name: "url",
        kind: Kind::Text,
        required: true,
        default: "",
        help: "Where readers are sent. `signed`: with `{pseudonym}`, `{band}`, `{type}`, `{time}`, `{expires}`, `{id}` in its \
               query where the vendor wants them, and `{signature}` as the last value, \
               `https://books.example/in?reader={pseudonym}&band={band}&expires={expires}&signature={signature}`. \
               `ezproxy`: the proxy, `https://proxy.library.example`.",
    },
    Field {
        name: "bands",
        kind: Kind::Text,
        required: false,
        default: bands::USUAL,
        help: "The words for the three audience bands in `{band}`, or EZproxy's groups, youngest first.",
    },
    Field {
        name: "valid_for",
        kind: Kind::Number(10, 3600),
        required: false,
        default: "120",
        help: "Seconds for which a signed link is good.",
    },
    Field {
        name: "secret_version",
        kind: Kind::Number(1, 1_000_000),
        required: false,
        default: "1",
        help: "The secret that signs is made of this server's keys and this number; `oneaccess vendor secret` shows it. \
               Another number makes another secret, at once.",
    },
    Field {
        name: "digest",
        kind: Kind::Choice(&["sha512", "sha256", "sha1"]),
        required: false,
        default: "sha512",
        help: "How EZproxy's tickets are signed, as in its `user.txt`. MD5 is not offered.",
    },
    Field {
        name: "target_hosts",
        kind: Kind::Text,
        required: false,
        default: "",
        help: "Hosts that EZproxy may be asked to go on to (`/go/VENDOR?url=…`), separated by blanks; `*.gale.example` is \
               each host below. Without it: none.",
    },
    Field {
        name: "referrer",
        kind: Kind::Choice(&["origin", "unsafe-url"]),
        required: false,
        default: "origin",
        help: "What the vendor's check of the referring page sees: this server's address, or that of the page, `/go/VENDOR`.",
    },
    Field {
        name: "begins_here",
        kind: Kind::Flag,
        required: false,
        default: "true",
        help: "Whether the vendor's tile on the launchpad leads through `/go/VENDOR`, where it has no `launch_url`.",
    },
];
