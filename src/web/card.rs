//! The card itself: number, barcode, QR, how long it is good and what for.

use std::time::Duration;

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;

use super::{
    Failure,
    browser::{Browser, see},
    refusal::{self, Why},
};
use crate::{
    domain::{
        catalogue::Catalogue,
        clock::{Date, Timestamp},
        id::ScopeId,
        numbers::Way,
        patron::Patron,
        reason::Reason,
    },
    pages::Frame,
    signon::SignOn,
    wire::barcode,
};

#[derive(Serialize)]
struct Page {
    frame: Frame,
    /// Whose card it is, as a shared screen and a lost card may show it: `Mira B.`
    holder: String,
    number: String,
    barcode: Option<String>,
    qr: Option<String>,
    valid_until: Option<Date>,
    privileges: Vec<Privilege>,
    /// A library card may be linked to this one, or is.
    may_link: bool,
    /// The number that signs in as well and does not stand on this page.
    other_number: Option<String>,
    reason: Option<Why>,
    /// Things that may be borrowed at a time, where an agreement says so.
    loan_limit: Option<u32>,
    no_fines: bool,
}

/// A scope, as people read it.
#[derive(Serialize)]
pub struct Privilege {
    /// `library-ebooks`: the text of a scope that we know.
    key: String,
    /// The catalogue's own words, for one that we do not.
    description: String,
}

impl Privilege {
    /// `None` for one that the catalogue does not hold any more.
    pub fn of(id: &ScopeId, catalogue: &Catalogue, now: Timestamp) -> Option<Privilege> {
        let scope = catalogue.scopes.get(id)?;
        let description = scope.description.clone().unwrap_or_else(|| scope.shown(now).to_string());
        Some(Privilege { key: id.as_str().replace('.', "-"), description })
    }
}

pub async fn show(State(signon): State<SignOn>, browser: Browser) -> Result<Response, Failure> {
    let Some(who) = signon.who(&browser.visitor).await? else { return see("/sign-in") };
    if who.session.pin_change_due {
        return see("/change-pin");
    }
    // The number is worth more than a badge: with it goes a PIN that others may guess.
    if who.session.method.is_badge() {
        return refusal::at_the_door(&browser, &Reason::PinNeeded);
    }
    let catalogue = signon.app().catalogue();
    let zone = &signon.app().config.library.time_zone;
    let number = who.patron.card.as_str();
    let now = signon.app().clock.now();
    let privileges = who.privileges.iter().filter_map(|id| Privilege::of(id, &catalogue, now));
    let page = Page {
        frame: Frame { csrf: browser.token()?.0, ..browser.frame(Some(&who)) },
        holder: holder(&who.patron),
        number: grouped(number),
        barcode: barcode::of_card(number).map(|bars| bars.svg()),
        qr: barcode::qr_svg(number),
        // The end is the first instant after the last good day.
        valid_until: who.valid_until.map(|end| zone.date(end - Duration::from_millis(1))),
        privileges: privileges.collect(),
        may_link: who.patron.numbers.linked.is_some() || catalogue.existing_card(&who.patron).is_some(),
        other_number: who.patron.numbers.linked.as_ref().map(|linked| match linked.way {
            Way::Parallel => grouped(linked.number.as_str()),
            Way::Merge => grouped(who.patron.numbers.student().as_str()),
        }),
        reason: who.refused.as_ref().map(Why::from),
        loan_limit: who.loans.limit,
        no_fines: who.loans.has_no_fines(),
    };
    browser.page(StatusCode::OK, "card/card.html", page)
}

/// The given name and the family name's first letter.
fn holder(patron: &Patron) -> String {
    let initial = patron.family_name.chars().next().map(|letter| format!(" {letter}.")).unwrap_or_default();
    format!("{}{initial}", patron.given_name)
}

/// In groups that an eye can hold: a library barcode as 1-4-4-4-1, other runs of digits by fours.
pub fn grouped(number: &str) -> String {
    let digits = number.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (letters, digits) = number.split_at(number.len() - digits);
    let first = match digits.len() {
        14 if letters.is_empty() => 1,
        0..=5 => digits.len(),
        _ => 4,
    };
    let mut out = letters.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        let begins_group = place == 0 || (place >= first && (place - first) % 4 == 0);
        if begins_group && !out.is_empty() {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_grouped_for_the_eye() {
        for (number, shown) in [
            ("30234000517861", "3 0234 0005 1786 1"),
            ("4417", "4417"),
            ("44170", "44170"),
            ("30244170", "3024 4170"),
            ("1204417", "1204 417"),
            ("CH4417", "CH 4417"),
            ("MAPLE", "MAPLE"),
        ] {
            assert_eq!(grouped(number), shown);
        }
    }
}
