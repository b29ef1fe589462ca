//! A request becomes a line: the vendor's side, for tests against our own listener.

use crate::wire::sip2::{Charset, Date, Trailer, code, compose::Composer, patron::Summary};

use super::{Circulation, Operation, PatronFields, Request};

impl Request {
    /// The message with its end. Values are made safe and cut as in `Response::write`. A resend request always bears
    /// a checksum without a number, as the standard asks. An unknown message has nothing but its code.
    pub fn write(&self, charset: Charset, trailer: Trailer, now: &Date) -> Vec<u8> {
        let begin = |code: &[u8; 2]| Composer::new(charset, *code);
        match self {
            Request::Login(login) => begin(b"93")
                .fixed([login.user_algorithm, login.password_algorithm].map(one_byte))
                .field(code::CN, &login.user)
                .field(code::CO, login.password.reveal())
                .optional(code::CP, login.location.as_deref())
                .finish(trailer),
            Request::Status(status) => {
                let message = begin(b"99").fixed([one_byte(status.status_code)]);
                let message = match status.max_print_width {
                    Some(width) => message.three_digits(width),
                    None => message.fixed(*b"   "),
                };
                let version = status.protocol_version.chars().chain(std::iter::repeat(' ')).take(4).map(one_byte);
                message.fixed(version).finish(trailer)
            }
            Request::PatronStatus(request) => {
                let message = begin(b"23").fixed(request.language.bytes()).date(now);
                patron(message, &request.patron).finish(trailer)
            }
            Request::PatronInformation(request) => {
                let message =
                    begin(b"63").fixed(request.language.bytes()).date(now).fixed(Summary::write(request.summary));
                let number = |number: Option<u32>| number.map(|number| number.to_string());
                patron(message, &request.patron)
                    .optional(code::BP, number(request.start_item).as_deref())
                    .optional(code::BQ, number(request.end_item).as_deref())
                    .finish(trailer)
            }
            Request::EndSession(request) => patron(begin(b"35").date(now), &request.patron).finish(trailer),
            Request::Resend => begin(b"97").finish(Trailer::Unnumbered),
            Request::Circulation(request) => circulation(charset, request, now).finish(trailer),
            Request::Unknown(code) => Composer::new(charset, code.bytes()).finish(trailer),
        }
    }
}

fn patron(message: Composer, patron: &PatronFields) -> Composer {
    message
        .field(code::AO, &patron.institution)
        .field(code::AA, &patron.card)
        .optional(code::AC, patron.terminal_password.as_ref().map(|secret| secret.reveal()))
        .optional(code::AD, patron.pin.as_ref().map(|secret| secret.reveal()))
}

fn circulation(charset: Charset, request: &Circulation, now: &Date) -> Composer {
    let message = Composer::new(charset, request.operation.code());
    let message = match request.operation {
        Operation::BlockPatron => message.yes_no(false).date(now),
        Operation::Checkin => message.yes_no(false).date(now).date(now),
        Operation::Checkout | Operation::Renew => message.yes_no(false).yes_no(false).date(now).date(now),
        Operation::Hold => message.fixed(*b"+").date(now),
        Operation::FeePaid => message.date(now).fixed(*b"0100USD"),
        Operation::ItemInformation | Operation::ItemStatusUpdate | Operation::PatronEnable | Operation::RenewAll => {
            message.date(now)
        }
    };
    message
        .field(code::AO, &request.institution)
        .field(code::AA, &request.card)
        .field(code::AB, &request.item)
        .field(code::AJ, &request.title)
}

/// A character of the fixed part, which has room for printable ASCII alone.
fn one_byte(character: char) -> u8 {
    match u8::try_from(character) {
        Ok(byte @ b' '..=b'~') if byte != b'|' => byte,
        _ => b' ',
    }
}
