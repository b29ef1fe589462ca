//! Every field of the file, declared once: what is refused as unknown, what stands by default and what
//! docs/configuration.md says all follow from here.

mod programme;
mod school;
mod sight;

pub use programme::{
    AGREEMENT, BRIDGE, CARD, EXPORT, EXPORT_COLUMN, OPT_OUT, ORGANISATION, RELEASE, SCOPE, SOURCE, TEST_ADDRESS,
    TEST_PATRON, VENDOR,
};
pub use school::{BADGE, CLASSES, LIBRARIAN};
pub use sight::METRICS;

/// A field of the file.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub name: &'static str,
    /// What may be written, in words.
    pub kind: &'static str,
    /// What stands when nothing is written, as TOML; empty where nothing does.
    pub default: &'static str,
    pub required: bool,
    pub help: &'static str,
}

/// A table of the file: `[name]`, or `[[name]]` where there may be many.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    pub many: bool,
    pub help: &'static str,
    pub fields: &'static [Setting],
}

const fn need(name: &'static str, kind: &'static str, help: &'static str) -> Setting {
    Setting { name, kind, default: "", required: true, help }
}

const fn may(name: &'static str, kind: &'static str, help: &'static str) -> Setting {
    Setting { name, kind, default: "", required: false, help }
}

const fn or(name: &'static str, kind: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { name, kind, default, required: false, help }
}

pub const ROOT: Table = Table {
    name: "",
    many: false,
    help: "Fields of the top level. Each can be overridden by an environment variable: `ONEACCESS_LISTEN` for \
           `listen`, lists with commas between their entries.",
    fields: &[
        need(
            "issuer",
            "URL",
            "The public address of this server, as every token states it: scheme and host, no slash at the end. \
             `https`; plain `http` on loopback only.",
        ),
        or("listen", "address and port", "\"127.0.0.1:8080\"", "Where this server listens."),
        or(
            "database",
            "`sqlite:PATH` or `postgres://…`",
            "\"sqlite:data/oneaccess.db\"",
            "Where everything durable is kept. SQLite serves one process; several replicas need PostgreSQL.",
        ),
        may(
            "shelf",
            "`redis://…`, `rediss://…` or `redis-sentinel://…`",
            "Where tickets, codes, throttle counts and replay guards wait: without it in this process, which is then the \
             only replica. `redis://USER:PASSWORD@HOST:PORT/NUMBER`, `rediss://` with TLS, or \
             `redis-sentinel://HOST:PORT,HOST:PORT/PRIMARY/NUMBER` (`rediss-sentinel://`). Redis 6.2 or later; see \
             [several replicas](operate/replicas.md).",
        ),
        may("shelf_password_file", "path", "Redis's password, where it does not stand in `shelf`."),
        or(
            "key_encryption_key_file",
            "path",
            "\"keys/kek\"",
            "The key that wraps all other keys. Made on first use; keep a copy of it apart from the database's backup.",
        ),
        or(
            "trusted_proxies",
            "list of addresses and networks",
            "[]",
            "Whose `X-Forwarded-For` counts, rightmost first. Nobody's by default.",
        ),
        or(
            "private_destinations",
            "list of addresses and networks",
            "[]",
            "Private networks that this server may call all the same. None by default, so that no vendor's URL can \
             point it at your own network.",
        ),
        may(
            "trusted_certificates",
            "path",
            "Authorities, PEM, whose certificates are trusted besides the public ones when this server calls others. \
             For `rediss://` they are trusted instead of the public ones.",
        ),
        or(
            "log_format",
            "`text` or `json`",
            "\"text\"",
            "How log lines are written: for people, or one JSON object a line.",
        ),
        may("tls", "table", ""),
        may("sip2", "table", ""),
        may("ils", "table", ""),
        may("session", "table", ""),
        may("shared_devices", "table", ""),
        may("throttle", "table", ""),
        may("serving", "table", ""),
        may("metrics", "table", ""),
        may("database_pool", "table", ""),
        may("hashing", "table", ""),
        may("retention", "table", ""),
        may("keys", "table", ""),
        may("oidc", "table", ""),
        may("theme", "table", ""),
        may("library", "table", ""),
        may("bands", "table", ""),
        may("classes", "table", ""),
        may("badge", "table", ""),
        may("librarian", "tables of this server", ""),
        may("scope", "tables", ""),
        may("organisation", "tables", ""),
        may("agreement", "tables", ""),
        may("vendor", "tables", ""),
        may("source", "tables", ""),
        may("opt_out", "tables", ""),
        may("test_patron", "tables", ""),
        may("export", "tables", ""),
    ],
};

