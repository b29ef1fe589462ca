//! A table of the file with the places of everything in it: reading goes on after a mistake, so that all of a
//! file's mistakes are told at once.

use std::{
    borrow::Cow,
    cell::RefCell,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    Environment, Problem, Problems,
    fields::{self, Setting, Table},
};

/// # Errors
/// Every place where the text is not TOML.
pub(super) fn parse<'t>(text: &'t str, path: &Path) -> Result<Spanned<DeTable<'t>>, Problems> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table);
    }
    let sheet = Sheet::new(text, path);
    for error in errors {
        let line = error.span().map_or(0, |span| sheet.line(span.start));
        sheet.wrong(line, String::new(), error.message().to_owned());
    }
    sheet.result(table)
}

/// One file being read: where its lines begin, and what was found wrong so far.
pub(super) struct Sheet<'t> {
    path: &'t Path,
    starts: Vec<usize>,
    /// Stands for a table that the file leaves away.
    empty: DeTable<'static>,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
}

impl<'t> Sheet<'t> {
    pub(super) fn new(text: &str, path: &'t Path) -> Sheet<'t> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Sheet { path, starts, empty: DeTable::new(), problems: RefCell::default(), warnings: RefCell::default() }
    }

    pub(super) fn root<'s>(&'s self, parsed: &'s Spanned<DeTable<'s>>, environment: &'s Environment) -> Section<'s> {
        Section {
            sheet: self,
            name: String::new(),
            line: 0,
            table: parsed.get_ref(),
            fields: known(fields::ROOT.fields),
            environment: Some(environment),
        }
    }

    /// `value`, if nothing was wrong.
    pub(super) fn result<T>(self, value: T) -> Result<T, Problems> {
        let mut list = self.problems.into_inner();
        if list.is_empty() {
            return Ok(value);
        }
        list.sort_by_key(|problem| problem.line);
        list.dedup();
        Err(Problems { path: self.path.to_owned(), list })
    }

    pub(super) fn warnings(&self) -> Vec<Problem> {
        self.warnings.borrow().clone()
    }

    fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    fn wrong(&self, line: usize, field: String, message: String) {
        self.problems.borrow_mut().push(Problem { line, field, message });
    }
}

/// A value and the line that it stands on.
#[derive(Debug, Clone)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) line: usize,
}

/// A field that a table may have, and what stands without it, as TOML.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) name: Cow<'static, str>,
    pub(super) default: &'static str,
}

pub(super) fn known(settings: &[Setting]) -> Vec<Known> {
    settings.iter().map(|setting| Known { name: Cow::Borrowed(setting.name), default: setting.default }).collect()
}

/// One table of the file, held against the fields that it may have.
pub(super) struct Section<'s> {
    sheet: &'s Sheet<'s>,
    /// `vendor.oidc`; empty for the top level.
    name: String,
    pub(super) line: usize,
    table: &'s DeTable<'s>,
    fields: Vec<Known>,
    environment: Option<&'s Environment>,
}

