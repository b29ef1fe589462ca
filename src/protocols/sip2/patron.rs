//! 23 and 63: is this card good, and its PIN? Every answer that is not a whole yes is a no in each field that some vendor
//! may look at alone.

use super::{
    NAME, Party,
    conversation::{Conversation, institution},
};
use crate::{
    domain::{agreement::LoanTerms, reason::Reason},
    pages::Locale,
    protocols::answer::{sentence, text},
    signon::{Fault, Told},
    wire::sip2::{
        Response, code,
        patron::{Counts, Denial, Denials, Language},
        request::{PatronFields as Asked, PatronInformation, PatronStatus},
        response::{self, Extra, Notices, PatronFields},
    },
};

/// Languages that we speak, by the standard's numbers.
const SPANISH: [u8; 3] = *b"008";

impl Conversation {
    pub(super) async fn patron_status(&self, party: &Party, asked: &PatronStatus) -> Response {
        let (denials, patron) = self.found(party, "23", asked.language, &asked.patron).await;
        Response::PatronStatus(response::PatronStatus { denials, language: asked.language, patron })
    }

    pub(super) async fn patron_information(&self, party: &Party, asked: &PatronInformation) -> Response {
        let (denials, patron) = self.found(party, "63", asked.language, &asked.patron).await;
        let counts = Counts::default();
        Response::PatronInformation(response::PatronInformation { denials, language: asked.language, counts, patron })
    }

    async fn found(
        &self,
        party: &Party,
        step: &'static str,
        language: Language,
        asked: &Asked,
    ) -> (Denials, PatronFields) {
        // Blanks are no PIN either: with them, too, a card is only looked up.
        let pin = asked.pin.as_ref().map(|pin| pin.reveal()).filter(|pin| !pin.trim().is_empty());
        let verdict = self.verdict(party, &asked.card, pin).await;
        party.asker.note_verdict(&self.desk.signon, NAME, step, &verdict);
        match verdict {
            Ok(Ok(told)) => (denials(party, &told), yes(party, asked, &told, pin.is_some())),
            Ok(Err(reason)) => no(party, asked, &self.why(language, pin.is_some(), &reason)),
            Err(fault) => {
                tracing::error!(%fault, "SIP2: a card cannot be judged");
                no(party, asked, &text(self.desk.app(), locale(language), "sip2-not-now"))
            }
        }
    }

    async fn verdict(&self, party: &Party, card: &str, pin: Option<&str>) -> Result<Result<Told, Reason>, Fault> {
        let (signon, door) = (&self.desk.signon, party.asker.door(NAME));
        match pin {
            Some(pin) => signon.verify(&door, card, pin, self.peer).await,
            None if party.asker.look_up => signon.look_up(&door, card).await,
            None => Ok(Err(Reason::SignInFailed)),
        }
    }

    /// For the reader's screen, with the code for who helps.
    fn why(&self, language: Language, with_pin: bool, reason: &Reason) -> String {
        let (app, locale) = (self.desk.app(), locale(language));
        let why = match reason {
            Reason::SignInFailed if !with_pin => text(app, locale, "sip2-pin-needed"),
            _ => sentence(app, locale, reason),
        };
        format!("{why} ({})", reason.code())
    }
}

fn locale(language: Language) -> Locale {
    if language.bytes() == SPANISH { Locale::Spanish } else { Locale::English }
}

/// No mark for whoever may read: some vendors lend nothing to a card with any mark at all.
fn denials(party: &Party, told: &Told) -> Denials {
    let lends = party.loans.as_ref().is_none_or(|loans| told.scopes.contains(loans));
    if lends { Denials::NONE } else { no_loans() }
}

fn no_loans() -> Denials {
    [Denial::Charge, Denial::Renewal, Denial::Recall, Denial::Hold].into_iter().collect()
}

pub(super) fn yes(party: &Party, asked: &Asked, told: &Told, with_pin: bool) -> PatronFields {
    let personal =
        party.personal.iter().filter_map(|field| Extra::new(field.code(), field.of(&told.release.standard)?));
    let name = told.release.standard.name.as_deref().unwrap_or(&party.patron_name);
    PatronFields {
        institution: institution(party, &asked.institution),
        card: party.asker.identifier(&asked.card, told).to_owned(),
        name: name.to_owned(),
        valid: true,
        // Vendors take a card without CQ, or with anything but N in it, for a PIN that was right.
        pin_valid: with_pin,
        more: loan_terms(party, told)
            .chain(personal)
            .chain(Extra::new(code::PC, party.classes.of(told.release.audience_band)))
            .collect(),
        notices: Notices::default(),
    }
}

/// What the agreements say of borrowing, to a vendor that lends and for whoever may borrow there: the limit of charged items,
/// and that nothing is owed where nothing that comes late costs anything. No other fees are known here.
pub(super) fn loan_terms(party: &Party, told: &Told) -> impl Iterator<Item = Extra> {
    let lends = party.loans.as_ref().is_some_and(|loans| told.scopes.contains(loans));
    let terms = if lends { told.release.loans } else { LoanTerms::default() };
    let limit = terms.limit.and_then(|limit| Extra::new(code::CB, format!("{limit:04}")));
    let nothing_owed = if terms.has_no_fines() { Extra::new(code::BV, "0") } else { None };
    limit.into_iter().chain(nothing_owed)
}

/// The card as it was sent, and nothing that tells an unknown one from a wrong PIN.
fn no(party: &Party, asked: &Asked, why: &str) -> (Denials, PatronFields) {
    let fields = PatronFields {
        institution: institution(party, &asked.institution),
        card: asked.card.clone(),
        name: String::new(),
        valid: false,
        pin_valid: false,
        more: Vec::new(),
        notices: Notices { screen_message: Some(why.to_owned()), print_line: None },
    };
    (no_loans(), fields)
}
