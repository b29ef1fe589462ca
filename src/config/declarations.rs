//! The programme: scopes, organisations, agreements, vendors, sources and opt-outs, each checked by itself.
//! Whether they fit together is `check`'s.

use serde_json::{Map, Value};
use toml::de::DeValue;

use super::{
    Declared, DeclaredVendor, Rules, by_field, exports,
    fields::{self, Table},
    parties::{self, Party},
    read, school,
    section::{Located, Section, known},
    test_patrons,
};
use crate::domain::{
    agreement::Agreement,
    card::{CardScheme, IdField, InitialPin},
    catalogue::{OptOut, SourceSettings},
    clock::Date,
    grade::{AudienceBand, Grade},
    id::{OrganisationId, ScopeId, ScopeName, SourceId, VendorId, VendorUid},
    organisation::Organisation,
    patron::Role,
    scope::{Scope, Scopes, is_reserved},
    season::Season,
    test_patron,
    timetable::Timetable,
    vendor::{Attribute, ReleaseItem, Shelf},
};

/// Declarations, with what they claim for themselves and what they refer to.
#[derive(Default)]
pub(super) struct Draft {
    declared: Declared,
    pub(super) claims: Vec<Claim>,
    pub(super) references: Vec<Reference>,
}

/// A name that only one may have.
pub(super) struct Claim {
    pub(super) line: usize,
    pub(super) field: String,
    pub(super) of: Claimed,
    pub(super) name: String,
    /// The vendor or organisation that claims it, or the name itself.
    pub(super) by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claimed {
    Scope,
    Organisation,
    Agreement,
    Vendor,
    Source,
    OptOut,
    Export,
    /// A node of the directory's tree.
    RosterOrg,
    TestPatron,
    TestCard,
    /// A key within a protocol.
    Key(String),
}

/// A name that must be somewhere.
pub(super) struct Reference {
    pub(super) line: usize,
    pub(super) field: String,
    pub(super) to: Claimed,
    pub(super) name: String,
}

impl Draft {
    pub(super) fn plain(self) -> Declared {
        self.declared
    }

    pub(super) fn claim(&mut self, section: &Section<'_>, field: &str, of: Claimed, name: &str) {
        self.claim_at(section, section.line_of(field), field, of, name, name);
    }

    fn claim_at(&mut self, section: &Section<'_>, line: usize, field: &str, of: Claimed, name: &str, by: &str) {
        let (field, name, by) = (section.path_of(field), name.to_owned(), by.to_owned());
        self.claims.push(Claim { line, field, of, name, by });
    }

