//! What would change who has access is refused: a row with a note, a delivery with an error.

use proptest::prelude::*;

use super::*;

#[test]
fn a_person_without_a_sourced_id_is_refused() {
    let roster = Delivery::v1p1().changed("users.csv", "u1,,", ",,").roster();
    assert_eq!((ids(&roster), refused(&roster, "no-sourced-id")), (vec!["u2"], ("users.csv", 2, "sourcedId")));
}

#[test]
fn an_unknown_role_is_refused() {
    let roster = Delivery::v1p1().changed("users.csv", "student", "visitor").roster();
    assert_eq!((ids(&roster), refused(&roster, "unknown-role")), (vec!["u2"], ("users.csv", 2, "role")));
    let roster = Delivery::v1p2().changed("roles.csv", "student", "visitor").roster();
    assert_eq!((ids(&roster), refused(&roster, "unknown-role")), (vec!["u2"], ("roles.csv", 2, "role")));
    assert_eq!(refused(&roster, "no-role"), ("users.csv", 2, "sourcedId"));
}

#[test]
fn a_person_at_no_known_organisation_is_refused() {
    for orgs in ["s9", ""] {
        let roster = Delivery::v1p1().changed("users.csv", "true,s1,student", &format!("true,{orgs},student")).roster();
        assert_eq!((ids(&roster), refused(&roster, "unknown-org")), (vec!["u2"], ("users.csv", 2, "orgSourcedIds")));
    }
}

#[test]
fn a_person_without_any_name_is_refused() {
    let roster = Delivery::v1p1().changed("users.csv", "Marisel,Brookquill", ",").roster();
    assert_eq!((ids(&roster), refused(&roster, "no-name")), (vec!["u2"], ("users.csv", 2, "givenName")));
}

#[test]
fn an_unreadable_enabled_user_or_status_is_refused() {
    let roster = Delivery::v1p1().changed("users.csv", "u1,,,true", "u1,,,perhaps").roster();
    assert_eq!(refused(&roster, "boolean"), ("users.csv", 2, "enabledUser"));
    let roster = Delivery::v1p1().changed("users.csv", "u1,,", "u1,on leave,").roster();
    assert_eq!(refused(&roster, "unknown-status"), ("users.csv", 2, "status"));
}

#[test]
fn a_row_that_an_unquoted_comma_has_pushed_to_the_right_is_refused() {
    let roster = Delivery::v1p1().changed("users.csv", "Brookquill,,4417001", "Brookquill, Jr,,4417001").roster();
    assert_eq!((ids(&roster), refused(&roster, "shifted-row")), (vec!["u2"], ("users.csv", 2, "")));
}

#[test]
fn a_control_character_in_an_id_is_refused() {
    let roster = Delivery::v1p1().changed("users.csv", "4417001", "4417\x001").roster();
    assert_eq!(refused(&roster, "control-character"), ("users.csv", 2, "identifier"));
}

#[test]
fn a_role_whose_end_could_be_two_days_is_refused_where_it_matters() {
    let delivery = Delivery::v1p2().changed("roles.csv", "u1,primary,student,,", "u1,primary,student,,03/04/2027");
    assert_eq!(ids(&delivery.read_on("2027-03-01", false).unwrap()), ["u1", "u2"]);
    let roster = delivery.read_on("2027-03-20", false).unwrap();
    assert_eq!((ids(&roster), refused(&roster, "ambiguous-date")), (vec!["u2"], ("roles.csv", 2, "endDate")));
}

#[test]
fn something_that_is_no_roster_is_told_so() {
    assert_eq!(Delivery(vec![]).with("notes.txt", "hello").error().0, "not-oneroster");
    assert_eq!(Delivery(vec![]).with("orgs.csv", ORGS).error().0, "not-oneroster");
    assert_eq!(read_zip(b"%PDF-1.7").unwrap_err().kind(), "not-oneroster");
    assert_eq!(read_zip(b"").unwrap_err().kind(), "not-oneroster");
    let nowhere = Options {
        birthdays: false,
        classes: ClassKinds::None,
        today: "2026-11-02".parse().unwrap(),
        progress: &|_| {},
    };
    assert_eq!(read(Path::new("/nowhere/at/all.zip"), &nowhere).unwrap_err().kind(), "unreadable");
}

