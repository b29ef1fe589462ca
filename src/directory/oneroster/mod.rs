//! OneRoster CSV.
