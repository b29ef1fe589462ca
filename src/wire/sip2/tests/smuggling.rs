//! No value, whatever it holds, can add a field or a message.

use proptest::{prelude::*, test_runner::RngSeed};

use crate::wire::sip2::{
    Charset, Code, Framer, Reply, Request, Response, Trailer, Unreadable,
    patron::{Denials, Language},
    request::{self, Operation, Secret},
    response::{self, Extra, Notices},
};

use super::{line, now};

fn hostile() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        prop::sample::select(vec![
            "|",
            "\r",
            "\n",
            "\r\n",
            "\0",
            "AZ",
            "AY0AZ0000",
            "|BLY|",
            "|CQY|AY1AZFCA5",
            "\rAY",
            "🦀",
            "\u{85}",
            "é",
            "\u{2028}",
            "\u{ff5c}",
            "\u{17c}",
            "\u{10d}",
            "941\r",
            "",
            "AA",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        Just("x".repeat(250)),
    ];
    prop::collection::vec(parts, 0..12).prop_map(|parts| parts.concat())
}

fn charset() -> impl Strategy<Value = Charset> {
    prop::sample::select(vec![Charset::Utf8, Charset::Cp850])
}

fn codes(reply: &Reply) -> String {
    reply.fields.iter().map(|(code, _)| code.to_string()).collect::<Vec<_>>().join(" ")
}

/// Read as a stream, so that a second message would be seen.
fn only_reply(message: &[u8], charset: Charset) -> Result<Reply, Unreadable> {
    let mut framer = Framer::new();
    framer.push(message);
    let reply = Reply::read(framer.next_line().unwrap().unwrap(), charset);
    assert!(framer.next_line().is_none() && !framer.is_midline(), "one message is one line");
    reply
}

fn config() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(98);
    ProptestConfig { failure_persistence: None, rng_seed, ..ProptestConfig::with_cases(300) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_value_can_add_a_field_to_a_patrons_answer(
        institution in hostile(), card in hostile(), name in hostile(), class in hostile(), screen in hostile(),
        print in hostile(), charset in charset(), checked in any::<bool>(),
    ) {
        let patron = response::PatronFields {
            institution,
            card,
            name: name.clone(),
            valid: false,
            pin_valid: false,
            more: vec![Extra::new(Code::parse("PC").unwrap(), class).unwrap()],
            notices: Notices { screen_message: Some(screen), print_line: Some(print) },
        };
        let answer = Response::PatronStatus(response::PatronStatus {
            denials: Denials::NONE,
            language: Language::UNKNOWN,
            patron,
        });
        let trailer = if checked { Trailer::Numbered(5) } else { Trailer::Absent };
        let reply = only_reply(&answer.write(charset, trailer, &now()), charset).unwrap();
        prop_assert_eq!(codes(&reply), "AO AA AE BL CQ PC AF AG");
        prop_assert_eq!((reply.field("BL"), reply.field("CQ")), (Some("N"), Some("N")));
        prop_assert_eq!(reply.trailer, trailer);
        for (_, value) in &reply.fields {
            prop_assert!(value.chars().count() <= 255 && !value.chars().any(char::is_control));
        }
        if charset == Charset::Utf8 {
            let harmless: String =
                name.chars().take(255).map(|c| if c == '|' || c.is_control() { ' ' } else { c }).collect();
            prop_assert_eq!(reply.field("AE"), Some(harmless.as_str()), "everything else is kept");
        }
    }

    #[test]
    fn no_value_can_add_a_field_to_a_refusal(
        operation in prop::sample::select(Operation::ALL.to_vec()), value in hostile(), charset in charset(),
    ) {
        let of = |value: &str| request::Circulation {
            operation,
            institution: value.into(),
            card: value.into(),
            item: value.into(),
            title: value.into(),
        };
        let write = |value: &str| Response::refusal(of(value), value).write(charset, Trailer::Numbered(1), &now());
        let plain = only_reply(&write("plain"), charset).unwrap();
        prop_assert_eq!(codes(&only_reply(&write(&value), charset).unwrap()), codes(&plain));
    }

    #[test]
    fn no_value_can_add_a_field_to_a_request(value in hostile(), charset in charset(), checked in any::<bool>()) {
        let trailer = if checked { Trailer::Numbered(5) } else { Trailer::Absent };
        let patron = request::PatronFields {
            institution: value.clone(),
            card: value.clone(),
            terminal_password: None,
            pin: Some(Secret::new(value)),
        };
        let request = Request::EndSession(request::EndSession { patron });
        let message = request.write(charset, trailer, &now());
        let Request::EndSession(read) = Request::read(line(&message), charset).unwrap().request else { panic!() };
        prop_assert_eq!(read.patron.terminal_password, None);
        prop_assert_eq!(Some(read.patron.card.as_str()), read.patron.pin.as_ref().map(Secret::reveal));
    }
}
