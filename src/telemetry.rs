//! What the process tells of itself while it runs: lines on standard error. What happened to patrons is the audit's.

use tracing_subscriber::EnvFilter;

/// Begins to write log lines at `level` and above, unless RUST_LOG says otherwise. The first call wins.
pub fn start(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    lines.with_ansi(colours).try_init().ok();
}
