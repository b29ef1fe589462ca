//! What an operator fills in for a service provider.

use crate::domain::field::Field;

pub(super) const FIELDS: &[Field] = &[];
