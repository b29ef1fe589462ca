//! The command line: one file per noun, each thin over `admin::operations`. Owns words and exit statuses; what a
//! command does is the operation's.

/// A line on standard output. Whoever stops listening, as `head` does, has heard enough: that is no error.
macro_rules! say {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($line)*);
    }};
}

mod agreement;
mod agreement_simulate;
mod apply;
mod audit;
mod backup;
mod badge;
mod card;
mod card_export;
mod card_number;
mod card_privilege;
mod check;
mod demo;
mod directory;
mod docs;
mod doctor;
mod draft;
mod explain;
mod invitation;
mod keys;
mod migrate;
mod output;
mod patron;
mod progress;
mod scope;
mod secret;
mod serve;
mod shared_device;
mod table;
mod upstream;
mod vendor;
mod vendor_metadata;
mod vendor_test;
mod verify;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    admin::operations::Desk,
    compose,
    config::Problems,
    domain::clock::Clock,
    telemetry::{self, LogFormat},
};
use output::Output;

/// Single sign-on that makes a school district's student ID the public library card.
#[derive(Debug, Parser)]
#[command(name = "oneaccess", version, max_term_width = 100)]
struct Cli {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = "oneaccess.toml")]
    config: PathBuf,
    /// One JSON document on standard output; words go to standard error.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The main job on this machine, with nothing to configure: a fictional district, its library, a vendor.
    Demo(demo::Demo),
    /// Checks the configuration file and says what it would do. Changes nothing.
    Check,
    /// Looks at everything that a run needs, and says what to do about it. Changes nothing.
    Doctor(doctor::Doctor),
    /// Brings the database's schema up to this release.
    Migrate(migrate::Migrate),
    /// Copies everything that the database holds into one sealed file, beside a running server.
    Backup(backup::Backup),
    /// Puts a backup into an empty database, of either engine; or only reads it, to see that it is whole.
    Restore(backup::Restore),
    /// Brings what a file declares into force: all of it or nothing. Applying it again changes nothing.
    Apply(apply::Apply),
    /// Applies the file's own declarations, then serves.
    Serve,
    /// Vendors: who they are, and the switch that shuts one out.
    #[command(subcommand)]
    Vendor(vendor::Vendor),
    /// Scopes: the library's catalogue of privileges.
    #[command(subcommand)]
    Scope(scope::Scope),
    /// Agreements: who, at which partner, may use what, and when.
    #[command(subcommand)]
    Agreement(agreement::Agreement),
    /// Signing keys: where they stand, turning them, and the key that wraps them.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Rosters: bring one in, look back, take the last one back; make a fictional one.
    #[command(subcommand)]
    Directory(directory::Directory),
    /// One card: look, block, unblock, set its PIN, give a temporary one or another number, link a library card, give it a
    /// privilege.
    #[command(subcommand)]
    Card(card::Card),
    /// Badges of the youngest: print, count, take back.
    #[command(subcommand)]
    Badge(badge::Badge),
    /// Computers that many readers share: mark one by a link, look, remove.
    #[command(subcommand)]
    SharedDevice(shared_device::SharedDevice),
    /// One person: everything that is kept of them, a family's no, the end of it all.
    #[command(subcommand)]
    Patron(patron::Patron),
    /// Sign-in at schools' own pages: who is bound to which account there, and unbinding.
    #[command(subcommand)]
    Upstream(upstream::Upstream),
    /// Why a card is let in or refused at a vendor, and exactly what would be released.
    Explain(explain::Explain),
    /// What a token is, and whether it is worth anything now.
    Verify(verify::Verify),
    /// What happened, and whether the record of it is whole.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Prints completions for a shell: `oneaccess completions bash > /etc/bash_completion.d/oneaccess`.
    Completions { shell: clap_complete::Shell },
    /// Prints documentation that is made from the code.
    #[command(subcommand, hide = true)]
    Docs(docs::Docs),
}

/// Exit status 0: done. 1: refused or failed, with the reason on standard error. 2: wrong usage.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    // A server's file says how its lines are written.
    if !matches!(cli.command, Command::Serve) {
        telemetry::start("warn", LogFormat::Text);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(dispatch(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<Problems>() {
        // Each on a line of its own, as editors and their lists of errors read them.
        Some(problems) => {
            eprintln!("{} {} was refused as a whole:\n{problems}", output::red("error:"), problems.path.display())
        }
        None => eprintln!("{} {error:#}", output::red("error:")),
    }
    ExitCode::FAILURE
}

async fn dispatch(cli: Cli) -> Result<()> {
    let Cli { config, json, command } = cli;
    let output = Output { json };
    match command {
        Command::Demo(command) => demo::run(command, output).await,
        Command::Check => check::run(&config, output).await,
        Command::Doctor(command) => doctor::run(&config, &command, output).await,
        Command::Migrate(command) => migrate::run(&config, &command, output).await,
        Command::Backup(command) => backup::run(&config, &command, output).await,
        Command::Restore(command) => backup::restore(&config, &command, output).await,
        Command::Apply(command) => apply::run(&config, command, output).await,
        Command::Serve => serve::run(&config).await,
        Command::Vendor(command) => vendor::run(&desk(&config).await?, &config, command, output).await,
        Command::Scope(command) => scope::run(&desk(&config).await?, command, output).await,
        Command::Agreement(command) => agreement::run(&desk(&config).await?, command, output).await,
        Command::Keys(command) => keys::run(&desk(&config).await?, command, output).await,
        Command::Directory(command) => directory::run(&config, command, output).await,
        Command::Card(command) => card::run(&desk(&config).await?, command, output).await,
        Command::Badge(command) => badge::run(&desk(&config).await?, command, output).await,
        Command::SharedDevice(command) => shared_device::run(&desk(&config).await?, command, output).await,
        Command::Patron(command) => patron::run(&desk(&config).await?, command, output).await,
        Command::Upstream(command) => upstream::run(&desk(&config).await?, command, output).await,
        Command::Explain(command) => explain::run(&desk(&config).await?, command, output).await,
        Command::Verify(command) => verify::run(&desk(&config).await?, command, output).await,
        Command::Audit(command) => audit::run(&desk(&config).await?, command, output).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "oneaccess", &mut script);
            say!("{}", String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
        Command::Docs(command) => docs::run(&command),
    }
}

/// The operator's desk, by the settings of `config`.
async fn desk(config: &Path) -> Result<Desk> {
    compose::desk(compose::read_settings(config)?, Clock::system()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
