//! What a file may say, and how it is told what it may not.

use super::*;
use crate::domain::{clock::Timestamp, field::Kind, id::ScopeName};

/// What an OIDC client of these tests may say.
const OIDC: &[Field] = &[
    field("client_id", Kind::Text, true, ""),
    field("client_secret", Kind::Secret, false, ""),
    field("redirect_uris", Kind::Urls, true, ""),
    field("pkce", Kind::Choice(&["required", "optional"]), false, "required"),
    field("id_token_claims", Kind::Flag, false, "false"),
    field("code_life", Kind::Number(1, 60), false, "60"),
];

const fn field(name: &'static str, kind: Kind, required: bool, default: &'static str) -> Field {
    Field { name, kind, required, default, help: "" }
}

const SETTINGS: &str = r#"issuer = "https://access.library.example"
[library]
name = "Example Library"
time_zone = "America/New_York"
scope_domain = "library.example"
"#;

const PROGRAMME: &str = r#"
[[scope]]
name = "library.ebooks"

[[organisation]]
id = "cms"
name = "Example Schools"
roster = ["d-1"]
card = { scheme = "raw", from = "identifier" }
initial_pin = "password"

[[agreement]]
id = "cms-2026"
organisation = "cms"
roles = ["student", "staff"]
grades = ["PK", "12"]
privileges = ["library.ebooks"]
from = 2026-07-01
to = 2031-06-30

[[vendor]]
id = "maple"
name = "Maple Books"
audience = ["juvenile", "young-adult", "adult"]
scopes = ["library.ebooks"]
release = [{ name = "card_number", purpose = "The vendor's help desk asks for it." }]

[[vendor.oidc]]
client_id = "maple-web"
client_secret = "a secret of good length"
redirect_uris = ["https://maple.example/callback"]

[[source]]
id = "cms"
kind = "oneroster-csv"

[[opt_out]]
source = "cms"
sourced_id = "u-17"
since = "2026-08-30"
"#;

fn read(text: &str) -> Result<Loaded, Problems> {
    read_with(text, &Catalogue::default(), &Environment::default())
}

fn read_with(text: &str, known: &Catalogue, environment: &Environment) -> Result<Loaded, Problems> {
    let rules = Rules {
        kinds: Kinds { protocols: &[("oidc", OIDC)], sources: &[("oneroster-csv", &[])] },
        judge: &FieldByField,
        known,
    };
    parse(text, Path::new("etc/oneaccess.toml"), &rules, environment)
}

/// The problems of a whole file in which `good` is written as `bad`.
fn told(good: &str, bad: &str) -> Vec<String> {
    let whole = format!("{SETTINGS}{PROGRAMME}");
    assert!(whole.contains(good), "{good:?} is not in the file");
    match read(&whole.replacen(good, bad, 1)) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.list.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_whole_file_is_read() {
    let loaded = read(&format!("{SETTINGS}{PROGRAMME}")).unwrap();
    let config = loaded.settings.unwrap();
    assert_eq!(config.issuer, "https://access.library.example");
    assert_eq!(config.database, "sqlite:etc/data/oneaccess.db");
    assert_eq!(config.key_encryption_key_file, Path::new("etc/keys/kek"));
    assert_eq!(config.session.idle, Duration::from_secs(1800));
    assert_eq!(config.retention.who_went_where, Duration::from_secs(30 * 86_400));
    assert_eq!(config.bands, BandRule::default());
    let declared = loaded.declared;
    assert_eq!(declared.opt_outs[0].key(), "cms/u-17");
    assert_eq!(declared.agreements[0].to.to_string(), "2031-06-30");
    let party = &declared.vendors[0].relying_parties[0];
    assert_eq!((party.protocol.as_str(), party.key.as_str()), ("oidc", "maple-web"));
    assert_eq!(
        party.settings,
        serde_json::json!({
            "client_secret_sha256": hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"a secret of good length")),
            "redirect_uris": ["https://maple.example/callback"],
            "pkce": "required",
            "id_token_claims": false,
            "code_life": 60,
        })
    );
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn a_file_may_hold_settings_or_declarations_alone() {
    assert!(read(SETTINGS).unwrap().declared.is_empty());
    assert!(read(PROGRAMME).unwrap().settings.is_none());
}

