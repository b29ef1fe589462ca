//! What an operator fills in for a vendor that asks by SIP2.

use crate::{
    domain::field::{Field, Kind},
    protocols::{asker, bands},
};

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "login",
        kind: Kind::Text,
        required: true,
        default: "",
        help: "The user name that it logs in with (93, field CN). Its own, not one that vendors share.",
    },
    Field {
        name: "password",
        kind: Kind::Secret,
        required: false,
        default: "",
        help: "Its password (field CO). Without one it is known by its address alone, and `addresses` is needed.",
    },
    Field {
        name: "institution",
        kind: Kind::Text,
        required: false,
        default: "",
        help: "The institution id that answers carry (field AO). Without it: what the vendor sent.",
    },
    Field {
        name: "location",
        kind: Kind::Text,
        required: false,
        default: "",
        help: "The location code (field CP) that it must send at its login. Without it: any.",
    },
    asker::ADDRESSES,
    Field {
        name: "encoding",
        kind: Kind::Choice(&["utf-8", "cp850"]),
        required: false,
        default: "utf-8",
        help: "How it writes and reads letters that are not ASCII.",
    },
    asker::LOOK_UP,
    asker::PATRON_IDENTIFIER,
    Field {
        name: "patron_name",
        kind: Kind::Text,
        required: false,
        default: "Library patron",
        help: "What stands where the standard wants a name (field AE). A real one is told of adult staff only, where \
               `release` says so with a purpose.",
    },
    Field {
        name: "personal_fields",
        kind: Kind::Choices(&["BD", "BE", "BF", "BC"]),
        required: false,
        default: "",
        help: "Address, e-mail, phone and birth date, of adult staff only and only where `release` says so with a purpose. None \
               without this; of pupils never.",
    },
    Field {
        name: "loans",
        kind: Kind::Text,
        required: false,
        default: "",
        help: "A scope of this vendor. Where it is named, readers without it are marked as denied to charge, renew, recall \
               and hold (patron status); otherwise no reader who is let in is marked at all, since many vendors refuse \
               whoever has any mark. Readers who have it are told with `loan_limit` (CB) and, where there are no \
               `overdue_fines`, with nothing owed (BV 0), as their agreements say.",
    },
    Field {
        name: "patron_classes",
        kind: Kind::Text,
        required: false,
        default: bands::USUAL,
        help: "The words for the three audience bands (field PC), youngest first.",
    },
];
