//! Card numbers as pictures for scanners: Codabar for 14-digit library barcodes, Code 128 for the rest, and QR.
//! Drawn as SVG with its quiet zone and on white, whatever stands around it.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

/// The bars of a card number: Codabar where it is a 14-digit library barcode, Code 128 otherwise.
/// `None` where it holds anything but visible ASCII.
pub fn of_card(number: &str) -> Option<Bars> {
    let library_barcode = number.len() == 14 && number.bytes().all(|b| b.is_ascii_digit());
    if library_barcode { codabar(number) } else { code128(number) }
}

/// Widths in modules, bar and space in turns, beginning and ending with a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bars(Vec<u8>);

/// Both symbologies ask for ten modules of white at either end.
const QUIET: u32 = 10;
const HEIGHT: u32 = 48;

impl Bars {
    /// An SVG that may be stretched either way. Decoration only: the number belongs beside it as text.
    pub fn svg(&self) -> String {
        let mut x = QUIET;
        let mut path = String::new();
        for (place, width) in self.0.iter().map(|width| u32::from(*width)).enumerate() {
            if place % 2 == 0 {
                // Writing to a String cannot fail.
                let _ = write!(path, "M{x} 4h{width}v{}h-{width}z", HEIGHT - 8);
            }
            x += width;
        }
        drawing(x + QUIET, HEIGHT, &path, " preserveAspectRatio=\"none\"")
    }
}

/// Start A, stop B, as libraries print them. `None` where it is not all digits.
pub fn codabar(digits: &str) -> Option<Bars> {
    // Seven elements, bar first; 1 is wide.
    const DIGITS: [u8; 10] = [
        0b000_0011, 0b000_0110, 0b000_1001, 0b110_0000, 0b001_0010, 0b100_0010, 0b010_0001, 0b010_0100, 0b011_0000,
        0b100_1000,
    ];
    const START_A: u8 = 0b001_1010;
    const STOP_B: u8 = 0b010_1001;
    const WIDE: u8 = 3;

    let body = digits.chars().map(|c| DIGITS.get(usize::try_from(c.to_digit(10)?).ok()?).copied());
    let patterns: Vec<u8> = std::iter::once(Some(START_A)).chain(body).chain([Some(STOP_B)]).collect::<Option<_>>()?;
    let mut widths = Vec::with_capacity(patterns.len() * 8);
    for pattern in patterns {
        widths.extend((0..7).rev().map(|bit| if pattern >> bit & 1 == 1 { WIDE } else { 1 }));
        widths.push(1); // the gap between characters
    }
    widths.pop();
    Some(Bars(widths))
}

/// Code 128 (ISO/IEC 15417), sets B and C. `None` where it is empty or holds anything but visible ASCII and blanks.
pub fn code128(text: &str) -> Option<Bars> {
    const STOP: usize = 106;
    let mut symbols = code128_symbols(text.as_bytes())?;
    let sum: usize = symbols.iter().enumerate().map(|(place, symbol)| place.max(1) * symbol).sum();
    symbols.push(sum % 103);
    symbols.push(STOP);
    let widths = symbols.into_iter().map(|symbol| CODE_128.get(symbol).copied()).collect::<Option<String>>()?;
    Some(Bars(widths.bytes().map(|digit| digit - b'0').collect()))
}

/// Symbol values with the start symbol, before check and stop. Set C packs two digits into one symbol, which pays
/// from four digits at an end and from six in the middle.
fn code128_symbols(text: &[u8]) -> Option<Vec<usize>> {
    const TO_C: usize = 99;
    const TO_B: usize = 100;
    const START_B: usize = 104;
    const START_C: usize = 105;

    if text.is_empty() || !text.iter().all(|b| (b' '..=b'~').contains(b)) {
        return None;
    }
    let mut symbols = Vec::with_capacity(text.len() + 4);
    let mut in_c = false;
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let at_an_end = symbols.is_empty() || digits == rest.len();
        let packs = digits
            >= if in_c {
                2
            } else if at_an_end {
                4
            } else {
                6
            };
        // An odd digit goes first in set B, so that the even rest ends the run.
        if packs && (in_c || digits % 2 == 0 || symbols.is_empty()) {
            if symbols.is_empty() {
                symbols.push(START_C);
            } else if !in_c {
                symbols.push(TO_C);
            }
            in_c = true;
            let (pair, after) = rest.split_at(2);
            symbols.push(pair.iter().fold(0, |n, digit| n * 10 + usize::from(digit - b'0')));
            rest = after;
        } else {
            if symbols.is_empty() {
                symbols.push(START_B);
            } else if in_c {
                symbols.push(TO_B);
            }
            in_c = false;
            symbols.push(usize::from(first - b' '));
            rest = after;
        }
    }
    Some(symbols)
}

