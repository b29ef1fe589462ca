//! The answers to messages that only a circulation system can fulfil. Each is the whole answer that the standard asks
//! for, so that a station understands the no and does not try again.

use super::{
    Charset, Code, Date,
    code::{AA, AB, AE, AF, AH, AJ, AO, AQ, BL, CQ},
    compose::Composer,
    request::{Circulation, Operation},
};

/// A no, and to what. Made by `Response::refusal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub(super) of: Circulation,
    pub(super) screen_message: String,
}

/// Code, fixed part before the date, fields.
type Form = (&'static [u8; 2], &'static [u8], &'static [Code]);

impl Refusal {
    pub(super) fn compose(&self, charset: Charset, now: &Date) -> Composer {
        let (code, fixed, fields) = form(self.of.operation);
        let message = Composer::new(charset, *code).fixed(fixed.iter().copied()).date(now);
        fields.iter().fold(message, |message, field| message.field(*field, self.value(*field)))
    }

    fn value(&self, field: Code) -> &str {
        match field {
            AO => &self.of.institution,
            AA => &self.of.card,
            AB => &self.of.item,
            AJ => &self.of.title,
            AF => &self.screen_message,
            BL | CQ => "N",
            _ => "",
        }
    }
}

fn form(operation: Operation) -> Form {
    // Ok no, renewal or resensitizing no, magnetic media unknown, desensitizing or alert no.
    const NO: &[u8] = b"0NUN";
    // A patron status without denials, and an unknown language.
    const PATRON: &[u8] = b"              000";
    match operation {
        Operation::Checkout => (b"12", NO, &[AO, AA, AB, AJ, AH, AF]),
        Operation::Renew => (b"30", NO, &[AO, AA, AB, AJ, AH, AF]),
        Operation::Checkin => (b"10", NO, &[AO, AB, AQ, AJ, AF]),
        Operation::Hold => (b"16", b"0N", &[AO, AA, AF]),
        // Circulation status other, security marker other, fee type other.
        Operation::ItemInformation => (b"18", b"010001", &[AB, AJ, AF]),
        Operation::ItemStatusUpdate => (b"20", b"0", &[AB, AF]),
        Operation::BlockPatron => (b"24", PATRON, &[AO, AA, AE, BL, CQ, AF]),
        Operation::PatronEnable => (b"26", PATRON, &[AO, AA, AE, BL, CQ, AF]),
        Operation::FeePaid => (b"38", b"N", &[AO, AA, AF]),
        // Not ok, none renewed, none left unrenewed.
        Operation::RenewAll => (b"66", b"000000000", &[AO, AF]),
    }
}