#[test]
fn two_rosters_in_one_delivery_are_not_chosen_between() {
    let twice = Delivery::v1p1()
        .0
        .into_iter()
        .flat_map(|(name, b)| [(format!("a/{name}"), b.clone()), (format!("b/{name}"), b)]);
    assert_eq!(Delivery(twice.collect()).error().0, "not-oneroster");
    assert_eq!(Delivery::v1p1().with("USERS.csv", USERS_1P1).error().0, "not-oneroster");
}

#[test]
fn a_zip_that_was_cut_off_is_told_so() {
    let whole = Delivery::v1p1().zipped();
    assert_eq!(ids(&read_zip(&whole).unwrap()), ["u1", "u2"]);
    for part in [2, whole.len() / 2, whole.len() - 10, whole.len() - 1] {
        assert_eq!(read_zip(&whole[..part]).unwrap_err().kind(), "bad-zip", "{part} of {}", whole.len());
    }
}

#[test]
fn a_zip_whose_bytes_were_changed_is_told_so() {
    let mut bytes = Delivery::v1p1().zipped();
    let middle = bytes.windows(9).position(|w| w == b"users.csv").unwrap() + 60;
    bytes[middle] ^= 0x55;
    bytes[middle + 1] ^= 0x55;
    assert!(read_zip(&bytes).is_err());
}

#[test]
fn a_zip_bomb_is_stopped_while_it_unpacks() {
    let mut users = USERS_1P1.as_bytes().to_vec();
    users.extend(vec![b'\n'; 40 << 20]);
    let error = read_zip(&Delivery::v1p1().with("users.csv", users).zipped()).unwrap_err();
    assert_eq!(error.kind(), "too-big", "{error}");
}

#[test]
fn a_row_without_end_is_stopped() {
    let mut users = USERS_1P1.as_bytes().to_vec();
    users.extend(vec![b'x'; 3 << 20]);
    assert_eq!(Delivery::v1p1().with("users.csv", users).error().0, "too-big");
}

#[test]
fn an_encoding_that_is_not_utf_8_is_told_with_file_and_line() {
    let latin: Vec<u8> =
        USERS_1P1.replace("Willowmere", "Willowm~re").bytes().map(|b| if b == b'~' { 0xe8 } else { b }).collect();
    let (kind, text) = Delivery::v1p1().with("users.csv", latin).error();
    assert_eq!(kind, "wrong-encoding");
    assert!(text.contains("users.csv, line 3"), "{text}");
    let utf16: Vec<u8> = USERS_1P1.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for start in [&[0xff, 0xfe][..], &[]] {
        let (kind, text) = Delivery::v1p1().with("users.csv", [start, &utf16].concat()).error();
        assert_eq!((kind, text.contains("UTF-16")), ("wrong-encoding", true));
    }
}

#[test]
fn a_missing_file_or_column_is_named() {
    assert_eq!(Delivery::v1p1().without("users.csv").error(), ("missing-file", "users.csv is missing".into()));
    assert_eq!(Delivery::v1p2().without("roles.csv").error(), ("missing-file", "roles.csv is missing".into()));
    for column in ["sourcedId", "enabledUser", "orgSourcedIds", "role", "username", "givenName", "familyName"] {
        let (kind, text) = Delivery::v1p1().changed("users.csv", column, "other").error();
        assert_eq!((kind, text), ("missing-column", format!("users.csv has no column {column}")));
    }
    for column in ["sourcedId,", "userSourcedId", "role,", "orgSourcedId"] {
        assert_eq!(Delivery::v1p2().changed("roles.csv", column, "other,").error().0, "missing-column", "{column}");
    }
    assert_eq!(Delivery::v1p1().changed("orgs.csv", "name", "title").error().0, "missing-column");
}

