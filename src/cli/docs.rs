//! Documentation that is made from the code, so that it cannot go stale.

use anyhow::Result;
use clap::Subcommand;

use crate::{compose, config, telemetry::metrics};

#[derive(Debug, Subcommand)]
pub enum Docs {
    /// docs/configuration.md
    Configuration,
    /// The table of docs/operate/metrics.md
    Metrics,
}

pub fn run(command: &Docs) -> Result<()> {
    match command {
        Docs::Configuration => print!("{}", config::docs::markdown(compose::Settings::all().kinds())),
        Docs::Metrics => print!("{}", metrics::table()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_page_says_what_the_code_does() {
        let fresh = config::docs::markdown(compose::Settings::all().kinds());
        assert!(
            fresh == include_str!("../../docs/configuration.md"),
            "docs/configuration.md is stale: cargo run -- docs configuration > docs/configuration.md"
        );
    }
}
