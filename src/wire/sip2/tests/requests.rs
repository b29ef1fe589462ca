//! Reading requests: what is understood, and what is not taken.

use crate::wire::sip2::{
    Charset, Request, Trailer, Unreadable,
    patron::{Language, Summary},
    request::{Operation, PatronFields, Secret},
};

use super::{ada, circulation, now, text};

fn read(line: &str) -> Result<Request, Unreadable> {
    Request::read(line.as_bytes(), Charset::Utf8).map(|incoming| incoming.request)
}

fn patron(line: &str) -> PatronFields {
    match read(line) {
        Ok(Request::PatronStatus(request)) => request.patron,
        Ok(Request::PatronInformation(request)) => request.patron,
        other => panic!("{line}: {other:?}"),
    }
}

fn why_malformed(line: &[u8]) -> &'static str {
    match Request::read(line, Charset::Utf8) {
        Err(Unreadable::Malformed(why)) => why,
        other => panic!("{}: {other:?}", String::from_utf8_lossy(line)),
    }
}

const STATUS: &str = "2300120261127    125931";

#[test]
fn a_login_has_user_password_and_perhaps_a_location() {
    let Ok(Request::Login(login)) = read("9300CNuser|COpass|CPlocation|AY0AZF3D6") else { panic!() };
    assert!(login.is_plain());
    assert_eq!((login.user.as_str(), login.password.reveal()), ("user", "pass"));
    assert_eq!(login.location.as_deref(), Some("location"));
    let Ok(Request::Login(login)) = read("9300CNuser|COpass|") else { panic!() };
    assert_eq!(login.location, None);
}

#[test]
fn an_encrypted_login_is_read_and_known_as_such() {
    for line in ["9310CNuser|COpass|", "9301CNuser|COpass|", "93  CNuser|COpass|"] {
        let Ok(Request::Login(login)) = read(line) else { panic!("{line}") };
        assert!(!login.is_plain(), "{line}");
    }
}

#[test]
fn a_status_has_its_three_parts() {
    let Ok(Request::Status(status)) = read("9910802.00AY1AZFC9F") else { panic!() };
    assert_eq!((status.status_code, status.max_print_width), ('1', Some(80)));
    assert_eq!(status.protocol_version, "2.00");
    let Ok(Request::Status(status)) = read("990   1.00") else { panic!() };
    assert_eq!((status.max_print_width, status.protocol_version.as_str()), (None, "1.00"));
}

#[test]
fn a_missing_pin_and_an_empty_pin_are_two_things() {
    assert_eq!(patron(&format!("{STATUS}AOMAIN|AA30234000517861|AD1815|")), ada());
    assert_eq!(patron(&format!("{STATUS}AOMAIN|AA1|AC|")).pin, None);
    assert_eq!(patron(&format!("{STATUS}AOMAIN|AA1|AC|AD|")).pin, Some(Secret::new("")));
    assert_eq!(patron(&format!("{STATUS}AOMAIN|AA1|AC|AD|")).terminal_password, Some(Secret::new("")));
}

#[test]
fn blanks_around_a_value_are_kept() {
    let patron = patron(&format!("{STATUS}AO MAIN|AA 1 |AD 1815 |"));
    assert_eq!(patron.card, " 1 ");
    assert_eq!(patron.pin, Some(Secret::new(" 1815 ")));
}

#[test]
fn patron_information_says_which_list_and_which_of_its_items() {
    let Ok(Request::PatronInformation(request)) = read("6300120261127    125931  Y       AOMAIN|AA1|BP1|BQ25|") else {
        panic!()
    };
    assert_eq!(request.language, Language::ENGLISH);
    assert_eq!(request.summary, Some(Summary::Charged));
    assert_eq!((request.start_item, request.end_item), (Some(1), Some(25)));
    let Ok(Request::PatronInformation(request)) = read("63 \u{1}120261127    125931          AOMAIN|AA1|BPx|") else {
        panic!()
    };
    assert_eq!((request.language, request.summary), (Language::UNKNOWN, None));
    assert_eq!((request.start_item, request.end_item), (None, None));
}

#[test]
fn a_date_never_causes_a_refusal() {
    for date in [
        "20261127    125931",
        "20261127   Z125931",
        "202611270000125931",
        "                  ",
        "99999999ABCD999999",
        "2026-11-27 12:59:3",
        "\0\u{1}\u{7f}            \t\t\t",
        "ééééééééé",
    ] {
        let patron = patron(&format!("23001{date}AOMAIN|AA30234000517861|AD1815|"));
        assert_eq!(patron, ada(), "{date:?}");
    }
    let mut line = b"23001".to_vec();
    line.extend([0xff; 18]);
    line.extend(b"AOMAIN|AA30234000517861|AD1815|");
    let Ok(Request::PatronStatus(request)) = Request::read(&line, Charset::Utf8).map(|i| i.request) else { panic!() };
    assert_eq!(request.patron, ada());
}

#[test]
fn fields_come_in_any_order_and_unknown_ones_are_passed_over() {
    let patron = patron(&format!("{STATUS}XXsomething|AD1815|zz|AA30234000517861||XXelse|AOMAIN"));
    assert_eq!(patron, ada());
}

