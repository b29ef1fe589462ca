//! A fictional district, written as a delivery: for trials, tests and measurements.

use std::path::Path;

use anyhow::{Context, Result};

use crate::directory::oneroster::{Progress, Version, generate::District};

/// The OneRoster versions that can be written.
pub const VERSIONS: [&str; 2] = ["1.1", "1.2"];

/// Writes the district of `people` people as it is after `nights` nights to `path`: a zip where the name ends in
/// `.zip`, else a folder. The same size makes the same people.
///
/// # Errors
/// Where the place cannot be written.
pub fn generate(path: &Path, people: usize, version: &str, nights: u32, progress: &dyn Fn(Progress)) -> Result<usize> {
    let version: Version = version.parse()?;
    let district = District::new(people).after_nights(nights);
    district.write(path, version, progress).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(district.len())
}
