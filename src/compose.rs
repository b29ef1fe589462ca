//! Builds everything from a configuration; the ONLY file that names every protocol and every source.

pub mod doctor;
pub mod ils;
pub mod metadata;
pub mod sheets;
pub mod trial;

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use axum::Router;
use hyper_util::rt::TokioTimer;
use serde_json::Value;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    admin::operations::Desk,
    app::{App, Directories, EXCHANGES, Leaving, Programme},
    config::{self, Config, Judge, Kinds, Loaded, Problems},
    directory::{
        csv::PlainCsv,
        ldap::LdapKind,
        oidc::OidcUpstream,
        oneroster::{kind::OneRosterCsv, rest::OneRosterRest},
        source::{self, Means, Sources},
    },
    domain::{
        catalogue::{Catalogue, SourceSettings},
        check::{Check, Whose},
        clock::{Clock, Timestamp},
        field::Field,
        key,
        vendor::{RelyingParty, Vendor},
    },
    ephemeral::{Recent, Shelf},
    jobs,
    keyring::KeyRing,
    outbound::Outbound,
    pages::{Pages, Theme, ThemeSettings},
    protocols::{
        Listener, Protocol, Rehearsed, Stage, Standing, Stop,
        ezproxy::EzProxy,
        link::Link,
        oidc::Oidc,
        opds,
        patronapi::PatronApi,
        reach::{Caller, reach},
        saml::Saml,
        selftest,
        sip2::Sip2,
        tls::renewing,
    },
    signon::{SignOn, Told},
    store::{Db, journal::Journal},
    telemetry::Metrics,
    web,
};

/// How vendors may speak to us.
fn protocols() -> Vec<Box<dyn Protocol>> {
    vec![Box::new(Oidc), Box::new(Saml), Box::new(Sip2), Box::new(PatronApi), Box::new(EzProxy), Box::new(Link)]
}

/// How directories may be spoken with.
pub fn sources() -> Vec<Box<dyn source::Kind>> {
    vec![
        Box::new(OneRosterCsv),
        Box::new(OneRosterRest),
        Box::new(PlainCsv),
        Box::new(LdapKind),
        Box::new(OidcUpstream),
    ]
}

/// What an operator fills in for each protocol and each kind of source, for reading configuration files.
pub struct Settings {
    protocols: Vec<(&'static str, &'static [Field])>,
    sources: Vec<(&'static str, &'static [Field])>,
}

impl Settings {
    pub fn all() -> Settings {
        Settings {
            protocols: protocols().iter().map(|protocol| (protocol.name(), protocol.settings())).collect(),
            sources: sources().iter().map(|kind| (kind.name(), kind.settings())).collect(),
        }
    }

    pub fn kinds(&self) -> Kinds<'_> {
        Kinds { protocols: &self.protocols, sources: &self.sources }
    }

    pub fn of_protocol(&self, name: &str) -> Option<&'static [Field]> {
        self.protocols.iter().find(|(of, _)| *of == name).map(|(_, fields)| *fields)
    }
}

/// What a relying party is spared, by the codes of its protocol.
pub fn weaknesses(vendor: &Vendor, party: &RelyingParty, now: Timestamp) -> Vec<&'static str> {
    let speaking = protocols();
    let protocol = speaking.iter().find(|protocol| protocol.name() == party.protocol);
    protocol.map(|protocol| protocol.weaknesses(vendor, party, now)).unwrap_or_default()
}

/// Whether a vendor's addresses answer and its relying parties can work, as far as we can see.
///
/// # Errors
/// Where calling others cannot be prepared.
pub async fn examine(config: &Config, vendor: &Vendor) -> Result<Vec<Check>> {
    let outbound = Outbound::new(&config.private_destinations, config.trusted_certificates.as_deref())?;
    let mut checks = vec![match &vendor.launch_url {
        Some(url) => reach(&outbound, "launch-url", url, Caller::TheBrowser).await,
        None => Check::skipped("launch-url", "not declared"),
    }];
    let speaking = protocols();
    for party in &vendor.relying_parties {
        let found = match speaking.iter().find(|protocol| protocol.name() == party.protocol) {
            Some(protocol) => protocol.examine(vendor, party, &outbound).await,
            None => vec![Check::mend("settings", Whose::Ours, format!("nobody here speaks {}", party.protocol))],
        };
        checks.extend(found.into_iter().map(|check| check.of(&party.key)));
    }
    Ok(checks)
}

