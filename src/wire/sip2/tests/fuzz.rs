//! Seeded noise through framer and reader: nothing panics, no wrong checksum is taken, no bound is passed.

use crate::wire::sip2::{
    Charset, Framer, Reply, Request, Response, TooLong, Trailer, checksum,
    frame::LONGEST_LINE,
    patron::{Language, Summary},
    request::{self, Operation, Secret},
};

use super::{ada, circulation, line, now};

/// SplitMix64, so that a failure comes again.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }
}

/// Sums anew, in another way than `checksum` does.
fn sum_fits(line: &[u8]) -> bool {
    let (summed, digits) = line.split_at(line.len() - 4);
    let stated = u64::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    let sum: u64 = summed.iter().map(|byte| u64::from(*byte)).sum();
    summed.ends_with(b"AZ") && (sum + stated).is_multiple_of(0x1_0000)
}

fn read_as_everything(line: &[u8]) -> usize {
    let mut taken = 0;
    for charset in [Charset::Utf8, Charset::Cp850] {
        let request = Request::read(line, charset);
        let reply = Reply::read(line, charset);
        for trailer in request.iter().map(|r| r.trailer).chain(reply.iter().map(|r| r.trailer)) {
            taken += 1;
            assert!(trailer == Trailer::Absent || sum_fits(line), "{line:?}");
        }
        let _ = format!("{request:?} {reply:?}");
    }
    let _ = checksum::split(line);
    taken
}

/// Pushes bytes in chunks of random length, and reads what comes out.
fn stream(noise: &mut Noise, bytes: &[u8], longest_chunk: usize) -> (Vec<Vec<u8>>, usize) {
    let (mut lines, mut too_long) = (Vec::new(), 0);
    let mut framer = Framer::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let length = (1 + noise.below(longest_chunk)).min(rest.len());
        let (chunk, after) = rest.split_at(length);
        rest = after;
        framer.push(chunk);
        assert!(framer.held() <= LONGEST_LINE + length);
        while let Some(line) = framer.next_line() {
            match line {
                Ok(line) => lines.push(line.to_vec()),
                Err(TooLong) => too_long += 1,
            }
        }
        assert!(framer.held() <= LONGEST_LINE);
    }
    (lines, too_long)
}

fn messages() -> Vec<Vec<u8>> {
    let login = Request::Login(request::Login {
        user_algorithm: '0',
        password_algorithm: '0',
        user: "user".into(),
        password: Secret::new("AY1AZ"),
        location: Some("location".into()),
    });
    let information = Request::PatronInformation(request::PatronInformation {
        language: Language::ENGLISH,
        summary: Some(Summary::Charged),
        patron: ada(),
        start_item: Some(1),
        end_item: Some(9),
    });
    let mut requests = vec![
        login,
        information,
        Request::PatronStatus(request::PatronStatus { language: Language::ENGLISH, patron: ada() }),
        Request::EndSession(request::EndSession { patron: ada() }),
        Request::Resend,
    ];
    requests.extend(Operation::ALL.map(|operation| Request::Circulation(circulation(operation))));
    let trailers = [Trailer::Absent, Trailer::Unnumbered, Trailer::Numbered(7)];
    let mut messages = Vec::new();
    for trailer in trailers {
        messages.extend(requests.iter().map(|request| request.write(Charset::Utf8, trailer, &now())));
        for operation in Operation::ALL {
            let refusal = Response::refusal(circulation(operation), "né");
            messages.push(refusal.write(Charset::Cp850, trailer, &now()));
        }
    }
    messages
}

fn mutate(noise: &mut Noise, message: &mut Vec<u8>) {
    let place = noise.below(message.len());
    match noise.below(8) {
        0 => message[place] ^= 1 << noise.below(8),
        1 => message.truncate(place + 1),
        2 => {
            message.drain(..place);
        }
        3 => message.extend(message.clone()),
        4 => {
            let mut fields: Vec<&[u8]> = message.split(|byte| *byte == b'|').collect();
            let (one, other) = (noise.below(fields.len()), noise.below(fields.len()));
            fields.swap(one, other);
            *message = fields.join(&b'|');
        }
        5 => {
            let bars: Vec<usize> = (0..message.len()).filter(|place| message[*place] == b'|').collect();
            if !bars.is_empty() {
                message.remove(bars[noise.below(bars.len())]);
            }
        }
        6 => message.insert(place, noise.byte()),
        _ => {
            let tokens: [&[u8]; 6] = [b"|", b"AZ", b"AY0AZ0000", b"|AY1AZFCA5", b"\r", b"|AA1|"];
            let token = tokens[noise.below(tokens.len())];
            message.splice(place..place, token.iter().copied());
        }
    }
    if message.is_empty() {
        message.push(b'|');
    }
}

#[test]
fn random_bytes_harm_nothing() {
    let mut noise = Noise(1);
    for round in 0..400 {
        let length = noise.below(6000);
        let mut bytes = noise.bytes(length);
        if round % 2 == 0 {
            // Few ends, many delimiters and letters.
            let alphabet = b"AZY|AZY0192367 \xff\xc3\0";
            bytes.iter_mut().for_each(|byte| *byte = alphabet[usize::from(*byte) % alphabet.len()]);
        }
        for line in stream(&mut noise, &bytes, 3000).0 {
            read_as_everything(&line);
        }
    }
}

#[test]
fn damaged_messages_harm_nothing_and_no_wrong_checksum_is_taken() {
    let mut noise = Noise(2);
    let messages = messages();
    let mut taken = 0;
    for _ in 0..6000 {
        let mut message = messages[noise.below(messages.len())].clone();
        for _ in 0..1 + noise.below(3) {
            mutate(&mut noise, &mut message);
        }
        message.push(b'\r');
        for line in stream(&mut noise, &message, 200).0 {
            taken += read_as_everything(&line);
        }
    }
    assert!(taken > 1000, "the damage is not so great that nothing is tested: {taken}");
}

#[test]
fn one_flipped_bit_is_always_found() {
    for message in messages() {
        let line = line(&message);
        if !matches!(checksum::split(line), Ok((_, Trailer::Numbered(_)))) {
            continue;
        }
        for bit in 0..line.len() * 8 {
            let mut damaged = line.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // A digit of the sum in small letters is the same sum.
            if !damaged.eq_ignore_ascii_case(line) || bit / 8 < line.len() - 4 {
                assert!(Request::read(&damaged, Charset::Utf8).is_err(), "{}", String::from_utf8_lossy(&damaged));
            }
        }
    }
}

#[test]
fn chunks_never_change_what_is_read() {
    let mut noise = Noise(3);
    for _ in 0..150 {
        let mut bytes = Vec::new();
        let mut expected = (Vec::new(), 0);
        for _ in 0..noise.below(12) {
            let length = match noise.below(4) {
                0 => LONGEST_LINE - 2 + noise.below(5),
                _ => noise.below(120),
            };
            let sent = vec![b'x'; length];
            bytes.extend(&sent);
            bytes.extend([b"\r".as_slice(), b"\n", b"\r\n"][noise.below(3)]);
            match length {
                0 => {}
                1..=LONGEST_LINE => expected.0.push(sent),
                _ => expected.1 += 1,
            }
        }
        for longest_chunk in [1, 7, 600, 100_000] {
            assert_eq!(stream(&mut noise, &bytes, longest_chunk), expected);
        }
    }
}
