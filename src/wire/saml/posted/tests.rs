use super::*;

const XML: &str = "<samlp:Response>ä</samlp:Response>";

#[test]
fn what_is_written_reads_the_same() {
    assert_eq!(read(&write(XML)).unwrap(), XML);
    assert!(!write(&XML.repeat(50)).contains('\n'));
}

#[test]
fn line_breaks_blanks_and_missing_padding_are_tolerated() {
    let field = write(XML);
    let lines: Vec<_> = field.as_bytes().chunks(16).map(|line| std::str::from_utf8(line).unwrap()).collect();
    assert_eq!(read(&format!(" {}\r\n", lines.join("\r\n\t"))).unwrap(), XML);
    assert_eq!(read(field.trim_end_matches('=')).unwrap(), XML);
}

#[test]
fn a_message_of_64_kib_is_read_and_one_of_a_byte_more_is_not() {
    assert!(read(&write(&"a".repeat(64 * 1024))).is_ok());
    assert_eq!(read(&write(&"a".repeat(64 * 1024 + 1))), Err(Error::TooLarge));
    assert_eq!(read(&" ".repeat(128 * 1024 + 1)), Err(Error::TooLarge));
}

#[test]
fn what_is_no_message_is_told_why() {
    for (field, code) in [
        ("", "message-empty"),
        (" \n", "message-empty"),
        (XML, "message-not-base64"),
        ("A", "message-not-base64"),
        ("AA-_", "message-not-base64"),
        ("%41AAA", "message-not-base64"),
        ("/////w==", "message-not-text"),
        ("AGEA", "message-not-text"),
    ] {
        assert_eq!(read(field).unwrap_err().code(), code, "{field}");
    }
}

#[test]
fn a_relay_state_goes_back_as_it_came_or_not_at_all() {
    for fine in ["", "https://catalog.example/?q=ü", "{\"a\": 1}\r\n"] {
        assert_eq!(relay_state(fine.to_owned()).as_deref(), Ok(fine));
    }
    assert_eq!(relay_state("a\0".to_owned()), Err(Error::RelayState));
    assert_eq!(relay_state("\u{1b}[31m".to_owned()), Err(Error::RelayState));
    assert_eq!(relay_state("a".repeat(1025)), Err(Error::RelayStateTooLong));
}
