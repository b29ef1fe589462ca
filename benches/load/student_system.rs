//! A student system for the server to fetch from: the one that promises are told with, holding a generated delivery.

use std::{net::SocketAddr, path::Path};

use serde_json::json;

#[path = "../../tests/actors/oneroster.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::panic)]
mod service;

/// Answers until it is stopped. Says first where, and by which client.
pub async fn serve(folder: &Path, v1p2: bool, listen: SocketAddr) -> anyhow::Result<()> {
    let service = service::OneRosterService::open_at(&listen.to_string(), v1p2).await;
    service.hold(folder, "2026-11-01T03:00:00.000Z");
    let (url, token_url) = (&service.url, service.token_url());
    let about = json!({ "url": url, "token_url": token_url, "client_id": service::CLIENT, "secret": service::SECRET });
    println!("{about}");
    Ok(tokio::signal::ctrl_c().await?)
}
