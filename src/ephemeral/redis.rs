//! The shelf in Redis, shared by several replicas. Every answer comes within `PATIENCE` or is `Away`; a command is never
//! sent twice, since the first may have been carried out. What opens something lives under the id of the server's run,
//! so that neither a snapshot read back at a restart nor a replica that takes over ever gives out what was taken.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo, ProtocolVersion, PushInfo,
    PushKind, RedisConnectionInfo, RedisError, TlsCertificates, TlsMode,
    aio::{MultiplexedConnection, SendError},
    cmd,
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};

use super::{Away, Namespace, Standing};
use crate::{
    domain::{clock::Timestamp, shelf::Place},
    telemetry::Metrics,
};

/// For connecting, and again for an answer: together less than the second within which a request is refused.
const PATIENCE: Duration = Duration::from_millis(450);
/// Nobody tries to connect so shortly after somebody failed to.
const BREATH: Duration = Duration::from_millis(100);
/// Commands on their way at once, before the next one waits.
const QUEUE: usize = 1024;

/// Counts, and lets the window begin with the first count, in one step: no count is ever left without an end.
const COUNT: &str = "\
    if ARGV[1] == '0' then \
        local n = redis.call('GET', KEYS[1]) \
        if not n then return {0, 0} end \
        return {tonumber(n), redis.call('PTTL', KEYS[1])} \
    end \
    local n = redis.call('INCRBY', KEYS[1], ARGV[1]) \
    local left = redis.call('PTTL', KEYS[1]) \
    if left < 0 then \
        redis.call('PEXPIRE', KEYS[1], ARGV[2]) \
        left = tonumber(ARGV[2]) \
    end \
    return {n, left}";
const GIVE_BACK: &str = "\
    local n = tonumber(redis.call('GET', KEYS[1])) \
    if n then redis.call('DECRBY', KEYS[1], math.min(n, tonumber(ARGV[1]))) end \
    return 0";

/// For how many milliseconds the key has been there that only a flush takes away.
const SINCE: &str = "\
    local t = redis.call('TIME') \
    local now = t[1] * 1000 + math.floor(t[2] / 1000) \
    local since = redis.call('GET', KEYS[1]) \
    if not since then \
        redis.call('SET', KEYS[1], now, 'PX', ARGV[1]) \
        since = now \
    end \
    return math.max(0, now - since)";
/// No count lasts as long. When it is over by itself, counts are doubted for once.
const EPOCH: Duration = Duration::from_secs(400 * 24 * 3600);

pub struct Redis {
    /// As it may be told.
    place: String,
    opening: tokio::sync::Mutex<Opening>,
    line: Arc<Mutex<Option<Line>>>,
    lines: AtomicU64,
    away: AtomicBool,
    metrics: Arc<Metrics>,
}

/// How a line is had. Held by whoever has one made, so that one is made at a time.
struct Opening {
    way: Way,
    failed: Option<(Instant, String)>,
}

enum Way {
    Server(Box<Client>),
    Sentinels(Box<SentinelClient>),
}

/// A connection that all requests share.
#[derive(Clone)]
struct Line {
    number: u64,
    connection: MultiplexedConnection,
    /// Of the server's run, as it stands in keys.
    run: Arc<str>,
}

impl Redis {
    /// # Errors
    /// Where the authorities cannot be read.
    pub fn at(place: &Place, authorities: Option<Vec<u8>>) -> Result<Redis, Away> {
        if place.tls {
            rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        }
        let way = way(place, authorities.filter(|_| place.tls)).map_err(told)?;
        Ok(Redis {
            place: place.to_string(),
            opening: tokio::sync::Mutex::new(Opening { way, failed: None }),
            line: Arc::default(),
            lines: AtomicU64::new(0),
            away: AtomicBool::new(false),
            metrics: Arc::default(),
        })
    }

    pub fn measured(&mut self, metrics: Arc<Metrics>) {
        self.metrics = metrics;
    }

