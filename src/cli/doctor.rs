//! `oneaccess doctor`: everything that a run needs, looked at, with what to do about it. Changes nothing.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use super::output::{Output, bold, counted, dim, failed, green, yellow};
use crate::{
    compose::doctor::{self, Finding, Verdict, Wishes},
    domain::clock::Clock,
};

#[derive(Debug, Args)]
pub struct Doctor {
    /// Call the issuer's address and those of vendors, too.
    #[arg(long)]
    reach: bool,
    /// Walk the whole audit instead of its newest chains.
    #[arg(long)]
    whole_audit: bool,
}

pub async fn run(file: &Path, command: &Doctor, output: Output) -> Result<()> {
    let wishes = Wishes { reach: command.reach, whole_audit: command.whole_audit };
    let found = doctor::examine(file, &Clock::system(), wishes).await;
    let count = |verdict: Verdict| found.iter().filter(|finding| finding.verdict == verdict).count();
    let (failures, warnings) = (count(Verdict::Failed), count(Verdict::Warning));
    let document = json!({ "healthy": failures == 0, "failed": failures, "warnings": warnings, "checks": found });
    output.document(&document, |_| {
        found.iter().for_each(tell);
        if failures + warnings == 0 {
            say!("\n{} {} looked at, nothing to do.", green("Healthy:"), counted(found.len(), "thing"));
        }
    })?;
    match (failures, warnings) {
        (0, 0) => Ok(()),
        (0, n) => {
            if !output.json {
                say!("\n{} It works; {} to think about.", yellow("Fair:"), counted(n, "thing"));
            }
            Ok(())
        }
        (n, 0) => bail!("{} failed", counted(n, "check")),
        (n, m) => bail!("{} failed, and {}", counted(n, "check"), counted(m, "warning")),
    }
}

fn tell(finding: &Finding) {
    let mark = match finding.verdict {
        Verdict::Ok => green("ok     "),
        Verdict::Warning => yellow("warning"),
        Verdict::Failed => failed("failed "),
    };
    let about = finding.about.as_ref().map(|about| format!(" {about}")).unwrap_or_default();
    say!("{mark} {}{about}: {}", bold(finding.check), finding.found);
    if let Some(todo) = &finding.todo {
        say!("        {} {todo}", dim("→"));
    }
}
