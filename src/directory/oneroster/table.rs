//! One CSV file as rows of the columns that are needed, whatever the standard or the operator calls them. What a value
//! means is for `values` and the file's own module.

use std::{
    borrow::Cow,
    io::{self, Cursor, Read},
};

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::{
    archive::{Archive, Metered},
    error::ReadError,
};
use crate::directory::Report;

/// Rows of a manifest.
const PROPERTY_CAP: usize = 1000;
/// Bytes of one needed field.
const FIELD_CAP: usize = 8 << 10;
/// A field with more line ends inside than this has swallowed the rows after it.
const LINE_CAP: usize = 12;
/// Set behind the end of every file. A last field that ends with it was never closed.
const LAST: &[u8] = b"\n\n";

/// A column that is asked for, by its OneRoster name.
#[derive(Clone, Copy)]
pub(in crate::directory) struct Column {
    pub name: &'static str,
    required: bool,
    words: bool,
}

/// The file is refused without it.
pub(in crate::directory) const fn need(name: &'static str) -> Column {
    Column { name, required: true, words: false }
}

/// Read where it is there.
pub(in crate::directory) const fn want(name: &'static str) -> Column {
    Column { name, required: false, words: false }
}

impl Column {
    /// Free text: line ends and control characters are smoothed, where in an id they make the row unreadable.
    pub const fn words(self) -> Column {
        Column { words: true, ..self }
    }
}

/// How a file is written that keeps to no standard.
#[derive(Clone, Copy)]
pub(in crate::directory) struct Layout {
    pub delimiter: u8,
    /// The first row names the columns.
    pub header: bool,
}

const STANDARD: Layout = Layout { delimiter: b',', header: true };

/// Where the operator says that a column of such a file is.
#[derive(Clone, Copy)]
pub(in crate::directory) enum Spot<'n> {
    Named(&'n str),
    /// From 0.
    At(usize),
    Nowhere,
}

/// Where a column was found.
#[derive(Clone, Copy)]
pub(in crate::directory) struct Place {
    pub column: &'static str,
    at: Option<usize>,
    words: bool,
}

impl Place {
    pub fn is_there(self) -> bool {
        self.at.is_some()
    }
}

pub(in crate::directory) struct Table<'a> {
    reader: csv::Reader<Opened<'a>>,
    record: StringRecord,
    places: Vec<Place>,
    width: usize,
    line: u64,
    rows: u64,
    /// `record` is the first row and has not been handed out.
    pending: bool,
}

impl<'a> Table<'a> {
    /// Opens `file` and finds its columns by their names, whatever their order and case.
    pub fn open<const N: usize>(
        archive: &'a mut Archive<'_>,
        file: &'static str,
        columns: [Column; N],
        report: &mut Report,
    ) -> Result<(Table<'a>, [Place; N]), ReadError> {
        let mut reader = rows_of(archive, file, STANDARD, report)?;
        let name = reader.get_ref().name().to_owned();
        if name != file {
            report.repaired(&name, 0, "", "file-name", format!("read as {file}"));
        }
        let mut header = StringRecord::new();
        let Some(line) = next_record(&mut reader, &mut header, 0)? else { return Err(ReadError::Empty(name)) };
        let places = columns.map(|column| find(&header, &name, column, report));
        for (column, place) in columns.iter().zip(&places) {
            if column.required && !place.is_there() {
                return Err(ReadError::MissingColumn { file: name, column: column.name });
            }
        }
        if header.iter().any(|found| plain(found) == "datalastmodified") {
            report.repaired(
                &name,
                line,
                "dateLastModified",
                "header-spelling",
                "dataLastModified read as dateLastModified",
            );
        }
        let (record, width) = (StringRecord::new(), header.len());
        Ok((Table { reader, record, places: places.to_vec(), width, line, rows: 0, pending: false }, places))
    }

