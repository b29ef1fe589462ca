//! Connections: to the first server that answers, over TLS, signed in as the account that searches; kept while they are
//! good. What a server sends is read in a task of its own, so that nonsense ends that task and nothing else.

use std::{
    future::Future,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Scope, SearchEntry, SearchOptions,
    controls::{Control, ControlType, PagedResults, RawControl},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::JoinHandle,
};

use super::{
    super::source::PullError as Trouble,
    account::{Bound, PASSWORD_POLICY, policy_error, verdict},
    entry::Entry,
    settings::Settings,
};
use crate::directory::verify::{State, Verdict};

/// A server that did not answer in time is not asked again for so long: whoever signs in should not wait for it.
const HELD_OFF: Duration = Duration::from_secs(10);
/// Firewalls forget connections that are quiet for longer.
const KEPT: Duration = Duration::from_secs(240);

/// The servers of one directory.
pub(super) struct Servers {
    urls: Vec<Server>,
    connecting: LdapConnSettings,
    bind: Option<(String, std::path::PathBuf)>,
    timeout: Duration,
}

struct Server {
    url: String,
    held_off: Mutex<Option<Instant>>,
}

impl Server {
    fn is_held_off(&self) -> bool {
        let until = *self.held_off.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| until > Instant::now())
    }

    fn hold_off(&self, long: bool) {
        let until = long.then(|| Instant::now() + HELD_OFF);
        *self.held_off.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

impl Servers {
    pub(super) fn new(settings: &Settings, tls: Arc<rustls::ClientConfig>) -> Servers {
        let connecting =
            LdapConnSettings::new().set_conn_timeout(settings.timeout).set_starttls(settings.start_tls).set_config(tls);
        let server = |url: &String| Server { url: url.clone(), held_off: Mutex::default() };
        Servers {
            urls: settings.urls.iter().map(server).collect(),
            connecting,
            bind: settings.bind.clone(),
            timeout: settings.timeout,
        }
    }

    /// A connection to the first server that answers; `signed_in` as the account that searches.
    pub(super) async fn connect(&self, signed_in: bool) -> Result<Line, Trouble> {
        let mut failed = Vec::new();
        for server in &self.urls {
            if server.is_held_off() {
                failed.push(format!("{} did not answer a moment ago", server.url));
                continue;
            }
            let settings = self.connecting.clone();
            // ldaps:// is TLS from the first byte.
            let settings = if server.url.starts_with("ldaps:") { settings.set_starttls(false) } else { settings };
            let url = server.url.clone();
            let begun = tokio::time::timeout(
                self.timeout,
                guarded(async move { LdapConnAsync::with_settings(settings, &url).await }),
            );
            match begun.await {
                Ok(Ok((driver, ldap))) => {
                    server.hold_off(false);
                    let driving = tokio::spawn(async move {
                        // Its end is seen by whoever waits for an answer.
                        drop(driver.drive().await);
                    });
                    let mut line = Line {
                        ldap,
                        url: server.url.clone(),
                        timeout: self.timeout,
                        quiet_since: Instant::now(),
                        _driver: Driver(driving),
                    };
                    if signed_in && let Some((dn, file)) = &self.bind {
                        line.sign_in(dn, file).await?;
                    }
                    return Ok(line);
                }
                Ok(Err(why)) => failed.push(format!("{}: {why}", server.url)),
                Err(_) => {
                    server.hold_off(true);
                    failed.push(format!("{} did not answer within {} s", server.url, self.timeout.as_secs()));
                }
            }
        }
        Err(Trouble::Away(failed.join("; ")))
    }
}

/// One connection.
pub(super) struct Line {
    ldap: Ldap,
    pub(super) url: String,
    timeout: Duration,
    quiet_since: Instant,
    _driver: Driver,
}

/// Ends the task that reads, and with it the connection.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is looked for.
#[derive(Debug, Clone)]
pub(super) struct Search {
    pub(super) base: String,
    pub(super) scope: Scope,
    pub(super) filter: String,
    pub(super) attributes: Vec<String>,
    /// Entries; 0: as many as the server gives.
    pub(super) most: i32,
}

/// A page of a long answer.
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    /// Where the next one begins; `None` after the last.
    pub(super) next: Option<Vec<u8>>,
}

