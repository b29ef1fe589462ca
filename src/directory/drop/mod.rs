//! A folder into which somebody drops deliveries, by SFTP for one. They are taken in the order of their names, each once
//! it is complete; afterwards each lies in `taken` or `refused` beside, until enough newer ones lie there.

#[cfg(test)]
mod tests;

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    directory::{
        apart,
        source::{Delivery, FromFile, PullError, Wish},
    },
    domain::{
        catalogue::SourceSettings,
        clock::{Clock, Timestamp},
        field::{Field, Kind},
    },
};

pub(super) const PATH: Field = Field {
    name: "path",
    kind: Kind::Path,
    required: false,
    default: "",
    help: "The folder into which deliveries are dropped, by SFTP for one. They are taken in the order of their names, \
           and lie in `taken` or `refused` inside it afterwards.",
};

pub(super) const SETTLE_AFTER: Field = Field {
    name: "settle_after",
    kind: Kind::Duration("0s", "1d"),
    required: false,
    default: "30s",
    help: "How long a dropped delivery must have stood still to count as complete.",
};

pub(super) const KEEP: Field = Field {
    name: "keep",
    kind: Kind::Number(0, 1000),
    required: false,
    default: "14",
    help: "How many deliveries stay in `taken`, and how many in `refused`; older ones are deleted, since they hold \
           personal data.",
};

/// What uploaders call a file that is still on its way.
const UNFINISHED: [&str; 4] = [".part", ".tmp", ".filepart", ".crdownload"];
const TAKEN: &str = "taken";
const REFUSED: &str = "refused";
/// A delivery holds at most folders of files: whatever is deeper is no delivery.
const DEPTH: usize = 4;

#[derive(Debug, Clone)]
pub(super) struct DropFolder {
    path: PathBuf,
    settle_after: Duration,
    keep: usize,
    clock: Clock,
}

impl DropFolder {
    /// The one that a source's settings name, if they do.
    pub fn of(source: &SourceSettings) -> Option<DropFolder> {
        let number = |field: &Field| source.settings.get(field.name).and_then(serde_json::Value::as_u64);
        Some(DropFolder {
            path: PathBuf::from(source.text(PATH.name)?),
            settle_after: Duration::from_secs(number(&SETTLE_AFTER).unwrap_or(30)),
            keep: number(&KEEP).and_then(|keep| usize::try_from(keep).ok()).unwrap_or(14),
            clock: Clock::system(),
        })
    }

