//! What one side writes, the other reads as the same.

use proptest::{prelude::*, test_runner::RngSeed};

use crate::wire::sip2::{
    Charset, Code, Reply, Request, Response, Trailer,
    patron::{Counts, Denial, Language, Summary},
    request::{self, Operation, Secret},
    response::{self, Extra, Notices},
};

use super::{line, now};

/// Text that neither charset nor protocol changes.
fn value() -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        4 => prop::char::range(' ', '{'),
        1 => prop::sample::select(vec!['é', 'ñ', 'ß', 'ı', 'Þ', '}', '~']),
    ];
    let parts = prop_oneof![8 => letter.prop_map(String::from), 1 => Just("AY1AZFCA5".to_owned())];
    prop::collection::vec(parts, 0..24).prop_map(|parts| parts.concat())
}

fn secret() -> impl Strategy<Value = Secret> {
    value().prop_map(Secret::new)
}

fn charset() -> impl Strategy<Value = Charset> {
    prop::sample::select(vec![Charset::Utf8, Charset::Cp850])
}

fn trailer() -> impl Strategy<Value = Trailer> {
    prop_oneof![Just(Trailer::Absent), Just(Trailer::Unnumbered), (0..10u8).prop_map(Trailer::Numbered)]
}

fn language() -> impl Strategy<Value = Language> {
    prop::array::uniform3(b'0'..=b'9').prop_map(Language::of)
}

fn operation() -> impl Strategy<Value = Operation> {
    prop::sample::select(Operation::ALL.to_vec())
}

fn patron() -> impl Strategy<Value = request::PatronFields> {
    (value(), value(), prop::option::of(secret()), prop::option::of(secret())).prop_map(
        |(institution, card, terminal_password, pin)| request::PatronFields {
            institution,
            card,
            terminal_password,
            pin,
        },
    )
}

fn circulation() -> impl Strategy<Value = request::Circulation> {
    (operation(), value(), value(), value(), value()).prop_map(|(operation, institution, card, item, title)| {
        request::Circulation { operation, institution, card, item, title }
    })
}

fn request() -> impl Strategy<Value = Request> {
    let fixed = prop::char::range('0', '9');
    let login = (fixed.clone(), fixed.clone(), value(), secret(), prop::option::of(value())).prop_map(
        |(user_algorithm, password_algorithm, user, password, location)| {
            Request::Login(request::Login { user_algorithm, password_algorithm, user, password, location })
        },
    );
    let status = (fixed, prop::option::of(0..1000u16)).prop_map(|(status_code, max_print_width)| {
        Request::Status(request::Status { status_code, max_print_width, protocol_version: "2.00".into() })
    });
    let summary = prop::option::of(prop::sample::select(vec![Summary::Holds, Summary::Fines, Summary::Recalls]));
    let items = (prop::option::of(any::<u32>()), prop::option::of(any::<u32>()));
    let information =
        (language(), summary, patron(), items).prop_map(|(language, summary, patron, (start_item, end_item))| {
            let request = request::PatronInformation { language, summary, patron, start_item, end_item };
            Request::PatronInformation(request)
        });
    prop_oneof![
        login,
        status,
        (language(), patron())
            .prop_map(|(language, patron)| Request::PatronStatus(request::PatronStatus { language, patron })),
        information,
        patron().prop_map(|patron| Request::EndSession(request::EndSession { patron })),
        Just(Request::Resend),
        circulation().prop_map(Request::Circulation),
        Just(Request::Unknown(Code::parse("77").unwrap())),
    ]
}

fn notices() -> impl Strategy<Value = Notices> {
    (prop::option::of(value()), prop::option::of(value()))
        .prop_map(|(screen_message, print_line)| Notices { screen_message, print_line })
}

fn fields(notices: &Notices) -> Read {
    let fields = [("AF", notices.screen_message.clone()), ("AG", notices.print_line.clone())];
    fields.into_iter().filter_map(|(code, value)| Some((code, value?))).collect()
}

