//! What schools ask for beyond cards and PINs: classes, badges, and who may give a forgotten PIN anew.

use super::{Table, need, or};

pub const CLASSES: Table = Table {
    name: "classes",
    many: false,
    help: "Who is in which class. Nothing of it is read or kept unless this says so.",
    fields: &[
        or(
            "read",
            "`none`, `homeroom`, `scheduled` or `all`",
            "\"none\"",
            "Which classes of a roster (`classes.csv`, `enrollments.csv`) are read, by their `classType`. With `none` the \
             next import forgets those that were kept.",
        ),
        or(
            "teachers_reset_pins",
            "true or false",
            "false",
            "Whether the teacher of a class may give its pupils a temporary PIN (`oneaccess card reset-pin`).",
        ),
    ],
};

pub const LIBRARIAN: Table = Table {
    name: "librarian",
    many: true,
    help: "Who may give patrons of these organisations a temporary PIN, `oneaccess card reset-pin --as-librarian NAME`.",
    fields: &[
        need("name", "id", "As the command and the audit name them, `desk.main-branch`."),
        need("organisations", "list of organisation ids", "Whose patrons they serve."),
    ],
};

pub const BADGE: Table = Table {
    name: "badge",
    many: false,
    help: "Printed badges with a QR code for pupils who cannot type a PIN yet, docs/operate/badges.md. Without this table \
           there are none.",
    fields: &[
        need("organisations", "list of organisation ids", "Whose pupils may have one."),
        need("grades", "the first and the last grade", "Which pupils: `[\"PK\", \"02\"]`. Staff never."),
        or(
            "networks",
            "list of addresses and networks",
            "[]",
            "Where badges open, and the sessions that they opened go on: the schools' own addresses. Empty: anywhere.",
        ),
        super::may(
            "hours",
            "part of the day",
            "When they do, by the library's clock: `07:00-16:00`. Without it: always.",
        ),
        need(
            "scopes",
            "list of scope names",
            "All that a session is granted which a badge opened, whatever the agreement grants: `[\"library.ebooks\"]`.",
        ),
        or(
            "release",
            "`default` or `agreed`",
            "\"default\"",
            "With `default`, no vendor is told more than the default in such a session, whatever it is told otherwise.",
        ),
        or(
            "second_step",
            "`none` or `picture`",
            "\"none\"",
            "What is asked after the badge: with `picture`, three pictures in order. Five wrong ones in a row lock a badge \
             until its pictures are reset.",
        ),
    ],
};