pub const LIBRARY: Table = Table {
    name: "library",
    many: false,
    help: "The library that runs this server.",
    fields: &[
        need("name", "text", "The library's name, as patrons and vendors read it."),
        need("time_zone", "IANA time zone", "Where agreements begin and end at midnight, `America/New_York`."),
        need("scope_domain", "domain", "The right side of scoped attributes, `library.example`."),
    ],
};

pub const TLS: Table = Table {
    name: "tls",
    many: false,
    help: "Leave this table away where a proxy in front of this server ends TLS.",
    fields: &[
        need("certificate", "path", "The certificate and its chain, PEM."),
        need("key", "path", "Its private key, PEM."),
    ],
};

pub const SIP2: Table = Table {
    name: "sip2",
    many: false,
    help: "Where vendors ask by SIP2, see `[[vendor.sip2]]`. Nothing listens without an address here.",
    fields: &[
        may(
            "listen",
            "address and port",
            "Plain connections, `127.0.0.1:6001`. PINs travel in clear: for this machine, a private line, or behind a \
             tunnel (stunnel, a VPN).",
        ),
        may("tls_listen", "address and port", "The same over TLS, `0.0.0.0:6443`."),
        may("certificate", "path", "The certificate and its chain for `tls_listen`, PEM. Without it: that of `[tls]`."),
        may("key", "path", "Its private key, PEM."),
        or(
            "connections",
            "number, 1 to 100000",
            "10000",
            "Connections at the same time, on both addresses together; further ones are turned away.",
        ),
        or(
            "idle",
            "duration, 10s to 24h",
            "\"10m\"",
            "A vendor that says nothing for so long is hung up on; it connects again when it has a question.",
        ),
    ],
};

pub const ILS: Table = Table {
    name: "ils",
    many: false,
    help: "The library's own system, asked by SIP2 whether an existing library card and its PIN belong together, see \
           docs/operate/cards.md. Without this table only staff can vouch for such a card.",
    fields: &[
        need(
            "sip2",
            "host and port",
            "Where it answers, `ils.library.example:6001`. Without TLS it must be in one of `private_destinations`, and a \
             private address must be so in any case.",
        ),
        or("tls", "true or false", "false", "Whether it speaks TLS there. Its certificate is checked."),
        may("login", "text", "How we log in (CN). Without it: not at all."),
        may("password_file", "path", "A file whose text is the login's password (CO)."),
        may("institution", "text", "What it calls itself (AO)."),
    ],
};

pub const SESSION: Table = Table {
    name: "session",
    many: false,
    help: "How long somebody stays signed in.",
    fields: &[
        or("idle", "duration, 1m to 24h", "\"30m\"", "Ends after this long without use."),
        or("absolute", "duration, 5m to 30d", "\"8h\"", "Ends this long after sign-in, used or not."),
        or(
            "offline",
            "duration, 1h to 400d",
            "\"30d\"",
            "How long an app or e-reader that may stay (`offline_access`) goes on without its reader.",
        ),
    ],
};

pub const SHARED_DEVICES: Table = Table {
    name: "shared_devices",
    many: false,
    help: "Computers that many readers share, docs/operate/shared-devices.md: those of the networks here, and browsers \
           marked by `oneaccess shared-device enrol`. Who signs in there stays for minutes, and nothing outlives that. \
           Where the issuer is plain `http` on loopback, for a trial, both times may be as short as a second.",
    fields: &[
        or(
            "networks",
            "list of addresses and networks",
            "[]",
            "Addresses of labs and branches, `192.0.2.0/24`, as this server sees them behind `trusted_proxies`.",
        ),
        or(
            "idle",
            "duration, 1m to 30m",
            "\"5m\"",
            "Ends after this long without use of a page of ours. A vendor that hears of sign-outs ends its own visit then, \
             too. Never longer than `[session] idle`.",
        ),
        or(
            "absolute",
            "duration, 5m to 24h",
            "\"1h\"",
            "Ends this long after sign-in, used or not. Never longer than `[session] absolute`.",
        ),
    ],
};

