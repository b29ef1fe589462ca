//! What an operator fills in for a vendor that asks by PATRONAPI.

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
        help: "The secret in its address, `/f/SECRET/PATRONAPI/`: its clients can send no other. Long and random, letters \
               and digits only.",
    },
    asker::ADDRESSES,
    asker::LOOK_UP,
    asker::PATRON_IDENTIFIER,
    Field {
        name: "patron_types",
        kind: Kind::Text,
        required: false,
        default: "1 2 3",
        help: "The patron types of the three audience bands (`P TYPE`), youngest first.",
    },
];