#[test]
fn keys_of_tokens_and_of_saml_turn_in_their_own_time() {
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let keys = |lines: &str| read(&format!("{SETTINGS}\n[keys]\n{lines}\n"));
    let schedules = keys("").unwrap().settings.unwrap().keys;
    assert_eq!(schedules, crate::domain::key::Schedules::default());
    let lines =
        "saml_rotate_every = \"never\"\nsaml_cache_lifetime = \"24h\"\nsaml_pinned_for = \"30d\"\nmargin = \"2m\"";
    let schedules = keys(lines).unwrap().settings.unwrap().keys;
    let (tokens, saml) = (schedules.tokens, schedules.saml);
    assert_eq!((saml.rotate_every, saml.cache_lifetime, saml.pinned_for), (None, days(1), days(30)));
    assert_eq!(
        (tokens.rotate_every, tokens.margin, saml.margin),
        (Some(days(90)), saml.margin, Duration::from_secs(120))
    );
    for (line, expected) in [
        ("saml_rotate_every = \"80d\"", "keys.saml_pinned_for: must be shorter than saml_rotate_every"),
        ("pinned_for = \"91d\"", "keys.pinned_for: must be shorter than rotate_every"),
        ("saml_rotate_every = \"4000d\"", "keys.saml_rotate_every: "),
        ("saml_cache_lifetime = \"8d\"", "keys.saml_cache_lifetime: "),
    ] {
        let told: Vec<String> = keys(line).err().unwrap().list.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|problem| problem.contains(expected)), "{line}: {told:?}");
    }
}

#[test]
fn shared_devices_are_left_within_minutes_and_sooner_only_on_loopback() {
    let with = |issuer: &str, table: &str| {
        let text = format!("{SETTINGS}{PROGRAMME}\n[shared_devices]\n{table}\n");
        read(&text.replacen("https://access.library.example", issuer, 1)).map(|loaded| loaded.settings.unwrap())
    };
    let usual = with("https://access.library.example", "networks = [\"192.0.2.0/24\"]").unwrap();
    assert_eq!(usual.shared_networks[0].to_string(), "192.0.2.0/24");
    assert_eq!(usual.session.of(true).idle, Duration::from_secs(300));
    assert_eq!(usual.session.of(true).absolute, Duration::from_secs(3600));
    let trial = with("http://127.0.0.1:8080", "idle = \"2s\"").unwrap();
    assert_eq!(trial.session.of(true).idle, Duration::from_secs(2));
    for (table, said) in [
        ("idle = \"2s\"", "shared_devices.idle: must be between 1m and 30m"),
        ("idle = \"31m\"", "shared_devices.idle: must be between 1m and 30m"),
        ("idle = \"20m\"\nabsolute = \"10m\"", "shared_devices.idle: must not be longer than absolute"),
        ("networks = [\"lab\"]", "shared_devices.networks: \"lab\" is not an address or a network such as 10.0.0.0/8"),
    ] {
        let problems = with("https://access.library.example", table).unwrap_err();
        assert!(problems.to_string().contains(said), "{problems}");
    }
}