    pub async fn standing(&self) -> Result<Standing, Away> {
        let (seconds, micros): (i64, i64) = self.ask(|_| cmd("TIME")).await?;
        let info: String = self.ask(|_| cmd("INFO")).await?;
        // Who may not read the configuration is not told of snapshots, and does not call their absence out.
        let save: Result<(String, String), Away> = self.ask(|_| cmd("CONFIG").arg("GET").arg("save").take()).await;
        let server = Server::read(&info).map_err(Away)?;
        let keeps = server.appends || save.map_or(true, |(_, save)| !save.is_empty());
        Ok(Standing { now: Timestamp(seconds * 1000 + micros / 1000), evicts: server.evicts, keeps })
    }

    pub async fn ping(&self) -> Result<(), Away> {
        self.ask::<String>(|_| cmd("PING")).await.map(drop)
    }

    pub async fn remembers_since(&self) -> Result<Duration, Away> {
        let since = |_: &str| cmd("EVAL").arg(SINCE).arg(1).arg("oneaccess:epoch").arg(millis(EPOCH)).take();
        Ok(Duration::from_millis(self.ask(since).await?))
    }

    pub async fn put(&self, space: Namespace, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Away> {
        let Some(ttl) = millis(ttl) else { return self.forget(space, key).await };
        self.ask(|run| cmd("SET").arg(name(run, space, key)).arg(value).arg("PX").arg(ttl).take()).await
    }

    pub async fn put_new(&self, space: Namespace, key: &str, value: Vec<u8>, ttl: Duration) -> Result<bool, Away> {
        let Some(ttl) = millis(ttl) else { return Ok(self.get(space, key).await?.is_none()) };
        let set = |run: &str| cmd("SET").arg(name(run, space, key)).arg(value).arg("NX").arg("PX").arg(ttl).take();
        Ok(self.ask::<Option<String>>(set).await?.is_some())
    }

    pub async fn get(&self, space: Namespace, key: &str) -> Result<Option<Vec<u8>>, Away> {
        self.ask(|run| cmd("GET").arg(name(run, space, key)).take()).await
    }

    pub async fn take(&self, space: Namespace, key: &str) -> Result<Option<Vec<u8>>, Away> {
        self.ask(|run| cmd("GETDEL").arg(name(run, space, key)).take()).await
    }

    pub async fn count(&self, space: Namespace, key: &str, by: u64, window: Duration) -> Result<(u64, Duration), Away> {
        let window = millis(window).unwrap_or(1);
        let count = |run: &str| cmd("EVAL").arg(COUNT).arg(1).arg(name(run, space, key)).arg(by).arg(window).take();
        let (count, left): (u64, u64) = self.ask(count).await?;
        Ok((count, Duration::from_millis(left)))
    }

    pub async fn give_back(&self, space: Namespace, key: &str, by: u64) -> Result<(), Away> {
        let give = |run: &str| cmd("EVAL").arg(GIVE_BACK).arg(1).arg(name(run, space, key)).arg(by).take();
        self.ask::<i64>(give).await.map(drop)
    }

    pub async fn forget(&self, space: Namespace, key: &str) -> Result<(), Away> {
        self.ask::<i64>(|run| cmd("DEL").arg(name(run, space, key)).take()).await.map(drop)
    }

    /// Asks once. Whatever goes wrong, the line is given up: the next who asks has a new one made.
    async fn ask<T: FromRedisValue>(&self, command: impl FnOnce(&str) -> Cmd) -> Result<T, Away> {
        let began = Instant::now();
        let answer = self.ask_once(command).await;
        self.metrics.shelf_round_trip.observe(&[], began.elapsed());
        if answer.is_err() {
            self.metrics.shelf_failures.count(&[]);
        }
        answer
    }

    async fn ask_once<T: FromRedisValue>(&self, command: impl FnOnce(&str) -> Cmd) -> Result<T, Away> {
        let mut line = self.line().await?;
        let command = command(&line.run);
        let answer = tokio::time::timeout(PATIENCE, command.query_async(&mut line.connection)).await;
        let error = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => told(error),
            Err(_) => Away("no answer in time".into()),
        };
        give_up(&self.line, line.number);
        self.is_away(&error);
        Err(error)
    }

