//! What an operator fills in for the library's proxy that asks for what was typed at its own page.

use crate::{
    domain::field::{Field, Kind},
    protocols::asker,
};

pub(super) const FIELDS: &[Field] = &[
    Field { name: "id", kind: Kind::Text, required: true, default: "", help: "Its name in lists and in the audit." },
    Field {
        name: "secret",
        kind: Kind::Secret,
        required: true,
        default: "",
        help: "The secret in its address, `/f/SECRET/ezproxy`. Long and random, letters and digits only.",
    },
    asker::ADDRESSES,
    Field {
        name: "groups",
        kind: Kind::Text,
        required: false,
        default: "",
        help: "EZproxy's groups for the three audience bands, youngest first: `Children Teens Default`. Without it: none is \
               told.",
    },
];