    pub(super) fn refer(&mut self, section: &Section<'_>, line: usize, field: &str, to: Claimed, name: &str) {
        self.references.push(Reference { line, field: section.path_of(field), to, name: name.to_owned() });
    }
}

pub(super) fn read(root: &Section<'_>, rules: &Rules<'_>) -> Draft {
    let mut draft = Draft::default();
    let each = |table: &Table| root.tables(table.name, &known(table.fields));
    for section in each(&fields::SCOPE) {
        let scope = scope(&section, &mut draft);
        draft.declared.scopes.extend(scope);
    }
    for section in each(&fields::ORGANISATION) {
        let organisation = organisation(&section, &mut draft);
        draft.declared.organisations.extend(organisation);
    }
    for section in each(&fields::AGREEMENT) {
        let agreement = agreement(&section, &mut draft);
        draft.declared.agreements.extend(agreement);
    }
    let vendor_fields = parties::fields_of_vendor(rules.kinds.protocols);
    for section in root.tables(fields::VENDOR.name, &vendor_fields) {
        let vendor = vendor(&section, &mut draft, rules);
        draft.declared.vendors.extend(vendor);
    }
    let mut source_fields = known(fields::SOURCE.fields);
    source_fields.extend(rules.kinds.sources.iter().flat_map(|(_, fields)| by_field::names(fields)));
    for section in root.tables(fields::SOURCE.name, &source_fields) {
        let source = source(&section, &mut draft, rules);
        draft.declared.sources.extend(source);
    }
    for section in each(&fields::OPT_OUT) {
        let opt_out = opt_out(&section, &mut draft);
        draft.declared.opt_outs.extend(opt_out);
    }
    school::refer(root, &mut draft);
    for section in each(&fields::TEST_PATRON) {
        let patron = test_patrons::read(&section, &mut draft);
        draft.declared.test_patrons.extend(patron);
    }
    for section in each(&fields::EXPORT) {
        let export = exports::read(&section, &mut draft);
        draft.declared.exports.extend(export);
    }
    draft
}

fn scope(section: &Section<'_>, draft: &mut Draft) -> Option<Scope> {
    let name: Option<ScopeName> = section.need("name", read::word);
    if let Some(name) = &name {
        draft.claim(section, "name", Claimed::Scope, name.as_str());
    }
    if name.as_ref().is_some_and(|name| is_reserved(name.as_str())) {
        section.wrong("name", "is a scope of OpenID Connect itself");
    }
    let description = section.maybe("description", read::text);
    Some(Scope::new(name?, description?))
}

fn organisation(section: &Section<'_>, draft: &mut Draft) -> Option<Organisation> {
    let id = claimed_id(section, draft, Claimed::Organisation);
    let name = section.need("name", read::text);
    let roster = section.list("roster", read::text);
    let by: Option<String> = id.clone().map(String::from);
    for org in roster.iter().flatten() {
        draft.claim_at(section, org.line, "roster", Claimed::RosterOrg, &org.value, by.as_deref().unwrap_or("?"));
    }
    if roster.as_ref().is_some_and(Vec::is_empty) {
        section.wrong("roster", "must name at least one org of the directory");
    }
    let card = card(section);
    let initial_pin: Option<InitialPin> = section.need("initial_pin", read::owned);
    let help = section.maybe("help", read::text);
    let bridge = match section.inline("bridge", &known(fields::BRIDGE.fields)) {
        Some(bridge) => season(&bridge).map(Some),
        None => Some(None),
    };
    let keeps_cards = section.need("keeps_cards", read::flag);
    let existing_card = section.need("existing_card", read::choice(&["never", "parallel", "merge"]));
    Some(Organisation {
        id: id?,
        name: name?,
        roster: values(roster?),
        card: card?,
        initial_pin: initial_pin?,
        help: help?,
        bridge: bridge?,
        keeps_cards: keeps_cards?,
        existing_card: existing_card?,
    })
}

fn season(section: &Section<'_>) -> Option<Season> {
    let (from, until) = (section.need("from", read::word), section.need("until", read::word));
    Some(Season { from: from?, until: until? })
}

fn card(organisation: &Section<'_>) -> Option<CardScheme> {
    let Some(section) = organisation.inline("card", &known(fields::CARD.fields)) else {
        if !organisation.has("card") {
            organisation.wrong("card", "is missing: card = { scheme = \"raw\", from = \"identifier\" }");
        }
        return None;
    };
    let from: Option<IdField> = section.need("from", read::owned);
    let scheme = section.need("scheme", |value| {
        let words = ["raw", "prefix", "barcode14"];
        let found = read::text(value)?;
        words.into_iter().find(|word| *word == found).ok_or_else(|| format!("{found:?}: use {}", read::listed(&words)))
    })?;
    let extra = match scheme {
        "prefix" => Some("prefix"),
        "barcode14" => Some("institution"),
        _ => None,
    };
    for other in ["prefix", "institution"].into_iter().filter(|name| section.has(name) && Some(*name) != extra) {
        section.wrong(other, format!("says nothing with scheme {scheme:?}"));
    }
    let text = extra.map(|name| section.need(name, read::text));
    let scheme = match (scheme, text) {
        ("prefix", Some(prefix)) => CardScheme::Prefix { prefix: prefix?, from: from? },
        ("barcode14", Some(institution)) => CardScheme::Barcode14 { institution: institution?, from: from? },
        _ => CardScheme::Raw { from: from? },
    };
    scheme.check().map_err(|message| section.wrong(extra.unwrap_or("scheme"), message)).ok()?;
    Some(scheme)
}

fn agreement(section: &Section<'_>, draft: &mut Draft) -> Option<Agreement> {
    let id = claimed_id(section, draft, Claimed::Agreement);
    let organisation = section.need("organisation", read::word);
    if let Some(organisation) = organisation.as_ref().map(|o: &OrganisationId| o.as_str()) {
        draft.refer(section, section.line_of("organisation"), "organisation", Claimed::Organisation, organisation);
    }
    let roles = filled(section, "roles", read::choice::<Role>(&["student", "staff"]));
    let grades = if section.has("grades") { grades(section).map(Some) } else { Some(None) };
    let privileges = scopes(section, draft, "privileges");
    let from: Option<Date> = section.need("from", read::date);
    let to: Option<Date> = section.need("to", read::date);
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        section.wrong("to", format!("the last day, {to}, comes before the first, {from}"));
    }
    let limit = section.maybe("loan_limit", read::number(1, 9999));
    let overdue_fines = section.maybe("overdue_fines", read::flag);
    Some(Agreement {
        id: id?,
        organisation: organisation?,
        roles: values(roles?),
        grades: grades?,
        privileges: as_new(privileges?),
        from: from?,
        to: to?,
        loan_limit: limit?.and_then(|number| u32::try_from(number).ok()),
        overdue_fines: overdue_fines?,
    })
}

