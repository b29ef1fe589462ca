//! A response becomes a line.

use crate::wire::sip2::{Charset, Date, Trailer, code, compose::Composer, patron::Counts};

use super::{EndSession, Notices, PatronFields, Response, Status, Supported};

impl Response {
    /// The message with its end. `|` and control characters in values become blanks, and values are cut at 255
    /// characters. A resend request always bears a checksum without a number, as the standard asks.
    pub fn write(&self, charset: Charset, trailer: Trailer, now: &Date) -> Vec<u8> {
        let begin = |code: &[u8; 2]| Composer::new(charset, *code);
        match self {
            Response::Login(good) => begin(b"94").fixed([if *good { b'1' } else { b'0' }]).finish(trailer),
            Response::Status(answer) => status(begin(b"98"), answer, now).finish(trailer),
            Response::PatronStatus(answer) => {
                let message = begin(b"24").fixed(answer.denials.bytes()).fixed(answer.language.bytes()).date(now);
                patron(message, &answer.patron).finish(trailer)
            }
            Response::PatronInformation(answer) => {
                let message = begin(b"64").fixed(answer.denials.bytes()).fixed(answer.language.bytes()).date(now);
                patron(counts(message, &answer.counts), &answer.patron).finish(trailer)
            }
            Response::EndSession(answer) => end_session(begin(b"36"), answer, now).finish(trailer),
            Response::Resend => begin(b"96").finish(Trailer::Unnumbered),
            Response::Refusal(refusal) => refusal.compose(charset, now).finish(trailer),
        }
    }
}

fn status(message: Composer, answer: &Status, now: &Date) -> Composer {
    let message = message
        .yes_no(answer.online)
        .yes_no(answer.checkin)
        .yes_no(answer.checkout)
        .yes_no(answer.renewal)
        .yes_no(answer.status_update)
        .yes_no(answer.offline)
        .three_digits(answer.timeout)
        .three_digits(answer.retries)
        .date(now)
        .fixed(*b"2.00")
        .field(code::AO, &answer.institution)
        .optional(code::AM, answer.library.as_deref())
        .field(code::BX, &supported(answer.supported))
        .optional(code::AN, answer.terminal_location.as_deref());
    notices(message, &answer.notices)
}

fn supported(Supported(set): Supported) -> String {
    (0..u16::BITS).map(|place| if set >> place & 1 == 1 { 'Y' } else { 'N' }).collect()
}

fn counts(message: Composer, counts: &Counts) -> Composer {
    message
        .four_digits(counts.holds)
        .four_digits(counts.overdue)
        .four_digits(counts.charged)
        .four_digits(counts.fines)
        .four_digits(counts.recalls)
        .four_digits(counts.unavailable_holds)
}

fn patron(message: Composer, patron: &PatronFields) -> Composer {
    let message = message
        .field(code::AO, &patron.institution)
        .field(code::AA, &patron.card)
        .field(code::AE, &patron.name)
        .field(code::BL, yes_no(patron.valid))
        .field(code::CQ, yes_no(patron.pin_valid));
    let message = patron.more.iter().fold(message, |message, extra| message.field(extra.code, &extra.value));
    notices(message, &patron.notices)
}

fn end_session(message: Composer, answer: &EndSession, now: &Date) -> Composer {
    let message =
        message.yes_no(answer.ended).date(now).field(code::AO, &answer.institution).field(code::AA, &answer.card);
    notices(message, &answer.notices)
}

fn notices(message: Composer, notices: &Notices) -> Composer {
    message.optional(code::AF, notices.screen_message.as_deref()).optional(code::AG, notices.print_line.as_deref())
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "Y" } else { "N" }
}
