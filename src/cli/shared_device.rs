//! `oneaccess shared-device …`: computers that many readers share, known by a cookie in their browser.

use anyhow::{Result, ensure};
use clap::Subcommand;
use serde_json::json;

use super::{
    output::{Output, bold},
    table::Table,
};
use crate::{
    admin::operations::{Desk, shared_devices},
    domain::shared_device::SharedDeviceState,
};

#[derive(Debug, Subcommand)]
pub enum SharedDevice {
    /// Prints a link, good for an hour and once: opened on the computer, it marks that browser as shared for a year.
    Enrol {
        /// As staff call the computer: "Branch 3, desk".
        #[arg(long)]
        name: String,
    },
    /// Every browser that was marked, and every link that waits.
    List,
    /// Forgets a browser: from its next sign-in on it is one like any other.
    Remove { id: String },
}

pub async fn run(desk: &Desk, command: SharedDevice, output: Output) -> Result<()> {
    match command {
        SharedDevice::Enrol { name } => {
            let (view, link) = shared_devices::enrol(desk, &name).await?;
            output.document(&json!({ "device": view, "link": link }), |_| {
                say!("Open this link once in the browser of {} ({}):\n", bold(&view.name), view.id);
                say!("  {}\n", bold(&link));
                say!("It is shown this once, and is good until {}.", view.link_until);
            })
        }
        SharedDevice::List => {
            let all = shared_devices::list(desk).await?;
            output.document(&all, |all| {
                if all.is_empty() {
                    say!("No browser is marked as shared: oneaccess shared-device enrol --name \"Branch 3, desk\"");
                    return;
                }
                let mut table = Table::new(["ID", "NAME", "STATE", "SINCE", "UNTIL"]);
                for view in all {
                    table.row([
                        view.id.clone(),
                        view.name.clone(),
                        state(view.state).to_owned(),
                        view.enrolled_at.clone().unwrap_or_default(),
                        view.until.clone().unwrap_or_else(|| view.link_until.clone()),
                    ]);
                }
                table.print();
            })
        }
        SharedDevice::Remove { id } => {
            ensure!(shared_devices::remove(desk, &id).await?, "there is no shared device {id:?}");
            output.document(&json!({ "id": id, "removed": true }), |_| {
                say!("{id} is removed: from its next sign-in on, its browser is one like any other.");
            })
        }
    }
}

fn state(state: SharedDeviceState) -> &'static str {
    match state {
        SharedDeviceState::Waiting => "link not opened",
        SharedDeviceState::LinkExpired => "link expired",
        SharedDeviceState::Enrolled => "shared",
        SharedDeviceState::Lapsed => "lapsed",
    }
}