#[test]
fn a_field_that_comes_twice_is_not_taken_whichever_it_is() {
    for code in ["AO", "AA", "AC", "AD", "BP", "BQ", "CN", "CO", "CP", "AB", "AJ"] {
        let why = why_malformed(format!("{STATUS}{code}1|XX|{code}1|").as_bytes());
        assert!(why.contains(code) && why.ends_with("twice"), "{code}: {why}");
    }
}

#[test]
fn a_control_character_in_a_field_is_not_taken_even_in_one_that_is_unknown() {
    for control in ["\0", "\t", "\u{1b}", "\u{7f}", "\u{85}"] {
        for code in ["AA", "AD", "XX"] {
            let why = why_malformed(format!("{STATUS}AOMAIN|{code}1{control}|").as_bytes());
            assert_eq!(why, "a field holds a control character");
        }
    }
}

#[test]
fn what_is_cut_or_has_no_codes_is_not_taken() {
    for line in [
        "",
        "6",
        "\u{1}3",
        "é",
        "|3",
        "93",
        "930",
        "9900302.0",
        "2300120261127    12593",
        "35",
        "11NN20261127",
        "23001AOMAIN|AA1|AD1815|AC|XX|", // no date: the first fields stand in its place
        "9300C|COpass|",
        "9300CNuser|C",
        "9300CNuser| O|",
        "9300CNuser|éé|",
        "9300CNuser|AY1AZFCA5|COpass|", // a trailer before the end
        "990|302.00",
        "99é0302.0",
    ] {
        why_malformed(line.as_bytes());
    }
}

#[test]
fn a_damaged_message_is_known_by_its_checksum_before_all_else() {
    for line in
        ["9900302.00AY1AZFCA6", "9900302.10AY1AZFCA5", "9900302.00AY2AZFCA5", "99AY1AZFCA5", "\0AY1AZFCA5", "AZ"]
    {
        assert_eq!(read(line), Err(Unreadable::WrongChecksum), "{line:?}");
    }
}

#[test]
fn the_answers_trailer_is_the_requests_own() {
    let trailer = |line: &[u8]| Request::read(line, Charset::Utf8).unwrap().trailer;
    assert_eq!(trailer(b"9900302.00AY1AZFCA5"), Trailer::Numbered(1));
    assert_eq!(trailer(b"9900302.00"), Trailer::Absent);
    assert_eq!(trailer(b"97AZFEF5"), Trailer::Unnumbered);
}

#[test]
fn a_pin_may_read_like_a_trailer() {
    let line = format!("{STATUS}AOMAIN|AA30234000517861|AC|ADAY1AZFCA5|");
    assert_eq!(patron(&line).pin, Some(Secret::new("AY1AZFCA5")));
    let line = format!("{STATUS}AOMAIN|AA30234000517861|AC|ADAY1AZFCA5|AY7AZEFF7");
    assert_eq!(patron(&line).pin, Some(Secret::new("AY1AZFCA5")));
}

#[test]
fn a_refused_message_keeps_what_its_refusal_repeats() {
    for operation in Operation::ALL {
        let request = Request::Circulation(circulation(operation));
        let message = request.write(Charset::Utf8, Trailer::Numbered(3), &now());
        assert_eq!(read(&text(&message)), Ok(request));
    }
    // As a station would write a checkout, with fields that we do not know.
    let line = "11YN20261127    12593120261218    235959AOMAIN|AA30234000517861|AB39000|AC|CHx|AD1815|BON|BIN|";
    let Ok(Request::Circulation(request)) = read(line) else { panic!() };
    assert_eq!((request.operation, request.item.as_str()), (Operation::Checkout, "39000"));
}

#[test]
fn a_code_that_no_one_knows_is_read_as_unknown_whatever_follows_it() {
    for line in ["96AZFEF6", "XY\0|nonsense|", "00"] {
        let Ok(Request::Unknown(code)) = read(line) else { panic!("{line}") };
        assert!(line.starts_with(&code.to_string()));
    }
}

#[test]
fn letters_are_read_in_the_agreed_charset() {
    let line = [STATUS.as_bytes(), b"AOMAIN|AAR\x82n|AD\xa4|"].concat();
    let Ok(Request::PatronStatus(request)) = Request::read(&line, Charset::Cp850).map(|i| i.request) else { panic!() };
    assert_eq!(request.patron.card, "Rén");
    assert_eq!(request.patron.pin, Some(Secret::new("ñ")));
}

#[test]
fn no_log_shows_a_pin_or_a_password() {
    let lines = [
        "9300CNuser|COgeheim|CPlocation|".to_owned(),
        format!("{STATUS}AOMAIN|AA1|ACgeheim|ADgeheim|"),
        "6300120261127    125931          AOMAIN|AA1|ACgeheim|ADgeheim|".to_owned(),
        "3520261127    125931AOMAIN|AA1|ACgeheim|ADgeheim|".to_owned(),
    ];
    for line in lines {
        let printed = format!("{:?} {:#?}", read(&line), read(&line));
        assert!(!printed.contains("geheim") && printed.contains("***"), "{printed}");
        for broken in
            [format!("{line}ADgeheim|ADgeheim|COgeheim|"), format!("{line}ADgeheim\0|"), format!("{line}AZ12")]
        {
            let error = read(&broken).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("geheim"));
        }
    }
}
