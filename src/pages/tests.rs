//! What every page promises, in both languages.

use serde_json::{Value as Json, json};

use super::*;
use crate::domain::{id::AgreementId, reason::Reason};

fn pages() -> Pages {
    Pages::new(Theme::plain("Example Library")).unwrap()
}

/// Set to a folder, every page of the sample is written there, to be looked at.
const WRITE_TO: &str = "ONEACCESS_PAGES_TO";

#[test]
fn every_page_renders_in_both_languages() {
    let pages = pages();
    let out = std::env::var_os(WRITE_TO).map(std::path::PathBuf::from);
    for locale in Locale::ALL {
        for (name, template, context) in samples() {
            let html = pages.render(template, locale, context).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(html.contains(&format!("<html lang=\"{}\">", locale.tag())));
            assert_eq!(html.matches("<h1").count(), 1, "{name} has one h1");
            let inline = html.replace("<script src=\"", "");
            assert!(!inline.contains("<script") && !html.contains("style="), "{name} has nothing inline");
            let weight = html.len() + pages.stylesheet().0.len();
            assert!(weight < 30_000, "{name} weighs {weight} bytes");
            if let Some(folder) = &out {
                let folder = folder.join(locale.tag());
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
            }
        }
    }
    if let Some(folder) = &out {
        let style = folder.join(pages.stylesheet.path.trim_start_matches('/'));
        std::fs::create_dir_all(style.parent().unwrap()).unwrap();
        std::fs::write(style, pages.stylesheet().0).unwrap();
    }
}

#[test]
fn every_reason_is_explained_in_both_languages_with_what_to_do_next() {
    let (english, spanish) = (texts::keys(Locale::English), texts::keys(Locale::Spanish));
    for reason in every_reason() {
        for key in [format!("reason-{}", reason.code()), format!("reason-{}-now", reason.code())] {
            assert!(english.contains_key(&key) && spanish.contains_key(&key), "{key}");
        }
    }
}

#[test]
fn both_languages_have_the_same_texts_and_ask_for_the_same_values() {
    let (english, spanish) = (texts::keys(Locale::English), texts::keys(Locale::Spanish));
    for (key, values) in &english {
        assert_eq!(spanish.get(key), Some(values), "{key} in Spanish");
    }
    for key in spanish.keys() {
        assert!(english.contains_key(key), "{key} is in Spanish only");
    }
}

#[test]
fn what_others_named_stays_text() {
    let evil = "<img src=x onerror=alert(1)>\"'";
    let mut context = sign_in(None);
    context["vendor"] = json!(evil);
    context["card"] = json!(evil);
    let html = pages().render("sign-in/sign-in.html", Locale::English, context).unwrap();
    assert!(!html.contains("<img"), "{html}");
    assert!(html.contains("<strong>&lt;img"), "{html}");
    let html = pages().error_page(Locale::English, 400, evil, evil);
    assert!(!html.contains("<img"), "{html}");
}

#[test]
fn a_day_is_written_in_the_readers_form() {
    let day = |locale| Texts::load(locale).unwrap().date("2027-06-30").unwrap();
    assert_eq!(day(Locale::English), "June 30, 2027");
    assert_eq!(day(Locale::Spanish), "30 de junio de 2027");
    assert!(Texts::load(Locale::English).unwrap().date("tomorrow").is_err());
}

