//! The rows of one file on their way: all of them, or those alone that were not there the night before.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
};

pub(super) struct Rows<'w> {
    out: csv::Writer<Box<dyn Write + 'w>>,
    pass: Pass<'w>,
}

pub(super) enum Pass<'b> {
    All,
    /// Nothing is written: this is how it was.
    Noting(&'b mut Before),
    /// What is as it was is not written.
    Changed(&'b mut Before),
}

/// A file as it was, by sourcedId: what a row said, and the fields that stay legible when it is deleted.
pub(super) struct Before {
    rows: BTreeMap<String, (u64, Vec<String>)>,
    width: usize,
    legible: &'static [usize],
}

impl Before {
    pub fn new(width: usize, legible: &'static [usize]) -> Before {
        Before { rows: BTreeMap::new(), width, legible }
    }
}

impl<'w> Rows<'w> {
    pub fn new(out: Box<dyn Write + 'w>, header: &[&str], pass: Pass<'w>) -> io::Result<Rows<'w>> {
        let mut out = csv::WriterBuilder::new().buffer_capacity(64 << 10).from_writer(out);
        out.write_record(header)?;
        Ok(Rows { out, pass })
    }

    /// What was there and has not come again is deleted.
    pub fn finish(mut self, modified: &str) -> io::Result<()> {
        if let Pass::Changed(before) = &mut self.pass {
            for (sourced_id, (_, legible)) in std::mem::take(&mut before.rows) {
                let mut fields = vec![""; before.width];
                let known = [(0, sourced_id.as_str()), (1, "tobedeleted"), (2, modified)].into_iter();
                let known = known.chain(before.legible.iter().copied().zip(legible.iter().map(String::as_str)));
                for (at, text) in known {
                    if let Some(field) = fields.get_mut(at) {
                        *field = text;
                    }
                }
                self.out.write_record(fields)?;
            }
        }
        self.out.flush()
    }
}

pub(super) fn row<'a>(rows: &mut Rows<'_>, fields: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
    let hash = |fields: &[&str]| {
        let mut hasher = DefaultHasher::new();
        fields.hash(&mut hasher);
        hasher.finish()
    };
    match &mut rows.pass {
        Pass::All => rows.out.write_record(fields)?,
        Pass::Noting(before) => {
            let fields: Vec<&str> = fields.into_iter().collect();
            let legible = before.legible.iter().map(|at| fields.get(*at).copied().unwrap_or_default().to_owned());
            let id = fields.first().copied().unwrap_or_default().to_owned();
            before.rows.insert(id, (hash(&fields), legible.collect()));
        }
        Pass::Changed(before) => {
            let fields: Vec<&str> = fields.into_iter().collect();
            let was = before.rows.remove(fields.first().copied().unwrap_or_default());
            if was.is_none_or(|(was, _)| was != hash(&fields)) {
                rows.out.write_record(fields)?;
            }
        }
    }
    Ok(())
}