impl<'s> Section<'s> {
    /// Reads a field, or its default. `None`, once told, where it is wrong or missing.
    pub(super) fn need<T>(&self, name: &str, read: impl Fn(&DeValue<'_>) -> Result<T, String>) -> Option<T> {
        if let Some((value, line)) = self.find(name) {
            return self.told(line, name, read(&value));
        }
        match self.default(name) {
            Some(value) => self.told(self.line, name, read(&value)),
            None => {
                self.wrong(name, "is missing");
                None
            }
        }
    }

    /// Reads a field that may be absent: `Some(None)`. Outer `None`, once told, where it is wrong.
    pub(super) fn maybe<T>(&self, name: &str, read: impl Fn(&DeValue<'_>) -> Result<T, String>) -> Option<Option<T>> {
        match self.find(name) {
            Some((value, line)) => self.told(line, name, read(&value)).map(Some),
            None => Some(None),
        }
    }

    /// Reads a list, each entry at its own line. Entries that are wrong are told and left out.
    pub(super) fn list<T>(
        &self,
        name: &str,
        read: impl Fn(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<Vec<Located<T>>> {
        let (value, line) = match self.find(name) {
            Some(found) => found,
            None => match self.default(name) {
                Some(value) => (Cow::Owned(value), self.line),
                None => {
                    self.wrong(name, "is missing");
                    return None;
                }
            },
        };
        let DeValue::Array(entries) = value.as_ref() else {
            self.wrong_at(line, name, format!("must be a list, not {}", article(value.type_str())));
            return None;
        };
        // Entries that an environment variable gave have no place in the file.
        let from_file = line > 0;
        let located = entries.iter().filter_map(|entry| {
            let line = if from_file { self.sheet.line(entry.span().start) } else { line };
            let value = self.told(line, name, read(entry.get_ref()))?;
            Some(Located { value, line })
        });
        Some(located.collect())
    }

    /// The table of this name, `[session]`.
    pub(super) fn table(&self, of: &Table) -> Option<Section<'s>> {
        self.inline(of.name, &known(of.fields))
    }

    /// The table of this name, or one without fields, so that defaults are read the same way.
    pub(super) fn table_or_empty(&self, of: &Table) -> Section<'s> {
        self.table(of).unwrap_or_else(|| self.inner(of.name, known(of.fields), 0, &self.sheet.empty))
    }

    /// The tables of this name, `[[vendor]]`.
    pub(super) fn tables(&self, name: &str, fields: &[Known]) -> Vec<Section<'s>> {
        let Some((_, value)) = self.entry(name) else { return Vec::new() };
        let DeValue::Array(entries) = value.get_ref() else {
            self.wrong(name, format!("must be written [[{}]]", self.path_of(name)));
            return Vec::new();
        };
        let sections = entries.iter().filter_map(|entry| {
            let line = self.sheet.line(entry.span().start);
            match entry.get_ref() {
                DeValue::Table(table) => Some(self.inner(name, fields.to_vec(), line, table)),
                other => {
                    self.wrong_at(line, name, format!("must be a table, not {}", article(other.type_str())));
                    None
                }
            }
        });
        sections.collect()
    }

    /// A table that is written within this one, `card = { … }`. `None`, once told, where it is something else.
    pub(super) fn inline(&self, name: &str, fields: &[Known]) -> Option<Section<'s>> {
        let (key, value) = self.entry(name)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(self.inner(name, fields.to_vec(), self.line_of_key(key), table)),
            other => {
                self.wrong(name, format!("must be a table, not {}", article(other.type_str())));
                None
            }
        }
    }

    fn inner(&self, name: &str, fields: Vec<Known>, line: usize, table: &'s DeTable<'s>) -> Section<'s> {
        let section = Section { sheet: self.sheet, name: self.path_of(name), line, table, fields, environment: None };
        section.refuse_unknown_fields();
        section
    }

    pub(super) fn refuse_unknown_fields(&self) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if !self.fields.iter().any(|field| field.name == name) {
                let message = match self.nearest(name) {
                    Some(near) => format!("there is no such field; did you mean {near}?"),
                    None => "there is no such field".to_owned(),
                };
                self.wrong_at(self.line_of_key(key), name, message);
            }
        }
    }

    /// Whether the file itself has the field.
    pub(super) fn is_written(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// Whether the field holds text rather than a table.
    pub(super) fn is_text(&self, name: &str) -> bool {
        self.find(name).is_some_and(|(value, _)| value.as_str().is_some())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub(super) fn is_empty_list(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|(_, value)| value.get_ref().as_array().is_some_and(|list| list.is_empty()))
    }

    /// Where a field stands; the table's own line where it is absent.
    pub(super) fn line_of(&self, name: &str) -> usize {
        self.find(name).map_or(self.line, |(_, line)| line)
    }

    pub(super) fn wrong(&self, name: &str, message: impl Into<String>) {
        self.wrong_at(self.line_of(name), name, message);
    }

    pub(super) fn wrong_at(&self, line: usize, name: &str, message: impl Into<String>) {
        self.sheet.wrong(line, self.path_of(name), message.into());
    }

    pub(super) fn warn(&self, name: &str, message: &str) {
        self.warn_at(self.line_of(name), name, message);
    }

    pub(super) fn warn_at(&self, line: usize, name: &str, message: &str) {
        let problem = Problem { line, field: self.path_of(name), message: message.to_owned() };
        self.sheet.warnings.borrow_mut().push(problem);
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        if self.name.is_empty() { name.to_owned() } else { format!("{}.{name}", self.name) }
    }

    /// A path of the file, which is relative to the file.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.sheet.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// Says what is wrong, if anything is.
    fn told<T>(&self, line: usize, name: &str, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|message| self.wrong_at(line, name, message)).ok()
    }

    fn entry(&self, name: &str) -> Option<(&'s Spanned<Cow<'s, str>>, &'s Spanned<DeValue<'s>>)> {
        self.table.iter().find(|(key, _)| key.get_ref() == name)
    }

    /// A field's value and line: the environment's, with line 0, before the file's.
    fn find(&self, name: &str) -> Option<(Cow<'s, DeValue<'s>>, usize)> {
        if let Some(text) = self.environment.and_then(|environment| environment.value(name)) {
            return Some((Cow::Owned(self.overriding(name, text)), 0));
        }
        self.entry(name).map(|(_, value)| (Cow::Borrowed(value.get_ref()), self.sheet.line(value.span().start)))
    }

    /// Lists are written with commas in a variable, `10.0.0.0/8,::1`.
    fn overriding(&self, name: &str, text: &str) -> DeValue<'s> {
        let word = |text: &str| DeValue::String(Cow::Owned(text.trim().to_owned()));
        if !self.fields.iter().any(|field| field.name == name && field.default == "[]") {
            return word(text);
        }
        let mut entries = DeArray::new();
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            entries.push(Spanned::new(0..0, word(part)));
        }
        DeValue::Array(entries)
    }

    fn default(&self, name: &str) -> Option<DeValue<'static>> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        DeValue::parse(field.default).ok().map(Spanned::into_inner)
    }

    fn line_of_key(&self, key: &Spanned<Cow<'_, str>>) -> usize {
        self.sheet.line(key.span().start)
    }

    /// The field that somebody who wrote `name` most likely meant.
    fn nearest(&self, name: &str) -> Option<&str> {
        let near = self.fields.iter().map(|field| (distance(name, &field.name), field.name.as_ref())).min()?;
        (near.0 <= 1 + name.len() / 4).then_some(near.1)
    }
}

fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'e', 'i', 'o']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}

/// How many letters must be put in, taken out or exchanged (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(to.chars()) {
            left = (corner + usize::from(a != b)).min(left + 1).min(*cell + 1);
            corner = std::mem::replace(cell, left);
        }
    }
    row.last().copied().unwrap_or_default()
}
