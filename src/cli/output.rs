//! Words for people, or one JSON document for programs.

use std::io::{IsTerminal, stderr, stdout};

use anyhow::Result;
use serde::Serialize;

#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// Prints `value` as the one JSON document, or lets `tell` say it in words.
    ///
    /// # Errors
    /// Where the value cannot be written as JSON.
    pub fn document<T: Serialize>(self, value: &T, tell: impl FnOnce(&T)) -> Result<()> {
        if self.json {
            say!("{}", serde_json::to_string_pretty(value)?);
        } else {
            tell(value);
        }
        Ok(())
    }
}

/// Warnings go to standard error, whatever the output.
pub fn warn(what: impl std::fmt::Display) {
    eprintln!("{} {what}", painted("33", "warning:", stderr().is_terminal()));
}

/// For standard error.
pub fn red(text: &str) -> String {
    painted("31;1", text, stderr().is_terminal())
}

/// For standard output, as the rest.
pub fn bold(text: &str) -> String {
    painted("1", text, stdout().is_terminal())
}

pub fn green(text: &str) -> String {
    painted("32", text, stdout().is_terminal())
}

pub fn failed(text: &str) -> String {
    painted("31;1", text, stdout().is_terminal())
}

pub fn yellow(text: &str) -> String {
    painted("33", text, stdout().is_terminal())
}

pub fn dim(text: &str) -> String {
    painted("2", text, stdout().is_terminal())
}

/// Colour only where somebody looks, and nobody said no (no-color.org).
fn painted(code: &str, text: &str, looked_at: bool) -> String {
    let wanted = looked_at && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// `165,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 scope`, `5 scopes`.
pub fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A database URL as it may be shown.
pub fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            let login = url.get(scheme + 3..at).unwrap_or_default();
            let user = login.split(':').next().unwrap_or_default();
            format!("{}{user}{}", url.get(..scheme + 3).unwrap_or_default(), url.get(at..).unwrap_or_default())
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_for_the_eye() {
        assert_eq!([grouped(7), grouped(1500), grouped(165_000)], ["7", "1,500", "165,000"]);
    }

    #[test]
    fn a_password_in_a_database_url_is_not_shown() {
        assert_eq!(without_password("postgres://ada:s3:cret@db.example/x"), "postgres://ada@db.example/x");
        assert_eq!(without_password("sqlite:data/x.db"), "sqlite:data/x.db");
    }
}
