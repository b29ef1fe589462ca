//! The letters on the wire. The standard says English ASCII and code page 850 for the rest; newer vendors send UTF-8.
//! Which one a vendor speaks is agreed with it and stands in the configuration, since no message says so.

use std::borrow::Cow;

/// How text becomes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// What most speak nowadays.
    #[default]
    Utf8,
    /// DOS Latin 1, one byte for each character.
    Cp850,
}

impl Charset {
    /// Reads bytes. In UTF-8, each invalid sequence becomes U+FFFD; in code page 850, every byte means something.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Charset::Utf8 => String::from_utf8_lossy(bytes),
            Charset::Cp850 => match std::str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => Cow::Owned(bytes.iter().map(|byte| of_cp850(*byte)).collect()),
            },
        }
    }

    /// Writes text. What the charset lacks becomes `?`.
    pub fn encode(self, text: &str) -> Cow<'_, [u8]> {
        match self {
            Charset::Utf8 => Cow::Borrowed(text.as_bytes()),
            Charset::Cp850 if text.is_ascii() => Cow::Borrowed(text.as_bytes()),
            Charset::Cp850 => Cow::Owned(text.chars().map(to_cp850).collect()),
        }
    }

    /// Writes one character behind what is written already.
    pub(super) fn push(self, character: char, bytes: &mut Vec<u8>) {
        match self {
            Charset::Utf8 => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Charset::Cp850 => bytes.push(to_cp850(character)),
        }
    }
}

fn of_cp850(byte: u8) -> char {
    usize::from(byte).checked_sub(128).and_then(|place| UPPER_HALF.get(place)).copied().unwrap_or(char::from(byte))
}

fn to_cp850(character: char) -> u8 {
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() => byte,
        _ => (128..=255).zip(UPPER_HALF).find(|(_, known)| *known == character).map_or(b'?', |(byte, _)| byte),
    }
}

/// Code page 850 from 0x80 on.
#[rustfmt::skip]
const UPPER_HALF: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å', // 0x80
    'É', 'æ', 'Æ', 'ô', 'ö', 'ò', 'û', 'ù', 'ÿ', 'Ö', 'Ü', 'ø', '£', 'Ø', '×', 'ƒ', // 0x90
    'á', 'í', 'ó', 'ú', 'ñ', 'Ñ', 'ª', 'º', '¿', '®', '¬', '½', '¼', '¡', '«', '»', // 0xA0
    '░', '▒', '▓', '│', '┤', 'Á', 'Â', 'À', '©', '╣', '║', '╗', '╝', '¢', '¥', '┐', // 0xB0
    '└', '┴', '┬', '├', '─', '┼', 'ã', 'Ã', '╚', '╔', '╩', '╦', '╠', '═', '╬', '¤', // 0xC0
    'ð', 'Ð', 'Ê', 'Ë', 'È', 'ı', 'Í', 'Î', 'Ï', '┘', '┌', '█', '▄', '¦', 'Ì', '▀', // 0xD0
    'Ó', 'ß', 'Ô', 'Ò', 'õ', 'Õ', 'µ', 'þ', 'Þ', 'Ú', 'Û', 'Ù', 'ý', 'Ý', '¯', '´', // 0xE0
    '\u{ad}', '±', '‗', '¾', '¶', '§', '÷', '¸', '°', '¨', '·', '¹', '³', '²', '■', '\u{a0}', // 0xF0
];

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python's codec has it: `bytes(range(128, 256)).decode("cp850")`.
    const PYTHON: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤\
        ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

    #[test]
    fn every_byte_of_code_page_850_is_read_and_written_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = Charset::Cp850.decode(&bytes);
        assert_eq!(text.chars().count(), 256);
        assert_eq!(text.chars().skip(128).collect::<String>(), PYTHON);
        assert_eq!(Charset::Cp850.encode(&text), bytes);
    }

    #[test]
    fn known_letters_of_code_page_850_are_where_they_belong() {
        for (byte, letter) in
            [(0x80, 'Ç'), (0x81, 'ü'), (0x82, 'é'), (0xA4, 'ñ'), (0xE1, 'ß'), (0xD5, 'ı'), (0xB8, '©'), (0x9E, '×')]
        {
            assert_eq!(Charset::Cp850.decode(&[byte]), letter.to_string());
            assert_eq!(Charset::Cp850.encode(&letter.to_string()), [byte].as_slice());
        }
    }

    #[test]
    fn a_letter_that_the_charset_lacks_becomes_a_question_mark() {
        assert_eq!(Charset::Cp850.encode("Đặng 🦀"), b"??ng ?".as_slice());
        assert_eq!(Charset::Utf8.encode("Đặng"), "Đặng".as_bytes());
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_replaced_and_the_rest_is_read() {
        assert_eq!(Charset::Utf8.decode(b"Ren\x82|"), "Ren\u{fffd}|");
        assert_eq!(Charset::Utf8.decode(b"cut \xc3|"), "cut \u{fffd}|");
    }
}