    async fn line(&self) -> Result<Line, Away> {
        if let Some(line) = current(&self.line) {
            return Ok(line);
        }
        let came = Instant::now();
        let mut opening = self.opening.lock().await;
        if let Some(line) = current(&self.line) {
            return Ok(line);
        }
        // Whoever waited while another tried in vain is told so, and does not try in vain as well.
        if let Some((at, why)) = &opening.failed
            && (*at >= came || at.elapsed() < BREATH)
        {
            return Err(Away(why.clone()));
        }
        let opened = match tokio::time::timeout(PATIENCE, self.open(&mut opening.way)).await {
            Ok(opened) => opened,
            Err(_) => Err(Away("no connection in time".into())),
        };
        match opened {
            Ok(line) => {
                *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Some(line.clone());
                opening.failed = None;
                if self.away.swap(false, Ordering::SeqCst) {
                    tracing::info!(shelf = self.place, "the shelf answers again");
                }
                Ok(line)
            }
            Err(error) => {
                self.is_away(&error);
                opening.failed = Some((Instant::now(), error.0.clone()));
                Err(error)
            }
        }
    }

    async fn open(&self, way: &mut Way) -> Result<Line, Away> {
        let number = self.lines.fetch_add(1, Ordering::SeqCst);
        let line = self.line.clone();
        // Who asks next should not be the one to find out.
        let ended = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                give_up(&line, number);
            }
            Ok::<(), SendError>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_pipeline_buffer_size(QUEUE)
            .set_push_sender(ended);
        let client = match way {
            Way::Server(client) => (**client).clone(),
            Way::Sentinels(sentinels) => sentinels.async_get_client().await.map_err(told)?,
        };
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.map_err(told)?;
        let info: String = cmd("INFO").query_async(&mut connection).await.map_err(told)?;
        let server = Server::read(&info).map_err(Away)?;
        if let Some(policy) = server.evicts {
            tracing::warn!(
                shelf = self.place,
                policy,
                "this Redis forgets throttles and replay guards when its memory is full: maxmemory-policy should be noeviction"
            );
        }
        Ok(Line { number, connection, run: server.run.into() })
    }

    fn is_away(&self, error: &Away) {
        if !self.away.swap(true, Ordering::SeqCst) {
            tracing::warn!(shelf = self.place, "{error}");
        }
    }
}

fn current(line: &Mutex<Option<Line>>) -> Option<Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// This line is asked no more; a newer one is left alone.
fn give_up(line: &Mutex<Option<Line>>, number: u64) {
    let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
    if line.as_ref().is_some_and(|line| line.number == number) {
        *line = None;
    }
}

fn name(run: &str, space: Namespace, key: &str) -> String {
    let space_name = space.as_str();
    if space.opens() { format!("oneaccess:{space_name}:{run}:{key}") } else { format!("oneaccess:{space_name}:{key}") }
}

/// `None` for less than Redis can count, which is over at once.
fn millis(ttl: Duration) -> Option<u64> {
    u64::try_from(ttl.as_millis()).ok().filter(|millis| *millis > 0)
}

fn told(error: RedisError) -> Away {
    Away(error.to_string())
}

