//! What the process tells of itself while it runs: lines on standard error, a number for each request, and metrics. What
//! happened to patrons is the audit's; nobody is named here.

pub mod exposition;
pub mod measure;
pub mod metrics;
pub mod request;
#[cfg(feature = "otel")]
mod traces;

use std::{fmt, str::FromStr};

use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

pub use metrics::Metrics;

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for whatever collects logs.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<LogFormat, String> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            other => Err(format!("{other:?} is neither text nor json")),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        })
    }
}

/// Begins to write log lines at `level` and above, unless RUST_LOG says otherwise; and to send traces, where the binary can
/// and the environment says whither. The first call wins.
pub fn start(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
        LogFormat::Text => {
            let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            lines.with_ansi(terminal && std::env::var_os("NO_COLOR").is_none()).boxed()
        }
    };
    let all = tracing_subscriber::registry().with(lines.with_filter(filter));
    #[cfg(feature = "otel")]
    let all = all.with(traces::layer());
    all.try_init().ok();
}

/// Before the process ends: sends what is left of traces.
pub async fn stop() {
    #[cfg(feature = "otel")]
    tokio::task::spawn_blocking(traces::stop).await.ok();
}
