//! How a message is put together, request and response alike, so that no value can end its field or its message.

use super::{
    charset::Charset,
    checksum::{self, Trailer},
    code::Code,
    date::Date,
};

/// Characters of a value, at most; the standard's limit. What is longer is cut.
pub const LONGEST_VALUE: usize = 255;

/// Most answers have less.
const USUAL_LENGTH: usize = 256;

/// A message being written.
pub struct Composer {
    charset: Charset,
    bytes: Vec<u8>,
}

impl Composer {
    /// Begins a message with its code of two digits.
    pub fn new(charset: Charset, code: [u8; 2]) -> Composer {
        let mut bytes = Vec::with_capacity(USUAL_LENGTH);
        bytes.extend_from_slice(&code);
        Composer { charset, bytes }
    }

    /// Bytes of the fixed part that are ours, not others'.
    pub fn fixed(mut self, bytes: impl IntoIterator<Item = u8>) -> Composer {
        self.bytes.extend(bytes);
        self
    }

    /// `Y` or `N`.
    pub fn yes_no(self, yes: bool) -> Composer {
        self.fixed([if yes { b'Y' } else { b'N' }])
    }

    /// Three digits; 999 for all that is more.
    pub fn three_digits(self, number: u16) -> Composer {
        let number = number.min(999);
        self.fixed([100, 10, 1].map(|unit| digit(number / unit)))
    }

    /// Four digits; 9999 for all that is more.
    pub fn four_digits(self, number: u16) -> Composer {
        let number = number.min(9999);
        self.fixed([1000, 100, 10, 1].map(|unit| digit(number / unit)))
    }

    /// The time of the message.
    pub fn date(self, date: &Date) -> Composer {
        self.fixed(*date.bytes())
    }

    /// A field, even where the value is empty. What would end the field or the message becomes a blank, and so does
    /// every other control character.
    pub fn field(mut self, code: Code, value: &str) -> Composer {
        self.bytes.extend_from_slice(&code.bytes());
        if value.len() <= LONGEST_VALUE && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'|') {
            self.bytes.extend_from_slice(value.as_bytes());
        } else {
            for character in value.chars().take(LONGEST_VALUE) {
                let harmless = if character == '|' || character.is_control() { ' ' } else { character };
                self.charset.push(harmless, &mut self.bytes);
            }
        }
        self.bytes.push(b'|');
        self
    }

    /// A field where there is a value.
    pub fn optional(self, code: Code, value: Option<&str>) -> Composer {
        match value {
            Some(value) => self.field(code, value),
            None => self,
        }
    }

    /// The whole message with its trailer and its end.
    pub fn finish(mut self, trailer: Trailer) -> Vec<u8> {
        checksum::append(&mut self.bytes, trailer);
        self.bytes.push(b'\r');
        self.bytes
    }
}

/// The last decimal digit.
fn digit(number: u16) -> u8 {
    u8::try_from(number % 10).map_or(b'0', |digit| b'0' + digit)
}