/// Where a vendor's engineer begins: a discovery document, or metadata at an address of the vendor's own.
pub fn entrance(desk: &Desk, vendor: &Vendor, party: &RelyingParty) -> Option<String> {
    Speaking(protocols()).named(&party.protocol)?.entrance(&desk.config.issuer, &desk.keyring, vendor, party)
}

/// A directory of the programme, opened: for a command that asks it something.
///
/// # Errors
/// Where there is none of this name, or it cannot be opened.
pub async fn source(desk: &Desk, id: &str) -> Result<Arc<dyn source::Source>> {
    let catalogue = desk.db.catalogue().load().await?;
    let outbound = Outbound::new(&desk.config.private_destinations, desk.config.trusted_certificates.as_deref())?;
    let means = Means { outbound, issuer: desk.config.issuer.clone() };
    let opened = Sources::default().following(&catalogue, &sources(), &means);
    opened.get(id).cloned().map_err(anyhow::Error::msg)
}

/// What each relying party of a vendor checks our signatures with, where that is a secret.
pub fn secrets<'v>(desk: &Desk, vendor: &'v Vendor) -> Vec<(&'v RelyingParty, String)> {
    let speaking = Speaking(protocols());
    let of =
        |party: &'v RelyingParty| Some((party, speaking.named(&party.protocol)?.secret(&desk.keyring, vendor, party)?));
    vendor.relying_parties.iter().filter_map(of).collect()
}

/// What each relying party of a vendor would be told of a patron whom policy lets in, where that can be read.
pub fn rehearse(desk: &Desk, catalogue: &Catalogue, vendor: &Vendor, told: &Told) -> Vec<Rehearsed> {
    let now = desk.clock.now();
    let scopes: Vec<String> = catalogue.spelled(&told.scopes, now).split_whitespace().map(str::to_owned).collect();
    let (issuer, scope_domain) = (desk.config.issuer.as_str(), desk.config.library.scope_domain.as_str());
    let session_until = now + desk.config.session.absolute;
    let time_zone = &desk.config.library.time_zone;
    let stage = Stage { issuer, scope_domain, time_zone, told, scopes: &scopes, now, session_until };
    let speaking = Speaking(protocols());
    let parties = vendor.relying_parties.iter();
    parties.filter_map(|party| speaking.named(&party.protocol)?.rehearse(&stage, vendor, party)).collect()
}

/// Opens the database, brings its schema forward, and opens the key ring, making on first use what is missing.
///
/// # Errors
/// Where the database cannot be opened, or the keys cannot be unwrapped.
pub async fn desk(config: Config, clock: Clock) -> Result<Desk> {
    let db = Db::open_with(&config.database, &config.database_pool).await?;
    db.migrate().await?;
    let keyring = KeyRing::open(&db, &config.key_encryption_key_file, &clock).await?;
    let keyring = keyring.on_schedule(config.keys, clock.now());
    Ok(Desk { config, db, clock, keyring })
}

/// Everything that answers requests, with its jobs running.
///
/// # Errors
/// Where the theme cannot be used, or the catalogue cannot be read.
pub async fn sign_on(desk: Desk) -> Result<SignOn> {
    let signon = flow(desk).await?;
    jobs::start(&signon);
    protocols().iter().for_each(|protocol| protocol.tend(&signon));
    Ok(signon)
}

/// The same without its jobs: beside a server that has them running.
async fn flow(desk: Desk) -> Result<SignOn> {
    let Desk { config, db, clock, keyring } = desk;
    let pages = Pages::new(theme(&config)?)?;
    let outbound = Outbound::new(&config.private_destinations, config.trusted_certificates.as_deref())?;
    let metrics: Arc<Metrics> = Arc::default();
    metrics.started.set(&[], Duration::from_millis(u64::try_from(clock.now().millis()).unwrap_or(0)).as_secs_f64());
    let keyring = keyring.measured(metrics.clone());
    let shelf = shelf(&config)?.measured(metrics.clone());
    let catalogue = db.catalogue().load().await?;
    keyring.turn(&db, &key::readings(&catalogue), clock.now()).await?;
    let means = Means { outbound: outbound.clone(), issuer: config.issuer.clone() };
    let app = App {
        sources: Directories::new(sources(), means, &catalogue),
        journal: Journal::measured(db.clone(), metrics.clone()),
        store: db,
        shelf,
        catalogue: Programme::new(catalogue),
        exchanges: Recent::new(EXCHANGES),
        leaving: Leaving::default(),
        metrics,
        looked: Default::default(),
        keyring,
        outbound,
        pages,
        clock,
        config,
    };
    let farewells = protocols().iter().filter_map(|protocol| protocol.farewell(&app.config.issuer)).collect();
    Ok(SignOn::new(Arc::new(app), farewells)?)
}

