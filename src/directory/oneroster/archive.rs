//! The delivery as a set of files: a zip or a folder, never extracted. `table` knows what is in a file.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, Read, Seek},
    path::{Path, PathBuf},
};

use zip::{ZipArchive, result::ZipError};

use super::{Options, Progress, error::ReadError};
use crate::directory::encoding::Windows1252;

/// Bytes that all opened files together may unpack to.
const TOTAL_CAP: u64 = 2 << 30;
/// Real rosters pack 5 to 20 times; above this, past the first 16 MiB, it is a bomb.
const RATIO_CAP: u64 = 150;
const RATIO_FREE: u64 = 16 << 20;
const ENTRY_CAP: usize = 10_000;
/// Bytes of one row, all columns together.
const ROW_CAP: u64 = 1 << 20;
const TELL_EVERY: u64 = 1 << 20;

/// The only files that are ever opened.
pub(in crate::directory) const FILES: [&str; 5] =
    ["manifest.csv", "orgs.csv", "users.csv", "roles.csv", "demographics.csv"];
/// And these, where classes are asked for.
const OF_CLASSES: [&str; 2] = [super::classes::CLASSES, super::classes::ENROLLMENTS];

pub(in crate::directory) struct Archive<'o> {
    place: Place,
    /// By lower-case name.
    files: BTreeMap<String, Member>,
    meter: Meter<'o>,
    /// Files are in Windows-1252.
    windows: bool,
}

/// What the file of a delivery is found by that is one file.
pub(in crate::directory) const ALONE: &str = "";

enum Place {
    Zip(Box<ZipArchive<BufReader<File>>>),
    Folder,
}

struct Member {
    /// As the delivery spells it.
    name: String,
    size: u64,
    found: Found,
}

enum Found {
    Entry { index: usize, packed: u64 },
    File(PathBuf),
}

/// What has been read so far, shared by all files of one delivery.
struct Meter<'o> {
    done: Cell<u64>,
    total: u64,
    told: Cell<u64>,
    progress: &'o dyn Fn(Progress),
}

