//! A fictional district, written as a delivery: for trials, tests and measurements.

use std::path::Path;

use anyhow::{Context, Result};

use crate::directory::oneroster::{Progress, Version, generate::District};

/// The OneRoster versions that can be written.
pub const VERSIONS: [&str; 2] = ["1.1", "1.2"];

/// Writes the district of `people` people as it is after `nights` nights to `path`: a zip where the name ends in
/// `.zip`, else a folder. With `delta` only what the last of these nights has changed. The same size makes the same
/// people.
///
/// # Errors
/// Where the place cannot be written, or no night has passed that could have changed anything.
pub fn generate(
    path: &Path,
    people: usize,
    version: &str,
    nights: u32,
    delta: bool,
    progress: &dyn Fn(Progress),
) -> Result<usize> {
    let version: Version = version.parse()?;
    let district = District::new(people).after_nights(nights);
    let before = if delta {
        let night = nights.checked_sub(1).context("nothing changes before the first night: give --night 1 or later")?;
        Some(District::new(people).after_nights(night))
    } else {
        None
    };
    let written = match &before {
        Some(before) => district.write_changes(before, path, version, progress),
        None => district.write(path, version, progress),
    };
    written.with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(district.len())
}