fn shelf(config: &Config) -> Result<Shelf> {
    let Some(place) = &config.shelf else { return Ok(Shelf::default()) };
    let authorities = match config.trusted_certificates.as_ref().filter(|_| place.tls) {
        Some(file) => Some(std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?),
        None => None,
    };
    Shelf::at(place, authorities).with_context(|| format!("the shelf at {place} cannot be used"))
}

fn theme(config: &Config) -> Result<Theme> {
    let theme = &config.theme;
    let settings = ThemeSettings {
        primary: theme.primary.as_deref(),
        accent: theme.accent.as_deref(),
        logo: theme.logo.as_deref(),
        folder: theme.folder.as_deref(),
    };
    Theme::load(&config.library.name, settings).context("the theme cannot be used")
}

/// The whole HTTP face.
pub fn router(signon: &SignOn) -> Router {
    let faces =
        protocols().iter().fold(Router::new(), |router, protocol| router.merge(protocol.routes(signon.clone())));
    let faces = faces.merge(opds::routes(signon, &protocols()));
    web::router(signon.clone(), faces.merge(selftest::routes(signon.clone(), protocols())))
}

/// Takes the addresses that protocols listen at beside http.
///
/// # Errors
/// Where one cannot be had.
pub fn listen(signon: &SignOn) -> Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    for protocol in protocols() {
        listeners.extend(protocol.listen(signon).map_err(anyhow::Error::msg)?);
    }
    if let Some(address) = signon.app().config.metrics.listen {
        listeners.push(metrics(signon, address).with_context(|| format!("metrics cannot be had at {address}"))?);
    }
    Ok(listeners)
}

/// `/metrics` at an address of its own.
fn metrics(signon: &SignOn, address: SocketAddr) -> Result<Listener> {
    let bound = TcpListener::bind(address)?;
    bound.set_nonblocking(true)?;
    let (address, bound) = (bound.local_addr()?, tokio::net::TcpListener::from_std(bound)?);
    let router = web::metrics::router(signon.clone());
    let run = move |mut stop: Stop| -> Standing {
        Box::pin(async move {
            let stopped = async move { stop.wait_for(|stop| *stop).await.map(drop).unwrap_or_default() };
            if let Err(error) = axum::serve(bound, router).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "metrics cannot be had any more");
            }
        })
    };
    Ok(Listener { protocol: "metrics", address, secure: false, run: Box::new(run) })
}

/// Serves until the process is told to end; what is under way is finished first.
///
/// # Errors
/// Where the address cannot be listened on, or the certificate cannot be read.
pub async fn serve(signon: SignOn, listener: TcpListener, others: Vec<Listener>) -> Result<()> {
    match rlimit::increase_nofile_limit(FILES) {
        Ok(files) => tracing::debug!(files, "as many files and connections may be open"),
        Err(error) => tracing::warn!(%error, "the number of open connections stays limited as it is"),
    }
    let service = router(&signon).into_make_service_with_connect_info::<SocketAddr>();
    let handle = axum_server::Handle::new();
    let (stop, stopped) = watch::channel(false);
    let mut standing = JoinSet::new();
    for other in others {
        tracing::info!(protocol = other.protocol, address = %other.address, tls = other.secure, "listening");
        standing.spawn((other.run)(stopped.clone()));
    }
    tokio::spawn({
        let (handle, signon) = (handle.clone(), signon.clone());
        async move {
            ended().await;
            signon.app().leave();
            let linger = signon.app().config.serving.leave_after;
            if !linger.is_zero() {
                tracing::info!(?linger, "leaving: not ready any more, and serving on until others have noticed");
                tokio::time::sleep(linger).await;
            }
            tracing::info!("ending: finishing what is under way");
            stop.send(true).ok();
            handle.graceful_shutdown(Some(FINISHED_WITHIN));
        }
    });
    listener.set_nonblocking(true)?;
    match &signon.app().config.tls {
        None => {
            let mut server = axum_server::from_tcp(listener)?.handle(handle).first_request_timeout(HEADERS_WITHIN);
            impatient(server.http_builder());
            server.serve(service).await?;
        }
        Some(tls) => {
            let files = renewing("https", &tls.certificate, &tls.key, &[b"h2".as_slice(), b"http/1.1"]);
            let files = files.map_err(anyhow::Error::msg).context("the certificate and its key cannot be read")?;
            let files = axum_server::tls_rustls::RustlsConfig::from_config(files);
            let mut server =
                axum_server::from_tcp_rustls(listener, files)?.handle(handle).first_request_timeout(HEADERS_WITHIN);
            impatient(server.http_builder());
            server.serve(service).await?;
        }
    }
    let finished = async { while standing.join_next().await.is_some() {} };
    tokio::time::timeout(FINISHED_WITHIN, finished).await.ok();
    if let Err(error) = signon.write_down_all_asked().await {
        tracing::warn!(%error, "which scopes were asked for lately was not written down");
    }
    signon.app().store.close().await;
    Ok(())
}