impl Line {
    async fn sign_in(&mut self, dn: &str, file: &Path) -> Result<(), Trouble> {
        let unreadable = |why: String| Trouble::Wrong(format!("bind_password_file {}: {why}", file.display()));
        let password = tokio::fs::read_to_string(file).await.map_err(|error| unreadable(error.to_string()))?;
        let password = password.trim();
        if password.is_empty() {
            return Err(unreadable("is empty".into()));
        }
        let bound = self.bind(dn, password).await.map_err(|why| Trouble::Away(format!("{}: {why}", self.url)))?;
        match bound.rc {
            0 => Ok(()),
            51 | 52 => Err(Trouble::Away(format!("{} is busy or not ready", self.url))),
            code => Err(Trouble::Wrong(format!("{} does not let bind_dn in (result {code})", self.url))),
        }
    }

    /// A simple bind. Never with an empty password: that would sign in as nobody, and the server would say yes (RFC 4513
    /// section 5.1.2).
    async fn bind(&mut self, dn: &str, password: &str) -> Result<LdapResult, String> {
        if dn.trim().is_empty() || password.trim().is_empty() {
            return Err("nobody signs in without name and password".into());
        }
        let (mut ldap, timeout) = (self.ldap.clone(), self.timeout);
        let (dn, password) = (dn.to_owned(), secrecy::SecretString::from(password));
        let policy = RawControl { ctype: PASSWORD_POLICY.to_owned(), crit: false, val: None };
        guarded(async move {
            use secrecy::ExposeSecret;
            ldap.with_timeout(timeout).with_controls(vec![policy]).simple_bind(&dn, password.expose_secret()).await
        })
        .await
    }

    /// What is found, and the result. Referrals are passed over.
    pub(super) async fn search(&mut self, search: &Search) -> Result<(Vec<Entry>, LdapResult), String> {
        self.search_with(search, Vec::new()).await
    }

    async fn search_with(
        &mut self,
        search: &Search,
        controls: Vec<RawControl>,
    ) -> Result<(Vec<Entry>, LdapResult), String> {
        let (mut ldap, timeout, search) = (self.ldap.clone(), self.timeout, search.clone());
        guarded(async move {
            let seconds = i32::try_from(timeout.as_secs()).unwrap_or(i32::MAX);
            let options = SearchOptions::new().sizelimit(search.most);
            let options = if search.most > 0 { options.timelimit(seconds) } else { options };
            let ldap = ldap.with_timeout(timeout).with_search_options(options);
            let ldap = if controls.is_empty() { ldap } else { ldap.with_controls(controls) };
            let found = ldap.search(&search.base, search.scope, &search.filter, search.attributes).await?;
            let entries = found.0.into_iter().map(|entry| Entry::from(SearchEntry::construct(entry))).collect();
            Ok((entries, found.1))
        })
        .await
    }

    /// The next page (RFC 2696) of everything that is found.
    pub(super) async fn page(&mut self, search: &Search, size: i32, cookie: Vec<u8>) -> Result<Page, Trouble> {
        let away = |line: &Line, why: String| Trouble::Away(format!("{}: {why}", line.url));
        let control: RawControl = PagedResults { size, cookie }.into();
        let found = self.search_with(search, vec![control]).await;
        let (entries, result) = found.map_err(|why| away(self, why))?;
        match result.rc {
            0 => {}
            10 => {
                return Err(Trouble::Wrong(format!(
                    "{} refers to another server, which is not followed: name that one in urls",
                    self.url
                )));
            }
            3 | 51 | 52 => return Err(away(self, format!("result {}", result.rc))),
            4 | 11 => {
                let what = "stopped before the end (size limit): allow bind_dn to read in pages, or lower page_size";
                return Err(Trouble::Wrong(format!("{} {what}", self.url)));
            }
            32 => return Err(Trouble::Wrong(format!("{} has no {}", self.url, search.base))),
            code => return Err(Trouble::Wrong(format!("{}: result {code}: {}", self.url, result.text))),
        }
        let next = match paged(&result) {
            Some(value) => guarded(async move { Ok(value.parse::<PagedResults>().cookie) }).await,
            None => Ok(Vec::new()),
        };
        let next = Some(next.map_err(|why| away(self, why))?).filter(|cookie| !cookie.is_empty());
        Ok(Page { entries, next })
    }

