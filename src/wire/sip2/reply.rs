//! What the library's system answered, as a vendor reads it: for tests against our own listener, and to look at what
//! other systems say. It knows how messages are built and not what they mean.

use super::{Charset, Code, Trailer, Unreadable, date::DATE_LENGTH, parts::Parts};

/// A response, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Two digits, such as `64`.
    pub code: Code,
    /// What stands before the fields; empty where the code is not known.
    pub fixed: String,
    /// In their order; a field may come more than once, as screen messages do. Empty where the code is not known.
    pub fields: Vec<(Code, String)>,
    /// Its checksum was verified.
    pub trailer: Trailer,
}

impl Reply {
    /// Reads a line without its end.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn read(line: &[u8], charset: Charset) -> Result<Reply, Unreadable> {
        let parts = Parts::read(line, charset, fixed_length)?;
        let fields = parts.fields().map(|field| field.map(|(code, value)| (code, value.to_owned())));
        Ok(Reply {
            code: parts.code,
            fixed: charset.decode(parts.fixed).into_owned(),
            fields: fields.collect::<Result<_, _>>()?,
            trailer: parts.trailer,
        })
    }

    /// The value of the first field with this code.
    pub fn field(&self, code: &str) -> Option<&str> {
        let code = Code::parse(code)?;
        self.fields.iter().find(|(other, _)| *other == code).map(|(_, value)| value.as_str())
    }
}

/// Bytes between the code and the first field.
fn fixed_length(code: Code) -> Option<usize> {
    const STATUS_AND_LANGUAGE: usize = 14 + 3;
    Some(match &code.bytes() {
        b"94" => 1,
        b"96" => 0,
        b"98" => 6 + 3 + 3 + DATE_LENGTH + 4,
        b"24" | b"26" => STATUS_AND_LANGUAGE + DATE_LENGTH,
        b"64" => STATUS_AND_LANGUAGE + DATE_LENGTH + 6 * 4,
        b"20" | b"36" | b"38" => 1 + DATE_LENGTH,
        b"10" | b"12" | b"30" => 4 + DATE_LENGTH,
        b"16" => 2 + DATE_LENGTH,
        b"18" => 6 + DATE_LENGTH,
        b"66" => 1 + 4 + 4 + DATE_LENGTH,
        _ => return None,
    })
}
