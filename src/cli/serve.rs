//! `oneaccess serve`: the server.

use std::{net::TcpListener, path::Path};

use anyhow::{Context, Result};

use crate::{compose, domain::clock::Clock, telemetry};

/// Serves until SIGTERM or Ctrl-C. Declarations of the file itself are applied first.
///
/// # Errors
/// Where the file is wrong, or the address cannot be listened on.
pub async fn run(file: &Path) -> Result<()> {
    let config = compose::read_settings(file)?;
    telemetry::start("info", config.log_format);
    let listener = TcpListener::bind(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = config.listen;
    let issuer = config.issuer.clone();
    let desk = compose::desk(config, Clock::system()).await?;
    for warning in super::apply::own_declarations(&desk, file).await? {
        tracing::warn!(file = %file.display(), "{warning}");
    }
    let signon = compose::sign_on(desk).await?;
    let others = compose::listen(&signon)?;
    tracing::info!(%address, %issuer, "ready");
    let served = compose::serve(signon, listener, others).await;
    telemetry::stop().await;
    served
}
