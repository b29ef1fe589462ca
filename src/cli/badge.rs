//! `oneaccess badge …`: badges of the youngest, printed, counted, taken back. What is printed is written to files that
//! nobody else can read.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, path::PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{Output, counted};
use crate::{
    admin::operations::{
        Desk,
        badges::{self, For, LeftOut, Printed, Void},
    },
    compose::sheets,
    domain::{badge::SecondStep, id::OrganisationId},
};

#[derive(Debug, Subcommand)]
pub enum Badge {
    /// Makes new badges and writes the sheet to print. Earlier badges of the same children stop working.
    Print {
        /// Whose pupils they are.
        #[arg(long)]
        organisation: OrganisationId,
        #[command(flatten)]
        whom: Whom,
        /// The sheet, an HTML file that must not be there yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Whose pictures are which, for the teacher; needed where `[badge]` asks for pictures.
        #[arg(long, value_name = "FILE")]
        list_out: Option<PathBuf>,
        /// Of the sheets: en or es.
        #[arg(long, default_value = "en")]
        language: String,
        /// Why: kept in the audit.
        #[arg(long)]
        reason: String,
    },
    /// Takes badges back for good; what they opened ends at once.
    Void {
        #[command(flatten)]
        what: What,
        /// Why: kept in the audit.
        #[arg(long)]
        reason: String,
    },
    /// How many of a class have a badge, and in which state. No secrets, no names.
    List {
        /// sourcedId of the class.
        #[arg(long)]
        class: String,
        /// Why you look: kept in the audit.
        #[arg(long)]
        reason: String,
    },
    /// The pictures that go with badges.
    #[command(subcommand)]
    Pictures(PicturesOf),
}