    /// The next delivery, read by `reader`. One that cannot be read is set aside, with the reason beside it.
    pub async fn pull<R: FromFile + Clone + 'static>(
        &self,
        reader: &R,
        wish: &Wish<'_>,
    ) -> Result<Option<Delivery>, PullError> {
        let Some(name) = self.next()? else { return Ok(None) };
        match apart::read(reader, &self.path.join(&name), wish).await? {
            Ok(roster) => Ok(Some(Delivery { roster, origin: name, bookmark: None })),
            Err(error) if error.may_pass() => Err(PullError::Away(format!("{name}: {error}"))),
            Err(error) => Err(self.refuse(&name, &error.to_string())),
        }
    }

    /// Sets a delivery aside that is in force, or was refused for good.
    pub fn settle(&self, name: &str, taken: bool) -> Result<(), PullError> {
        self.set_aside(name, if taken { TAKEN } else { REFUSED }, None)
    }

    fn refuse(&self, name: &str, why: &str) -> PullError {
        match self.set_aside(name, REFUSED, Some(why)) {
            Ok(()) => PullError::Wrong(format!("{name} was set aside in {REFUSED}: {why}")),
            Err(error) => PullError::Wrong(format!("{name}: {why}; and {error}")),
        }
    }

    /// The name of the first delivery, once it is complete. Those behind it wait: each may build on the one before.
    fn next(&self) -> Result<Option<String>, PullError> {
        let unreadable = |error: io::Error| PullError::Away(format!("{} cannot be read: {error}", self.path.display()));
        let mut names: Vec<String> = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type().map_err(unreadable)?;
            if is_delivery(&name) && (kind.is_file() || kind.is_dir()) {
                names.push(name);
            }
        }
        let Some(name) = names.into_iter().min() else { return Ok(None) };
        match self.still_for(&self.path.join(&name)) {
            Ok(still) => Ok(Some(name).filter(|_| still >= self.settle_after)),
            Err(Unfit::Moved) => Ok(None),
            Err(Unfit::Link) => Err(self.refuse(&name, "it holds a symbolic link, and those are not followed")),
            Err(Unfit::Deep) => Err(self.refuse(&name, "its folders lie too deep for a delivery")),
        }
    }

    /// How long the newest thing about it is ago. The time of change is the machine's own: unlike the time of
    /// modification no uploader sets it.
    fn still_for(&self, path: &Path) -> Result<Duration, Unfit> {
        let newest = newest_change(path, DEPTH)?;
        Ok(self.clock.now().since(Timestamp(newest)))
    }

    fn set_aside(&self, name: &str, into: &str, why: Option<&str>) -> Result<(), PullError> {
        if !is_delivery(name) || Path::new(name).components().count() != 1 {
            return Err(PullError::Wrong(format!("{name:?} is no delivery of this folder")));
        }
        let folder = self.path.join(into);
        let failed = |error: io::Error| {
            PullError::Away(format!("{name} cannot be moved to {}, so that it comes again: {error}", folder.display()))
        };
        if !is_folder(&folder) {
            fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
        }
        let stamp = self.clock.now().rfc3339().replace([':', '.'], "-");
        let aside = (0..100)
            .map(|n| if n == 0 { format!("{stamp} {name}") } else { format!("{stamp} {n} {name}") })
            .find(|aside| fs::symlink_metadata(folder.join(aside)).is_err())
            .unwrap_or_else(|| format!("{stamp} {name}"));
        fs::rename(self.path.join(name), folder.join(&aside)).map_err(failed)?;
        if let Some(why) = why {
            fs::write(folder.join(format!("{aside}{REPORT}")), format!("{why}\n")).map_err(failed)?;
        }
        self.sweep(&folder).map_err(|error| {
            PullError::Away(format!("older deliveries in {} cannot be deleted: {error}", folder.display()))
        })
    }

    /// Deletes what is older than the newest that are kept. Whatever else somebody laid there stays.
    fn sweep(&self, folder: &Path) -> io::Result<()> {
        let mut aside = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let stamped = name.split_once(' ').is_some_and(|(stamp, _)| stamp.len() >= 20 && stamp.ends_with('Z'));
            if stamped && !name.ends_with(REPORT) {
                aside.push((name, entry.file_type()?.is_dir()));
            }
        }
        aside.sort_unstable_by(|one, other| other.cmp(one));
        for (name, is_folder) in aside.into_iter().skip(self.keep) {
            let path = folder.join(&name);
            if is_folder {
                fs::remove_dir_all(&path)?
            } else {
                fs::remove_file(&path)?
            }
            match fs::remove_file(folder.join(format!("{name}{REPORT}"))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Ends the name of the file that says why the delivery beside it was refused.
const REPORT: &str = " - why.txt";

fn is_delivery(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !name.starts_with('.')
        && ![TAKEN, REFUSED].contains(&name)
        && !UNFINISHED.iter().any(|ending| lower.ends_with(ending))
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_dir())
}

enum Unfit {
    /// It is being moved or deleted right now.
    Moved,
    Link,
    Deep,
}

impl From<io::Error> for Unfit {
    fn from(_: io::Error) -> Unfit {
        Unfit::Moved
    }
}

/// Milliseconds.
fn newest_change(path: &Path, depth: usize) -> Result<i64, Unfit> {
    let about = fs::symlink_metadata(path)?;
    if about.is_symlink() {
        return Err(Unfit::Link);
    }
    let mut newest = changed(&about);
    if about.is_dir() {
        let depth = depth.checked_sub(1).ok_or(Unfit::Deep)?;
        for entry in fs::read_dir(path)? {
            newest = newest.max(newest_change(&entry?.path(), depth)?);
        }
    }
    Ok(newest)
}

fn changed(about: &Metadata) -> i64 {
    about.ctime().saturating_mul(1000).saturating_add(about.ctime_nsec() / 1_000_000)
}
