//! TLS for whoever listens. The certificate is taken up again when its files change: whoever renews it need not restart
//! anything.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Reads certificate (with its chain) and key, PEM both, and follows them as long as what it hands back is there. Files that
/// do not fit each other, as in the middle of a renewal, leave what is served as it is. `alpn`: what is spoken behind it,
/// best first (RFC 7301); `whose` is for the log.
///
/// # Errors
/// A sentence on which of them is wrong.
pub fn renewing(
    whose: &'static str,
    certificate: &Path,
    key: &Path,
    alpn: &[&[u8]],
) -> Result<Arc<ServerConfig>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let files = Files { certificate: certificate.into(), key: key.into() };
    let seen = files.stamps();
    let current = Arc::new(Current(RwLock::new(files.read(&provider)?)));
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth().with_cert_resolver(current.clone()))
        .map_err(|error| error.to_string())?;
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let watched = Arc::downgrade(&current);
    drop(current);
    tokio::spawn(async move {
        let (mut seen, mut failed_at) = (seen, None);
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(current) = watched.upgrade() else { break };
            let now = files.stamps();
            if now == seen {
                continue;
            }
            match files.read(&provider) {
                Ok(renewed) => {
                    *current.0.write().unwrap_or_else(PoisonError::into_inner) = renewed;
                    seen = now;
                    tracing::info!("{whose}: the certificate was renewed");
                }
                Err(why) => {
                    if failed_at != Some(now) {
                        tracing::warn!(
                            "{whose}: the new certificate cannot be used; going on with the one before: {why}"
                        );
                    }
                    failed_at = Some(now);
                }
            }
        }
    });
    Ok(Arc::new(config))
}

/// Whether these files can be served with: a certificate with its chain, and its own key.
///
/// # Errors
/// A sentence on which of them is wrong.
pub fn fits(certificate: &Path, key: &Path) -> Result<(), String> {
    let files = Files { certificate: certificate.into(), key: key.into() };
    let read = files.read(&rustls::crypto::aws_lc_rs::default_provider())?;
    read.keys_match().map_err(|error| format!("{}: its key is another one: {error}", certificate.display()))
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn read(&self, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, String> {
        let named = |path: &Path, error: &dyn fmt::Display| format!("{}: {error}", path.display());
        let chain = CertificateDer::pem_file_iter(&self.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(|error| named(&self.certificate, &error))?;
        let private = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| named(&self.key, &error))?;
        let both = CertifiedKey::from_der(chain, private, provider);
        both.map(Arc::new).map_err(|error| named(&self.certificate, &error))
    }

    /// When each was written, and how long it is; a link's own age does not count.
    fn stamps(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.certificate, &self.key].map(|path| {
            let meta = std::fs::metadata(path).ok()?;
            Some((meta.modified().ok()?, meta.len()))
        })
    }
}

/// What is shown to whoever connects now.
struct Current(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a certificate that is followed")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