type Read = Vec<(&'static str, String)>;

fn answered_patron() -> impl Strategy<Value = (response::PatronFields, Read)> {
    let whose = (value(), value(), value(), any::<bool>(), any::<bool>(), value(), notices());
    whose.prop_map(|(institution, card, name, valid, pin_valid, class, notices)| {
        let yes_no = |yes| if yes { "Y" } else { "N" }.to_owned();
        let mut read = vec![
            ("AO", institution.clone()),
            ("AA", card.clone()),
            ("AE", name.clone()),
            ("BL", yes_no(valid)),
            ("CQ", yes_no(pin_valid)),
            ("PC", class.clone()),
        ];
        read.extend(fields(&notices));
        let more = vec![Extra::new(Code::parse("PC").unwrap(), class).unwrap()];
        (response::PatronFields { institution, card, name, valid, pin_valid, more, notices }, read)
    })
}

/// A response with the fields that must be read from it.
fn response() -> impl Strategy<Value = (Response, Read)> {
    let patron_status = (language(), answered_patron()).prop_map(|(language, (patron, read))| {
        let denials = [Denial::Charge, Denial::ExcessiveFees].into_iter().collect();
        (Response::PatronStatus(response::PatronStatus { denials, language, patron }), read)
    });
    let information = (language(), any::<u16>(), answered_patron()).prop_map(|(language, holds, (patron, read))| {
        let counts = Counts { holds, ..Counts::default() };
        let answer = response::PatronInformation { denials: Default::default(), language, counts, patron };
        (Response::PatronInformation(answer), read)
    });
    let end = (any::<bool>(), value(), value(), notices()).prop_map(|(ended, institution, card, notices)| {
        let mut read = vec![("AO", institution.clone()), ("AA", card.clone())];
        read.extend(fields(&notices));
        (Response::EndSession(response::EndSession { ended, institution, card, notices }), read)
    });
    prop_oneof![
        any::<bool>().prop_map(|good| (Response::Login(good), Vec::new())),
        patron_status,
        information,
        end,
        status(),
        Just((Response::Resend, Vec::new())),
    ]
}

fn status() -> impl Strategy<Value = (Response, Read)> {
    (any::<(bool, u16, u16)>(), value(), prop::option::of(value()), notices()).prop_map(
        |((online, timeout, retries), institution, library, notices)| {
            let mut read = vec![("AO", institution.clone())];
            read.extend(library.clone().map(|library| ("AM", library)));
            read.push(("BX", "N".repeat(16)));
            read.extend(fields(&notices));
            let status = response::Status {
                online,
                checkin: false,
                checkout: true,
                renewal: false,
                status_update: true,
                offline: false,
                timeout,
                retries,
                institution,
                library,
                supported: Default::default(),
                terminal_location: None,
                notices,
            };
            (Response::Status(status), read)
        },
    )
}

fn config() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(98);
    ProptestConfig { failure_persistence: None, rng_seed, ..ProptestConfig::with_cases(300) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_request_written_is_read_as_itself(request in request(), charset in charset(), trailer in trailer()) {
        let message = request.write(charset, trailer, &now());
        let read = Request::read(line(&message), charset).unwrap();
        let expected = if request == Request::Resend { Trailer::Unnumbered } else { trailer };
        prop_assert_eq!(read.request, request);
        prop_assert_eq!(read.trailer, expected);
    }

    #[test]
    fn every_response_written_is_read_with_the_same_fields(
        (response, fields) in response(), charset in charset(), trailer in trailer()
    ) {
        let message = response.write(charset, trailer, &now());
        let reply = Reply::read(line(&message), charset).unwrap();
        let read: Vec<(String, String)> =
            reply.fields.iter().map(|(code, value)| (code.to_string(), value.clone())).collect();
        let fields: Vec<(String, String)> =
            fields.into_iter().map(|(code, value)| (code.to_owned(), value)).collect();
        for (code, value) in &fields {
            prop_assert_eq!(reply.field(code), Some(value.as_str()));
        }
        prop_assert_eq!(read, fields);
        let expected = if response == Response::Resend { Trailer::Unnumbered } else { trailer };
        prop_assert_eq!(reply.trailer, expected);
    }

    #[test]
    fn every_refusal_can_be_read(request in circulation(), charset in charset(), trailer in trailer()) {
        let message = Response::refusal(request, "no").write(charset, trailer, &now());
        let reply = Reply::read(line(&message), charset).unwrap();
        prop_assert_eq!(reply.field("AF"), Some("no"));
        prop_assert!(reply.fixed.contains("20261127    125931"));
    }
}
