//! The parts that a server speaks with: the database, the shelf, and itself at the issuer's address. Each answers, quickly,
//! and by about the same clock.

use std::{
    net::ToSocketAddrs,
    time::{Duration, Instant},
};

use super::Finding;
use crate::{
    config::Config,
    domain::{
        check::Outcome,
        clock::{Clock, Timestamp},
    },
    ephemeral::Standing,
    outbound::Outbound,
    protocols::reach::{Caller, reach},
    store::Db,
};

const DATABASE: &str = "database";
const SCHEMA: &str = "schema";
const SHELF: &str = "shelf";
const CLOCK: &str = "clock";
const ISSUER: &str = "issuer";

/// Each click waits for one answer of the database and some of the shelf.
const SLOW: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(5);
/// What tokens and leases bear.
const SKEW: Duration = Duration::from_secs(2);
const TOO_MUCH: Duration = Duration::from_secs(30);

/// Whether this release can read it, besides.
pub async fn database(db: &Db, clock: &Clock) -> (Vec<Finding>, bool) {
    let began = Instant::now();
    if let Err(error) = db.ping().await {
        return (
            vec![Finding::failed(DATABASE, error.to_string(), "is its server running, and its disk writable?")],
            false,
        );
    }
    let took = began.elapsed();
    let engine = if db.is_sqlite() { "SQLite" } else { "PostgreSQL" };
    let found = format!("{engine} answers in {:.1} ms", took.as_secs_f64() * 1000.0);
    let mut all = vec![if took > SLOW {
        Finding::warning(DATABASE, found, "each click waits for it: is it near, and not overloaded?")
    } else {
        Finding::ok(DATABASE, found)
    }];
    if let Ok(Some(theirs)) = db.clock().await {
        all.push(skew(clock.now(), theirs).of("database"));
    }
    let readable = match db.schema().await {
        Err(error) => {
            all.push(Finding::failed(SCHEMA, error.to_string(), "is this database oneaccess's, and may we read it?"));
            false
        }
        Ok(schema) => {
            let misfit = schema.misfit();
            let fits = misfit.is_none() && schema.at > 0;
            all.push(match misfit {
                Some(why) => Finding::failed(SCHEMA, why, "run the release that this database was brought forward by"),
                None if !schema.waiting.is_empty() => {
                    let found = format!("{} steps wait: {}", schema.waiting.len(), schema.waiting.join(", "));
                    Finding::warning(SCHEMA, found, "`oneaccess migrate`, or the next start of this release")
                }
                None => Finding::ok(SCHEMA, format!("it is that of this release (step {})", schema.at)),
            });
            // Older steps may lack a table that is about to be read.
            fits && schema.waiting.is_empty()
        }
    };
    (all, readable)
}

fn skew(ours: Timestamp, theirs: Timestamp) -> Finding {
    let apart = ours.since(theirs).max(theirs.since(ours));
    let found = format!("{:.1} s apart from ours", apart.as_secs_f64());
    let todo = "let both machines keep time by NTP: tokens, leases and timetables stand on it";
    match apart {
        _ if apart > TOO_MUCH => Finding::failed(CLOCK, found, todo),
        _ if apart > SKEW => Finding::warning(CLOCK, found, todo),
        _ => Finding::ok(CLOCK, found),
    }
}

pub async fn shelf(config: &Config, clock: &Clock) -> Vec<Finding> {
    let Some(place) = &config.shelf else {
        return vec![Finding::ok(SHELF, "in the server's own memory: one replica, and nobody else needed")];
    };
    let away = |why: String| {
        let todo = "is Redis running there, and the password right? Without it readers get 503";
        vec![Finding::failed(SHELF, why, todo)]
    };
    let shelf = match super::super::shelf(config) {
        Ok(shelf) => shelf,
        Err(error) => return away(format!("{error:#}")),
    };
    let began = Instant::now();
    let standing = match shelf.standing().await {
        Ok(Some(standing)) => standing,
        Ok(None) => return Vec::new(),
        Err(error) => return away(error.to_string()),
    };
    let (connected, began) = (began.elapsed(), Instant::now());
    if let Err(error) = shelf.ping().await {
        return away(error.to_string());
    }
    let took = began.elapsed();
    let found = format!("{place} answers in {:.1} ms (connected in {:.1} ms)", millis(took), millis(connected));
    let mut all = vec![if took > SLOW {
        Finding::warning(SHELF, found, "each click asks it several times: is it near, and not overloaded?")
    } else {
        Finding::ok(SHELF, found)
    }];
    all.extend(habits(&standing));
    all.push(skew(clock.now(), standing.now).of("shelf"));
    all
}

fn habits(standing: &Standing) -> Vec<Finding> {
    let mut all = Vec::new();
    if let Some(policy) = &standing.evicts {
        let found =
            format!("when its memory is full it forgets what it likes ({policy}): throttles and replay guards too");
        all.push(Finding::warning("shelf-eviction", found, "maxmemory-policy noeviction"));
    } else {
        all.push(Finding::ok("shelf-eviction", "it forgets nothing before its time"));
    }
    if standing.keeps {
        all.push(Finding::ok("shelf-persistence", "counts of guesses outlive its restart"));
    } else {
        let found =
            "it keeps nothing over its restart: counts of guesses begin anew, and throttles are strict for a while";
        all.push(Finding::warning("shelf-persistence", found, "appendonly yes, or snapshots (save)"));
    }
    all
}

/// Where readers come in, asked from here.
pub async fn issuer(config: &Config) -> Finding {
    let url = format!("{}/health/ready", config.issuer);
    let todo = "is the server running, and does the name lead to it?";
    if config.is_plain_http() {
        // On loopback, where calling others is forbidden unless the operator allows it.
        let address = url::Url::parse(&config.issuer).ok().and_then(|url| {
            let host = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
            host.to_socket_addrs().ok()?.next()
        });
        let answers = match address {
            Some(address) => {
                let connecting = tokio::net::TcpStream::connect(address);
                matches!(tokio::time::timeout(PATIENCE, connecting).await, Ok(Ok(_)))
            }
            None => false,
        };
        return if answers {
            Finding::ok(ISSUER, format!("{} answers", config.issuer))
        } else {
            Finding::warning(ISSUER, format!("nobody answers at {}", config.issuer), todo)
        };
    }
    match Outbound::new(&config.private_destinations, config.trusted_certificates.as_deref()) {
        Err(error) => Finding::failed(ISSUER, error.to_string(), "mend trusted_certificates"),
        Ok(outbound) => {
            let check = reach(&outbound, ISSUER, &url, Caller::TheBrowser).await;
            match check.outcome {
                Outcome::Ok => Finding::ok(ISSUER, check.detail),
                Outcome::Skipped => Finding::ok(ISSUER, format!("not asked: {}", check.detail)),
                Outcome::Mend => Finding::failed(ISSUER, check.detail, todo),
            }
        }
    }
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
