//! `[[test_patron]]`: fictional people to try a sign-in with. Their PIN leaves this file readable, since what it is kept
//! as needs the key ring.

use std::fmt;

use super::{
    declarations::{Claimed, Draft, claimed_id},
    fields, read,
    section::{Section, known},
};
use crate::domain::{
    card::CardNumber,
    claims::{Address, StandardClaims},
    grade::Grade,
    id::{OrganisationId, SourceId},
    patron::{Affiliation, Role},
};

/// A test patron before the store has found out who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredTestPatron {
    pub id: SourceId,
    pub card: CardNumber,
    pub pin: DeclaredPin,
    pub given_name: String,
    pub family_name: String,
    pub affiliation: Affiliation,
    /// Of staff only.
    pub claims: Option<StandardClaims>,
}

/// Shows nothing of itself in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct DeclaredPin(pub String);

impl fmt::Debug for DeclaredPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeclaredPin(…)")
    }
}

/// What is none of these is a standard claim, and of staff only.
const OF_ANYBODY: [&str; 9] =
    ["id", "card", "pin", "pin_file", "organisation", "role", "grade", "given_name", "family_name"];

pub(super) fn read(section: &Section<'_>, draft: &mut Draft) -> Option<DeclaredTestPatron> {
    let id: Option<SourceId> = claimed_id(section, draft, Claimed::TestPatron);
    let card: Option<CardNumber> = section.need("card", read::owned);
    if let Some(card) = &card {
        draft.claim(section, "card", Claimed::TestCard, card.as_str());
    }
    let pin = pin(section);
    let organisation: Option<OrganisationId> = section.need("organisation", read::word);
    if let Some(organisation) = &organisation {
        let line = section.line_of("organisation");
        draft.refer(section, line, "organisation", Claimed::Organisation, organisation.as_str());
    }
    let role = section.need("role", read::choice::<Role>(&["student", "staff"]));
    let grade: Option<Option<Grade>> = section.maybe("grade", read::word);
    if role == Some(Role::Staff) && section.has("grade") {
        section.wrong("grade", "says nothing of staff");
    }
    let given_name = section.need("given_name", read::text);
    let family_name = section.need("family_name", read::text);
    let told = fields::TEST_PATRON.fields.iter().map(|field| field.name).filter(|name| !OF_ANYBODY.contains(name));
    let told: Vec<&str> = told.filter(|name| section.has(name)).collect();
    let claims = match role {
        Some(Role::Student) => {
            told.iter().for_each(|name| section.wrong(name, "is for staff only: of pupils no vendor is ever told it"));
            Some(None)
        }
        _ => claims(section).map(Some),
    };
    let (given_name, family_name) = (given_name?, family_name?);
    let claims = claims?.map(|claims| StandardClaims {
        name: claims.name.or_else(|| Some(format!("{given_name} {family_name}"))),
        given_name: Some(given_name.clone()),
        family_name: Some(family_name.clone()),
        ..claims
    });
    let affiliation = Affiliation { organisation: organisation?, role: role?, grade: grade? };
    Some(DeclaredTestPatron { id: id?, card: card?, pin: pin?, given_name, family_name, affiliation, claims })
}

fn pin(section: &Section<'_>) -> Option<DeclaredPin> {
    let pin = match (section.has("pin"), section.has("pin_file")) {
        (true, true) => {
            section.wrong("pin_file", "give pin or pin_file, not both");
            None
        }
        (false, false) => {
            section.wrong("pin", "is missing: give pin or pin_file");
            None
        }
        (true, false) => section.need("pin", read::text),
        (false, true) => section.need("pin_file", |value| read::secret_file(&section.resolve(&read::text(value)?))),
    }?;
    if pin.chars().count() > 64 {
        section.wrong("pin", "is longer than 64 characters");
    }
    Some(DeclaredPin(pin))
}

fn claims(section: &Section<'_>) -> Option<StandardClaims> {
    let text = |name: &str| section.maybe(name, read::text);
    let url = |name: &str| section.maybe(name, read::url);
    let flag = |name: &str| section.maybe(name, read::flag);
    let (name, middle_name, nickname) = (text("name"), text("middle_name"), text("nickname"));
    let (preferred_username, gender) = (text("preferred_username"), text("gender"));
    let (profile, picture, website) = (url("profile"), url("picture"), url("website"));
    let birthdate = section.maybe("birthdate", read::date);
    let (zoneinfo, locale) = (text("zoneinfo"), text("locale"));
    let updated_at = section.maybe("updated_at", read::number(0, 253_402_300_799));
    let email = section.maybe("email", |value| {
        let text = read::text(value)?;
        let parts = text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
        if parts { Ok(text) } else { Err(format!("{text:?} is not an address such as ada@library.example")) }
    });
    let (email_verified, phone_number) = (flag("email_verified"), text("phone_number"));
    let phone_number_verified = flag("phone_number_verified");
    let address = if section.has("address") { address(section).map(Some) } else { Some(None) };
    Some(StandardClaims {
        name: name?,
        given_name: None,
        family_name: None,
        middle_name: middle_name?,
        nickname: nickname?,
        preferred_username: preferred_username?,
        profile: profile?,
        picture: picture?,
        website: website?,
        gender: gender?,
        birthdate: birthdate?.map(|day| day.to_string()),
        zoneinfo: zoneinfo?,
        locale: locale?,
        updated_at: updated_at?,
        email: email?,
        email_verified: email_verified?,
        phone_number: phone_number?,
        phone_number_verified: phone_number_verified?,
        address: address?,
    })
}

fn address(patron: &Section<'_>) -> Option<Address> {
    let section = patron.inline("address", &known(fields::TEST_ADDRESS.fields))?;
    let text = |name: &str| section.maybe(name, read::text);
    let (formatted, street_address, locality) = (text("formatted"), text("street_address"), text("locality"));
    let (region, postal_code, country) = (text("region"), text("postal_code"), text("country"));
    Some(Address {
        formatted: formatted?,
        street_address: street_address?,
        locality: locality?,
        region: region?,
        postal_code: postal_code?,
        country: country?,
    })
}
