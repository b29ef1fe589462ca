//! Lines out of a stream of bytes, however they arrive: one at a time, or many in one chunk. What a line says is
//! `request`'s and `reply`'s to read.

/// Bytes of the longest line, without its end. The longest request that we answer (63) has 33 bytes of code and fixed
/// part, 9 of trailer and six fields; with every field at the 255 characters that the standard allows, that is about
/// 1,600. Real ones have about 100.
pub const LONGEST_LINE: usize = 2048;

/// A line was longer than `LONGEST_LINE` and is given up. Whoever sends such does not speak SIP2: hang up. If you do
/// not, the rest of the line is passed over, and the line behind it is read as ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line is longer than {LONGEST_LINE} bytes")]
pub struct TooLong;

/// Splits a stream into lines. CR ends a line, as the standard says; so does LF, since some clients end by it or send
/// both. Empty lines are passed over, which makes CR LF one end.
///
/// Take out all lines after each `push`: then it never holds more than `LONGEST_LINE` bytes and one chunk.
#[derive(Default)]
pub struct Framer {
    bytes: Vec<u8>,
    /// Where the line begins that comes next.
    start: usize,
    /// No end of a line stands in `start..scanned`.
    scanned: usize,
    /// A line was given up, and its end has not come yet.
    skipping: bool,
}

impl Framer {
    /// A framer at the beginning of a stream.
    pub fn new() -> Framer {
        Framer::default()
    }

    /// Takes what has arrived.
    pub fn push(&mut self, chunk: &[u8]) {
        let mut chunk = chunk;
        if self.skipping {
            let Some(end) = chunk.iter().position(|byte| is_end(*byte)) else { return };
            self.skipping = false;
            chunk = chunk.get(end..).unwrap_or_default();
        }
        self.bytes.extend_from_slice(chunk);
    }

    /// The next whole line without its end, never empty. `None` where more must arrive first.
    ///
    /// # Errors
    /// `TooLong`, once for each line that is.
    pub fn next_line(&mut self) -> Option<Result<&[u8], TooLong>> {
        loop {
            let unscanned = self.bytes.get(self.scanned..)?;
            let Some(length) = unscanned.iter().position(|byte| is_end(*byte)) else {
                return self.keep_the_beginning_of_a_line();
            };
            let (start, end) = (self.start, self.scanned + length);
            self.start = end + 1;
            self.scanned = end + 1;
            match end - start {
                0 => {}
                1..=LONGEST_LINE => return self.bytes.get(start..end).map(Ok),
                _ => return Some(Err(TooLong)),
            }
        }
    }

    /// Lets go of the lines that were taken, and of this one too where it is too long.
    fn keep_the_beginning_of_a_line(&mut self) -> Option<Result<&[u8], TooLong>> {
        // What moves came with the last chunk, so each byte moves once at most.
        self.bytes.drain(..self.start);
        self.start = 0;
        self.scanned = self.bytes.len();
        if self.bytes.len() <= LONGEST_LINE {
            return None;
        }
        self.bytes.clear();
        self.scanned = 0;
        self.skipping = true;
        Some(Err(TooLong))
    }

    /// Whether the beginning of a line waits for its end: a stream that ends or stalls now was cut off. Ask when
    /// `next_line` has said `None`.
    pub fn is_midline(&self) -> bool {
        self.skipping || self.start < self.bytes.len()
    }

    /// How many bytes it keeps. Lines that were taken count until `next_line` says `None`.
    pub fn held(&self) -> usize {
        self.bytes.len()
    }
}

/// Without the bytes: they may be a PIN.
impl std::fmt::Debug for Framer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Framer").field("held", &self.held()).field("skipping", &self.skipping).finish_non_exhaustive()
    }
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(framer: &mut Framer) -> Vec<Result<Vec<u8>, TooLong>> {
        std::iter::from_fn(|| framer.next_line().map(|line| line.map(<[u8]>::to_vec))).collect()
    }

    fn ok(line: &[u8]) -> Result<Vec<u8>, TooLong> {
        Ok(line.to_vec())
    }

    #[test]
    fn many_messages_in_one_chunk_come_out_one_by_one() {
        let mut framer = Framer::new();
        framer.push(b"9900302.00\r\n97\r\r\n\r23\n63");
        assert_eq!(lines(&mut framer), [ok(b"9900302.00"), ok(b"97"), ok(b"23")]);
        assert!(framer.is_midline());
        framer.push(b"abc\r");
        assert_eq!(lines(&mut framer), [ok(b"63abc")]);
        assert!(!framer.is_midline());
    }

    #[test]
    fn a_message_may_trickle_in_byte_by_byte() {
        let mut framer = Framer::new();
        let mut seen = Vec::new();
        for byte in b"9900302.00AY1AZFCA5\r\n97\r\n" {
            framer.push(&[*byte]);
            seen.extend(lines(&mut framer));
        }
        assert_eq!(seen, [ok(b"9900302.00AY1AZFCA5"), ok(b"97")]);
        assert!(!framer.is_midline());
    }

    #[test]
    fn a_line_without_end_is_given_up_at_its_limit() {
        let mut framer = Framer::new();
        let mut errors = 0;
        for sent in 1..=10 * LONGEST_LINE {
            framer.push(b"x");
            assert!(framer.held() <= LONGEST_LINE + 1);
            match framer.next_line() {
                Some(Err(TooLong)) => {
                    errors += 1;
                    assert_eq!(sent, LONGEST_LINE + 1);
                }
                other => assert_eq!(other, None),
            }
        }
        assert_eq!(errors, 1, "it is said once");
        assert!(framer.is_midline());
        framer.push(b"xx\r97\r");
        assert_eq!(lines(&mut framer), [ok(b"97")], "the next line is whole");
    }

    #[test]
    fn the_longest_line_is_taken_and_one_byte_more_is_not() {
        let mut framer = Framer::new();
        let mut bytes = vec![b'x'; LONGEST_LINE];
        bytes.push(b'\r');
        bytes.extend(vec![b'y'; LONGEST_LINE + 1]);
        bytes.extend(b"\r97\r");
        framer.push(&bytes);
        assert_eq!(lines(&mut framer), [ok(&[b'x'; LONGEST_LINE]), Err(TooLong), ok(b"97")]);
    }

    #[test]
    fn what_is_printed_of_a_framer_holds_no_bytes() {
        let mut framer = Framer::new();
        framer.push(b"ADgeheim");
        assert_eq!(format!("{framer:?}"), "Framer { held: 8, skipping: false, .. }");
    }
}