    /// Opens `file`, whose columns are where `spots` say.
    pub fn open_as<const N: usize>(
        archive: &'a mut Archive<'_>,
        file: &str,
        layout: Layout,
        columns: [(Column, Spot<'_>); N],
        report: &mut Report,
    ) -> Result<(Table<'a>, [Place; N]), ReadError> {
        let mut reader = rows_of(archive, file, layout, report)?;
        let name = reader.get_ref().name().to_owned();
        let mut record = StringRecord::new();
        let Some(line) = next_record(&mut reader, &mut record, 0)? else { return Err(ReadError::Empty(name)) };
        let absent = |column: Column, spot: &dyn std::fmt::Display| ReadError::NoSuchColumn {
            file: name.clone(),
            column: spot.to_string(),
            field: column.name,
        };
        for (column, spot) in &columns {
            match *spot {
                Spot::Named(spelled) if !record.iter().any(|found| plain(found) == plain(spelled)) => {
                    return Err(absent(*column, &format!("{spelled:?}")));
                }
                Spot::At(at) if at >= record.len() => return Err(absent(*column, &(at + 1))),
                _ => {}
            }
        }
        let places = columns.map(|(column, spot)| match spot {
            Spot::Named(spelled) => find_spelled(&record, &name, column, spelled, report),
            Spot::At(at) => Place { column: column.name, at: Some(at), words: column.words },
            Spot::Nowhere => Place { column: column.name, at: None, words: column.words },
        });
        let (width, pending) = (record.len(), !layout.header);
        Ok((Table { reader, record, places: places.to_vec(), width, line, rows: 0, pending }, places))
    }

    pub fn file(&self) -> &str {
        self.reader.get_ref().name()
    }

    /// How many rows with something in them have been met.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next row that can be read at all; those that cannot are in the report.
    pub fn next(&mut self, report: &mut Report) -> Result<Option<Row<'_>>, ReadError> {
        loop {
            if !std::mem::take(&mut self.pending) {
                let Some(line) = next_record(&mut self.reader, &mut self.record, self.width)? else { return Ok(None) };
                self.line = line;
            }
            let line = self.line;
            let row = Row { file: self.reader.get_ref().name(), line, record: &self.record, width: self.width };
            if self.places.iter().all(|place| row.text(*place).is_empty()) {
                report.repaired(row.file, line, "", "blank-row", "a row of empty fields was passed over");
                continue;
            }
            self.rows += 1;
            row.note_width(report);
            if is_plain(self.record.as_slice()) || self.places.iter().all(|place| row.is_sound(*place, report)) {
                break;
            }
        }
        Ok(Some(Row { file: self.reader.get_ref().name(), line: self.line, record: &self.record, width: self.width }))
    }
}

/// A row, borrowed until the next one is read.
#[derive(Clone, Copy)]
pub(in crate::directory) struct Row<'r> {
    pub file: &'r str,
    /// The header is line 1.
    pub line: u64,
    record: &'r StringRecord,
    width: usize,
}

