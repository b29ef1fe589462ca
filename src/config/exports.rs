//! `[[export]]`: what the library's ILS is told of cards, and who approved that.

use std::collections::BTreeSet;

use super::{
    declarations::{Claimed, Draft, filled, values},
    fields, read,
    section::{Section, known},
};
use crate::domain::{
    export::{Cell, Column, Export},
    id::{ExportId, OrganisationId},
};

pub(super) fn read(section: &Section<'_>, draft: &mut Draft) -> Option<Export> {
    let name: Option<ExportId> = section.need("name", read::word);
    if let Some(name) = &name {
        draft.claim(section, "name", Claimed::Export, name.as_str());
    }
    let delimiter = section.need("delimiter", |value| match read::text(value)?.as_str() {
        "tab" => Ok('\t'),
        "," => Ok(','),
        ";" => Ok(';'),
        "|" => Ok('|'),
        other => Err(format!("{other:?}: use \",\", \";\", \"|\" or \"tab\"")),
    });
    let header = section.need("header", read::flag);
    let organisations = section.list("organisations", read::word::<OrganisationId>);
    for organisation in organisations.iter().flatten() {
        let to = Claimed::Organisation;
        draft.refer(section, organisation.line, "organisations", to, organisation.value.as_str());
    }
    let columns = columns(section);
    let approved_by = approved_by(section);
    Some(Export {
        name: name?,
        columns: columns?,
        delimiter: delimiter?,
        header: header?,
        organisations: values(organisations?),
        approved_by: approved_by?,
    })
}

fn columns(section: &Section<'_>) -> Option<Vec<Column>> {
    let columns = section.tables("columns", &known(fields::EXPORT_COLUMN.fields));
    if columns.is_empty() {
        section.wrong("columns", "must name at least one: [{ header = \"P BARCODE\", value = \"card\" }]");
        return None;
    }
    let column = |section: &Section<'_>| {
        let header = section.need("header", read::text);
        let value: Option<Cell> = section.need("value", read::owned);
        Some(Column { header: header?, value: value? })
    };
    columns.iter().map(column).collect()
}

/// No one person alone lets everybody's names leave the house.
fn approved_by(section: &Section<'_>) -> Option<Vec<String>> {
    let names = values(filled(section, "approved_by", read::text)?);
    let different: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    if different.len() < 2 {
        section.wrong("approved_by", "must name two different people: nobody lets all patrons' lines leave alone");
        return None;
    }
    Some(names)
}
