//! How the server runs: the top level and its single tables.

use std::{net::SocketAddr, path::PathBuf};

use secrecy::SecretString;

use super::{
    Config, Hashing, Library, Oidc, Retention, Serving, Sip2, Theme, Throttle, Tls, Tries,
    fields::{self, ROOT, Setting},
    read, school,
    section::Section,
    sight,
};
use crate::domain::{
    clock::TimeZone,
    grade::{BandRule, Grade},
    ils::{Ils, Login},
    key::{Schedule, Schedules},
    network::Network,
    pool::PoolSettings,
    session::{Life, SessionLimits},
    shelf::Place,
};

/// Whether the file says anything about the server, rather than the programme alone.
pub(super) fn are_present(root: &Section<'_>) -> bool {
    let is_setting = |field: &&Setting| field.kind != "tables";
    ROOT.fields.iter().filter(is_setting).any(|field| root.is_written(field.name))
}

/// `None`, once told, where anything is wrong.
pub(super) fn read(root: &Section<'_>) -> Option<Config> {
    let issuer = root.need("issuer", read::issuer);
    let log_format = root.need("log_format", |value| read::text(value)?.parse());
    let listen = root.need("listen", |value| {
        let text = read::text(value)?;
        text.parse().map_err(|_| format!("{text:?} is not an address and a port such as 127.0.0.1:8080"))
    });
    let database = root.need("database", |value| database(root, &read::text(value)?));
    let shelf = shelf(root, database.as_deref());
    let key_encryption_key_file = root.need("key_encryption_key_file", |value| Ok(root.resolve(&read::text(value)?)));
    let trusted_proxies = networks(root, "trusted_proxies");
    let private_destinations = networks(root, "private_destinations");
    let trusted_certificates = root.maybe("trusted_certificates", |value| present(root, &read::text(value)?));
    if issuer.as_ref().is_some_and(|issuer| issuer.starts_with("http://")) {
        root.warn("issuer", "plain http: for a trial on this machine only, since cookies are sent unprotected");
    }
    let tls = root.table(&fields::TLS).map(|section| tls(&section));
    let sip2 = sip2(&root.table_or_empty(&fields::SIP2));
    let ils = root.table(&fields::ILS).map(|section| ils(&section));
    let trial = issuer.as_ref().is_some_and(|issuer| issuer.starts_with("http://"));
    let shared = root.table_or_empty(&fields::SHARED_DEVICES);
    let shared_networks = networks(&shared, "networks");
    let session = session(&root.table_or_empty(&fields::SESSION), shared_life(&shared, trial));
    let throttle = throttle(&root.table_or_empty(&fields::THROTTLE));
    let serving = serving(&root.table_or_empty(&fields::SERVING));
    let metrics = sight::metrics(&root.table_or_empty(&fields::METRICS));
    let database_pool = pool(&root.table_or_empty(&fields::DATABASE_POOL));
    let hashing = hashing(&root.table_or_empty(&fields::HASHING));
    let retention = retention(&root.table_or_empty(&fields::RETENTION));
    let keys = keys(&root.table_or_empty(&fields::KEYS), trial);
    let oidc = oidc(&root.table_or_empty(&fields::OIDC));
    let theme = theme(&root.table_or_empty(&fields::THEME));
    let library = library(&root.table_or_empty(&fields::LIBRARY));
    let bands = bands(&root.table_or_empty(&fields::BANDS));
    let classes = school::classes(&root.table_or_empty(&fields::CLASSES));
    let badge = root.table(&fields::BADGE).map(|section| school::badge(&section));
    let librarians = school::librarians(root);
    Some(Config {
        issuer: issuer?,
        log_format: log_format?,
        listen: listen?,
        database: database?,
        shelf: shelf?,
        key_encryption_key_file: key_encryption_key_file?,
        trusted_proxies: trusted_proxies?,
        private_destinations: private_destinations?,
        trusted_certificates: trusted_certificates?,
        tls: match tls {
            Some(tls) => Some(tls?),
            None => None,
        },
        sip2: sip2?,
        ils: match ils {
            Some(ils) => Some(ils?),
            None => None,
        },
        session: session?,
        shared_networks: shared_networks?,
        throttle: throttle?,
        serving: serving?,
        metrics: metrics?,
        database_pool: database_pool?,
        hashing: hashing?,
        retention: retention?,
        keys: keys?,
        oidc: oidc?,
        theme: theme?,
        library: library?,
        bands: bands?,
        classes: classes?,
        badge: match badge {
            Some(badge) => Some(badge?),
            None => None,
        },
        librarians: librarians?,
    })
}

