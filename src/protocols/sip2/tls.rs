//! TLS for connections that are not HTTP. Its certificate is taken up again when its files change.

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
use tokio_rustls::TlsAcceptor;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Reads certificate (with its chain) and key, PEM both, and follows them as long as the acceptor is there.
///
/// # Errors
/// A sentence on which of them is wrong.
pub(super) fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let files = Files { certificate: certificate.into(), key: key.into() };
    let seen = files.stamps();
    let current = Arc::new(Current(RwLock::new(files.read(&provider)?)));
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth().with_cert_resolver(current.clone()))
        .map_err(|error| error.to_string())?;
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
                    tracing::info!("SIP2: the certificate was renewed");
                }
                Err(why) => {
                    if failed_at != Some(now) {
                        tracing::warn!("SIP2: the new certificate cannot be used; going on with the one before: {why}");
                    }
                    failed_at = Some(now);
                }
            }
        }
    });
    Ok(TlsAcceptor::from(Arc::new(config)))
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

    /// When each was written, and how long it is.
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
        f.write_str("the certificate of SIP2")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
