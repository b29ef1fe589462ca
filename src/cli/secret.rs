//! Secrets come from a prompt, a file or standard input; never from the command line, where every process sees them.

use std::{
    io::{BufRead, IsTerminal},
    path::Path,
};

use anyhow::{Context, Result, ensure};

/// The first line of `file`, of standard input where that is `-` or no terminal, else what is typed at a prompt
/// without being shown.
///
/// # Errors
/// Where it cannot be read, or is empty.
pub fn read(file: Option<&Path>, prompt: &str) -> Result<String> {
    let stdin = std::io::stdin();
    let text = match file {
        Some(path) if path != Path::new("-") => {
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?
        }
        None if stdin.is_terminal() => rpassword::prompt_password(prompt).context("nothing could be read")?,
        _ => {
            let mut line = String::new();
            stdin.lock().read_line(&mut line).context("standard input cannot be read")?;
            line
        }
    };
    let first = text.lines().next().unwrap_or_default().trim().to_owned();
    ensure!(!first.is_empty(), "nothing was given");
    Ok(first)
}