/// A SQLite file is a path of the file, and so relative to it.
fn database(root: &Section<'_>, text: &str) -> Result<String, String> {
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err("sqlite: needs a path, sqlite:data/oneaccess.db".into());
        }
        return Ok(format!("sqlite:{}", root.resolve(path).display()));
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(text.to_owned());
    }
    // The text may hold a password: it is not repeated.
    Err("must be sqlite:PATH or postgres://…".into())
}

/// `Some(None)`: in this process.
fn shelf(root: &Section<'_>, database: Option<&str>) -> Option<Option<Place>> {
    let place = root.maybe("shelf", |value| read::text(value)?.parse::<Place>());
    let password = root.maybe("shelf_password_file", |value| {
        read::secret_file(&root.resolve(&read::text(value)?)).map(SecretString::from)
    });
    let (place, password): (Option<Place>, _) = (place?, password?);
    let Some(mut place) = place else {
        if password.is_some() {
            root.wrong("shelf_password_file", "belongs to a shelf, and there is none");
            return None;
        }
        return Some(None);
    };
    if password.is_some() {
        if place.password.is_some() {
            root.wrong("shelf_password_file", "the shelf's address has a password already: one of the two is enough");
            return None;
        }
        place.password = password;
    }
    if database.is_some_and(|database| database.starts_with("sqlite:")) {
        root.warn("shelf", "SQLite serves one process, wherever the shelf is: several replicas need PostgreSQL");
    }
    if !place.tls && !place.is_loopback() {
        root.warn("shelf", "what waits there, and its password, travel in clear: rediss:// protects them");
    }
    Some(Some(place))
}

fn networks(root: &Section<'_>, name: &str) -> Option<Vec<Network>> {
    let all = root.list(name, read::word)?;
    Some(all.into_iter().map(|network| network.value).collect())
}

fn tls(section: &Section<'_>) -> Option<Tls> {
    let certificate = section.need("certificate", |value| present(section, &read::text(value)?));
    let key = section.need("key", |value| present(section, &read::text(value)?));
    Some(Tls { certificate: certificate?, key: key? })
}

fn sip2(section: &Section<'_>) -> Option<Sip2> {
    let address = |name: &str| {
        section.maybe(name, |value| {
            let text = read::text(value)?;
            text.parse::<SocketAddr>()
                .map_err(|_| format!("{text:?} is not an address and a port such as 127.0.0.1:6001"))
        })
    };
    let (listen, tls_listen) = (address("listen"), address("tls_listen"));
    let file = |name: &str| section.maybe(name, |value| present(section, &read::text(value)?));
    let (certificate, key) = (file("certificate"), file("key"));
    let connections = section.need("connections", read::number(1, 100_000));
    let idle = section.need("idle", read::duration("10s", "24h"));
    let listen: Option<SocketAddr> = listen?;
    if listen.is_some_and(|listen| !listen.ip().is_loopback()) {
        section.warn("listen", "PINs travel in clear on this address; tls_listen protects them");
    }
    let tls = match (certificate?, key?) {
        (Some(certificate), Some(key)) => Some(Tls { certificate, key }),
        (None, None) => None,
        _ => {
            section.wrong("key", "certificate and key belong together");
            return None;
        }
    };
    let connections = usize::try_from(connections?).ok()?;
    Some(Sip2 { listen, tls_listen: tls_listen?, tls, connections, idle: idle? })
}

