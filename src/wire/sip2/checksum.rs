//! Error detection (3M Standard Interchange Protocol version 2.00, "Checksums and Sequence Numbers"): a message may
//! end with `AY`, one digit that counts messages, `AZ` and four hexadecimal digits. They are the two's complement of
//! the sum of all bytes as they are on the wire, from the first up to and including `AZ`.

/// What stands at the end of a message. The answer to a message bears the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trailer {
    /// The sender uses no error detection.
    #[default]
    Absent,
    /// `AZ` alone, as in 96 and 97.
    Unnumbered,
    /// `AY` with this number and `AZ`. When written, only the number's last digit counts.
    Numbered(u8),
}

/// There is a trailer and it is wrong: another sum, or not of its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong;

/// Splits a message from its trailer.
///
/// Every field but these two ends with `|`, so a trailer is what stands behind the last one. A PIN that reads
/// `AY1AZ0000` is no trailer, because its `|` follows. Where a client leaves out the last `|` before the trailer, it
/// is found all the same.
///
/// # Errors
/// `Wrong` also where something only begins like a trailer. When in doubt the message is refused.
pub fn split(message: &[u8]) -> Result<(&[u8], Trailer), Wrong> {
    if let Some((summed, digits)) = message.split_last_chunk::<4>()
        && let Some(body) = summed.strip_suffix(b"AZ")
        && let Some(stated) = hexadecimal(*digits)
    {
        if stated != of(summed) {
            return Err(Wrong);
        }
        return numbered(body);
    }
    if begins_a_trailer(message) { Err(Wrong) } else { Ok((message, Trailer::Absent)) }
}

/// Appends a trailer to a message that is otherwise whole and stands alone in `message`.
pub fn append(message: &mut Vec<u8>, trailer: Trailer) {
    match trailer {
        Trailer::Absent => return,
        Trailer::Unnumbered => message.extend_from_slice(b"AZ"),
        Trailer::Numbered(number) => message.extend_from_slice(&[b'A', b'Y', b'0' + number % 10, b'A', b'Z']),
    }
    let sum = of(message);
    message.extend([12, 8, 4, 0].map(|shift| {
        let digit = u32::from(sum >> shift & 0xF);
        char::from_digit(digit, 16).map_or(b'0', |digit| digit.to_ascii_uppercase() as u8)
    }));
}

/// The two's complement of the sum of bytes that end with `AZ`.
pub fn of(summed: &[u8]) -> u16 {
    summed.iter().fold(0, |sum: u16, byte| sum.wrapping_add(u16::from(*byte))).wrapping_neg()
}

/// The number before a right checksum.
fn numbered(body: &[u8]) -> Result<(&[u8], Trailer), Wrong> {
    match body {
        [message @ .., b'A', b'Y', digit @ b'0'..=b'9'] => Ok((message, Trailer::Numbered(digit - b'0'))),
        [.., b'A', b'Y', _] | [.., b'A', b'Y'] => Err(Wrong),
        _ if begins_a_trailer(body) => Err(Wrong),
        _ => Ok((body, Trailer::Unnumbered)),
    }
}

/// Whether `AY` or `AZ` stands where a trailer would begin. A message without fields has nothing but digits, flags and
/// blanks, so there it may stand anywhere.
fn begins_a_trailer(message: &[u8]) -> bool {
    let last = last_field(message);
    let has_fields = last.len() < message.len();
    let limit = if has_fields { 1 } else { usize::MAX };
    last.windows(2).take(limit).any(|two| matches!(two, b"AY" | b"AZ"))
}

/// What stands behind the last `|`.
fn last_field(message: &[u8]) -> &[u8] {
    message.rsplit(|byte| *byte == b'|').next().unwrap_or_default()
}

