//! The printed sheet and the pages of badges, in a real browser and before a real scanner.

use crate::{actors::*, promise};

promise! { founded, async fn what_is_printed_is_what_a_scanner_reads_and_it_opens(library) {
    library.with_badges("");
    let (done, ..) = library.print_badges("room-1", &["--class", "room-1"]);
    done.fine();
    let sheet = format!("file://{}", library.path().join("room-1.html").display());
    let look = Look { width: 860, height: 700, ..Look::CHROMEBOOK };
    let library = &library;
    Chromium::visit(look, |chromium| async move {
        chromium.go(&sheet).await;
        assert_eq!(chromium.text("[data-badge] b").await, "Mira");
        let Some(read) = chromium.scanned("badge-sheet").await else { return };
        let codes: Vec<&str> = read.lines().filter_map(|line| line.strip_prefix("QR-Code:")).collect();
        assert_eq!(codes.len(), 2, "{read}");
        for code in codes {
            assert!(code.starts_with(&format!("{}/badge#", library.issuer)), "{code}");
            let browser = Browser::new();
            browser.show_badge(library, code).await;
            assert!(browser.is_signed_in(library).await, "{code} opens");
        }
    })
    .await;
}}

promise! { founded, async fn a_child_gets_in_by_scanner_link_and_pictures_in_a_real_browser(library) {
    library.with_badges("second_step = \"picture\"\n");
    let (_, _, list) = library.print_badges("room-1", &["--class", "room-1"]);
    let right = pictures_of(&list)["Mira"].clone();
    let secret = library.known_badge(&Primary::card(1).card).await;
    let list = format!("file://{}", library.path().join("room-1-list.html").display());
    let library = &library;
    for (look, by_link) in [(Look::CHROMEBOOK, true), (Look::WITHOUT_SCRIPTS, false), (Look::SPANISH, true), (Look::DARK, false)] {
        let (secret, right, list) = (&secret, &right, &list);
        Chromium::visit(look, |chromium| async move {
            if by_link {
                // What the camera of a phone or a Chromebook opens.
                chromium.go(&format!("{}/badge#{secret}", library.issuer)).await;
                chromium.see("#badge-read:not([hidden])").await;
                assert!(!chromium.url().await.contains(secret), "it is out of the address");
                chromium.picture(&format!("badge-{}", look.language)).await;
                chromium.click("#badge-submit").await;
            } else {
                chromium.go(&library.url("/sign-in")).await;
                chromium.click("#badge-way").await;
                chromium.fill("#badge-code", &secret[..25]).await;
                chromium.click("#badge-submit").await;
                chromium.see("#problem").await;
                if look.scripts {
                    chromium.is_accessible("the badge page with a problem").await;
                }
                chromium.picture(&format!("badge-problem-{}", look.dark)).await;
                // A hand scanner ends with Enter.
                chromium.fill("#badge-code", &format!("{}/badge#{secret}", library.issuer)).await;
                let field = chromium.see("#badge-code").await;
                field.send_keys("\u{e007}").await.unwrap();
            }
            chromium.see("#pictures").await;
            if look.scripts {
                chromium.is_accessible("the pictures").await;
                chromium.fits("the pictures").await;
            }
            for (n, place) in right.iter().enumerate() {
                chromium.picture(&format!("pictures-{}-{}-{n}", look.language, look.dark)).await;
                chromium.click(&format!(".pictures button[value='{place}']")).await;
                if n < 2 {
                    chromium.see(&format!(".picked li:nth-child({}):not(.open)", n + 1)).await;
                }
            }
            chromium.see(".places").await;
            chromium.go(&library.url("/card")).await;
            chromium.see("#reason[data-reason=pin-needed]").await;
            chromium.go(list).await;
            chromium.picture("pictures-list").await;
        })
        .await;
    }
}}