#[test]
fn each_mistake_is_told_with_its_line_and_field() {
    let cases = [
        (
            "issuer = \"https://access",
            "issuer = \"http://access",
            "line 1: issuer: \"http://access.library.example\" must be https; plain http is allowed on loopback only",
        ),
        (
            ".example\"\n[library]",
            ".example/\"\n[library]",
            "line 1: issuer: \"https://access.library.example/\" must not end with a slash: vendors compare it letter by letter",
        ),
        (
            "name = \"Example Library\"",
            "nome = \"Example Library\"",
            "line 3: library.nome: there is no such field; did you mean name?",
        ),
        (
            "America/New_York",
            "America/Gotham",
            "line 4: library.time_zone: \"America/Gotham\" is no time zone: use a name such as America/New_York",
        ),
        (
            "[[scope]]\nname = \"library.ebooks\"",
            "[[scope]]\nname = \"Library Ebooks\"",
            "line 8: scope.name: \"Library Ebooks\" is not an id: use 1 to 64 of a-z, 0-9, '-', '_', '.', beginning with a letter or digit",
        ),
        ("id = \"cms\"\nname", "name", "line 10: organisation.id: is missing"),
        ("roster = [\"d-1\"]", "roster = [\"d-1\", 7]", "line 13: organisation.roster: must be text in quotes, not 7"),
        (
            "roster = [\"d-1\"]",
            "roster = []",
            "line 13: organisation.roster: must name at least one org of the directory",
        ),
        (
            "scheme = \"raw\"",
            "scheme = \"barcode14\", institution = \"30\"",
            "line 14: organisation.card.institution: institution must be four digits, not \"30\"",
        ),
        (
            "scheme = \"raw\"",
            "scheme = \"rare\"",
            "line 14: organisation.card.scheme: \"rare\": use raw, prefix or barcode14",
        ),
        (
            "scheme = \"raw\"",
            "scheme = \"raw\", prefix = \"C\"",
            "line 14: organisation.card.prefix: says nothing with scheme \"raw\"",
        ),
        (
            "initial_pin = \"password\"",
            "initial_pin = \"1234\"",
            "line 15: organisation.initial_pin: \"1234\": use password, birthday:MMDD or none",
        ),
        (
            "organisation = \"cms\"",
            "organisation = \"cmz\"",
            "line 19: agreement.organisation: there is no organisation \"cmz\"",
        ),
        (
            "\"student\", \"staff\"",
            "\"student\", \"parent\"",
            "line 20: agreement.roles: \"parent\": use student or staff",
        ),
        (
            "[\"PK\", \"12\"]",
            "[\"12\", \"PK\"]",
            "line 21: agreement.grades: the last grade, PK, comes before the first, 12",
        ),
        (
            "[\"PK\", \"12\"]",
            "[\"PK\", \"14\"]",
            "line 21: agreement.grades: \"14\" is not a grade: use IT, PR, PK, TK, KG, 01 to 13, PS, UG or Other",
        ),
        (
            "privileges = [\"library.ebooks\"]",
            "privileges = [\"library.ebooks\",\n\"library.films\"]",
            "line 23: agreement.privileges: there is no scope \"library.films\"",
        ),
        (
            "2031-06-30",
            "2026-06-30",
            "line 24: agreement.to: the last day, 2026-06-30, comes before the first, 2026-07-01",
        ),
        ("2031-06-30", "\"June\"", "line 24: agreement.to: \"June\" is not a day such as 2026-07-01"),
        (
            "scopes = [\"library.ebooks\"]",
            "scopes = [\"library.films\"]",
            "line 30: vendor.scopes: there is no scope \"library.films\"",
        ),
        (
            "audience = [\"juvenile\", \"young-adult\", \"adult\"]",
            "audience = []",
            "line 29: vendor.audience: must not be empty",
        ),
        (", purpose = \"The vendor's help desk asks for it.\"", "", "line 31: vendor.release.purpose: is missing"),
        (
            "purpose = \"The vendor's help desk asks for it.\"",
            "purpose = \" \"",
            "line 31: vendor.release.purpose: must not be empty",
        ),
        (
            "name = \"card_number\"",
            "name = \"birth_date\"",
            "line 31: vendor.release.name: \"birth_date\": use card_number, profile, email, address or phone",
        ),
        (
            "https://maple.example/callback",
            "https://maple.example/callback#x",
            "line 36: vendor.oidc.redirect_uris: \"https://maple.example/callback#x\" must not have a fragment (#…)",
        ),
        (
            "https://maple.example/callback",
            "http://maple.example/callback",
            "line 36: vendor.oidc.redirect_uris: \"http://maple.example/callback\" must be https; plain http is allowed on loopback only",
        ),
        (
            "client_secret = ",
            "client_secrets = ",
            "line 35: vendor.oidc.client_secrets: there is no such field; did you mean client_secret?",
        ),
        (
            "client_secret = \"a secret of good length\"",
            "client_secret_file = \"nowhere\"",
            "line 35: vendor.oidc.client_secret_file: etc/nowhere: No such file or directory (os error 2)",
        ),
        ("[[vendor.oidc]]", "[[vendor.cas]]", "line 33: vendor.cas: there is no such field"),
        (
            "kind = \"oneroster-csv\"",
            "kind = \"carrier-pigeon\"",
            "line 40: source.kind: \"carrier-pigeon\": use oneroster-csv",
        ),
        ("source = \"cms\"", "source = \"sms\"", "line 43: opt_out.source: there is no source \"sms\""),
        ("source = \"cms\"\n", "", "line 42: opt_out.card: name the person by card, or by source and sourced_id"),
    ];
    for (good, bad, expected) in cases {
        let told = told(good, bad);
        assert!(told.iter().any(|problem| problem == expected), "{bad}\n  expected {expected}\n  told {told:#?}");
    }
}

