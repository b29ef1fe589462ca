//! What a service provider is told of a patron: the attributes that it wants, by the operator's word or by its metadata,
//! as far as `policy::release` let them out. Nothing is told without a rule that names it, and each rule is kept, so
//! that `explain` can say why.

use serde::Serialize;

use super::{
    names,
    party::{Party, Persistence},
};
use crate::{
    domain::patron::Role,
    signon::Release,
    wire::saml::{
        format,
        metadata::RequestedAttribute,
        response::{Attribute, Value},
    },
};

/// What there is to be told of one patron at one service provider.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub issuer: &'a str,
    /// The right side of scoped attributes.
    pub scope_domain: &'a str,
    /// The patron's pseudonym at this vendor.
    pub subject: &'a str,
    pub release: &'a Release,
    /// Granted scopes, by every name in use.
    pub scopes: &'a [String],
}

/// An attribute that is sent, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub attribute: Attribute,
    pub rule: Rule,
}

/// An attribute that is asked for and not sent, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Withheld {
    pub name: String,
    pub why: &'static str,
}

/// Why an attribute is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Rule {
    /// The operator's `attributes`.
    Setting,
    /// A RequestedAttribute of its metadata.
    Requested,
    /// REFEDS entity categories.
    Anonymous,
    Pseudonymous,
    Personalized,
    /// `urn:oasis:names:tc:SAML:profiles:subject-id:req`.
    SubjectId,
    /// It asks for nothing, and gets what every vendor gets.
    Default,
}

impl Rule {
    pub fn sentence(self) -> &'static str {
        match self {
            Rule::Setting => "the operator's `attributes` names it",
            Rule::Requested => "its metadata requests it (RequestedAttribute)",
            Rule::Anonymous => "REFEDS anonymous access brings it",
            Rule::Pseudonymous => "REFEDS pseudonymous access brings it",
            Rule::Personalized => "REFEDS personalized access brings it",
            Rule::SubjectId => "its metadata requires a pairwise-id (subject-id:req)",
            Rule::Default => "its metadata asks for nothing, so it gets what every vendor gets",
        }
    }
}

/// What is told of `about` to `party`, for the AttributeConsumingService that its request names.
pub(super) fn told(about: &About<'_>, party: &Party, service: Option<u16>) -> (Vec<Told>, Vec<Withheld>) {
    let (mut told, mut withheld) = (Vec::<Told>::new(), Vec::new());
    for Wanted { known, asked_as, rule } in wanted(party, service) {
        let name = asked_as.map_or_else(|| known.friendly.to_owned(), |asked| asked.name.clone());
        if told.iter().any(|other| other.attribute.friendly_name.as_deref() == Some(known.friendly)) {
            continue;
        }
        if known.is_a_name && party.persistence() == Persistence::None {
            withheld.push(Withheld { name, why: "REFEDS anonymous access gets no lasting name" });
            continue;
        }
        let values = (known.values)(about, party);
        if values.is_empty() {
            withheld.push(Withheld { name, why: "the library releases it neither by default nor by a purpose" });
            continue;
        }
        told.push(Told { attribute: known.attribute(about.issuer, asked_as, values), rule });
    }
    for asked in party.requested(service).iter().filter(|asked| known_as(about.issuer, asked).is_none()) {
        let why = match asked.name.as_str() {
            SUBJECT_ID => "subject-id is the same at every service provider: never released",
            _ => "nobody here knows it",
        };
        withheld.push(Withheld { name: asked.name.clone(), why });
    }
    (told, withheld)
}

const SUBJECT_ID: &str = "urn:oasis:names:tc:SAML:attribute:subject-id";
const COMMON_LIB_TERMS: &str = "urn:mace:dir:entitlement:common-lib-terms";

struct Wanted<'p> {
    known: &'static Known,
    /// Answered by the very name that it was asked for by.
    asked_as: Option<&'p RequestedAttribute>,
    rule: Rule,
}

