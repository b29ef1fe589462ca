//! The certificate of https, taken up again when its files change: whoever renews it need not restart anything.

use std::{path::Path, time::Duration};

use axum_server::tls_rustls::RustlsConfig;

use crate::config::Tls;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// When the file was written, and how long it is; a link's own age does not count.
type Stamp = Option<(std::time::SystemTime, u64)>;

fn stamp(path: &Path) -> Stamp {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

fn stamps(tls: &Tls) -> [Stamp; 2] {
    [stamp(&tls.certificate), stamp(&tls.key)]
}

/// Until the process ends. Files that do not fit each other, as in the middle of a renewal, leave what is served as it
/// is, and are looked at again.
pub(super) async fn follow(serving: RustlsConfig, tls: Tls) {
    let mut seen = stamps(&tls);
    let mut failed_at = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = stamps(&tls);
        if now == seen {
            continue;
        }
        match serving.reload_from_pem_file(&tls.certificate, &tls.key).await {
            Ok(()) => {
                seen = now;
                tracing::info!(certificate = %tls.certificate.display(), "the certificate was renewed");
            }
            Err(error) => {
                if failed_at != Some(now) {
                    tracing::warn!(%error, "the new certificate cannot be used; going on with the one before");
                }
                failed_at = Some(now);
            }
        }
    }
}
