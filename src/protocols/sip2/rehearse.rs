//! The 64 that a vendor would get of a patron, for people to read, with why each field says what it says.

use super::{
    NAME, Party,
    party::Personal,
    patron::{loan_terms, yes},
};
use crate::{
    protocols::{Part, Rehearsed, Stage},
    wire::sip2::request::PatronFields,
};

pub(super) fn information(stage: &Stage<'_>, party: &Party) -> Rehearsed {
    let asked = PatronFields { card: "(the card as sent)".into(), ..PatronFields::default() };
    let fields = yes(party, &asked, stage.told, true);
    let part = |name: &str, value: &str, why: &str| Part {
        name: name.to_owned(),
        values: vec![value.to_owned()],
        why: why.to_owned(),
    };
    let mut parts = vec![
        part("AA", &fields.card, "patron_identifier says whether it is the vendor's pseudonym or the card as sent"),
        part("AE", &fields.name, "patron_name, or an adult's own where a release says so with a purpose"),
        part("BL", "Y", "policy lets the reader in"),
        part("CQ", "Y", "the PIN was right; N for a look-up without one"),
    ];
    for field in loan_terms(party, stage.told) {
        parts.push(part(
            &field.code().to_string(),
            field.value(),
            "an agreement says so, and the vendor lends (loans)",
        ));
    }
    let class = party.classes.of(stage.told.release.audience_band);
    parts.push(part("PC", class, "the audience band, in the words of patron_classes"));
    let told = |field: &Personal| field.of(&stage.told.release.standard);
    for field in party.personal.iter().filter(|field| told(field).is_some()) {
        let why = "personal_fields names it, and a release says so with a purpose";
        parts.push(part(&field.code().to_string(), &told(field).unwrap_or_default(), why));
    }
    let untold = Personal::ALL.iter().filter(|field| !party.personal.contains(field));
    let withheld =
        untold.map(|field| part(&field.code().to_string(), "", "personal_fields does not name it")).collect();
    let lines: Vec<String> = parts.iter().map(|part| format!("{}{}|", part.name, part.values.concat())).collect();
    Rehearsed { protocol: NAME, relying_party: party.asker.key.clone(), text: lines.join("\n"), parts, withheld }
}