impl<'o> Archive<'o> {
    pub fn open(path: &Path, options: &Options<'o>) -> Result<Archive<'o>, ReadError> {
        let about = fs::metadata(path).map_err(|e| ReadError::unreadable(path.display().to_string(), e))?;
        let (place, found) = if about.is_dir() { (Place::Folder, list_folder(path)?) } else { list_zip(path)? };
        let files = choose(found, options.classes.any())?;
        let total = files.values().map(|member| member.size).sum();
        if total > TOTAL_CAP {
            let why = format!("the files unpack to {total} bytes, more than {TOTAL_CAP}");
            return Err(ReadError::TooBig { file: path.display().to_string(), why });
        }
        let meter = Meter { done: Cell::new(0), total, told: Cell::new(0), progress: options.progress };
        Ok(Archive { place, files, meter, windows: false })
    }

    /// A delivery that is one file, by itself or alone in a zip, whatever it is called: `ALONE`. `windows`: it is written
    /// in Windows-1252, where it does not begin with a mark that says otherwise.
    pub fn of_one_file(path: &Path, windows: bool, options: &Options<'o>) -> Result<Archive<'o>, ReadError> {
        let unreadable = |e| ReadError::unreadable(path.display().to_string(), e);
        let about = fs::metadata(path).map_err(unreadable)?;
        if about.is_dir() {
            return Err(ReadError::NotOneFile("it is a folder".into()));
        }
        let mut start = Vec::new();
        File::open(path).map_err(unreadable)?.take(3).read_to_end(&mut start).map_err(unreadable)?;
        let (place, member) = if start.starts_with(b"PK") {
            let (place, found) = list_zip(path)?;
            let hidden = |inside: &str| inside.starts_with("__MACOSX") || inside.ends_with('/');
            let mut found = found.into_iter().filter(|(inside, _)| !hidden(inside)).map(|(_, member)| member);
            match (found.next(), found.next()) {
                (Some(member), None) => (place, member),
                _ => return Err(ReadError::NotOneFile("the zip does not hold exactly one file".into())),
            }
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (Place::Folder, Member { name, size: about.len(), found: Found::File(path.to_owned()) })
        };
        if member.size > TOTAL_CAP {
            let why = format!("it has {} bytes, more than {TOTAL_CAP}", member.size);
            return Err(ReadError::TooBig { file: member.name, why });
        }
        let total = member.size;
        let meter = Meter { done: Cell::new(0), total, told: Cell::new(0), progress: options.progress };
        let windows = windows && start != [0xEF, 0xBB, 0xBF];
        Ok(Archive { place, files: BTreeMap::from([(ALONE.to_owned(), member)]), meter, windows })
    }

    /// The name as the delivery spells it, where the file is there.
    pub fn name(&self, file: &str) -> Option<&str> {
        self.files.get(file).map(|member| member.name.as_str())
    }

    pub fn read(&mut self, file: &str) -> Result<Metered<'_>, ReadError> {
        let Some(member) = self.files.get(file) else { return Err(ReadError::MissingFile(file.to_owned())) };
        let (inner, packed): (Box<dyn Read + '_>, _) = match (&mut self.place, &member.found) {
            (Place::Zip(zip), Found::Entry { index, packed }) => {
                (Box::new(zip.by_index(*index).map_err(bad_zip)?), Some(*packed))
            }
            (_, Found::File(path)) => {
                (Box::new(File::open(path).map_err(|e| ReadError::unreadable(&member.name, e))?), None)
            }
            (Place::Folder, Found::Entry { .. }) => return Err(ReadError::MissingFile(file.to_owned())),
        };
        let inner: Box<dyn Read + '_> = if self.windows { Box::new(Windows1252::new(inner)) } else { inner };
        Ok(Metered { inner, file: &member.name, packed, given: 0, since_row: 0, meter: &self.meter })
    }
}

fn list_folder(root: &Path) -> Result<Vec<(String, Member)>, ReadError> {
    let mut found = Vec::new();
    let mut folders = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|e| ReadError::unreadable(folder.display().to_string(), e))?;
        for entry in entries {
            let entry = entry.map_err(|e| ReadError::unreadable(folder.display().to_string(), e))?;
            let path = entry.path();
            // A link may lead out of the folder.
            let (Ok(about), Some(name)) = (fs::symlink_metadata(&path), entry.file_name().to_str().map(str::to_owned))
            else {
                continue;
            };
            if about.is_file() {
                let member = Member { name: name.clone(), size: about.len(), found: Found::File(path) };
                found.push((format!("{prefix}{name}"), member));
            } else if about.is_dir() && prefix.is_empty() {
                folders.push((path, format!("{name}/")));
            }
        }
    }
    Ok(found)
}

fn list_zip(path: &Path) -> Result<(Place, Vec<(String, Member)>), ReadError> {
    let unreadable = |e| ReadError::unreadable(path.display().to_string(), e);
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut start = Vec::new();
    file.by_ref().take(2).read_to_end(&mut start).map_err(unreadable)?;
    if start != b"PK" {
        return Err(ReadError::NotOneRoster("it is neither a folder nor a zip".into()));
    }
    file.rewind().map_err(unreadable)?;
    let zip = ZipArchive::new(file).map_err(bad_zip)?;
    if zip.len() > ENTRY_CAP {
        let why = format!("it holds {} files, more than {ENTRY_CAP}", zip.len());
        return Err(ReadError::TooBig { file: path.display().to_string(), why });
    }
    if zip.has_duplicate_names() {
        return Err(ReadError::BadZip("one of its names stands for two files".into()));
    }
    let mut found = Vec::new();
    for index in 0..zip.len() {
        let entry = zip.by_index_data(index).map_err(bad_zip)?;
        let Ok(inside) = entry.name() else { continue };
        let inside = inside.replace('\\', "/");
        let name = inside.rsplit('/').next().unwrap_or_default().to_owned();
        let (size, packed) = (entry.size(), entry.compressed_size());
        found.push((inside, Member { name, size, found: Found::Entry { index, packed } }));
    }
    Ok((Place::Zip(Box::new(zip)), found))
}