fn ils(section: &Section<'_>) -> Option<Ils> {
    let address = section.need("sip2", |value| {
        let text = read::text(value)?;
        let wrong = || format!("{text:?} is not a host and a port such as ils.library.example:6001");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
        let good = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:_".contains(&b));
        if good { Ok((host.to_owned(), port)) } else { Err(wrong()) }
    });
    let tls = section.need("tls", read::flag);
    let login = section.maybe("login", read::text);
    let password = section.maybe("password_file", |value| {
        read::secret_file(&section.resolve(&read::text(value)?)).map(SecretString::from)
    });
    let institution = section.maybe("institution", read::text);
    let login = match (login?, password?) {
        (Some(user), Some(password)) => Some(Login { user, password }),
        (None, None) => None,
        _ => {
            section.wrong("login", "login and password_file belong together");
            return None;
        }
    };
    let (host, port) = address?;
    let here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if !tls? && !here {
        section.warn("tls", "PINs travel in clear to the ILS: for a private line or a tunnel only");
    }
    Some(Ils { host, port, tls: tls?, login, institution: institution?.unwrap_or_default() })
}

fn session(section: &Section<'_>, shared: Option<Life>) -> Option<SessionLimits> {
    let idle = section.need("idle", read::duration("1m", "24h"));
    let absolute = section.need("absolute", read::duration("5m", "30d"));
    let offline = section.need("offline", read::duration("1h", "400d"));
    let (idle, absolute) = (idle?, absolute?);
    if idle > absolute {
        section.wrong("idle", "must not be longer than absolute");
        return None;
    }
    Some(SessionLimits { idle, absolute, shared: shared?, offline: offline? })
}

/// On loopback a trial need not wait for minutes.
fn shared_life(section: &Section<'_>, trial: bool) -> Option<Life> {
    let least = |sane: &'static str| if trial { "1s" } else { sane };
    let idle = section.need("idle", read::duration(least("1m"), "30m"));
    let absolute = section.need("absolute", read::duration(least("5m"), "24h"));
    let life = Life { idle: idle?, absolute: absolute? };
    if life.idle > life.absolute {
        section.wrong("idle", "must not be longer than absolute");
        return None;
    }
    Some(life)
}

fn throttle(section: &Section<'_>) -> Option<Throttle> {
    let tries = |tries: &str, most: i64, window: &str| {
        let tries = section.need(tries, read::number(1, most));
        let window = section.need(window, read::duration("1m", "24h"));
        Some(Tries { tries: u64::try_from(tries?).ok()?, window: window? })
    };
    let card = tries("card_tries", 100, "card_window");
    let initial_pin = tries("initial_pin_tries", 100, "initial_pin_window");
    let pattern = tries("pattern_tries", 1000, "pattern_window");
    let server_pattern = tries("server_pattern_tries", 10_000, "pattern_window");
    let device_code = tries("device_code_tries", 1000, "device_code_window");
    Some(Throttle {
        card: card?,
        initial_pin: initial_pin?,
        pattern: pattern?,
        server_pattern: server_pattern?,
        device_code: device_code?,
    })
}

fn serving(section: &Section<'_>) -> Option<Serving> {
    let requests = section.need("requests", read::number(16, 100_000));
    let leave_after = section.need("leave_after", read::duration("0s", "5m"))?;
    Some(Serving { requests: usize::try_from(requests?).ok()?, leave_after })
}

fn pool(section: &Section<'_>) -> Option<PoolSettings> {
    let connections = section.need("connections", read::number(2, 500));
    let acquire = section.need("acquire_timeout", read::duration("1s", "60s"));
    let statement = section.need("statement_timeout", |value| match read::text(value)?.as_str() {
        "never" => Ok(None),
        _ => read::duration("1s", "1h")(value).map(Some),
    });
    let idle = section.need("idle_timeout", read::duration("10s", "24h"));
    let lifetime = section.need("max_lifetime", read::duration("1m", "24h"));
    Some(PoolSettings {
        connections: u32::try_from(connections?).ok()?,
        acquire: acquire?,
        statement: statement?,
        idle: idle?,
        lifetime: lifetime?,
    })
}

