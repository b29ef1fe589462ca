//! Responses as they stand on the wire.

use crate::wire::sip2::{
    Charset, Code, Response, Trailer,
    patron::{Counts, Denial, Denials, Language},
    request::Operation,
    response::{EndSession, Extra, Function, Notices, PatronFields, PatronInformation, PatronStatus, Status},
};

use super::{circulation, line, now, text};

fn written(response: &Response) -> String {
    text(&response.write(Charset::Utf8, Trailer::Absent, &now()))
}

fn ada() -> PatronFields {
    PatronFields {
        institution: "MAIN".into(),
        card: "30234000517861".into(),
        name: "Lovelace, Ada".into(),
        valid: true,
        ..PatronFields::default()
    }
}

#[test]
fn a_login_is_answered_with_one_digit() {
    assert_eq!(written(&Response::Login(true)), "941");
    assert_eq!(written(&Response::Login(false)), "940");
    let message = Response::Login(true).write(Charset::Utf8, Trailer::Numbered(0), &now());
    assert_eq!(message, b"941AY0AZFDFD\r");
}

#[test]
fn a_status_says_what_is_supported() {
    let status = Status {
        online: true,
        checkin: false,
        checkout: false,
        renewal: false,
        status_update: false,
        offline: false,
        timeout: 50,
        retries: 3,
        institution: "MAIN".into(),
        library: Some("Library".into()),
        supported: [Function::PatronStatusRequest, Function::Login, Function::RenewAll].into_iter().collect(),
        terminal_location: None,
        notices: Notices { screen_message: Some("hello".into()), print_line: Some("bye".into()) },
    };
    let date = "20261127    125931";
    assert_eq!(
        written(&Response::Status(status.clone())),
        format!("98YNNNNN050003{date}2.00AOMAIN|AMLibrary|BXYNNNNNYNNNNNNNNY|AFhello|AGbye|")
    );
    let status = Status { library: None, terminal_location: Some("desk".into()), timeout: 1000, ..status };
    assert_eq!(
        written(&Response::Status(status)),
        format!("98YNNNNN999003{date}2.00AOMAIN|BXYNNNNNYNNNNNNNNY|ANdesk|AFhello|AGbye|")
    );
}

#[test]
fn a_patron_status_always_says_whether_card_and_pin_are_good() {
    let answer = PatronStatus { denials: Denials::NONE, language: Language::ENGLISH, patron: ada() };
    assert_eq!(
        written(&Response::PatronStatus(answer)),
        "24              00120261127    125931AOMAIN|AA30234000517861|AELovelace, Ada|BLY|CQN|"
    );
    let stranger = PatronStatus {
        denials: [Denial::Charge, Denial::Hold].into_iter().collect(),
        language: Language::UNKNOWN,
        patron: PatronFields::default(),
    };
    assert_eq!(written(&Response::PatronStatus(stranger)), "24Y  Y          00020261127    125931AO|AA|AE|BLN|CQN|");
}

#[test]
fn patron_information_has_counts_and_the_fields_that_a_vendor_wants() {
    let more = [("BZ", "0010"), ("BE", "ada@example.org"), ("PC", "student")];
    let more = more.map(|(code, value)| Extra::new(Code::parse(code).unwrap(), value).unwrap()).to_vec();
    let answer = PatronInformation {
        denials: Denials::NONE,
        language: Language::ENGLISH,
        counts: Counts { holds: 1, overdue: 22, charged: 333, fines: 4444, recalls: 55555, unavailable_holds: 0 },
        patron: PatronFields {
            pin_valid: true,
            more,
            notices: Notices { screen_message: Some("hello".into()), print_line: None },
            ..ada()
        },
    };
    assert_eq!(
        written(&Response::PatronInformation(answer)),
        "64              00120261127    125931000100220333444499990000AOMAIN|AA30234000517861|AELovelace, Ada|BLY|CQY|\
         BZ0010|BEada@example.org|PCstudent|AFhello|"
    );
}

#[test]
fn no_field_that_the_answer_has_already_can_be_added() {
    for code in ["AO", "AA", "AE", "BL", "CQ", "AF", "AG"] {
        assert_eq!(Extra::new(Code::parse(code).unwrap(), "Y"), None, "{code}");
    }
}

#[test]
fn an_ended_session_is_confirmed() {
    let notices = Notices { screen_message: Some("bye".into()), print_line: None };
    let answer = EndSession { ended: true, institution: "MAIN".into(), card: "1".into(), notices };
    assert_eq!(written(&Response::EndSession(answer)), "36Y20261127    125931AOMAIN|AA1|AFbye|");
}

#[test]
fn a_request_to_send_again_has_a_checksum_and_no_number() {
    for trailer in [Trailer::Absent, Trailer::Unnumbered, Trailer::Numbered(3)] {
        assert_eq!(Response::Resend.write(Charset::Utf8, trailer, &now()), b"96AZFEF6\r");
    }
}

#[test]
fn each_refusal_is_the_answer_that_its_request_awaits() {
    const DATE: &str = "20261127    125931";
    let patron = format!("              000{DATE}AOMAIN|AA30234000517861|AE|BLN|CQN|AFno|");
    let items = format!("0NUN{DATE}AOMAIN|AA30234000517861|AB39000|AJSketch|AH|AFno|");
    let awaited = [
        (Operation::BlockPatron, format!("24{patron}")),
        (Operation::PatronEnable, format!("26{patron}")),
        (Operation::Checkout, format!("12{items}")),
        (Operation::Renew, format!("30{items}")),
        (Operation::Checkin, format!("100NUN{DATE}AOMAIN|AB39000|AQ|AJSketch|AFno|")),
        (Operation::Hold, format!("160N{DATE}AOMAIN|AA30234000517861|AFno|")),
        (Operation::ItemInformation, format!("18010001{DATE}AB39000|AJSketch|AFno|")),
        (Operation::ItemStatusUpdate, format!("200{DATE}AB39000|AFno|")),
        (Operation::FeePaid, format!("38N{DATE}AOMAIN|AA30234000517861|AFno|")),
        (Operation::RenewAll, format!("66000000000{DATE}AOMAIN|AFno|")),
    ];
    assert_eq!(awaited.len(), Operation::ALL.len());
    for (operation, awaited) in awaited {
        assert_eq!(written(&Response::refusal(circulation(operation), "no")), awaited, "{operation:?}");
    }
}

#[test]
fn letters_are_written_in_the_agreed_charset_and_summed_so() {
    let notices = Notices { screen_message: Some("né Đ".into()), print_line: None };
    let answer = Response::EndSession(EndSession { ended: true, institution: "".into(), card: "".into(), notices });
    let message = answer.write(Charset::Cp850, Trailer::Numbered(1), &now());
    assert!(line(&message).windows(6).any(|bytes| bytes == b"AFn\x82 ?"));
    assert!(crate::wire::sip2::Reply::read(line(&message), Charset::Cp850).is_ok());
}

#[test]
fn a_value_is_cut_at_255_characters_and_not_within_one() {
    let notices = Notices { screen_message: Some("é".repeat(300)), print_line: Some("x".repeat(256)) };
    let answer = Response::EndSession(EndSession { ended: true, institution: "".into(), card: "".into(), notices });
    let message = written(&answer);
    assert_eq!(message.matches('é').count(), 255);
    assert_eq!(message.matches('x').count(), 255);
}