fn grades(section: &Section<'_>) -> Option<(Grade, Grade)> {
    let bounds: Vec<Grade> = values(section.list("grades", read::word)?);
    match bounds.as_slice() {
        [from, to] if from <= to => Some((*from, *to)),
        [from, to] => {
            section.wrong("grades", format!("the last grade, {to}, comes before the first, {from}"));
            None
        }
        _ => {
            section.wrong("grades", "must be the first and the last grade, [\"PK\", \"12\"]");
            None
        }
    }
}

fn vendor(section: &Section<'_>, draft: &mut Draft, rules: &Rules<'_>) -> Option<DeclaredVendor> {
    let id: Option<VendorId> = claimed_id(section, draft, Claimed::Vendor);
    let name = section.need("name", read::text);
    let description = section.maybe("description", read::text);
    let shelf = section.need("shelf", read::choice::<Shelf>(&["books", "databases", "help"]));
    let audience = filled(section, "audience", read::choice::<AudienceBand>(&["juvenile", "young-adult", "adult"]));
    let scopes = scopes(section, draft, "scopes");
    let release = section.tables("release", &known(fields::RELEASE.fields)).iter().map(release).collect::<Vec<_>>();
    let launch_url = section.maybe("launch_url", read::url);
    let disabled = section.maybe("disabled", read::flag);
    let by = id.as_ref().map_or("?", |id| id.as_str()).to_owned();
    let parties: Vec<Party<'_>> = rules
        .kinds
        .protocols
        .iter()
        .flat_map(|(name, fields)| parties::read(section, name, fields, rules.judge))
        .collect();
    for Party { section, key_field, party, .. } in &parties {
        let of = Claimed::Key(party.protocol.clone());
        draft.claim_at(section, section.line_of(key_field), key_field, of, &party.key, &by);
    }
    let vendor = DeclaredVendor {
        id: id?,
        name: name?,
        description: description?,
        shelf: shelf?,
        audience: values(audience?),
        scopes: as_new(scopes?),
        release: release.into_iter().collect::<Option<Vec<_>>>()?,
        launch_url: launch_url?,
        disabled: disabled?,
        relying_parties: parties.iter().map(|party| party.party.clone()).collect(),
        secrets: parties.iter().filter_map(Party::declared_secret).collect(),
    };
    let whole = vendor.clone().with_identity(VendorUid::new(), false);
    for Party { section, party, .. } in &parties {
        if let Some((field, why)) = rules.judge.misfit(&whole, party) {
            section.wrong(field, why);
        }
    }
    Some(vendor)
}

/// Nothing beyond the default leaves the house without its purpose.
fn release(section: &Section<'_>) -> Option<ReleaseItem> {
    let name =
        section.need("name", read::choice::<Attribute>(&["card_number", "profile", "email", "address", "phone"]));
    let purpose = section.need("purpose", read::text);
    Some(ReleaseItem { name: name?, purpose: purpose? })
}

