//! A server's own life: it leaves without anybody noticing, takes up renewed certificates, and outlives its database's
//! connections.

use crate::{actors::*, promise};

promise! { founded, async fn a_server_that_leaves_says_so_first_and_serves_on(library) {
    library.import(&Delivery::of(&[Person::pupil(1)]), &[]).fine();
    settle(&mut library, "\n[serving]\nleave_after = \"20s\"\n");
    assert_eq!(Browser::new().get(library.url("/health/ready")).await.status, 200);
    library.ask_to_end();
    let leaving = || async { Browser::new().get(library.url("/health/ready")).await.status == 503 };
    library.soon("it is not ready any more", leaving).await;
    assert_eq!(Browser::new().get(library.url("/health/live")).await.status, 200);
    Browser::new().sign_in(&library, &Person::pupil(1).card()).await;
    assert!(library.logs().contains("leaving"));
}}

promise! { founded, async fn what_is_too_much_is_sent_away_at_once_and_the_rest_is_served(library) {
    library.import(&Delivery::of(&[Person::pupil(1)]), &[]).fine();
    settle(&mut library, "\n[serving]\nrequests = 16\n[hashing]\nthreads = 1\n");
    let mut forms = Vec::new();
    for n in 0..80 {
        let browser = Browser::new();
        let (to, mut fields) = browser.open(library.url("/sign-in")).await.fields("sign-in");
        fields.retain(|(name, _)| name != "card" && name != "pin");
        fields.extend([("card".into(), format!("900{n:03}")), ("pin".into(), "0000".into())]);
        forms.push((browser, to, fields));
    }
    // Each waits for the one thread that checks PINs.
    let mut waiting = tokio::task::JoinSet::new();
    for (browser, to, fields) in forms {
        waiting.spawn(async move {
            let answer = browser.post(&to, &fields).await;
            (answer.status, answer.header("retry-after").to_owned())
        });
    }
    let answers = waiting.join_all().await;
    let (sent_away, served): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 503);
    assert!(!sent_away.is_empty() && served.len() >= 16, "{} of 80 sent away", sent_away.len());
    assert!(sent_away.iter().all(|(_, after)| !after.is_empty()), "with when to try again: {sent_away:?}");
    Browser::new().sign_in(&library, &Person::pupil(1).card()).await;
}}

promise! { founded, async fn connections_that_the_database_cuts_cost_nobody_a_sign_in(library) {
    library.import(&Delivery::of(&[Person::pupil(1)]), &[]).fine();
    settle(&mut library, "\n[database_pool]\nconnections = 4\nstatement_timeout = \"10s\"\n");
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let (browser, patron, scopes) = (Browser::new(), Person::pupil(1).card(), ["openid", "library.ebooks"]);
    let before = vendor.click(&library, &browser, &patron, &scopes).await;
    for _ in 0..3 {
        // On SQLite there is nothing to cut.
        library.cut_connections().await;
        let after = vendor.click(&library, &browser, &patron, &scopes).await;
        assert_eq!(after.subject, before.subject);
    }
    library.run(&["audit", "verify"]).fine();
}}

promise! { founded, async fn a_renewed_certificate_is_taken_up_while_vendors_ask(library) {
    let doors = Doors::open(&mut library, "a-secret-of-a-fictional-vendor", "");
    doors.secure().await;
    let renewed = Identity::new("127.0.0.1");
    // First the one file, then the other: between them they do not fit.
    std::fs::copy(&renewed.certificate, &doors.identity.certificate).unwrap();
    assert!(doors.try_secure().await.is_none(), "who trusts the new one alone is not served by the old one");
    std::fs::copy(&renewed.key, &doors.identity.key).unwrap();
    library.soon("the new certificate is shown", || async { doors.try_secure().await.is_some() }).await;
}}

/// Writes more settings into the library's file and starts it again.
fn settle(library: &mut Library, lines: &str) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().append(true).open(&library.config).unwrap();
    file.write_all(lines.as_bytes()).unwrap();
    drop(file);
    library.restart();
}