#[derive(Debug, Subcommand)]
pub enum PicturesOf {
    /// Gives new pictures to badges that work; locked ones open again.
    Reset {
        #[command(flatten)]
        whom: Whom,
        /// Whose pictures are which, for the teacher: an HTML file that must not be there yet.
        #[arg(long, value_name = "FILE")]
        list_out: PathBuf,
        /// Of the list: en or es.
        #[arg(long, default_value = "en")]
        language: String,
        /// Why: kept in the audit.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Whom {
    /// sourcedId of a class.
    #[arg(long)]
    class: Option<String>,
    /// sourcedId of a school: all of its classes.
    #[arg(long, value_name = "ORG")]
    school: Option<String>,
    /// One child.
    #[arg(long)]
    card: Option<String>,
}

impl Whom {
    fn meant(self) -> Result<For> {
        match (self.class, self.school, self.card) {
            (Some(class), ..) => Ok(For::Class(class)),
            (_, Some(school), _) => Ok(For::School(school)),
            (.., Some(card)) => Ok(For::Card(card)),
            _ => anyhow::bail!("say --class, --school or --card"),
        }
    }
}

#[derive(Debug, Args)]
pub struct What {
    #[arg(long, conflicts_with_all = ["class", "year", "all"], required_unless_present_any = ["class", "year", "all"])]
    card: Option<String>,
    /// sourcedId of the class that they were printed for.
    #[arg(long, conflicts_with_all = ["year", "all"])]
    class: Option<String>,
    /// `2025-26`.
    #[arg(long, value_name = "SCHOOLYEAR", conflicts_with = "all")]
    year: Option<String>,
    /// Every badge of an organisation.
    #[arg(long, requires = "organisation")]
    all: bool,
    #[arg(long)]
    organisation: Option<OrganisationId>,
}

impl What {
    fn meant(self) -> Result<Void> {
        match (self.card, self.class, self.year, self.organisation) {
            (Some(card), ..) => Ok(Void::Card(card)),
            (_, Some(class), ..) => Ok(Void::Class(class)),
            (_, _, Some(year), _) => Ok(Void::SchoolYear(year)),
            (.., Some(organisation)) if self.all => Ok(Void::Organisation(organisation)),
            _ => anyhow::bail!("say --card, --class, --year, or --all with --organisation"),
        }
    }
}

pub async fn run(desk: &Desk, command: Badge, output: Output) -> Result<()> {
    match command {
        Badge::Print { organisation, whom, out, list_out, language, reason } => {
            let asks = desk.config.badge.as_ref().is_some_and(|rule| rule.second_step == SecondStep::Picture);
            anyhow::ensure!(
                !asks || list_out.is_some(),
                "[badge] asks for pictures: say where their list goes, --list-out"
            );
            // Made first: badges that could not be written down would be lost, and the old ones with them.
            let mut sheet = Secretly::create(&out)?;
            let list_out = list_out.filter(|_| asks);
            let list = list_out.as_deref().map(Secretly::create).transpose()?;
            let printed = badges::print(desk, &organisation, &whom.meant()?, &reason).await?;
            sheet.fill(&sheets::badges(&desk.config, &printed, &language)?)?;
            if let Some(mut list) = list {
                list.fill(&sheets::pictures(&desk.config, &printed, &language)?)?;
            }
            let document = json!({
                "badges": printed.badges(), "voided": printed.voided, "left_out": printed.left_out, "file": out,
                "list": list_out, "school_year": printed.school_year,
                "classes": printed.classes.len(),
            });
            output.document(&document, |_| {
                say!("{} for {}, {}.", counted(printed.badges(), "badge"), printed.organisation, printed.school_year);
                tell_rest(&printed);
                say!(
                    "Print {} at 100 %, cut, and delete the file: whoever has it can use every badge on it.",
                    out.display()
                );
                if let Some(list) = &list_out {
                    say!("{} says whose pictures are which: for the teacher, where no child sees it.", list.display());
                }
            })
        }
        Badge::Void { what, reason } => {
            let voided = badges::void(desk, &what.meant()?, &reason).await?;
            output.document(&json!({ "voided": voided }), |_| match voided {
                0 => say!("No badge was in use there."),
                _ => say!("{} work no more; what they opened has ended.", counted(voided, "badge")),
            })
        }
        Badge::List { class, reason } => {
            let views = badges::list(desk, &class, &reason).await?;
            output.document(&json!({ "classes": views }), |_| {
                for view in &views {
                    say!("{} ({})", view.title, view.class);
                    say!("  may have a badge  {}", view.pupils);
                    say!("  have one          {}", view.with_badge);
                    say!("  locked            {}", view.locked);
                    say!("  void              {}", view.void);
                    tell_left_out(&view.left_out);
                }
            })
        }
        Badge::Pictures(PicturesOf::Reset { whom, list_out, language, reason }) => {
            let mut list = Secretly::create(&list_out)?;
            let printed = badges::reset_pictures(desk, &whom.meant()?, &reason).await?;
            list.fill(&sheets::pictures(&desk.config, &printed, &language)?)?;
            let document = json!({ "badges": printed.badges(), "left_out": printed.left_out, "list": list_out });
            output.document(&document, |_| {
                say!("{} got new pictures.", counted(printed.badges(), "badge"));
                tell_left_out(&printed.left_out);
                say!("{} is for the teacher alone.", list_out.display());
            })
        }
    }
}

fn tell_rest(printed: &Printed) {
    if printed.voided > 0 {
        say!("{} of the same children work no more.", counted(printed.voided, "earlier badge"));
    }
    tell_left_out(&printed.left_out);
}

fn tell_left_out(left_out: &[LeftOut]) {
    for LeftOut { why, people } in left_out {
        say!("  without a badge: {people} ({why})");
    }
}

/// A new file that only its owner reads; gone again unless it is filled.
struct Secretly {
    file: fs::File,
    path: PathBuf,
    filled: bool,
}

impl Secretly {
    fn create(path: &Path) -> Result<Secretly> {
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("{} cannot be made anew", path.display()))?;
        Ok(Secretly { file, path: path.to_owned(), filled: false })
    }

    fn fill(&mut self, text: &str) -> Result<()> {
        self.file.write_all(text.as_bytes()).with_context(|| format!("{} cannot be written", self.path.display()))?;
        self.file.sync_all()?;
        self.filled = true;
        Ok(())
    }
}

impl Drop for Secretly {
    fn drop(&mut self) {
        if !self.filled {
            drop(fs::remove_file(&self.path));
        }
    }
}