#[test]
fn a_sourced_id_that_comes_twice_is_told_with_both_lines() {
    let (kind, text) = Delivery::v1p1().changed("users.csv", "u3,,", "u1,,").error();
    assert_eq!(kind, "duplicate-sourced-id");
    assert_eq!(text, "users.csv: sourcedId \"u1\" stands on line 2 and again on line 4");
    assert_eq!(Delivery::v1p1().changed("orgs.csv", "s2,", "s1,").error().0, "duplicate-sourced-id");
    assert_eq!(Delivery::v1p2().changed("roles.csv", "r2,", "r1,").error().0, "duplicate-sourced-id");
}

#[test]
fn a_delta_is_not_taken_for_a_bulk() {
    for (delivery, file) in [(Delivery::v1p2(), "users"), (Delivery::v1p1(), "orgs"), (Delivery::v1p2(), "roles")] {
        let delta = delivery.changed("manifest.csv", &format!("file.{file},bulk"), &format!("file.{file},delta"));
        assert_eq!(delta.error().0, "bulk-and-delta");
    }
    assert_eq!(Delivery::v1p1().changed("manifest.csv", "version,1.1", "version,2.0").error().0, "unsupported-version");
}

#[test]
fn an_empty_file_is_not_a_mass_withdrawal() {
    for (file, text) in [("users.csv", USERS_1P1), ("orgs.csv", ORGS), ("roles.csv", ROLES)] {
        assert_eq!(Delivery::v1p2().with(file, "").error().0, "empty", "{file}");
        let header = text.lines().next().unwrap();
        if file != "users.csv" {
            assert_eq!(Delivery::v1p2().with(file, header).error().0, "empty", "{file}");
        }
    }
    assert_eq!(Delivery::v1p1().with("users.csv", USERS_1P1.lines().next().unwrap()).error().0, "empty");
}

#[test]
fn a_quotation_mark_that_never_closes_does_not_swallow_the_rest() {
    let (kind, text) = Delivery::v1p1().changed("users.csv", "Marisel", "\"Marisel").error();
    assert_eq!((kind, text.contains("line 2")), ("unclosed-quote", true), "{text}");
    let mut users = USERS_1P1.replace("Marisel", "\"Marisel");
    users.extend((0..50).map(|n| format!("x{n},,,true,s1,student,a,,A,B,,,,,,,07,\n")));
    users.push_str("y,,,true,s1,student,a,,\"A\",B,,,,,,,07,\n");
    assert_eq!(Delivery::v1p1().with("users.csv", users).error().0, "unclosed-quote");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_whatever_make_the_reader_fall(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let header = USERS_1P1.lines().next().unwrap().as_bytes();
        let _ = Delivery::v1p1().with("users.csv", &bytes).read();
        let _ = Delivery::v1p1().with("users.csv", [header, b"\n", &bytes].concat()).read();
        let _ = Delivery::v1p1().with("orgs.csv", &bytes).read();
        let _ = Delivery::v1p2().with("manifest.csv", &bytes).with("roles.csv", &bytes).read();
        let _ = read_zip(&bytes);
        let _ = read_zip(&[b"PK\x03\x04", bytes.as_slice()].concat());
    }

    #[test]
    fn no_rows_whatever_make_the_reader_fall(rows in "([a-z0-9,\"{}:/ \r\n\u{e9}-]{0,200})") {
        let header = USERS_1P1.lines().next().unwrap();
        if let Ok(roster) = Delivery::v1p1().with("users.csv", format!("{header}\n{rows}")).read() {
            prop_assert!(roster.people.iter().all(|person| !person.posts.is_empty()));
        }
    }
}
