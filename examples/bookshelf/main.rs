//! Runs the shelf alone, beside any OpenID provider: `cargo run --example bookshelf -- --issuer … --client-id …`,
//! with the client's secret in BOOKSHELF_CLIENT_SECRET.

#[path = "shelf.rs"]
mod shelf;

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;

/// A small e-book shelf that is an ordinary OIDC relying party.
#[derive(Parser)]
#[command(name = "bookshelf")]
struct Arguments {
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// The address readers type; http://LISTEN unless said otherwise
    #[arg(long)]
    public_url: Option<String>,
    #[arg(long)]
    issuer: String,
    #[arg(long)]
    client_id: String,
    #[arg(long, default_value = "Maple Books")]
    name: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    // A secret on a command line is everybody's: `ps` shows it.
    let client_secret = std::env::var("BOOKSHELF_CLIENT_SECRET").context("BOOKSHELF_CLIENT_SECRET")?;
    let listener = tokio::net::TcpListener::bind(arguments.listen).await?;
    let listen = listener.local_addr()?;
    let public_url = arguments.public_url.unwrap_or_else(|| format!("http://{listen}"));
    let settings = shelf::Settings {
        listen,
        public_url: public_url.trim_end_matches('/').to_owned(),
        issuer: arguments.issuer,
        client_id: arguments.client_id,
        client_secret,
        name: arguments.name,
    };
    println!("{} is open at {}", settings.name, settings.public_url);
    println!("register: redirect_uri {}", settings.redirect_uri());
    println!("          post_logout_redirect_uri {}", settings.post_logout_redirect_uri());
    println!("          backchannel_logout_uri   {}", settings.backchannel_logout_uri());
    println!("          initiate_login_uri {}", settings.initiate_login_uri());
    shelf::serve(settings, listener).await
}