/// Each connection is an open file, and the usual limit of 1024 is one for people's programs. Never above the hard limit.
const FILES: u64 = 65_536;
/// What is under way then is cut off.
const FINISHED_WITHIN: Duration = Duration::from_secs(20);
/// Whoever takes longer to say what they want holds a connection for nothing.
const HEADERS_WITHIN: Duration = Duration::from_secs(15);
const MOST_HEADERS: usize = 64;

fn impatient<E>(builder: &mut hyper_util::server::conn::auto::Builder<E>) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).max_headers(MOST_HEADERS);
}

async fn ended() {
    let interrupt = tokio::signal::ctrl_c();
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be watched");
            interrupt.await.ok();
            return;
        }
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}

/// Reads the settings of a configuration file.
///
/// # Errors
/// Everything that is wrong with it, by line and field.
pub fn read_settings(file: &Path) -> Result<Config> {
    Ok(config::load_settings(file)?)
}

/// The settings, where the file has any: it may declare the programme alone.
///
/// # Errors
/// As `read_settings`.
pub fn settings_of(file: &Path) -> Result<Option<Config>, Problems> {
    config::load_settings_if_any(file)
}

/// Reads a whole file. Its declarations may refer to what `known` holds.
///
/// # Errors
/// Everything that is wrong with it, by line and field.
pub fn load(file: &Path, known: &Catalogue) -> Result<Loaded, Problems> {
    config::load_judged(file, Settings::all().kinds(), &Speaking(protocols()), known)
}

/// Protocols judge what a file says of their relying parties.
struct Speaking(Vec<Box<dyn Protocol>>);

impl Speaking {
    fn named(&self, name: &str) -> Option<&dyn Protocol> {
        self.0.iter().find(|protocol| protocol.name() == name).map(AsRef::as_ref)
    }
}

impl Judge for Speaking {
    fn key(&self, protocol: &str, settings: &Value) -> Result<String, (&'static str, String)> {
        let nobody = || ("", format!("nobody here speaks {protocol}"));
        let named = self.named(protocol).ok_or_else(nobody)?.key(settings);
        named.map_err(|misfit| (misfit.field, misfit.why))
    }

    fn misfit(&self, vendor: &Vendor, party: &RelyingParty) -> Option<(&'static str, String)> {
        let misfit = self.named(&party.protocol)?.check(vendor, party).err()?;
        Some((misfit.field, misfit.why))
    }

    fn source_misfit(&self, source: &SourceSettings) -> Option<(&'static str, String)> {
        let kinds = sources();
        let misfit = kinds.iter().find(|kind| kind.name() == source.kind)?.check(source).err()?;
        Some((misfit.field, misfit.why))
    }
}

/// The database, where it is there already: for looking without making anything.
///
/// # Errors
/// Where it is there and cannot be read.
pub async fn existing_database(config: &Config) -> Result<Option<Db>> {
    if let Some(path) = config.database.strip_prefix("sqlite:")
        && !Path::new(path).exists()
    {
        return Ok(None);
    }
    Ok(Some(Db::open_with(&config.database, &config.database_pool).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_a_whole_programme_is_right() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/district/oneaccess.toml");
        let loaded = load(&file, &Catalogue::default()).unwrap();
        let declared = &loaded.declared;
        assert_eq!((declared.scopes.len(), declared.agreements.len(), declared.vendors.len()), (5, 2, 5));
        assert_eq!(declared.sources.first().map(|source| source.id.as_str()), Some("cms"));
        let orgs: Vec<&str> = declared.organisations.iter().flat_map(|o| &o.roster).map(String::as_str).collect();
        use crate::directory::oneroster::generate::{CHARTER_ORG, DISTRICT_ORG};
        assert_eq!(orgs, [DISTRICT_ORG, CHARTER_ORG]);
        assert!(loaded.settings.is_some_and(|settings| settings.is_plain_http()));
        let of_the_file = loaded.warnings.iter().map(|warning| warning.field.as_str());
        let fields: Vec<&str> = of_the_file.filter(|field| !field.starts_with("ONEACCESS_")).collect();
        assert_eq!(fields, ["issuer", "vendor.oidc.pkce"]);
    }
}
