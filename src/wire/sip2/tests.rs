//! Promises about whole messages. What one file promises alone stands at that file's end.

mod fuzz;
mod requests;
mod responses;
mod round_trip;
mod smuggling;

use super::{
    Date, Zone,
    request::{Circulation, Operation, PatronFields, Secret},
};

fn now() -> Date {
    Date::from_civil(2026, 11, 27, 12, 59, 31, Zone::Local)
}

/// A message without its end, which must be one CR and nothing else.
fn line(message: &[u8]) -> &[u8] {
    let line = message.strip_suffix(b"\r").unwrap();
    assert!(!line.iter().any(|byte| matches!(byte, b'\r' | b'\n')), "one message is one line");
    line
}

fn text(message: &[u8]) -> String {
    String::from_utf8(line(message).to_vec()).unwrap()
}

fn ada() -> PatronFields {
    PatronFields {
        institution: "MAIN".into(),
        card: "30234000517861".into(),
        terminal_password: None,
        pin: Some(Secret::new("1815")),
    }
}

fn circulation(operation: Operation) -> Circulation {
    Circulation {
        operation,
        institution: "MAIN".into(),
        card: "30234000517861".into(),
        item: "39000".into(),
        title: "Sketch".into(),
    }
}
