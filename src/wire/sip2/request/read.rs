//! A line becomes a request.

use crate::wire::sip2::{
    Charset, Code, Unreadable, code,
    date::DATE_LENGTH,
    parts::Parts,
    patron::{Language, Summary},
};

use super::{
    Circulation, EndSession, Incoming, Login, Operation, PatronFields, PatronInformation, PatronStatus, Request,
    Secret, Status,
};

impl Request {
    /// Reads a line without its end. Fields may come in any order and unknown ones are passed over; dates are not
    /// looked at. A field of ours that comes twice makes the message malformed: whoever stands between us and the
    /// vendor might have taken the other one.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn read(line: &[u8], charset: Charset) -> Result<Incoming, Unreadable> {
        let parts = Parts::read(line, charset, |code| Kind::of(code).map(Kind::fixed_length))?;
        let fields = Fields::read(&parts)?;
        let request = match Kind::of(parts.code) {
            Some(Kind::Login) => login(parts.fixed, &fields)?,
            Some(Kind::Status) => status(parts.fixed)?,
            Some(Kind::PatronStatus) => {
                Request::PatronStatus(PatronStatus { language: language(parts.fixed), patron: fields.patron() })
            }
            Some(Kind::PatronInformation) => Request::PatronInformation(PatronInformation {
                language: language(parts.fixed),
                summary: parts.fixed.last_chunk().and_then(|places| Summary::read(*places)),
                patron: fields.patron(),
                start_item: number(fields.start_item),
                end_item: number(fields.end_item),
            }),
            Some(Kind::EndSession) => Request::EndSession(EndSession { patron: fields.patron() }),
            Some(Kind::Resend) => Request::Resend,
            Some(Kind::Circulation(operation)) => Request::Circulation(fields.circulation(operation)),
            None => Request::Unknown(parts.code),
        };
        Ok(Incoming { request, trailer: parts.trailer })
    }
}

/// What a code announces.
#[derive(Clone, Copy)]
enum Kind {
    Login,
    Status,
    PatronStatus,
    PatronInformation,
    EndSession,
    Resend,
    Circulation(Operation),
}

impl Kind {
    fn of(code: Code) -> Option<Kind> {
        Some(match &code.bytes() {
            b"93" => Kind::Login,
            b"99" => Kind::Status,
            b"23" => Kind::PatronStatus,
            b"63" => Kind::PatronInformation,
            b"35" => Kind::EndSession,
            b"97" => Kind::Resend,
            other => Kind::Circulation(Operation::ALL.into_iter().find(|operation| operation.code() == *other)?),
        })
    }

    /// Bytes between the code and the first field.
    fn fixed_length(self) -> usize {
        const LANGUAGE: usize = 3;
        const SUMMARY: usize = 10;
        match self {
            Kind::Login => 2,
            Kind::Status => 8,
            Kind::PatronStatus => LANGUAGE + DATE_LENGTH,
            Kind::PatronInformation => LANGUAGE + DATE_LENGTH + SUMMARY,
            Kind::EndSession => DATE_LENGTH,
            Kind::Resend => 0,
            Kind::Circulation(operation) => match operation {
                Operation::BlockPatron | Operation::Hold => 1 + DATE_LENGTH,
                Operation::Checkin => 1 + 2 * DATE_LENGTH,
                Operation::Checkout | Operation::Renew => 2 + 2 * DATE_LENGTH,
                Operation::FeePaid => DATE_LENGTH + 7,
                Operation::ItemInformation
                | Operation::ItemStatusUpdate
                | Operation::PatronEnable
                | Operation::RenewAll => DATE_LENGTH,
            },
        }
    }
}

fn login(fixed: &[u8], fields: &Fields<'_>) -> Result<Request, Unreadable> {
    let [user_algorithm, password_algorithm] = *printable(fixed)? else {
        return Err(OTHER_LENGTH);
    };
    Ok(Request::Login(Login {
        user_algorithm: char::from(user_algorithm),
        password_algorithm: char::from(password_algorithm),
        user: owned(fields.user),
        password: Secret::new(owned(fields.password)),
        location: fields.location.map(str::to_owned),
    }))
}

fn status(fixed: &[u8]) -> Result<Request, Unreadable> {
    let [status_code, width @ .., _, _, _, _] = printable(fixed)? else {
        return Err(OTHER_LENGTH);
    };
    let version = fixed.last_chunk::<4>().ok_or(OTHER_LENGTH)?;
    Ok(Request::Status(Status {
        status_code: char::from(*status_code),
        max_print_width: std::str::from_utf8(width).ok().and_then(|width| width.parse().ok()),
        protocol_version: version.iter().map(|byte| char::from(*byte)).collect(),
    }))
}

/// Never said, as `Parts` has looked.
const OTHER_LENGTH: Unreadable = Unreadable::Malformed("its fixed part is of another length");

fn printable(fixed: &[u8]) -> Result<&[u8], Unreadable> {
    if fixed.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        Ok(fixed)
    } else {
        Err(Unreadable::Malformed("its fixed part is not printable ASCII"))
    }
}

fn language(fixed: &[u8]) -> Language {
    fixed.first_chunk().map_or(Language::UNKNOWN, |bytes| Language::of(*bytes))
}

fn number(value: Option<&str>) -> Option<u32> {
    value?.parse().ok()
}

fn owned(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

/// The fields that are kept, each once.
#[derive(Default)]
struct Fields<'m> {
    institution: Option<&'m str>,
    card: Option<&'m str>,
    terminal_password: Option<&'m str>,
    pin: Option<&'m str>,
    start_item: Option<&'m str>,
    end_item: Option<&'m str>,
    user: Option<&'m str>,
    password: Option<&'m str>,
    location: Option<&'m str>,
    item: Option<&'m str>,
    title: Option<&'m str>,
}

impl<'m> Fields<'m> {
    fn read(parts: &'m Parts<'_>) -> Result<Fields<'m>, Unreadable> {
        let mut fields = Fields::default();
        for field in parts.fields() {
            let (code, value) = field?;
            let (place, twice) = match code {
                code::AO => (&mut fields.institution, "the institution (AO) is given twice"),
                code::AA => (&mut fields.card, "the patron (AA) is given twice"),
                code::AC => (&mut fields.terminal_password, "the terminal password (AC) is given twice"),
                code::AD => (&mut fields.pin, "the patron password (AD) is given twice"),
                code::BP => (&mut fields.start_item, "the start item (BP) is given twice"),
                code::BQ => (&mut fields.end_item, "the end item (BQ) is given twice"),
                code::CN => (&mut fields.user, "the login user (CN) is given twice"),
                code::CO => (&mut fields.password, "the login password (CO) is given twice"),
                code::CP => (&mut fields.location, "the location (CP) is given twice"),
                code::AB => (&mut fields.item, "the item (AB) is given twice"),
                code::AJ => (&mut fields.title, "the title (AJ) is given twice"),
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Unreadable::Malformed(twice));
            }
        }
        Ok(fields)
    }

    fn patron(&self) -> PatronFields {
        PatronFields {
            institution: owned(self.institution),
            card: owned(self.card),
            terminal_password: self.terminal_password.map(Secret::new),
            pin: self.pin.map(Secret::new),
        }
    }

    fn circulation(&self, operation: Operation) -> Circulation {
        Circulation {
            operation,
            institution: owned(self.institution),
            card: owned(self.card),
            item: owned(self.item),
            title: owned(self.title),
        }
    }
}