/// Picks the one folder that holds the roster: the top, or a folder that somebody zipped as a whole.
fn choose(found: Vec<(String, Member)>, classes: bool) -> Result<BTreeMap<String, Member>, ReadError> {
    let mut folders: BTreeMap<String, BTreeMap<String, Member>> = BTreeMap::new();
    for (inside, member) in found {
        let folder = inside.strip_suffix(member.name.as_str()).unwrap_or_default().to_owned();
        let lower = member.name.to_ascii_lowercase();
        let wanted = FILES.contains(&lower.as_str()) || (classes && OF_CLASSES.contains(&lower.as_str()));
        if !wanted || folder.starts_with("__MACOSX") {
            continue;
        }
        let name = member.name.clone();
        if let Some(other) = folders.entry(folder).or_default().insert(lower, member) {
            return Err(ReadError::NotOneRoster(format!("it holds both {} and {name}", other.name)));
        }
    }
    let best = folders.values().map(BTreeMap::len).max().unwrap_or(0);
    let mut fullest = folders.into_values().filter(|files| files.len() == best);
    match (fullest.next(), fullest.next()) {
        (Some(files), None) => Ok(files),
        (None, _) => Err(ReadError::NotOneRoster("it holds no orgs.csv and no users.csv".into())),
        (Some(_), Some(_)) => Err(ReadError::NotOneRoster("two of its folders hold a roster".into())),
    }
}

fn bad_zip(error: ZipError) -> ReadError {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            ReadError::BadZip("it is locked with a password".into())
        }
        ZipError::Io(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            ReadError::BadZip("it ends before its table of contents".into())
        }
        other => ReadError::BadZip(other.to_string()),
    }
}

/// Bytes of one file, counted against every cap. Its errors are `ReadError`s in an `io::Error`'s coat.
pub(in crate::directory) struct Metered<'a> {
    inner: Box<dyn Read + 'a>,
    file: &'a str,
    packed: Option<u64>,
    given: u64,
    since_row: u64,
    meter: &'a Meter<'a>,
}

impl Metered<'_> {
    pub fn file(&self) -> &str {
        self.file
    }

    fn check(&self) -> Result<(), ReadError> {
        let file = || self.file.to_owned();
        let done = self.meter.done.get();
        if done > TOTAL_CAP {
            let why = format!("the files unpack to more than {TOTAL_CAP} bytes");
            return Err(ReadError::TooBig { file: file(), why });
        }
        if self.packed.is_some_and(|packed| self.given > RATIO_FREE && self.given / packed.max(1) > RATIO_CAP) {
            let why = format!("it unpacks to more than {RATIO_CAP} times its packed size, as no roster does");
            return Err(ReadError::TooBig { file: file(), why });
        }
        if self.since_row > ROW_CAP {
            return Err(ReadError::TooBig { file: file(), why: format!("one row is longer than {ROW_CAP} bytes") });
        }
        Ok(())
    }

    /// A row has come to its end.
    pub fn row_ends(&mut self) {
        self.since_row = 0;
    }
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer).map_err(|e| match self.packed {
            Some(_) => ReadError::BadZip(format!("{}: {e}", self.file)).wrap(),
            None => ReadError::unreadable(self.file, e).wrap(),
        })?;
        self.given += read as u64;
        self.since_row += read as u64;
        let done = self.meter.done.get() + read as u64;
        self.meter.done.set(done);
        self.check().map_err(ReadError::wrap)?;
        if done - self.meter.told.get() >= TELL_EVERY || done == self.meter.total {
            self.meter.told.set(done);
            (self.meter.progress)(Progress { done, total: self.meter.total });
        }
        Ok(read)
    }
}
