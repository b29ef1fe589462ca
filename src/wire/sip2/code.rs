//! The two characters that name a message or a field.

use std::fmt;

/// Two visible ASCII characters, neither of them `|`, and not the trailer's `AY` or `AZ`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code([u8; 2]);

impl Code {
    /// `None` where it is not a code.
    pub fn of(bytes: [u8; 2]) -> Option<Code> {
        let visible = bytes.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'|');
        (visible && !matches!(&bytes, b"AY" | b"AZ")).then_some(Code(bytes))
    }

    /// `None` where it is not a code.
    pub fn parse(text: &str) -> Option<Code> {
        Code::of(text.as_bytes().try_into().ok()?)
    }

    /// As they go over the wire.
    pub fn bytes(self) -> [u8; 2] {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// The fields that are read or written here, by the standard's names for them.

/// Patron identifier: the card number.
pub const AA: Code = Code(*b"AA");
/// Item identifier.
pub const AB: Code = Code(*b"AB");
/// Terminal password.
pub const AC: Code = Code(*b"AC");
/// Patron password: the PIN.
pub const AD: Code = Code(*b"AD");
/// The patron's name.
pub const AE: Code = Code(*b"AE");
/// Screen message.
pub const AF: Code = Code(*b"AF");
/// Print line.
pub const AG: Code = Code(*b"AG");
/// Due date.
pub const AH: Code = Code(*b"AH");
/// Title identifier.
pub const AJ: Code = Code(*b"AJ");
/// The library's name.
pub const AM: Code = Code(*b"AM");
/// Terminal location.
pub const AN: Code = Code(*b"AN");
/// Institution id.
pub const AO: Code = Code(*b"AO");
/// Permanent location of an item.
pub const AQ: Code = Code(*b"AQ");
/// Not in the standard: date of birth or sex, as the vendor has it.
pub const BC: Code = Code(*b"BC");
/// Home address.
pub const BD: Code = Code(*b"BD");
/// E-mail address.
pub const BE: Code = Code(*b"BE");
/// Home phone number.
pub const BF: Code = Code(*b"BF");
/// Whether the patron is valid.
pub const BL: Code = Code(*b"BL");
/// Number of the first list item asked for.
pub const BP: Code = Code(*b"BP");
/// Number of the last list item asked for.
pub const BQ: Code = Code(*b"BQ");
/// Fee amount.
pub const BV: Code = Code(*b"BV");
/// Supported messages.
pub const BX: Code = Code(*b"BX");
/// Limit of holds.
pub const BZ: Code = Code(*b"BZ");
/// Limit of overdue items.
pub const CA: Code = Code(*b"CA");
/// Limit of charged items.
pub const CB: Code = Code(*b"CB");
/// Login user id.
pub const CN: Code = Code(*b"CN");
/// Login password.
pub const CO: Code = Code(*b"CO");
/// Location code.
pub const CP: Code = Code(*b"CP");
/// Whether the patron's password is valid.
pub const CQ: Code = Code(*b"CQ");
/// Not in the standard: the patron's class.
pub const PC: Code = Code(*b"PC");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_two_visible_characters_and_never_a_delimiter_or_a_trailer() {
        assert_eq!(Code::parse("PC"), Some(PC));
        for text in ["", "P", "PCX", "P ", "|P", "P|", "P\r", "é", "AY", "AZ"] {
            assert_eq!(Code::parse(text), None, "{text:?}");
        }
    }
}
