//! The programme's tables: scopes, organisations, agreements, vendors, sources, opt-outs, test patrons.

use super::{Table, may, need, or};

pub const SCOPE: Table = Table {
    name: "scope",
    many: true,
    help: "A privilege in the library's catalogue.",
    fields: &[
        need("name", "id", "As tokens spell it, `library.ebooks`. To change it, `oneaccess scope rotate`."),
        may("description", "text", "What it opens, for the card page and for consent."),
    ],
};

pub const ORGANISATION: Table = Table {
    name: "organisation",
    many: true,
    help: "A partner: a district, a charter school, a branch.",
    fields: &[
        need("id", "id", "Its short name in this file and in reports."),
        need("name", "text", "Its name, as patrons read it."),
        need(
            "roster",
            "list of texts",
            "sourcedIds of the OneRoster orgs that belong to it, descendants included; the nearest wins.",
        ),
        need("card", "table", "How its cards are numbered, see below."),
        or(
            "initial_pin",
            "`password`, `birthday:MMDD` or `none`",
            "\"none\"",
            "A card's first PIN: the roster's password column, the birthday (which must be changed at first use), or none.",
        ),
        may("help", "text", "One sentence under the sign-in form: where to find the ID, whom to ask."),
        may(
            "bridge",
            "table",
            "Who leaves the roster between these days keeps the card until the last of them: \
             `bridge = { from = \"05-15\", until = \"09-15\" }`. Who is disabled in the roster does not.",
        ),
        or(
            "keeps_cards",
            "true or false",
            "true",
            "Who comes from another organisation keeps the number that they have; false: they get one of this scheme.",
        ),
        or(
            "existing_card",
            "`never`, `parallel` or `merge`",
            "\"never\"",
            "A library card that a patron had before: is not linked; signs in as well; or signs in as well and is the number \
             that is told. Links that were made stay as they were made.",
        ),
    ],
};

pub const BRIDGE: Table = Table {
    name: "organisation.bridge",
    many: false,
    help: "Written in one line, months before days.",
    fields: &[
        need(
            "from",
            "month and day, `05-15`",
            "The first day on which leaving the roster does not end a card at once.",
        ),
        need("until", "month and day, `09-15`", "The last day of such a card."),
    ],
};

pub const CARD: Table = Table {
    name: "organisation.card",
    many: false,
    help: "Written in one line: `card = { scheme = \"raw\", from = \"identifier\" }`.",
    fields: &[
        need(
            "scheme",
            "`raw`, `prefix` or `barcode14`",
            "The ID as it is; a prefix and the ID; or a 14-digit library barcode with its check digit.",
        ),
        need("from", "`identifier`, `username` or `userIds:Type`", "The roster's field that holds the ID."),
        may("prefix", "text", "With `prefix`: what stands before the ID."),
        may("institution", "four digits", "With `barcode14`: the library's institution code."),
    ],
};

pub const AGREEMENT: Table = Table {
    name: "agreement",
    many: true,
    help: "Who, at which partner, may use which privileges, and when.",
    fields: &[
        need("id", "id", "Its short name, `cms-2026`."),
        need("organisation", "organisation id", "The partner that it is made with."),
        need("roles", "list of `student`, `staff`", "Whom it covers."),
        may(
            "grades",
            "two grades",
            "The first and the last grade that it covers, for students only. Every grade without it.",
        ),
        need("privileges", "list of scope names", "What it grants."),
        need("from", "day", "Its first day, `2026-07-01`."),
        need("to", "day", "Its last day, included, in the library's time zone."),
        may(
            "loan_limit",
            "number, 1 to 9999",
            "How many things may be borrowed at a time. Of several agreements that cover somebody the highest holds. Told \
             on the card page, to vendors that lend (SIP2 field CB), and by exports; without it nobody is told any.",
        ),
        may(
            "overdue_fines",
            "true or false",
            "Whether what comes back late costs anything. `false` is told on the card page, to vendors that lend, and by \
             exports; without it nothing is said.",
        ),
    ],
};

pub const VENDOR: Table = Table {
    name: "vendor",
    many: true,
    help: "A company whose resources patrons use. Its endpoints are tables of their own, `[[vendor.oidc]]`.",
    fields: &[
        need("id", "id", "Its short name. Renaming it here makes another vendor, to whom every reader is new."),
        need("name", "text", "Its name, as patrons read it."),
        may("description", "text", "One sentence for its tile."),
        or("shelf", "`books`, `databases` or `help`", "\"books\"", "The launchpad's shelf that its tile stands on."),
        need("audience", "list of `juvenile`, `young-adult`, `adult`", "The readers whom it serves."),
        need("scopes", "list of scope names", "What it may ask for."),
        or("release", "list of tables", "[]", "What it is told beyond the default, see below."),
        may("launch_url", "URL", "Where its tile leads. Without it there is no tile."),
        may("disabled", "true or false", "Switches it off, or on. Without it, what an operator last said holds."),
    ],
};

pub const RELEASE: Table = Table {
    name: "vendor.release",
    many: true,
    help: "By default a vendor learns a pseudonym of its own, the audience band, student or staff, and scopes. \
           Anything more is written in one line: `release = [{ name = \"card_number\", purpose = \"…\" }]`.",
    fields: &[
        need(
            "name",
            "`card_number`, `profile`, `email`, `address` or `phone`",
            "What it is told. The last four are the standard claims of OpenID Connect that the scope of that name asks \
             for; they are told of adult staff only, never of a pupil.",
        ),
        need("purpose", "text", "Why, for the record and for proof."),
    ],
};