#[test]
fn what_is_named_twice_is_told_at_its_second_place() {
    let again = |what: &str| match read(&format!("{PROGRAMME}{what}")) {
        Ok(_) => String::new(),
        Err(problems) => problems.list.iter().map(|p| format!("{}: {}\n", p.field, p.message)).collect(),
    };
    let scope = again("[[scope]]\nname = \"library.ebooks\"\n");
    assert_eq!(scope, "scope.name: \"library.ebooks\" is named a second time, after line 3\n");
    let org = again(
        "[[organisation]]\nid = \"charter\"\nname = \"C\"\nroster = [\"d-1\"]\ncard = { scheme = \"raw\", from = \"username\" }\n",
    );
    assert_eq!(org, "organisation.roster: \"d-1\" is named a second time, after line 8\n");
    let client = again(
        "[[vendor]]\nid = \"oak\"\nname = \"Oak\"\naudience = [\"adult\"]\nscopes = [\"library.ebooks\"]\n[[vendor.oidc]]\nclient_id = \"maple-web\"\nredirect_uris = [\"https://oak.example/\"]\n",
    );
    assert_eq!(client, "vendor.oidc.client_id: \"maple-web\" is named a second time, after line 29\n");
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_in_their_order() {
    let text =
        "isuer = \"https://a.example\"\n[session]\nidle = \"soon\"\n[[agreement]]\nid = \"x\"\norganisation = \"y\"\n";
    let problems = read(text).unwrap_err();
    let lines: Vec<_> = problems.list.iter().map(|p| (p.line, p.field.as_str())).collect();
    assert!(lines.is_sorted_by_key(|(line, _)| *line));
    for expected in [
        (1, "isuer"),
        (0, "issuer"),
        (3, "session.idle"),
        (0, "library.name"),
        (4, "agreement.roles"),
        (4, "agreement.from"),
        (6, "agreement.organisation"),
    ] {
        assert!(lines.contains(&expected), "{expected:?} in {lines:?}");
    }
}

#[test]
fn text_that_is_not_toml_is_told_by_line() {
    let problems = read("issuer = \"https://a.example\"\nlisten = \nx = [1,\n").unwrap_err();
    assert_eq!(problems.list[0].line, 2, "{problems}");
    assert!(problems.to_string().starts_with("etc/oneaccess.toml:2: "), "{problems}");
}

#[test]
fn a_field_given_twice_is_refused() {
    let problems = read("issuer = \"https://a.example\"\nissuer = \"https://b.example\"\n").unwrap_err();
    assert_eq!(problems.list[0].line, 2, "{problems}");
}

#[test]
fn the_environment_overrides_the_top_level() {
    let environment: Environment = [
        ("ONEACCESS_ISSUER", "https://other.example"),
        ("ONEACCESS_DATABASE", "postgres://db.example/oneaccess"),
        ("ONEACCESS_LISTEN", "[::]:8443"),
        ("ONEACCESS_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("ONEACCESS_ISUER", "x"),
        ("HOME", "/root"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into_iter()
    .collect();
    let loaded = read_with(SETTINGS, &Catalogue::default(), &environment).unwrap();
    let config = loaded.settings.unwrap();
    assert_eq!(config.issuer, "https://other.example");
    assert_eq!(config.database, "postgres://db.example/oneaccess");
    assert_eq!(config.listen.port(), 8443);
    assert_eq!(config.trusted_proxies.len(), 2);
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert_eq!(loaded.warnings[0].field, "ONEACCESS_ISUER");
}

#[test]
fn a_wrong_variable_is_told_by_its_field() {
    let environment = [("ONEACCESS_LISTEN".to_owned(), "everywhere".to_owned())].into_iter().collect();
    let problems = read_with(SETTINGS, &Catalogue::default(), &environment).unwrap_err();
    assert_eq!(problems.list[0].field, "listen");
}

#[test]
fn exceptions_are_warned_of() {
    let text = format!("{SETTINGS}{PROGRAMME}")
        .replace("https://access.library.example", "http://127.0.0.1:8080")
        .replace("a secret of good length", "short")
        .replace("client_id =", "pkce = \"optional\"\nclient_id =");
    let warnings = read(&text).unwrap().warnings;
    let fields: Vec<_> = warnings.iter().map(|w| (w.line, w.field.as_str())).collect();
    assert_eq!(fields, [(1, "issuer"), (36, "vendor.oidc.client_secret"), (34, "vendor.oidc.pkce")]);
    assert!(warnings.iter().all(|w| !w.message.contains("short\"")));
}

#[test]
fn declarations_may_refer_to_what_the_catalogue_knows_and_not_take_what_is_anothers() {
    let first = read(PROGRAMME).unwrap().declared;
    let mut known = Catalogue::default();
    for scope in first.scopes {
        known.scopes.insert(scope.name.clone().into(), scope);
    }
    for organisation in first.organisations {
        known.organisations.insert(organisation.id.clone(), organisation);
    }
    let known = known.indexed();
    let agreement = &PROGRAMME[PROGRAMME.find("[[agreement]]").unwrap()..PROGRAMME.find("[[vendor]]").unwrap()];
    assert!(read(agreement).is_err());
    assert!(read_with(agreement, &known, &Environment::default()).is_ok());

    let thief = "[[organisation]]\nid = \"charter\"\nname = \"C\"\nroster = [\"d-1\"]\ncard = { scheme = \"raw\", from = \"username\" }\n";
    let problems = read_with(thief, &known, &Environment::default()).unwrap_err();
    assert_eq!(problems.list[0].to_string(), "line 4: organisation.roster: \"d-1\" belongs to cms already");
}

/// A catalogue in which `library.ebooks` has become `library.reading`.
fn rotated() -> Catalogue {
    let now = Timestamp(1_790_000_000_000);
    let (old, new): (ScopeName, ScopeName) = ("library.ebooks".parse().unwrap(), "library.reading".parse().unwrap());
    let mut scope = Scope::new(old.clone(), None);
    scope.rotate(&old, new, now, now + Duration::from_secs(86_400), now).unwrap();
    let mut known = Catalogue::default();
    known.scopes.insert(old.into(), scope);
    known.indexed()
}

#[test]
fn a_file_may_spell_a_rotated_scope_by_either_name_and_is_told_of_the_newest() {
    let text = format!("{SETTINGS}{PROGRAMME}");
    let half = text.replacen("library.ebooks", "library.reading", 1);
    let new = text.replace("library.ebooks", "library.reading");
    for known in [rotated(), rotated().names_alone()] {
        let of_names = |text: &str| {
            let warnings = read_with(text, &known, &Environment::default()).unwrap().warnings;
            warnings.into_iter().map(|w| w.to_string()).filter(|w| w.contains("rotated")).collect::<Vec<_>>()
        };
        let line = |line, field| {
            format!(
                "line {line}: {field}: \"library.ebooks\" was rotated to \"library.reading\"; either means the same scope here"
            )
        };
        let places = [line(8, "scope.name"), line(22, "agreement.privileges"), line(30, "vendor.scopes")];
        assert_eq!(of_names(&text), places);
        assert_eq!(of_names(&half), places[1..]);
        assert_eq!(of_names(&new), Vec::<String>::new());
    }
    let twice = format!("{text}[[scope]]\nname = \"library.reading\"\n");
    let warnings = read_with(&twice, &rotated(), &Environment::default()).unwrap().warnings;
    assert!(warnings.iter().any(|w| w.message.contains("the scope of line 8 by another name")), "{warnings:?}");
}

#[test]
fn a_scope_of_openid_connect_is_no_scope_of_the_catalogue() {
    for name in ["openid", "profile", "offline_access"] {
        let problems = read(&format!("{SETTINGS}[[scope]]\nname = \"{name}\"\n")).unwrap_err();
        assert_eq!(problems.list[0].field, "scope.name", "{problems}");
    }
}

#[test]
fn a_database_url_with_a_password_is_never_repeated() {
    let text = SETTINGS.replace("[library]", "database = \"mysql://u:hunter2@db/x\"\n[library]");
    let problems = read(&text).unwrap_err();
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}

#[test]
fn the_shelf_is_in_this_process_or_where_the_file_says() {
    let with = |lines: &str| read(&SETTINGS.replace("[library]", &format!("{lines}\n[library]")));
    assert!(read(SETTINGS).unwrap().settings.unwrap().shelf.is_none());
    let postgres = "database = \"postgres://db.example/oneaccess\"";
    let loaded = with(&format!("{postgres}\nshelf = \"rediss://:hunter2@shelf.example/2\"")).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let config = loaded.settings.unwrap();
    assert_eq!(config.shelf.as_ref().unwrap().to_string(), "rediss://shelf.example:6379/2");
    assert!(!format!("{config:?}").contains("hunter2"));
    let doubtful = with("shelf = \"redis://shelf.example\"").unwrap();
    let warned: Vec<&str> = doubtful.warnings.iter().map(|warning| warning.field.as_str()).collect();
    assert_eq!(warned, ["shelf", "shelf"], "one process on SQLite, and in clear");
    for wrong in ["shelf = \"redis://:hunter2@a,b\"", "shelf_password_file = \"/dev/null\""] {
        let problems = with(wrong).unwrap_err();
        assert!(!problems.to_string().contains("hunter2"), "{problems}");
    }
}

#[test]
fn what_a_protocol_finds_amiss_is_told_at_its_line() {
    struct Strict;
    impl Judge for Strict {
        fn key(&self, protocol: &str, settings: &Value) -> Result<String, (&'static str, String)> {
            FieldByField.key(protocol, settings)
        }
        fn misfit(&self, vendor: &Vendor, party: &RelyingParty) -> Option<(&'static str, String)> {
            let why = format!("{} of {} cannot do without", party.key, vendor.id);
            party.settings.get("client_secret_sha256").is_some().then_some(("pkce", why))
        }
        fn source_misfit(&self, source: &SourceSettings) -> Option<(&'static str, String)> {
            FieldByField.source_misfit(source)
        }
    }
    let known = Catalogue::default();
    let rules = Rules {
        kinds: Kinds { protocols: &[("oidc", OIDC)], sources: &[("oneroster-csv", &[])] },
        judge: &Strict,
        known: &known,
    };
    let path = Path::new("etc/oneaccess.toml");
    let problems = parse(PROGRAMME, path, &rules, &Environment::default()).unwrap_err();
    assert_eq!(problems.list[0].to_string(), "line 28: vendor.oidc.pkce: maple-web of maple cannot do without");
}

const TEST_PATRON: &str = r#"
[[test_patron]]
id = "try-me"
card = "test 1"
pin = "246813"
organisation = "cms"
role = "staff"
given_name = "Wilhelmina"
family_name = "Testwright"
email = "w@library.example"
birthdate = 1970-01-01
address = { locality = "Marblewick" }
"#;

#[test]
fn a_test_patron_is_read_with_its_claims_and_shows_no_pin() {
    let declared = read(&format!("{SETTINGS}{PROGRAMME}{TEST_PATRON}")).unwrap().declared;
    let [patron] = declared.test_patrons.as_slice() else { panic!("{declared:?}") };
    assert_eq!((patron.id.as_str(), patron.card.as_str()), ("try-me", "TEST1"));
    assert_eq!(patron.affiliation.to_string(), "cms:staff");
    let claims = patron.claims.clone().unwrap();
    assert_eq!(claims.name.as_deref(), Some("Wilhelmina Testwright"));
    assert_eq!((claims.email.as_deref(), claims.birthdate.as_deref()), (Some("w@library.example"), Some("1970-01-01")));
    assert_eq!(claims.address.and_then(|a| a.locality).as_deref(), Some("Marblewick"));
    assert!(!format!("{declared:?}").contains("246813"));
}

#[test]
fn what_a_test_patron_cannot_be_is_told() {
    let pupil = |text: &str| text.replace("\"staff\"", "\"student\"\ngrade = \"07\"");
    let cases: [(&str, String, &[&str]); 7] = [
        ("of a pupil", pupil(TEST_PATRON), &["email", "birthdate", "address"]),
        ("grade", TEST_PATRON.replace("role =", "grade = \"07\"\nrole ="), &["grade"]),
        ("pin", TEST_PATRON.replace("pin = \"246813\"\n", ""), &["pin"]),
        ("twice", format!("{TEST_PATRON}{TEST_PATRON}"), &["id", "card"]),
        ("organisation", TEST_PATRON.replace("\"cms\"", "\"nowhere\""), &["organisation"]),
        ("email", TEST_PATRON.replace("w@library.example", "@"), &["email"]),
        ("unknown", TEST_PATRON.replace("email =", "ssn ="), &["ssn"]),
    ];
    for (what, text, fields) in cases {
        let problems = read(&format!("{SETTINGS}{PROGRAMME}{text}")).unwrap_err();
        let told: Vec<&str> = problems.list.iter().map(|p| p.field.trim_start_matches("test_patron.")).collect();
        assert_eq!(told, fields, "{what}: {problems}");
    }
    let problems = read(&format!("{SETTINGS}[[source]]\nid = \"test\"\nkind = \"oneroster-csv\"\n")).unwrap_err();
    assert_eq!(problems.list[0].field, "source.id");
}