pub const THROTTLE: Table = Table {
    name: "throttle",
    many: false,
    help: "How much guessing is too much. A whole school sits behind one address, so no limit on PINs counts by address alone.",
    fields: &[
        or("card_tries", "number, 1 to 100", "6", "Wrong PINs on one card within `card_window`."),
        or("card_window", "duration, 1m to 24h", "\"15m\"", "How long they count."),
        or(
            "initial_pin_tries",
            "number, 1 to 100",
            "12",
            "Wrong PINs on a card that still has its initial PIN, of which there may be only 366. Beyond them even the right one is answered like a wrong one.",
        ),
        or("initial_pin_window", "duration, 1m to 24h", "\"24h\"", "How long they count."),
        or("pattern_tries", "number, 1 to 1000", "10", "One wrong PIN tried from one address, over many cards."),
        or(
            "server_pattern_tries",
            "number, 1 to 10000",
            "30",
            "The same by way of one vendor's server (SIP2, PATRONAPI, EZproxy), behind which a whole district may stand.",
        ),
        or("pattern_window", "duration, 1m to 24h", "\"60m\"", "How long they count."),
        or(
            "device_code_tries",
            "number, 1 to 1000",
            "30",
            "Wrong codes of devices (`/device`) from one address; those of all addresses together are limited to 300 a minute.",
        ),
        or("device_code_window", "duration, 1m to 24h", "\"10m\"", "How long they count."),
    ],
};

pub const SERVING: Table = Table {
    name: "serving",
    many: false,
    help: "What one process takes on, and how it leaves, docs/operate/running.md.",
    fields: &[
        or(
            "requests",
            "number, 16 to 100000",
            "1024",
            "HTTP requests at the same time. The next is answered 503 at once, with when to retry.",
        ),
        or(
            "leave_after",
            "duration, 0s to 5m",
            "\"0s\"",
            "How long a server that was told to end (SIGTERM) serves on while `/health/ready` says no, so that a load \
             balancer looks away before connections are refused.",
        ),
    ],
};

pub const DATABASE_POOL: Table = Table {
    name: "database_pool",
    many: false,
    help: "Connections to PostgreSQL, docs/operate/running.md. SQLite needs none of it.",
    fields: &[
        or(
            "connections",
            "number, 2 to 500",
            "16",
            "Most connections of one process. All replicas together, and commands beside them, must stay below the \
             server's `max_connections`.",
        ),
        or(
            "acquire_timeout",
            "duration, 1s to 60s",
            "\"5s\"",
            "How long a request waits for a connection, or for the server to come back, before it is answered 503.",
        ),
        or(
            "statement_timeout",
            "duration, 1s to 1h, or `never`",
            "\"60s\"",
            "How long one statement may take. Steps of the schema, backups and restores are not bound by it.",
        ),
        or("idle_timeout", "duration, 10s to 24h", "\"10m\"", "A connection that nobody used for so long is closed."),
        or(
            "max_lifetime",
            "duration, 1m to 24h",
            "\"30m\"",
            "A connection is replaced after this, so that a load follows a failover.",
        ),
    ],
};

pub const HASHING: Table = Table {
    name: "hashing",
    many: false,
    help: "The pool that checks PINs; each check takes 19 MiB and some 16 ms of one core.",
    fields: &[
        or("threads", "number, 0 to 256", "0", "Checks at the same time; 0 is one for each core."),
        or(
            "queue",
            "number, 1 to 100000",
            "512",
            "Checks that may wait; the next is answered 503, with when to retry.",
        ),
        or(
            "remembered",
            "duration, 0s to 15m",
            "\"5m\"",
            "How long a card and PIN that a vendor's server just asked about (SIP2, PATRONAPI, EZproxy) are answered without \
             another check. A changed PIN, a block or a withdrawal ends that at once; `0s` switches it off.",
        ),
    ],
};

pub const RETENTION: Table = Table {
    name: "retention",
    many: false,
    help: "How long what the law protects is kept.",
    fields: &[
        or(
            "who_went_where",
            "duration, 0d to 30d",
            "\"30d\"",
            "How long the audit remembers which patron went to which vendor; then only daily counts remain.",
        ),
        or(
            "withdrawn",
            "duration, 30d to 3650d",
            "\"400d\"",
            "Whom no roster has listed for so long is erased; who returns later is somebody new. At once: \
             `oneaccess patron erase`.",
        ),
    ],
};