fn hashing(section: &Section<'_>) -> Option<Hashing> {
    let threads = section.need("threads", read::number(0, 256));
    let queue = section.need("queue", read::number(1, 100_000));
    let remembered = section.need("remembered", read::duration("0s", "15m"))?;
    Some(Hashing { threads: usize::try_from(threads?).ok()?, queue: usize::try_from(queue?).ok()?, remembered })
}

fn retention(section: &Section<'_>) -> Option<Retention> {
    let who_went_where = section.need("who_went_where", read::duration("0d", "30d"));
    let withdrawn = section.need("withdrawn", read::duration("30d", "3650d"));
    Some(Retention { who_went_where: who_went_where?, withdrawn: withdrawn? })
}

/// On loopback a trial need not wait for minutes.
fn keys(section: &Section<'_>, trial: bool) -> Option<Schedules> {
    let least = |sane: &'static str| if trial { "1s" } else { sane };
    let margin = section.need("margin", read::duration(least("30s"), "1h"));
    let schedule = |[rotate_every, cache_lifetime, pinned_for]: [&'static str; 3], longest, longest_cache| {
        let every = section.need(rotate_every, |value| match read::text(value)?.as_str() {
            "never" => Ok(None),
            _ => read::duration(least("1d"), longest)(value).map(Some),
        });
        let cache = section.need(cache_lifetime, read::duration(least("1m"), longest_cache));
        let pinned = section.need(pinned_for, read::duration(least("1d"), "365d"));
        let schedule = Schedule { rotate_every: every?, cache_lifetime: cache?, margin: margin?, pinned_for: pinned? };
        let ahead = schedule.cache_lifetime + schedule.margin;
        if schedule.rotate_every.is_some_and(|every| every <= ahead) {
            section.wrong(rotate_every, format!("must be longer than {cache_lifetime} and margin together"));
            return None;
        }
        if !trial && schedule.rotate_every.is_some_and(|every| every <= schedule.pinned_for) {
            section.wrong(pinned_for, format!("must be shorter than {rotate_every}"));
            return None;
        }
        Some(schedule)
    };
    let tokens = schedule(["rotate_every", "cache_lifetime", "pinned_for"], "1000d", "24h");
    let saml = schedule(["saml_rotate_every", "saml_cache_lifetime", "saml_pinned_for"], "3000d", "7d");
    Some(Schedules { tokens: tokens?, saml: saml? })
}

fn oidc(section: &Section<'_>) -> Option<Oidc> {
    let dynamic_registration = section.need("dynamic_registration", read::flag)?;
    Some(Oidc { dynamic_registration })
}

fn theme(section: &Section<'_>) -> Option<Theme> {
    let path = |name: &str| section.maybe(name, |value| present(section, &read::text(value)?));
    let (folder, logo) = (path("folder"), path("logo"));
    let primary = section.maybe("primary", read::colour);
    let accent = section.maybe("accent", read::colour);
    Some(Theme { folder: folder?, logo: logo?, primary: primary?, accent: accent? })
}

fn library(section: &Section<'_>) -> Option<Library> {
    let name = section.need("name", read::text);
    let time_zone = section.need("time_zone", |value| {
        let name = read::text(value)?;
        TimeZone::named(&name).ok_or_else(|| format!("{name:?} is no time zone: use a name such as America/New_York"))
    });
    let scope_domain = section.need("scope_domain", read::domain);
    Some(Library { name: name?, time_zone: time_zone?, scope_domain: scope_domain? })
}

fn bands(section: &Section<'_>) -> Option<BandRule> {
    let juvenile_to: Option<Grade> = section.need("juvenile_to", read::word);
    let young_adult_to: Option<Grade> = section.need("young_adult_to", read::word);
    let rule = BandRule { juvenile_to: juvenile_to?, young_adult_to: young_adult_to? };
    if rule.juvenile_to > rule.young_adult_to {
        section.wrong("young_adult_to", "must not be below juvenile_to");
        return None;
    }
    Some(rule)
}

/// A file or folder that must be there.
fn present(section: &Section<'_>, path: &str) -> Result<PathBuf, String> {
    let path = section.resolve(path);
    if path.exists() { Ok(path) } else { Err(format!("{} is not there", path.display())) }
}