pub const SOURCE: Table = Table {
    name: "source",
    many: true,
    help: "A directory: rosters come from it, or it says who somebody is.",
    fields: &[
        need("id", "id", "Its short name, as `oneaccess directory import` takes it."),
        need("kind", "text", "How it speaks; each kind has fields of its own, below."),
        or(
            "at",
            "list of times of the day",
            "[]",
            "When its roster is fetched by itself, `[\"02:30\"]`, in the library's time zone. Of several servers one does it.",
        ),
        may(
            "every",
            "duration, 10s to 7d",
            "The same every so often, `15m`; with `at` as well, whichever comes first.",
        ),
        or(
            "yields_to",
            "list of source ids",
            "[]",
            "Where somebody of these sources has the card that this one would give, it leaves that person alone.",
        ),
        may(
            "alert_url",
            "URL",
            "Told when a fetch by itself fails or is stopped: a form with `source`, `outcome` and `detail` is posted there.",
        ),
    ],
};

pub const OPT_OUT: Table = Table {
    name: "opt_out",
    many: true,
    help: "A family that said no: a tombstone that beats every later roster. Named by `card`, or by `source` and \
           `sourced_id`.",
    fields: &[
        may("card", "card number", "The card."),
        may("source", "source id", "The directory that knows the person."),
        may("sourced_id", "text", "The directory's own key of the person."),
        may("since", "day", "The day the family said so; for the record only."),
    ],
};

pub const TEST_PATRON: Table = Table {
    name: "test_patron",
    many: true,
    help: "A fictional person, to try a sign-in without anybody's card. It follows the agreements like everybody, no \
           roster touches it, and it is withdrawn when a file without it is applied with `--prune`. All fields below \
           `family_name` are the standard claims of OpenID Connect, and of staff only.",
    fields: &[
        need("id", "id", "Its short name in this file. The same id is the same patron, and the same pseudonyms."),
        need("card", "card number", "Its card; nobody else may have it."),
        may("pin", "text", "Its PIN; or the file that holds it:"),
        may("pin_file", "path", "A file whose text is the PIN. Changing it ends the patron's sessions."),
        need("organisation", "organisation id", "Where it is."),
        need("role", "`student` or `staff`", "What it is there."),
        may("grade", "grade", "Of a student."),
        need("given_name", "text", "Plainly fictional, please."),
        need("family_name", "text", ""),
        may("name", "text", "Given name and family name without it."),
        may("middle_name", "text", ""),
        may("nickname", "text", ""),
        may("preferred_username", "text", ""),
        may("profile", "URL", ""),
        may("picture", "URL", ""),
        may("website", "URL", ""),
        may("gender", "text", ""),
        may("birthdate", "day", ""),
        may("zoneinfo", "IANA time zone", ""),
        may("locale", "BCP 47 tag", ""),
        may("updated_at", "number", "Seconds since 1970."),
        may("email", "address", ""),
        may("email_verified", "true or false", ""),
        may("phone_number", "text", ""),
        may("phone_number_verified", "true or false", ""),
        may("address", "table", "See below."),
    ],
};

pub const TEST_ADDRESS: Table = Table {
    name: "test_patron.address",
    many: false,
    help: "Written in one line: `address = { locality = \"Marblewick\", country = \"US\" }`.",
    fields: &[
        may("formatted", "text", "The whole address."),
        may("street_address", "text", ""),
        may("locality", "text", ""),
        may("region", "text", ""),
        may("postal_code", "text", ""),
        may("country", "text", ""),
    ],
};

pub const EXPORT: Table = Table {
    name: "export",
    many: true,
    help: "A file of cards for the library's ILS, made by `oneaccess card export`, docs/operate/export.md. Nothing else lets \
           all patrons' lines leave.",
    fields: &[
        need("name", "id", "Its short name, as `oneaccess card export` takes it."),
        need("columns", "list of tables", "What it tells, in this order, see below."),
        or("delimiter", "`,`, `;`, `|` or `tab`", "\",\"", "What stands between columns."),
        or("header", "true or false", "true", "Whether the first line names the columns."),
        or(
            "organisations",
            "list of organisation ids",
            "[]",
            "Whose cards, by the organisation that made them. Everybody's without it.",
        ),
        need(
            "approved_by",
            "list of texts",
            "The two or more people who approved that these lines leave. Kept in the audit with each export.",
        ),
    ],
};

pub const EXPORT_COLUMN: Table = Table {
    name: "export.columns",
    many: true,
    help: "Each written in one line: `columns = [{ header = \"P BARCODE\", value = \"card\" }, …]`.",
    fields: &[
        need("header", "text", "The column's name, as the ILS knows it."),
        need(
            "value",
            "`card`, `given_name`, `family_name`, `organisation`, `role`, `grade`, `band`, `patron_type`, `expires`, \
             `status`, `loan_limit`, `overdue_fines` or `text:…`",
            "What stands in it. `expires` is the last day of the agreements that cover the holder; `text:` is followed by \
             what stands on every line.",
        ),
    ],
};