#[test]
fn a_theme_replaces_a_template_and_the_stylesheet_by_their_names() {
    let folder = std::env::temp_dir().join(format!("oneaccess-theme-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("error")).unwrap();
    std::fs::write(folder.join("error/error.html"), "<p>ours: {{ code }}</p>").unwrap();
    std::fs::write(folder.join("style.css"), "b { color: red }").unwrap();
    let themed = Pages::new(Theme { folder: Some(folder.clone()), ..Theme::plain("Example Library") }).unwrap();
    assert_eq!(themed.error_page(Locale::English, 404, "a<b", ""), "<p>ours: a&lt;b</p>");
    assert!(themed.stylesheet().0.ends_with(b"b { color: red }"));
    assert_ne!(themed.stylesheet().1, pages().stylesheet().1, "another content has another address");

    std::fs::write(folder.join("error/error.html"), "{% block %}").unwrap();
    let broken = Pages::new(Theme { folder: Some(folder.clone()), ..Theme::plain("Example Library") });
    assert!(broken.err().unwrap().to_string().contains("error/error.html"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn only_what_is_there_is_an_asset() {
    let pages = pages();
    assert!(pages.asset(&pages.stylesheet.path).is_some());
    assert!(pages.asset("/assets/style.0000000000000000.css").is_none());
    assert!(pages.asset("/assets/../Cargo.toml").is_none());
}

fn every_reason() -> Vec<Reason> {
    let agreement: AgreementId = "example-2026".parse().unwrap();
    let all = vec![
        Reason::SignInFailed,
        Reason::TooManyTries { retry_after: 90 },
        Reason::PinMustChange,
        Reason::NoPin,
        Reason::DirectoryDisabled,
        Reason::DirectoryExpired,
        Reason::DirectoryPasswordChange,
        Reason::DirectoryAway,
        Reason::SchoolSignInOnly,
        Reason::UpstreamUnknownPerson,
        Reason::UpstreamAmbiguous,
        Reason::UpstreamWrongTenant,
        Reason::UpstreamMismatch,
        Reason::UpstreamAway,
        Reason::UpstreamFailed,
        Reason::CardBlocked,
        Reason::Withdrawn,
        Reason::OptedOut,
        Reason::NoAgreement,
        Reason::AgreementEnded { agreement: agreement.clone() },
        Reason::AgreementNotBegun { agreement },
        Reason::RoleNotCovered,
        Reason::GradeNotCovered,
        Reason::AudienceMismatch,
        Reason::NothingGranted,
        Reason::VendorDisabled,
        Reason::Declined,
        Reason::Expired,
        Reason::BadgeVoid,
        Reason::BadgeNotHere,
        Reason::PicturesWrong,
        Reason::PicturesLocked,
        Reason::PinNeeded,
    ];
    // A reason that is added does not compile here until it stands above, too.
    for reason in &all {
        match reason {
            Reason::SignInFailed
            | Reason::TooManyTries { .. }
            | Reason::PinMustChange
            | Reason::NoPin
            | Reason::DirectoryDisabled
            | Reason::DirectoryExpired
            | Reason::DirectoryPasswordChange
            | Reason::DirectoryAway
            | Reason::SchoolSignInOnly
            | Reason::UpstreamUnknownPerson
            | Reason::UpstreamAmbiguous
            | Reason::UpstreamWrongTenant
            | Reason::UpstreamMismatch
            | Reason::UpstreamAway
            | Reason::UpstreamFailed
            | Reason::CardBlocked
            | Reason::Withdrawn
            | Reason::OptedOut
            | Reason::NoAgreement
            | Reason::AgreementEnded { .. }
            | Reason::AgreementNotBegun { .. }
            | Reason::RoleNotCovered
            | Reason::GradeNotCovered
            | Reason::AudienceMismatch
            | Reason::NothingGranted
            | Reason::VendorDisabled
            | Reason::Declined
            | Reason::Expired
            | Reason::BadgeVoid
            | Reason::BadgeNotHere
            | Reason::PicturesWrong
            | Reason::PicturesLocked
            | Reason::PinNeeded => {}
        }
    }
    all
}

fn frame(path: &str, badge: bool) -> Json {
    json!({ "path": path, "badge": badge.then_some("M · 4417"), "shared": false, "csrf": "c".repeat(43), "ticket": null })
}

fn badge(reason: Option<&str>) -> Json {
    json!({
        "frame": frame("/badge", false), "vendor": "Maple Books", "action": "/badge/t", "pin_way": "/sign-in/t",
        "problem": reason.map(problem_of),
    })
}

fn problem_of(reason: &str) -> Json {
    json!({ "reason": reason, "text": format!("reason-{reason}"), "now": format!("reason-{reason}-now"), "minutes": 0 })
}

fn pictures(picked: usize, reason: Option<&str>) -> Json {
    use crate::domain::badge::{PICKS, SYMBOLS};
    json!({
        "frame": frame("/pictures/h", false), "action": "/pictures/h", "pin_way": "/sign-in", "open": true, "symbols": SYMBOLS,
        "picked": &SYMBOLS[..picked], "missing": vec![0; PICKS - picked], "place": picked + 1, "so_far": "0",
        "problem": reason.map(problem_of),
    })
}

fn sign_in(problem: Option<(&str, &str)>) -> Json {
    json!({
        "frame": frame("/sign-in/t", false),
        "names_staff": false, "names": false, "vendor": "Maple Books", "shared": false,
        "card": problem.map_or("", |_| "30244170"),
        "action": "/sign-in/t",
        "decline": "/sign-in/t/decline",
        "badge_way": "/badge/t",
        "password": false,
        "problem": problem.map(|(text, field)| json!({
            "reason": text.strip_prefix("reason-"), "text": text, "field": field, "minutes": 2, "now": format!("{text}-now"),
            "staff_code": text.starts_with("reason-upstream").then_some("K7F-2QX"),
        })),
        "pin": true, "portals": [], "organisation": null, "all": null,
        "help": [{ "organisation": "Example Schools", "text": "Your student ID is on your school badge." }],
    })
}

fn portals(pin: bool, problem: Option<(&str, &str)>) -> Json {
    let portal = |n: usize, name: &str, last: bool| json!({ "name": name, "action": format!("/sign-in/t/with/{n}"), "last": last });
    let mut context = sign_in(problem);
    context["portals"] = match pin {
        true => json!([portal(1, "Example Schools", true), portal(2, "Cedar Charter", false)]),
        false => json!([portal(1, "Example Schools", false)]),
    };
    context["pin"] = pin.into();
    if !pin {
        context["organisation"] = json!(["cms", "Example Schools"]);
        context["all"] = "/sign-in/t?all=1".into();
    }
    context
}

fn change_pin(problem: Option<(&str, &str)>) -> Json {
    let fields = ["current_pin", "new_pin", "repeat_pin"].map(|name| {
        let label = format!("pin-{}", name.trim_end_matches("_pin"));
        json!({ "name": name, "label": label, "value": problem.map_or("", |_| "1111") })
    });
    json!({
        "frame": frame("/change-pin", true), "first": true, "action": "/change-pin", "fields": fields,
        "problem": problem.map(|(text, field)| json!({ "text": text, "field": field, "minutes": 0 })),
    })
}

fn shelves(many: usize) -> Json {
    let tile = |(place, (id, name, about)): (usize, (&str, &str, &str))| {
        json!({ "id": id, "name": name, "description": about, "hue": (place * 3 + id.len()) % 8,
            "href": "https://vendor.example/start" })
    };
    let books = [
        ("maple", "Maple Books", "E-books and audiobooks for every age"),
        ("tumble", "Storytime Lane", "Picture books that read themselves aloud"),
        ("comics", "Panel & Ink", "Comics and manga"),
        ("audio", "Harbor Audio", "Listen on the bus"),
        ("classics", "The Old Bookcase", "Books that everybody should meet once"),
        ("poems", "Poem a Day", ""),
    ];
    let databases = [
        ("atlas", "Atlas of Everything", "An encyclopedia you can trust"),
        ("news", "Newsroom", "Newspapers from here and everywhere"),
        ("science", "Science in View", "Experiments, videos and articles"),
    ];
    let help = [("tutor", "Homework Harbor", "A tutor online until ten at night")];
    let row = |all: &[(&str, &str, &str)]| -> Vec<Json> { all.iter().copied().enumerate().map(tile).collect() };
    json!([
        { "kind": "books", "tiles": row(&books).into_iter().cycle().take(many).collect::<Vec<_>>() },
        { "kind": "databases", "tiles": row(&databases) },
        { "kind": "help", "tiles": row(&help) },
    ])
}

fn refusal(reason: &Reason) -> Json {
    json!({
        "frame": frame("/refused/t", true), "vendor": "Maple Books", "return_to": "/oidc/resume/t",
        "reason": { "code": reason.code(), "minutes": 2 }, "staff_code": "K7F-2QX",
    })
}

fn consent(device: Option<&str>) -> Json {
    let told = match device {
        None => json!({
            "band": "adult", "patron_type": "staff", "privileges": [{ "key": "makerspace", "description": "Tools" }],
            "card": { "number": "4417", "purpose": "holds at the desk" },
            "standard": ["profile", "email", "phone", "address"],
        }),
        Some(_) => json!({
            "band": "young-adult", "patron_type": "student", "card": null, "standard": [],
            "privileges": [{ "key": "library-ebooks", "description": "" }, { "key": "library-databases", "description": "" }],
        }),
    };
    let not_told: &[&str] = match device {
        None => &["consent-not-school", "consent-not-pin"],
        Some(_) => &["consent-not-personal", "consent-not-card", "consent-not-school", "consent-not-pin"],
    };
    json!({
        "frame": frame("/consent/t", true), "vendor": "Maple Books", "action": "/consent/t", "device": device,
        "told": told, "not_told": not_told, "stays": device.map(|_| 30),
    })
}

fn device(problem: Option<(&str, &str, &str)>) -> Json {
    json!({
        "frame": frame("/device", false), "action": "/device", "typed": problem.map_or("", |_| "BCDF-GHJK"),
        "problem": problem.map(|(reason, text, now)| json!({ "reason": reason, "text": text, "now": now, "minutes": 2 })),
    })
}

fn card_link(problem: Option<&str>, linked: Option<&str>) -> Json {
    let problem = problem.map(|code| json!({ "code": code, "text": code, "minutes": 0, "field": "library_card" }));
    json!({
        "frame": frame("/card/link", true), "way": "parallel", "asks": true, "library_card": "3 0234 0005 1786 1",
        "problem": problem,
        "linked": linked.map(|way| json!({ "number": "3 0234 0005 1786 1", "way": way, "student": "4417" })),
    })
}

fn card(number: &str) -> Json {
    json!({
        "frame": frame("/card", true),
        "holder": "Mira B.", "number": number, "may_link": true, "other_number": "2 3023 0000 4417 0",
        "barcode": drawing(200, 48),
        "qr": drawing(29, 29),
        "valid_until": "2031-06-30",
        "reason": null, "loan_limit": 10, "no_fines": true,
        "privileges": [
            { "key": "library-ebooks", "description": "" },
            { "key": "library-databases", "description": "" },
            { "key": "library-checkout", "description": "" },
            { "key": "makerspace", "description": "Tools in the makerspace" },
        ],
    })
}

/// Stands for what `wire::barcode` draws.
fn drawing(width: u32, height: u32) -> String {
    let bars: String = (10..width - 10).step_by(4).map(|x| format!("M{x} 4h2v{}h-2z", height - 8)).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\" \
         preserveAspectRatio=\"none\"><path fill=\"#fff\" d=\"M0 0h{width}v{height}H0z\"/><path d=\"{bars}\"/></svg>"
    )
}

fn signed_out(named: &[&str], then: Option<&str>) -> serde_json::Value {
    let names = |how: &str| if named.contains(&how) { vec!["Maple <Books>"] } else { Vec::new() };
    let frames: Vec<&str> = names("asked").iter().map(|_| "https://maple.example/bye?iss=i&sid=s").collect();
    json!({
        "frame": frame("/signed-out", false), "frames": frames, "told": names("told"), "asked": names("asked"),
        "open": names("open"), "unreached": names("unreached"), "then": then, "goes_on": then.is_some(),
        "shared": false,
    })
}

/// Pages of a computer that many readers share, and pages that look otherwise there.
fn on_a_shared_computer() -> Vec<(&'static str, &'static str, Json)> {
    let mut around = frame("/card", true);
    around["shared"] = true.into();
    // A protocol's page has no form of ours in its header.
    let mut bare = around.clone();
    bare["csrf"] = "".into();
    let mut typing = sign_in(Some(("reason-sign-in-failed", "card")));
    typing["shared"] = true.into();
    let mut left = signed_out(&["told"], None);
    left["shared"] = true.into();
    let enrol = |name: Option<&str>| json!({ "frame": frame("/", true), "name": name, "action": "/shared-device/x" });
    let standing =
        |shared: bool, name: Option<&str>| json!({ "frame": around, "shared": shared, "name": name, "worn": !shared });
    vec![
        ("shared-sign-in", "sign-in/sign-in.html", typing),
        ("shared-signed-out", "sign-out/signed-out.html", left),
        ("shared-device-connected", "device/connected.html", json!({ "frame": bare })),
        ("shared-enrol", "shared/enrol.html", enrol(Some("Branch 3, <desk>"))),
        ("shared-link-over", "shared/enrol.html", enrol(None)),
        ("shared-standing", "shared/standing.html", standing(true, Some("Branch 3, <desk>"))),
        ("shared-by-network", "shared/standing.html", standing(true, None)),
        ("shared-no-more", "shared/standing.html", standing(false, None)),
        ("still-there", "shared/still-there.html", json!({ "frame": around, "back": "/card" })),
    ]
}

fn samples() -> Vec<(String, &'static str, Json)> {
    let launchpad = |shelves: Json, query: &str, searchable: bool, reason: Json| {
        json!({ "frame": frame("/", true), "shelves": shelves, "query": query, "found": 0,
            "searchable": searchable, "missing": true, "reason": reason })
    };
    let error = |status: u16, detail: &str| json!({ "frame": frame("/", false), "status": status, "code": "7F3A91C2", "detail": detail });
    let mut plain = sign_in(None);
    plain["vendor"] = Json::Null;
    let mut by_name = sign_in(None);
    by_name["names_staff"] = true.into();
    let mut with_names = sign_in(Some(("reason-directory-away", "card")));
    with_names["names"] = true.into();
    plain["help"] = json!([]);
    let mut all: Vec<(String, &str, Json)> = [
        ("sign-in", "sign-in/sign-in.html", sign_in(None)),
        ("sign-in-plain", "sign-in/sign-in.html", plain),
        ("sign-in-by-name", "sign-in/sign-in.html", by_name),
        ("badge", "badge/scan.html", badge(None)),
        ("badge-void", "badge/scan.html", badge(Some("badge-void"))),
        ("pictures", "badge/pictures.html", pictures(1, None)),
        ("pictures-wrong", "badge/pictures.html", pictures(0, Some("pictures-wrong"))),
        ("sign-in-names", "sign-in/sign-in.html", with_names),
        ("sign-in-wrong", "sign-in/sign-in.html", sign_in(Some(("reason-sign-in-failed", "card")))),
        ("sign-in-portals", "sign-in/sign-in.html", portals(true, None)),
        ("sign-in-one-portal", "sign-in/sign-in.html", portals(false, None)),
        ("sign-in-away", "sign-in/sign-in.html", portals(true, Some(("reason-upstream-away", "portals")))),
        ("pin", "pin/change.html", change_pin(None)),
        ("pin-wrong", "pin/change.html", change_pin(Some(("pin-repeats", "new_pin")))),
        ("launchpad", "launchpad/launchpad.html", launchpad(shelves(6), "", false, Json::Null)),
        ("launchpad-many", "launchpad/launchpad.html", launchpad(shelves(17), "", true, Json::Null)),
        ("launchpad-nothing-found", "launchpad/launchpad.html", launchpad(json!([]), "dragons", true, Json::Null)),
        (
            "launchpad-empty",
            "launchpad/launchpad.html",
            launchpad(json!([]), "", false, json!({ "code": "grade-not-covered" })),
        ),
        (
            "missing",
            "launchpad/missing.html",
            json!({ "frame": frame("/missing", true), "missing": [
                { "name": "Storytime Lane", "reason": "audience-mismatch" },
                { "name": "Newsroom", "reason": "nothing-granted" },
            ] }),
        ),
        ("card", "card/card.html", card("2 3023 00004417 3")),
        ("card-letters", "card/card.html", card("CH004417")),
        ("card-link", "card/library-card.html", card_link(None, None)),
        ("card-link-refused", "card/library-card.html", card_link(Some("library-card-unproven"), None)),
        ("card-linked", "card/library-card.html", card_link(None, Some("parallel"))),
        ("card-merged", "card/library-card.html", card_link(None, Some("merge"))),
        ("consent", "consent/consent.html", consent(None)),
        ("consent-device", "consent/consent.html", consent(Some("BCDF-GHJK"))),
        ("device", "device/code.html", device(None)),
        ("device-unknown", "device/code.html", device(Some(("unknown-code", "device-unknown", "device-unknown-now")))),
        (
            "device-too-many",
            "device/code.html",
            device(Some(("too-many-tries", "reason-too-many-tries", "device-too-many-now"))),
        ),
        ("device-connected", "device/connected.html", json!({ "frame": frame("/device/connected", false) })),
        ("device-declined", "device/declined.html", json!({ "frame": frame("/device/declined", false) })),
        (
            "sign-out",
            "sign-out/confirm.html",
            json!({ "frame": frame("/sign-out", true), "wish": null, "vendor": null }),
        ),
        (
            "sign-out-asked",
            "sign-out/confirm.html",
            json!({ "frame": frame("/sign-out", true), "wish": "a-ticket", "vendor": "Maple <Books>" }),
        ),
        ("signed-out", "sign-out/signed-out.html", signed_out(&[], None)),
        ("signed-out-told", "sign-out/signed-out.html", signed_out(&["told", "asked"], Some("https://maple.example/"))),
        ("signed-out-not-all", "sign-out/signed-out.html", signed_out(&["told", "open", "unreached"], None)),
        ("error", "error/error.html", error(500, "")),
        ("error-integrator", "error/error.html", error(400, "redirect_uri is not one of those registered")),
    ]
    .into_iter()
    .chain(on_a_shared_computer())
    .map(|(name, template, context)| (name.to_owned(), template, context))
    .collect();
    for status in [401, 403, 404, 405, 413, 418, 429, 503] {
        all.push((format!("error-{status}"), "error/error.html", error(status, "")));
    }
    for reason in every_reason() {
        all.push((format!("refusal-{}", reason.code()), "refusal/refusal.html", refusal(&reason)));
    }
    all
}