#[rustfmt::skip]
const CODE_128: [&str; 107] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312",
    "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212",
    "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121",
    "111323", "131123", "131321", "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331",
    "132131", "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131", "311123",
    "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111", "111224", "111422", "121124",
    "121421", "141122", "141221", "112214", "112412", "122114", "122411", "142112", "142211", "241211", "221114",
    "413111", "241112", "134111", "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112",
    "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
];

/// A QR code of `text` with its quiet zone of four modules; `None` where it holds too much.
pub fn qr_svg(text: &str) -> Option<String> {
    const QUIET: u32 = 4;
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let size = u32::try_from(code.width()).ok()?;
    let colours = code.to_colors();
    let mut path = String::new();
    for (y, row) in (QUIET..).zip(colours.chunks(code.width())) {
        let mut x = QUIET;
        // A run of dark modules is one rectangle: a third of the bytes.
        for run in row.chunk_by(|one, next| one == next) {
            let width = u32::try_from(run.len()).ok()?;
            if run.first() == Some(&Color::Dark) {
                let _ = write!(path, "M{x} {y}h{width}v1h-{width}z");
            }
            x += width;
        }
    }
    Some(drawing(size + 2 * QUIET, size + 2 * QUIET, &path, ""))
}

fn drawing(width: u32, height: u32, path: &str, more: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\" \
         shape-rendering=\"crispEdges\"{more}><path fill=\"#fff\" d=\"M0 0h{width}v{height}H0z\"/>\
         <path d=\"{path}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bars: &Bars) -> String {
        bars.0.iter().map(|width| char::from(b'0' + width)).collect()
    }

    #[test]
    fn a_library_barcode_is_codabar_from_a_to_b() {
        let bars = of_card("30234000517861").unwrap();
        let drawn = text(&bars);
        assert!(drawn.starts_with("1133131"), "A: {drawn}");
        assert_eq!(drawn.get(8..15), Some("3311111"), "3 has its two wide elements first");
        assert_eq!(drawn.get(16..23), Some("1111133"), "0 has them last");
        assert!(drawn.ends_with("1313113"), "B: {drawn}");
        assert_eq!(bars.0.len(), 16 * 8 - 1);
    }

    #[test]
    fn each_codabar_digit_has_two_wide_elements_and_its_own_pattern() {
        let mut seen = std::collections::HashSet::new();
        for digit in "0123456789".chars() {
            let drawn = text(&codabar(&digit.to_string()).unwrap());
            let digit = drawn.get(8..15).unwrap().to_owned();
            assert_eq!(digit.matches('3').count(), 2);
            assert!(seen.insert(digit));
        }
    }

    #[test]
    fn code_128_patterns_are_eleven_modules_with_an_even_number_of_dark_ones() {
        let mut seen = std::collections::HashSet::new();
        for pattern in CODE_128.iter().take(106) {
            let widths: Vec<u8> = pattern.bytes().map(|b| b - b'0').collect();
            assert_eq!(widths.iter().sum::<u8>(), 11, "{pattern}");
            assert_eq!(widths.iter().step_by(2).sum::<u8>() % 2, 0, "{pattern}");
            assert!(seen.insert(pattern));
        }
    }

    #[test]
    fn a_known_code_128_has_its_known_check_symbol() {
        // "PJJ123C", the worked example of many introductions: check value 54 in set A and B alike but for the start.
        let symbols = code128_symbols(b"PJJ123C").unwrap();
        assert_eq!(symbols, [104, 48, 42, 42, 17, 18, 19, 35]);
        let sum: usize = symbols.iter().enumerate().map(|(place, symbol)| place.max(1) * symbol).sum();
        assert_eq!(sum % 103, 55);
    }

    #[test]
    fn runs_of_digits_take_half_the_room() {
        assert_eq!(code128_symbols(b"004417").unwrap(), [105, 0, 44, 17]);
        assert_eq!(code128_symbols(b"CH4417").unwrap(), [104, 35, 40, 99, 44, 17]);
        assert_eq!(code128_symbols(b"44175").unwrap(), [105, 44, 17, 100, 21]);
        assert_eq!(code128_symbols(b"A12345").unwrap(), [104, 33, 17, 99, 23, 45]);
        assert_eq!(code128_symbols(b"A12B").unwrap(), [104, 33, 17, 18, 34]);
    }

    #[test]
    fn what_no_scanner_can_say_is_not_drawn() {
        assert!(code128("").is_none());
        assert!(code128("é").is_none());
        assert!(codabar("12x").is_none());
        assert!(of_card("A-17").is_some());
    }

    #[test]
    fn the_drawing_has_quiet_zones_and_only_shapes() {
        let svg = of_card("CH4417").unwrap().svg();
        assert!(svg.contains("M10 4h") && !svg.contains("style"), "{svg}");
        let qr = qr_svg("30234000517861").unwrap();
        assert!(qr.contains("M4 4h7v1h-7z"), "the finder's top edge");
        assert!(qr.len() < 4096, "{}", qr.len());
    }
}
