//! The limit that discovery and key set are held against: the same bytes at the same paths, from axum handlers that know
//! nothing else.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context, ensure};
use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, routing::get};

use super::{connection::Connection, target::Target};

/// Prints where it listens, as one line of JSON, and serves until it is ended.
pub async fn serve(like: &Path, listen: SocketAddr) -> anyhow::Result<()> {
    let target = Target::oneaccess(like, None).await?;
    let mut connection = Connection::new(target.address, &target.host);
    let mut router = Router::new();
    for path in [&target.discovery, &target.jwks] {
        let answer = connection.get(path, &[]).await.with_context(|| path.clone())?;
        ensure!(answer.status == 200, "{path} answered {}", answer.status);
        let body = Bytes::from(answer.body.clone());
        router = router.route(path, get(move || async move { ([(CONTENT_TYPE, "application/json")], body) }));
    }
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("{}", serde_json::json!({ "address": listener.local_addr()? }));
    Ok(axum::serve(listener, router).await?)
}