impl<'r> Row<'r> {
    /// The field without surrounding blanks; empty where the row or the file does not have it.
    pub fn text(&self, place: Place) -> &'r str {
        place.at.and_then(|at| self.record.get(at)).unwrap_or_default().trim()
    }

    /// Free text on one line.
    pub fn words(&self, place: Place) -> Cow<'r, str> {
        let text = self.text(place);
        if !text.contains(char::is_control) {
            return Cow::Borrowed(text);
        }
        let smooth: Vec<&str> = text.split(|c: char| c.is_control() || c == ' ').filter(|w| !w.is_empty()).collect();
        Cow::Owned(smooth.join(" "))
    }

    /// Whether something stands beyond the last column: the fields before it may have been pushed right.
    pub fn has_surplus(&self) -> bool {
        self.record.iter().skip(self.width).any(|field| !field.trim().is_empty())
    }

    fn note_width(&self, report: &mut Report) {
        let (found, wanted) = (self.record.len(), self.width);
        if found < wanted {
            let what = format!("{found} fields where the header has {wanted}; the missing ones read as empty");
            report.repaired(self.file, self.line, "", "ragged-row", what);
        } else if found > wanted {
            let what = format!("{found} fields where the header has {wanted}; the rest was passed over");
            report.repaired(self.file, self.line, "", "ragged-row", what);
        }
    }

    fn is_sound(&self, place: Place, report: &mut Report) -> bool {
        let Some(field) = place.at.and_then(|at| self.record.get(at)) else { return true };
        let trimmed = field.trim();
        if trimmed.len() > FIELD_CAP {
            let what = format!("{} bytes in one field, where {FIELD_CAP} are the most", trimmed.len());
            report.refused(self.file, self.line, place.column, "too-long", what);
            return false;
        }
        if trimmed.bytes().any(|b| b.is_ascii_control()) {
            if !place.words || trimmed.matches('\n').count() > 2 {
                let what = "a line end or control character inside the value";
                report.refused(self.file, self.line, place.column, "control-character", what);
                return false;
            }
            let what = "line ends and control characters read as blanks";
            report.repaired(self.file, self.line, place.column, "control-character", what);
        }
        if trimmed.len() != field.len() {
            report.repaired(self.file, self.line, place.column, "blanks", "surrounding blanks taken off");
        }
        true
    }
}

/// Every row as its first two fields, header or not: what a manifest is made of.
pub(in crate::directory) fn pairs(
    archive: &mut Archive<'_>,
    file: &'static str,
    report: &mut Report,
) -> Result<Vec<(String, String, u64)>, ReadError> {
    let mut reader = rows_of(archive, file, STANDARD, report)?;
    if reader.get_ref().name() != file {
        report.repaired(reader.get_ref().name(), 0, "", "file-name", format!("read as {file}"));
    }
    let mut record = StringRecord::new();
    let mut pairs = Vec::new();
    while let Some(line) = next_record(&mut reader, &mut record, 2)? {
        let field = |at| record.get(at).unwrap_or_default().trim().to_owned();
        if pairs.len() < PROPERTY_CAP {
            pairs.push((field(0), field(1), line));
        }
    }
    Ok(pairs)
}

/// A file whose first bytes have been looked at, with every line ending in one `\n`, the last one too: only so is
/// the line that csv counts the line that an editor shows.
struct Opened<'a> {
    start: Cursor<Vec<u8>>,
    rest: Metered<'a>,
    delimiter: u8,
    after_return: bool,
    ended: bool,
}

impl Opened<'_> {
    fn name(&self) -> &str {
        self.rest.file()
    }

    /// Makes `\r\n` and `\r` to `\n`, in place; answers how many bytes are left.
    fn straighten(&mut self, bytes: &mut [u8]) -> usize {
        if !self.after_return && !bytes.contains(&b'\r') {
            return bytes.len();
        }
        let mut kept = 0;
        for from in 0..bytes.len() {
            let byte = bytes[from];
            let second_half = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            if !second_half {
                bytes[kept] = if self.after_return { b'\n' } else { byte };
                kept += 1;
            }
        }
        kept
    }
}

impl Read for Opened<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut read = self.start.read(buffer)?;
            if read == 0 {
                read = self.rest.read(buffer)?;
            }
            match read {
                0 if !self.ended && buffer.len() >= LAST.len() => {
                    self.ended = true;
                    buffer[..LAST.len()].copy_from_slice(LAST);
                    return Ok(LAST.len());
                }
                0 => return Ok(0),
                some => match self.straighten(&mut buffer[..some]) {
                    0 => continue,
                    kept => return Ok(kept),
                },
            }
        }
    }
}