fn source(section: &Section<'_>, draft: &mut Draft, rules: &Rules<'_>) -> Option<SourceSettings> {
    let id: Option<SourceId> = claimed_id(section, draft, Claimed::Source);
    if id.as_ref().is_some_and(|id| test_patron::is_reserved(id.as_str())) {
        section.wrong("id", "is where test patrons are kept; use another");
    }
    let at = section.list("at", read::word);
    let every = section.maybe("every", read::duration("10s", "7d"));
    let yields_to = section.list("yields_to", read::word::<SourceId>);
    for other in yields_to.iter().flatten() {
        draft.refer(section, other.line, "yields_to", Claimed::Source, other.value.as_str());
    }
    if yields_to.iter().flatten().any(|other| Some(&other.value) == id.as_ref()) {
        section.wrong("yields_to", "a source cannot yield to itself");
    }
    let alert_url = section.maybe("alert_url", read::url);
    // Who signs in by this source is on the roster of another.
    if section.has("roster")
        && let Some(roster) = section.need("roster", read::text)
    {
        draft.refer(section, section.line_of("roster"), "roster", Claimed::Source, &roster);
    }
    let kinds = rules.kinds.sources;
    let fields = section.need("kind", |value| {
        let found = read::text(value)?;
        let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
        let known = kinds.iter().find(|(name, _)| *name == found);
        known.copied().ok_or_else(|| format!("{found:?}: use {}", read::listed(&names)))
    });
    let (kind, fields) = fields?;
    let of_others = kinds.iter().flat_map(|(_, fields)| fields.iter()).map(|field| field.name);
    for name in of_others.filter(|name| section.has(name) && !fields.iter().any(|field| field.name == *name)) {
        section.wrong(name, format!("says nothing with kind {kind:?}"));
    }
    let mut settings = Some(Map::new());
    for field in fields {
        match (by_field::setting(section, field), &mut settings) {
            (Some(Some((name, value))), Some(settings)) => {
                settings.insert(name, value);
            }
            (Some(_), _) => {}
            (None, _) => settings = None,
        }
    }
    if let Some(roster) = settings.as_ref().and_then(|settings| settings.get("roster")?.as_str()) {
        draft.refer(section, section.line_of("roster"), "roster", Claimed::Source, roster);
    }
    let source = SourceSettings {
        id: id?,
        kind: kind.to_owned(),
        timetable: Timetable { at: values(at?), every: every?.map(|every| every.as_secs()) },
        yields_to: values(yields_to?),
        alert_url: alert_url?,
        settings: Value::Object(settings?),
    };
    if let Some((field, why)) = rules.judge.source_misfit(&source) {
        section.wrong(field, why);
    }
    Some(source)
}

fn opt_out(section: &Section<'_>, draft: &mut Draft) -> Option<OptOut> {
    let card = section.maybe("card", read::owned);
    let source = section.maybe("source", read::word);
    let sourced_id = section.maybe("sourced_id", read::text);
    let since = section.maybe("since", read::date);
    let opt_out = OptOut { card: card?, source: source?, sourced_id: sourced_id?, since: since?, by_command: false };
    match (&opt_out.card, &opt_out.source, &opt_out.sourced_id) {
        (Some(_), None, None) | (None, Some(_), Some(_)) => {}
        _ => {
            section.wrong_at(section.line, "card", "name the person by card, or by source and sourced_id");
            return None;
        }
    }
    if let Some(source) = &opt_out.source {
        draft.refer(section, section.line_of("source"), "source", Claimed::Source, source.as_str());
    }
    let field = if opt_out.card.is_some() { "card" } else { "sourced_id" };
    draft.claim(section, field, Claimed::OptOut, &opt_out.key());
    Some(opt_out)
}

pub(super) fn claimed_id<T>(section: &Section<'_>, draft: &mut Draft, of: Claimed) -> Option<T>
where
    T: std::str::FromStr<Err: std::fmt::Display> + Clone + Into<String>,
{
    let id: T = section.need("id", read::word)?;
    let name: String = id.clone().into();
    draft.claim(section, "id", of, &name);
    Some(id)
}

fn scopes(section: &Section<'_>, draft: &mut Draft, field: &str) -> Option<Vec<Located<ScopeName>>> {
    let names = filled(section, field, read::word::<ScopeName>)?;
    for name in &names {
        draft.refer(section, name.line, field, Claimed::Scope, name.value.as_str());
    }
    Some(names)
}

fn as_new(names: Vec<Located<ScopeName>>) -> Scopes {
    names.into_iter().map(|name| ScopeId::from(name.value)).collect()
}

/// A list that says nothing when it is empty.
pub(super) fn filled<T>(
    section: &Section<'_>,
    field: &str,
    read: impl Fn(&DeValue<'_>) -> Result<T, String>,
) -> Option<Vec<Located<T>>> {
    let list = section.list(field, read)?;
    if section.is_empty_list(field) {
        section.wrong(field, "must not be empty");
    }
    Some(list)
}

pub(super) fn values<T>(list: Vec<Located<T>>) -> Vec<T> {
    list.into_iter().map(|entry| entry.value).collect()
}