fn hexadecimal(digits: [u8; 4]) -> Option<u16> {
    digits.iter().try_fold(0, |number: u16, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(number << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_trailer(message: &[u8], trailer: Trailer) -> Vec<u8> {
        let mut bytes = message.to_vec();
        append(&mut bytes, trailer);
        bytes
    }

    /// Sums as Python computes them.
    const KNOWN: [(&[u8], u8, &[u8]); 5] = [
        (b"9900302.00", 1, b"FCA5"),
        (b"9300CNuser|COpass|CPlocation|", 0, b"F3D6"),
        (b"98YYYYNN60000320261127    1259312.00AOMAIN|AMLibrary|BXYYYYYYYYYYYYYYYY|", 1, b"EA40"),
        (b"2300120261127    125931AOMAIN|AA30234000517861|AC|ADAY1AZFCA5|", 7, b"EFF7"),
        (b"941", 0, b"FDFD"),
    ];

    #[test]
    fn known_messages_have_their_known_checksums() {
        for (message, number, sum) in KNOWN {
            let line = with_trailer(message, Trailer::Numbered(number));
            assert!(line.ends_with(sum), "{}", String::from_utf8_lossy(&line));
            assert_eq!(split(&line), Ok((message, Trailer::Numbered(number))));
        }
        assert_eq!(with_trailer(b"97", Trailer::Unnumbered), b"97AZFEF5");
        assert_eq!(with_trailer(b"96", Trailer::Unnumbered), b"96AZFEF6");
        assert_eq!(with_trailer(b"941", Trailer::Numbered(10)), b"941AY0AZFDFD");
        assert_eq!(split(b"97AZFEF5"), Ok((b"97".as_slice(), Trailer::Unnumbered)));
    }

    #[test]
    fn the_sum_is_of_the_bytes_on_the_wire() {
        let of_pin = |pin: &[u8]| {
            with_trailer(&[b"6300120261127    125931          AOMAIN|AA1|AD", pin, b"|"].concat(), Trailer::Numbered(3))
        };
        assert!(of_pin(b"n\x82").ends_with(b"AZF3C3"));
        assert!(of_pin("né".as_bytes()).ends_with(b"AZF2D9"));
    }

    #[test]
    fn a_sum_in_small_letters_is_as_good() {
        assert_eq!(split(b"9900302.00AY1AZfca5"), Ok((b"9900302.00".as_slice(), Trailer::Numbered(1))));
    }

    #[test]
    fn a_wrong_checksum_is_wrong_whatever_stands_before_it() {
        for line in
            [b"9900302.00AY1AZFCA6".as_slice(), b"97AZFEF6", b"23|ADx|AY1AZ0000", b"23|ADxAY1AZ0000", b"23|ADxAZ0000"]
        {
            assert_eq!(split(line), Err(Wrong), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn a_trailer_that_is_not_of_its_form_is_wrong_and_not_absent() {
        for line in [
            b"9900302.00AY1AZFCA".as_slice(),
            b"9900302.00AY1AZFCAG",
            b"9900302.00AY1AZ+CA5",
            b"9900302.00AY1AZ",
            b"9900302.00AY1",
            b"9900302.00AY",
            b"9900302.00AZ",
            b"23|ADx|AY1AZ12",
            b"23|ADx|AZ",
            b"23|ADx|AY",
            b"23|ADx|AY1AZFCA5 ",
        ] {
            assert_eq!(split(line), Err(Wrong), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn a_right_sum_does_not_mend_a_number_that_is_none() {
        for message in [b"9900302.00AYx".as_slice(), b"9900302.00AY", b"23|ADx|AYx", b"23|ADx|AY12", b"23|ADxAY"] {
            let line = with_trailer(message, Trailer::Unnumbered);
            assert_eq!(split(&line), Err(Wrong), "{}", String::from_utf8_lossy(&line));
        }
    }

    #[test]
    fn a_value_may_read_like_a_trailer() {
        for message in [b"23|ADAY1AZ0000|".as_slice(), b"23|AAAZ|ADJAZZ|", b"23|ADAY1AZFCA5|", b"23|AD0000|"] {
            assert_eq!(split(message), Ok((message, Trailer::Absent)));
            let line = with_trailer(message, Trailer::Numbered(9));
            assert_eq!(split(&line), Ok((message, Trailer::Numbered(9))));
        }
    }

    #[test]
    fn a_trailer_is_found_without_the_bar_before_it() {
        let line = with_trailer(b"23|ADx", Trailer::Numbered(4));
        assert_eq!(split(&line), Ok((b"23|ADx".as_slice(), Trailer::Numbered(4))));
    }
}
