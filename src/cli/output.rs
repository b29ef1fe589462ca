//! Words for people, or one JSON document for programs.

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
            println!("{}", serde_json::to_string_pretty(value)?);
        } else {
            tell(value);
        }
        Ok(())
    }
}