pub const KEYS: Table = Table {
    name: "keys",
    many: false,
    help: "When signing keys turn, docs/operate/keys.md. Nothing here need be written; where the issuer is plain `http` \
           on loopback, for a trial, all times may be as short as a second.",
    fields: &[
        or(
            "rotate_every",
            "duration, 1d to 1000d, or `never`",
            "\"90d\"",
            "How long a key signs before the next one takes over by itself. `never`: by `oneaccess keys rotate` alone.",
        ),
        or(
            "cache_lifetime",
            "duration, 1m to 24h",
            "\"5m\"",
            "How long vendors may keep our key set (its `max-age`). A new key is used no sooner than this after it was \
             published.",
        ),
        or(
            "margin",
            "duration, 30s to 1h",
            "\"1m\"",
            "What clocks may differ by and a replica may lag behind; waited for on top of every other time.",
        ),
        or(
            "pinned_for",
            "duration, 1d to 365d",
            "\"30d\"",
            "How long vendors with `jwks = \"pinned\"` stay on their key after its successor was published. Shorter than \
             `rotate_every`.",
        ),
        or(
            "saml_rotate_every",
            "duration, 1d to 3000d, or `never`",
            "\"1095d\"",
            "The same as `rotate_every` for the key that signs for SAML, which turns by itself and has a certificate.",
        ),
        or(
            "saml_cache_lifetime",
            "duration, 1m to 7d",
            "\"6h\"",
            "How long SAML service providers may keep our metadata (its `cacheDuration`). A new certificate is used no \
             sooner than this after it was published.",
        ),
        or(
            "saml_pinned_for",
            "duration, 1d to 365d",
            "\"90d\"",
            "How long service providers that were neither seen fetching the new certificate nor attested stay on the one \
             before. Shorter than `saml_rotate_every`.",
        ),
    ],
};

pub const OIDC: Table = Table {
    name: "oidc",
    many: false,
    help: "What the OpenID provider as a whole does; what a client may do is said with its vendor, see `[[vendor.oidc]]`.",
    fields: &[or(
        "dynamic_registration",
        "true or false",
        "false",
        "Whether a vendor may register clients by itself (RFC 7591 and 7592), with an invitation that \
         `oneaccess vendor invite` issues and bounds. Switched off, clients that registered stay as they are.",
    )],
};

pub const THEME: Table = Table {
    name: "theme",
    many: false,
    help: "How pages look. Contrast is checked when the theme is loaded.",
    fields: &[
        may("logo", "path", "An SVG or PNG file of at most 12 KiB."),
        may("primary", "colour, `#rrggbb`", "Headers, buttons, links, the card: dark enough for white text on it."),
        may("accent", "colour, `#rrggbb`", "The ribbon and small marks: light enough for dark text on it."),
        may("folder", "path", "Templates, and `style.css`, that replace the built-in ones of the same name."),
    ],
};

pub const BANDS: Table = Table {
    name: "bands",
    many: false,
    help: "Where one audience band ends and the next begins. Staff, and students above both, are adult.",
    fields: &[
        or("juvenile_to", "grade", "\"03\"", "The last grade of the juvenile band."),
        or("young_adult_to", "grade", "\"08\"", "The last grade of the young adult band."),
    ],
};

/// In the order that the documentation tells them.
pub const TABLES: [&Table; 33] = [
    &ROOT,
    &LIBRARY,
    &TLS,
    &SIP2,
    &ILS,
    &SESSION,
    &SHARED_DEVICES,
    &THROTTLE,
    &SERVING,
    &METRICS,
    &DATABASE_POOL,
    &HASHING,
    &RETENTION,
    &KEYS,
    &OIDC,
    &THEME,
    &BANDS,
    &CLASSES,
    &BADGE,
    &LIBRARIAN,
    &SCOPE,
    &ORGANISATION,
    &CARD,
    &BRIDGE,
    &AGREEMENT,
    &VENDOR,
    &RELEASE,
    &SOURCE,
    &OPT_OUT,
    &TEST_PATRON,
    &TEST_ADDRESS,
    &EXPORT,
    &EXPORT_COLUMN,
];
