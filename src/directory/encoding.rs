//! Windows-1252, which spreadsheets and old student systems still write, as UTF-8.

use std::io::{self, Read};

/// What the bytes from 0x80 to 0x9F are; the others are what they are in Latin-1.
const HIGH: [char; 32] = [
    '€', '\u{FFFD}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{FFFD}', 'Ž', '\u{FFFD}', '\u{FFFD}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{FFFD}', 'ž', 'Ÿ',
];

pub(super) struct Windows1252<R> {
    inner: R,
    ready: Vec<u8>,
    given: usize,
}

impl<R> Windows1252<R> {
    pub fn new(inner: R) -> Windows1252<R> {
        Windows1252 { inner, ready: Vec::new(), given: 0 }
    }
}

impl<R: Read> Read for Windows1252<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            let mut raw = [0; 8 << 10];
            let read = self.inner.read(&mut raw)?;
            self.ready.clear();
            self.given = 0;
            let mut utf8 = [0; 4];
            for byte in raw.iter().take(read) {
                self.ready.extend_from_slice(letter(*byte).encode_utf8(&mut utf8).as_bytes());
            }
        }
        let mut rest = self.ready.get(self.given..).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

fn letter(byte: u8) -> char {
    match byte {
        0x80..=0x9F => HIGH.get(usize::from(byte - 0x80)).copied().unwrap_or('\u{FFFD}'),
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_quotation_marks_come_out_right_however_small_the_bites() {
        let bytes = b"Ren\xe9e \x93O\x92Neil\x94 \x80 \x81 \xff".repeat(3000);
        let mut reader = Windows1252::new(bytes.as_slice());
        let (mut all, mut bite) = (Vec::new(), [0; 7]);
        while let n @ 1.. = reader.read(&mut bite).unwrap() {
            all.extend_from_slice(&bite[..n]);
        }
        assert_eq!(String::from_utf8(all).unwrap(), "Renée “O’Neil” € \u{FFFD} ÿ".repeat(3000));
    }
}
