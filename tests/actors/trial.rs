//! The actors themselves, tried: a harness that cannot fail proves nothing.

use std::{process::Command, time::Duration};

use super::{
    browser::Page,
    chromium::{Chromium, Look},
    parts::Folder,
    process::Process,
};

fn page(body: &str) -> Page {
    Page {
        url: url::Url::parse("http://127.0.0.1:1/sign-in/ticket").unwrap(),
        status: reqwest::StatusCode::OK,
        headers: Default::default(),
        body: body.to_owned(),
    }
}

#[test]
fn a_form_is_read_with_its_hidden_fields_and_entities() {
    let page = page(
        "<body><form id=\"other\" action=\"/x\"></form><form method=\"post\" action=\"/go?a=1&amp;b=2\" id=\"sign-in\">\
         <input type=\"hidden\" name=\"csrf\" value=\"a&#x2b;b&quot;\"><input name=\"card\"><input type='x' name=\"pin\" \
         type=\"password\"><input type=\"checkbox\" name=\"not-checked\" value=\"1\">\
         <button id=\"sign-in-submit\" name=\"which\" value=\"go\">Go</button></form><p id=\"reason\" \
         data-reason=\"withdrawn\">Ask&nbsp;K7F-2QX &lt;now&gt;</p>",
    );
    let (target, fields) = page.fields("sign-in");
    assert_eq!(target.as_str(), "http://127.0.0.1:1/go?a=1&b=2");
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(fields, [("csrf", "a+b\""), ("card", ""), ("pin", "")]);
    assert_eq!(page.fields("sign-in-submit").1.len(), 4, "the clicked button is sent");
    assert_eq!(page.reason().as_deref(), Some("withdrawn"));
    assert!(page.has("sign-in") && !page.has("sign-out"));
    assert!(page.words().ends_with("<now>"), "{}", page.words());
}

#[test]
fn what_the_harness_starts_ends_with_it() {
    let folder = Folder::new();
    let mut process = Process::start("sleeper", &["sleep", "1000"], &[], folder.path());
    let pid = process.wait_for("its id", Duration::from_secs(10), |_| {
        std::fs::read_to_string(folder.path().join("sleeper.pid")).ok().filter(|text| text.ends_with('\n'))
    });
    let pid = pid.unwrap().trim().to_owned();
    let lives = || Command::new("kill").args(["-0", &pid]).output().unwrap().status.success();
    assert!(lives());
    drop(process);
    assert!(!lives());
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_runs_and_axe_sees_what_is_wrong() {
    let wrong = "data:text/html,<html><body><img src='x'><input><p style='color:%23ccc;background:white'>pale</p>";
    let judged = tokio::spawn(Chromium::visit(Look::PHONE, async move |screen| {
        screen.go(wrong).await;
        screen.see("img").await;
        screen.is_accessible("a bad page").await;
    }))
    .await;
    if std::env::var("ONEACCESS_TEST_NODE_CLIENTS").is_ok() && std::env::var("ONEACCESS_TEST_CHROMEDRIVER").is_ok() {
        let panic = judged.expect_err("axe has nothing to say about a page without title, language, alt and labels");
        let said = *panic.into_panic().downcast::<String>().unwrap();
        assert!(said.contains("image-alt") && said.contains("document-title"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_obeys_the_look() {
    Chromium::visit(Look { scripts: false, ..Look::DARK }, async |screen| {
        screen
            .go(
                "data:text/html,<title>t</title><style>@media (prefers-color-scheme: dark) { p { width: 7px } }</style>\
                 <p id=p>x</p><script>document.title='ran'</script>",
            )
            .await;
        let seen =
            screen.driver.execute("return [getComputedStyle(p).width, innerWidth, document.title]", vec![]).await;
        let seen = seen.unwrap().json().to_string();
        assert_eq!(seen, "[\"7px\",390,\"t\"]");
    })
    .await;
}
