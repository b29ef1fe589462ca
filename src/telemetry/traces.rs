//! Traces for OpenTelemetry, where the binary was built with the feature `otel`: each request with its steps, sent by OTLP
//! over http to wherever the standard variables say (`OTEL_EXPORTER_OTLP_ENDPOINT`). Without that variable nothing is
//! sent, and without the feature none of this is in the binary.

use std::sync::OnceLock;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{EnvFilter, Layer, registry::LookupSpan};

/// Ended by `stop`.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Spans of ours, and nobody else's: what libraries trace may hold what nobody should read.
const OURS: &str = "oneaccess=debug";

/// What sends spans away; `None` where nobody says whither.
pub fn layer<S>() -> Option<impl Layer<S>>
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    let said = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !said("OTEL_EXPORTER_OTLP_ENDPOINT") && !said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        return None;
    }
    let exporter = match SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).build() {
        Ok(exporter) => exporter,
        Err(error) => {
            eprintln!("warning: traces cannot be sent: {error}");
            return None;
        }
    };
    let name = std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "oneaccess".into());
    let resource = Resource::builder().with_service_name(name).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("oneaccess");
    PROVIDER.set(provider).ok()?;
    let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
    Some(layer.with_filter(EnvFilter::builder().with_default_directive(LevelFilter::OFF.into()).parse_lossy(OURS)))
}

/// Sends what is left.
pub fn stop() {
    if let Some(provider) = PROVIDER.get()
        && let Err(error) = provider.shutdown()
    {
        tracing::warn!(%error, "the last traces were not sent");
    }
}
