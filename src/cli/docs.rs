//! Documentation that is made from the code, so that it cannot go stale.

use anyhow::Result;
use clap::Subcommand;

use crate::{compose, config};

#[derive(Debug, Subcommand)]
pub enum Docs {
    /// docs/configuration.md
    Configuration,
}

pub fn run(command: &Docs) -> Result<()> {
    let Docs::Configuration = command;
    print!("{}", config::docs::markdown(compose::Settings::all().kinds()));
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