/// In the order in which one is told.
fn wanted(party: &Party, service: Option<u16>) -> Vec<Wanted<'_>> {
    let by_rule = |rule: Rule, names: &'static [&'static str]| {
        NAMED.iter().filter(|known| names.contains(&known.friendly)).map(move |known| Wanted {
            known,
            asked_as: None,
            rule,
        })
    };
    if !party.attributes.is_empty() {
        let named = |name: &String| NAMED.iter().find(|known| known.friendly == *name);
        let known = party.attributes.iter().filter_map(named);
        return known.map(|known| Wanted { known, asked_as: None, rule: Rule::Setting }).collect();
    }
    let mut all: Vec<Wanted<'_>> = Vec::new();
    for asked in party.requested(service) {
        if let Some(known) = known_as(&party.issuer, asked) {
            all.push(Wanted { known, asked_as: Some(asked), rule: Rule::Requested });
        }
    }
    if party.has_category(ANONYMOUS) {
        all.extend(by_rule(Rule::Anonymous, &["eduPersonScopedAffiliation", "schacHomeOrganization"]));
        all.extend(by_rule(Rule::Anonymous, &["eduPersonEntitlement"]));
    }
    const PSEUDONYMOUS_BUNDLE: &[&str] = &[
        "pairwise-id",
        "eduPersonScopedAffiliation",
        "schacHomeOrganization",
        "eduPersonAssurance",
        "eduPersonEntitlement",
    ];
    if party.has_category(PSEUDONYMOUS) {
        all.extend(by_rule(Rule::Pseudonymous, PSEUDONYMOUS_BUNDLE));
    }
    if party.has_category(PERSONALIZED) {
        all.extend(by_rule(Rule::Personalized, PSEUDONYMOUS_BUNDLE));
        all.extend(by_rule(Rule::Personalized, &["displayName", "givenName", "sn", "mail"]));
    }
    if party.wants_pairwise_id() {
        all.extend(by_rule(Rule::SubjectId, &["pairwise-id"]));
    }
    if all.is_empty() && party.requested(service).is_empty() {
        const EVERY_VENDORS: &[&str] =
            &["eduPersonEntitlement", "eduPersonScopedAffiliation", "eduPersonTargetedID", "audience_band"];
        all.extend(by_rule(Rule::Default, EVERY_VENDORS));
    }
    all
}

pub(super) const ANONYMOUS: &str = "https://refeds.org/category/anonymous";
pub(super) const PSEUDONYMOUS: &str = "https://refeds.org/category/pseudonymous";
pub(super) const PERSONALIZED: &str = "https://refeds.org/category/personalized";

/// An attribute that we know.
#[derive(Debug)]
struct Known {
    friendly: &'static str,
    name: Name,
    /// It tells a patron from all others, for longer than one session.
    is_a_name: bool,
    /// None where nothing may be told.
    values: fn(&About<'_>, &Party) -> Vec<Value>,
}

#[derive(Debug)]
enum Name {
    /// An object identifier's URN, or another URI that is everybody's.
    Registered(&'static str),
    /// The library's own: `{issuer}/attributes/NAME`.
    Own,
}

impl Known {
    fn uri(&self, issuer: &str) -> String {
        match self.name {
            Name::Registered(uri) => uri.to_owned(),
            Name::Own => format!("{issuer}/attributes/{}", self.friendly),
        }
    }

