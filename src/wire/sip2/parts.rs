//! How a message falls into its parts, request and response alike: code, fixed part, fields.

use std::borrow::Cow;

use super::{Charset, Code, Trailer, Unreadable, checksum};

/// A message whose trailer was judged right or is absent. Nothing in its fields is a control character.
pub struct Parts<'m> {
    pub code: Code,
    pub trailer: Trailer,
    /// As long as the code asks for, and without `|`. May hold anything else.
    pub fixed: &'m [u8],
    fields: Cow<'m, str>,
}

impl<'m> Parts<'m> {
    /// Takes a line without its end apart. `fixed_length` knows how long the fixed part is behind a code; where it
    /// does not, the rest of the message is not looked at.
    ///
    /// # Errors
    /// The first thing found wrong, the trailer first of all.
    pub fn read(
        line: &'m [u8],
        charset: Charset,
        fixed_length: impl FnOnce(Code) -> Option<usize>,
    ) -> Result<Parts<'m>, Unreadable> {
        let (message, trailer) = checksum::split(line).map_err(|checksum::Wrong| Unreadable::WrongChecksum)?;
        let (code, rest) = message.split_first_chunk().ok_or(Unreadable::Malformed("it is shorter than a code"))?;
        let code = Code::of(*code).ok_or(Unreadable::Malformed("it does not begin with a code"))?;
        let Some(length) = fixed_length(code) else {
            return Ok(Parts { code, trailer, fixed: &[], fields: Cow::Borrowed("") });
        };
        // Split before decoding: a date may be garbage in no charset, and places are counted in bytes.
        let (fixed, fields) = rest
            .split_at_checked(length)
            .filter(|(fixed, _)| !fixed.contains(&b'|'))
            .ok_or(Unreadable::Malformed("its fixed part is too short"))?;
        let fields = charset.decode(fields);
        if fields.chars().any(char::is_control) {
            return Err(Unreadable::Malformed("a field holds a control character"));
        }
        Ok(Parts { code, trailer, fixed, fields })
    }

    /// The fields in their order. Nothing between two bars is no field, and the last may lack its bar.
    pub fn fields(&self) -> impl Iterator<Item = Result<(Code, &str), Unreadable>> {
        self.fields.split('|').filter(|field| !field.is_empty()).map(|field| {
            field
                .as_bytes()
                .first_chunk()
                .and_then(|code| Some((Code::of(*code)?, field.get(2..)?)))
                .ok_or(Unreadable::Malformed("a field does not begin with a code"))
        })
    }
}