fn rows_of<'a>(
    archive: &'a mut Archive<'_>,
    file: &str,
    layout: Layout,
    report: &mut Report,
) -> Result<csv::Reader<Opened<'a>>, ReadError> {
    let mut rest = archive.read(file)?;
    let name = rest.file().to_owned();
    let mut start = Vec::with_capacity(4);
    rest.by_ref().take(4).read_to_end(&mut start).map_err(|e| ReadError::unwrap_from(&name, e))?;
    match start.as_slice() {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, _, 0, _] | [_, 0, _, 0] => {
            return Err(ReadError::WrongEncoding { file: name, line: 1, found: "this is UTF-16" });
        }
        [0xEF, 0xBB, 0xBF, ..] => {
            start.drain(..3);
            report.repaired(&name, 1, "", "byte-order-mark", "the byte order mark was passed over");
        }
        _ => {}
    }
    let delimiter = layout.delimiter;
    let opened = Opened { start: Cursor::new(start), rest, delimiter, after_return: false, ended: false };
    Ok(ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(64 << 10)
        .from_reader(opened))
}

/// Whether no field of a row can need a second look: short, visible ASCII, no blanks. Most rows of a roster are so.
fn is_plain(row: &str) -> bool {
    row.len() <= FIELD_CAP && !row.bytes().fold(false, |odd, byte| odd | !byte.is_ascii_graphic())
}

/// Reads on and answers the line that the record begins on; `None` at the end.
fn next_record(
    reader: &mut csv::Reader<Opened<'_>>,
    record: &mut StringRecord,
    width: usize,
) -> Result<Option<u64>, ReadError> {
    let any = match reader.read_record(record) {
        Ok(any) => any,
        Err(error) => {
            let file = reader.get_ref().name();
            return Err(match error.into_kind() {
                ErrorKind::Io(error) => ReadError::unwrap_from(file, error),
                ErrorKind::Utf8 { pos, .. } => {
                    let line = pos.map_or(0, |pos| pos.line());
                    let found = "this is not UTF-8 (Latin-1 or Windows-1252, it seems)";
                    ReadError::WrongEncoding { file: file.to_owned(), line, found }
                }
                other => ReadError::NotOneRoster(format!("{file}: {other:?}")),
            });
        }
    };
    if !any {
        return Ok(None);
    }
    let after = reader.position().line();
    let (mut inside, mut swallowed) = (0, false);
    if record.position().is_some_and(|start| after > start.line() + 1) {
        for field in record.iter() {
            let ends = field.matches('\n').count();
            inside += ends as u64;
            // A field that holds the better part of a row is no field.
            swallowed |= ends > LINE_CAP
                || (ends > 0 && field.matches(char::from(reader.get_ref().delimiter)).count() > width / 2);
        }
    }
    let line = after.saturating_sub(1 + inside);
    let cut_off = reader.get_ref().ended && record.iter().next_back().is_some_and(|field| field.ends_with("\n\n"));
    if swallowed || cut_off {
        let line = if cut_off { line + 1 } else { line };
        return Err(ReadError::UnclosedQuote { file: reader.get_ref().name().to_owned(), line });
    }
    reader.get_mut().rest.row_ends();
    Ok(Some(line))
}

fn find(header: &StringRecord, file: &str, column: Column, report: &mut Report) -> Place {
    find_spelled(header, file, column, column.name, report)
}

fn find_spelled(header: &StringRecord, file: &str, column: Column, name: &str, report: &mut Report) -> Place {
    let wanted = plain(name);
    let mut found = header.iter().enumerate().filter(|(_, name)| plain(name) == wanted);
    let first = found.next();
    if let Some((_, spelled)) = first.filter(|(_, spelled)| *spelled != name) {
        let what = format!("{:?} read as {name}", spelled.trim());
        report.repaired(file, 1, column.name, "header-spelling", what);
    }
    if found.next().is_some() {
        report.repaired(file, 1, column.name, "double-column", "the column is there twice; the first one was read");
    }
    Place { column: column.name, at: first.map(|(at, _)| at), words: column.words }
}

/// A header without case, blanks and punctuation.
fn plain(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