    fn attribute(&self, issuer: &str, asked_as: Option<&RequestedAttribute>, values: Vec<Value>) -> Attribute {
        let basic = asked_as.filter(|asked| asked.name != self.uri(issuer));
        Attribute {
            name: basic.map_or_else(|| self.uri(issuer), |asked| asked.name.clone()),
            name_format: if basic.is_some() { format::ATTRIBUTE_BASIC } else { format::ATTRIBUTE_URI },
            friendly_name: Some(self.friendly.to_owned()),
            values,
        }
    }
}

/// By its URI, or by its plain name as small service providers write it.
fn known_as(issuer: &str, asked: &RequestedAttribute) -> Option<&'static Known> {
    let mace = asked.name.strip_prefix("urn:mace:dir:attribute-def:");
    NAMED.iter().find(|known| known.uri(issuer) == asked.name || known.friendly == mace.unwrap_or(&asked.name))
}

/// All that can be told. `settings::ATTRIBUTES` lists the same names.
static NAMED: [Known; 15] = [
    Known {
        friendly: "eduPersonEntitlement",
        name: Name::Registered("urn:oid:1.3.6.1.4.1.5923.1.1.1.7"),
        is_a_name: false,
        values: |about, party| {
            let own = about.scopes.iter().map(|scope| format!("{}/entitlements/{scope}", about.issuer));
            texts(own.chain(party.common_lib_terms.then(|| COMMON_LIB_TERMS.to_owned())))
        },
    },
    Known {
        friendly: "eduPersonScopedAffiliation",
        name: Name::Registered("urn:oid:1.3.6.1.4.1.5923.1.1.1.9"),
        is_a_name: false,
        values: |about, _| texts(affiliations(about).map(|one| format!("{one}@{}", about.scope_domain))),
    },
    Known {
        friendly: "eduPersonAffiliation",
        name: Name::Registered("urn:oid:1.3.6.1.4.1.5923.1.1.1.1"),
        is_a_name: false,
        values: |about, _| texts(affiliations(about)),
    },
    Known {
        friendly: "eduPersonTargetedID",
        name: Name::Registered("urn:oid:1.3.6.1.4.1.5923.1.1.1.10"),
        is_a_name: true,
        values: |about, party| vec![Value::NameId(names::persistent(about, party))],
    },
    Known {
        friendly: "pairwise-id",
        name: Name::Registered("urn:oasis:names:tc:SAML:attribute:pairwise-id"),
        is_a_name: true,
        values: |about, _| texts([format!("{}@{}", about.subject, about.scope_domain)]),
    },
    Known {
        friendly: "schacHomeOrganization",
        name: Name::Registered("urn:oid:1.3.6.1.4.1.25178.1.2.9"),
        is_a_name: false,
        values: |about, _| texts([about.scope_domain]),
    },
    Known {
        friendly: "eduPersonAssurance",
        name: Name::Registered("urn:oid:1.3.6.1.4.1.5923.1.1.1.11"),
        is_a_name: false,
        // What holds of every card: one person, never handed on; the school knows whom it is of.
        values: |_, _| {
            texts([
                "https://refeds.org/assurance",
                "https://refeds.org/assurance/ID/unique",
                "https://refeds.org/assurance/IAP/local-enterprise",
            ])
        },
    },
    Known {
        friendly: "audience_band",
        name: Name::Own,
        is_a_name: false,
        values: |about, _| texts([about.release.audience_band.as_str()]),
    },
    Known {
        friendly: "patron_type",
        name: Name::Own,
        is_a_name: false,
        values: |about, _| texts([about.release.patron_type.as_str()]),
    },
    Known {
        friendly: "card_number",
        name: Name::Own,
        is_a_name: true,
        values: |about, _| texts(about.release.card_number.clone().map(String::from)),
    },
    Known {
        friendly: "displayName",
        name: Name::Registered("urn:oid:2.16.840.1.113730.3.1.241"),
        is_a_name: true,
        values: |about, _| texts(about.release.standard.name.clone()),
    },
    Known {
        friendly: "givenName",
        name: Name::Registered("urn:oid:2.5.4.42"),
        is_a_name: true,
        values: |about, _| texts(about.release.standard.given_name.clone()),
    },
    Known {
        friendly: "sn",
        name: Name::Registered("urn:oid:2.5.4.4"),
        is_a_name: true,
        values: |about, _| texts(about.release.standard.family_name.clone()),
    },
    Known {
        friendly: "mail",
        name: Name::Registered("urn:oid:0.9.2342.19200300.100.1.3"),
        is_a_name: true,
        values: |about, _| texts(about.release.standard.email.clone()),
    },
    Known {
        friendly: "telephoneNumber",
        name: Name::Registered("urn:oid:2.5.4.20"),
        is_a_name: true,
        values: |about, _| texts(about.release.standard.phone_number.clone()),
    },
];

fn texts(values: impl IntoIterator<Item = impl Into<String>>) -> Vec<Value> {
    values.into_iter().map(|value| Value::Text(value.into())).collect()
}

/// eduPerson's words: whoever the library lets in is a member of it.
fn affiliations(about: &About<'_>) -> impl Iterator<Item = &'static str> {
    let role = match about.release.patron_type {
        Role::Student => "student",
        Role::Staff => "staff",
    };
    [role, "member"].into_iter()
}