    fn is_good(&mut self) -> bool {
        !self.ldap.is_closed() && self.quiet_since.elapsed() < KEPT
    }
}

fn paged(result: &LdapResult) -> Option<RawControl> {
    let mut all = result.ctrls.iter();
    all.find_map(|Control(kind, raw)| matches!(kind, Some(ControlType::PagedResults)).then(|| raw.clone()))
}

/// What came of it, in words; also where the server's answer could not be read at all.
async fn guarded<T: Send + 'static>(
    work: impl Future<Output = ldap3::result::Result<T>> + Send + 'static,
) -> Result<T, String> {
    match tokio::spawn(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(LdapError::Io { source })) => Err(source.to_string()),
        Ok(Err(LdapError::Timeout { .. })) => Err("there was no answer in time".into()),
        Ok(Err(LdapError::ResultRecv { .. } | LdapError::OpSend { .. } | LdapError::EndOfStream)) => {
            Err("the connection broke off".into())
        }
        Ok(Err(other)) => Err(other.to_string()),
        Err(_) => Err("the answer cannot be read".into()),
    }
}

/// Connections of one use: for searching, or for trying passwords, after which a connection is somebody else's.
pub(super) struct Pool {
    servers: Arc<Servers>,
    signed_in: bool,
    places: Semaphore,
    idle: Mutex<Vec<Line>>,
    timeout: Duration,
}

impl Pool {
    pub(super) fn new(servers: Arc<Servers>, signed_in: bool, settings: &Settings) -> Pool {
        let (places, idle) = (Semaphore::new(settings.pool), Mutex::default());
        Pool { servers, signed_in, places, idle, timeout: settings.timeout }
    }

    pub(super) async fn search(&self, search: &Search) -> Result<(Vec<Entry>, LdapResult), Trouble> {
        let _place = self.place().await?;
        loop {
            let (mut line, used) = self.line().await?;
            match line.search(search).await {
                Ok(found) => {
                    self.give_back(line);
                    return Ok(found);
                }
                Err(why) => self.lost(&line, used, why)?,
            }
        }
    }

    /// Whether this password opens the account of this name.
    pub(super) async fn try_password(&self, dn: &str, password: &str, state: State) -> Verdict {
        match self.bind(dn, password).await {
            Ok(result) => {
                let policy = result.ctrls.iter().find(|Control(_, raw)| raw.ctype == PASSWORD_POLICY);
                let policy = policy.and_then(|Control(_, raw)| policy_error(raw.val.as_deref()?));
                verdict(Bound { code: result.rc, text: &result.text, policy }, state)
            }
            Err(why) => Verdict::Away(why.to_string()),
        }
    }

    async fn bind(&self, dn: &str, password: &str) -> Result<LdapResult, Trouble> {
        let _place = self.place().await?;
        loop {
            let (mut line, used) = self.line().await?;
            match line.bind(dn, password).await {
                Ok(result) => {
                    self.give_back(line);
                    return Ok(result);
                }
                Err(why) => self.lost(&line, used, why)?,
            }
        }
    }

    async fn place(&self) -> Result<SemaphorePermit<'_>, Trouble> {
        let place = tokio::time::timeout(self.timeout, self.places.acquire()).await;
        match place {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Trouble::Away("all connections to the directory are busy".into())),
        }
    }

    /// A connection, and whether it had been used before.
    async fn line(&self) -> Result<(Line, bool), Trouble> {
        let kept = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain_mut(Line::is_good);
            idle.pop()
        };
        match kept {
            Some(line) => Ok((line, true)),
            None => Ok((self.servers.connect(self.signed_in).await?, false)),
        }
    }

    /// One that had been kept may have ended meanwhile, and the others with it: then a fresh one is tried.
    fn lost(&self, line: &Line, used: bool, why: String) -> Result<(), Trouble> {
        if !used {
            return Err(Trouble::Away(format!("{}: {why}", line.url)));
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    fn give_back(&self, mut line: Line) {
        line.quiet_since = Instant::now();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}