fn way(place: &Place, authorities: Option<Vec<u8>>) -> Result<Way, RedisError> {
    let address = |(host, port): &(String, u16)| match place.tls {
        false => ConnectionAddr::Tcp(host.clone(), *port),
        true => ConnectionAddr::TcpTls { host: host.clone(), port: *port, insecure: false, tls_params: None },
    };
    let certificates = authorities.map(|root| TlsCertificates { client_tls: None, root_cert: Some(root) });
    let mut addresses = place.hosts.iter().map(address);
    let Some(primary) = &place.primary else {
        let mut login =
            RedisConnectionInfo::default().set_db(i64::from(place.database)).set_protocol(ProtocolVersion::RESP3);
        if let Some(user) = &place.user {
            login = login.set_username(user);
        }
        if let Some(password) = place.exposed_password() {
            login = login.set_password(password);
        }
        let address = addresses.next().unwrap_or(ConnectionAddr::Tcp(String::new(), 0));
        let server = address.into_connection_info()?.set_redis_settings(login);
        return Ok(Way::Server(Box::new(match certificates {
            Some(certificates) => Client::build_with_tls(server, certificates)?,
            None => Client::open(server)?,
        })));
    };
    let mut sentinels = SentinelClientBuilder::new(addresses, primary, SentinelServerType::Master)?
        .set_client_to_redis_db(i64::from(place.database))
        .set_client_to_redis_protocol(ProtocolVersion::RESP3);
    if let Some(user) = &place.user {
        sentinels = sentinels.set_client_to_redis_username(user);
    }
    if let Some(password) = place.exposed_password() {
        sentinels = sentinels.set_client_to_redis_password(password);
    }
    if place.tls {
        sentinels = sentinels.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    if let Some(certificates) = certificates {
        sentinels = sentinels
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_certificates(certificates);
    }
    Ok(Way::Sentinels(Box::new(sentinels.build()?)))
}

/// What a server says of itself.
#[derive(Debug, PartialEq, Eq)]
struct Server {
    run: String,
    /// The policy by which it throws values away when its memory is full, where it does.
    evicts: Option<String>,
    /// Whether each write is kept in a file.
    appends: bool,
}

impl Server {
    /// # Errors
    /// Why it cannot be the shelf.
    fn read(info: &str) -> Result<Server, String> {
        let of = |name: &str| {
            info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':')).unwrap_or_default()
        };
        if of("loading") == "1" {
            return Err("it is still reading its data".into());
        }
        if of("role") != "master" {
            return Err("it is a replica, or does not say that it is the primary".into());
        }
        let version = of("redis_version");
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
        if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (6, 2) {
            return Err(format!("it is version {version:?}; 6.2 or later is needed"));
        }
        // Long enough for all the runs that one server will ever have.
        let run = of("run_id").get(..16).ok_or("it does not say which run it is")?;
        let policy = of("maxmemory_policy");
        let evicts = !matches!(policy, "" | "noeviction") && of("maxmemory") != "0";
        let (evicts, appends) = (evicts.then(|| policy.to_owned()), of("aof_enabled") == "1");
        Ok(Server { run: run.to_owned(), evicts, appends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "# Server\r\nredis_version:7.0.15\r\nrun_id:b3c1e8e0a1d24f7890aa55e1c0ffee0012345678\r\n\
                        # Memory\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n# Persistence\r\nloading:0\r\n\
                        # Replication\r\nrole:master\r\n";

    #[test]
    fn a_server_is_read_from_what_it_says() {
        let server = Server::read(INFO).unwrap();
        assert_eq!(server, Server { run: "b3c1e8e0a1d24f78".into(), evicts: None, appends: false });
        let full = INFO.replace("maxmemory:0", "maxmemory:1000").replace("noeviction", "allkeys-lru");
        assert_eq!(Server::read(&full).unwrap().evicts.as_deref(), Some("allkeys-lru"));
    }

    #[test]
    fn what_cannot_be_the_shelf_is_refused() {
        for (was, is) in [
            ("role:master", "role:slave"),
            ("7.0.15", "6.0.16"),
            ("loading:0", "loading:1"),
            ("run_id:b3c1e8e0a1d24f7890aa55e1c0ffee0012345678", "run_id:"),
        ] {
            Server::read(&INFO.replace(was, is)).unwrap_err();
        }
    }

    #[test]
    fn what_opens_something_is_bound_to_the_run_and_what_guards_is_not() {
        assert_eq!(name("r1", Namespace::Code, "k"), "oneaccess:code:r1:k");
        assert_eq!(name("r1", Namespace::Throttle, "card k"), "oneaccess:throttle:card k");
    }
}
