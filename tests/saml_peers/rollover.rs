//! Our certificate turns, and nobody who was looked after notices: whoever reads our metadata, whoever is attested, and
//! whoever did nothing yet.

use super::*;
use crate::keys::settle;

/// In seconds, as only a trial on loopback may have them. None by itself.
const QUICK: &str = "\n[keys]\nrotate_every = \"never\"\nsaml_rotate_every = \"never\"\ncache_lifetime = \"1s\"\n\
                     saml_cache_lifetime = \"1s\"\nsaml_pinned_for = \"10m\"\nmargin = \"1s\"\n";

promise! { own, async fn our_certificate_turns_without_one_failed_click(library) {
    settle(&mut library, QUICK);
    let Some(mut reads) = ServiceProvider::plain(Peer::Pysaml2, &library, "reads", "").await else { return };
    let own_address = own_address(&library, "reads");
    let Some(mut rests) = ServiceProvider::plain(Peer::Python3Saml, &library, "rests", "").await else { return };
    let Some(mut by_hand) = ServiceProvider::plain(Peer::NodeSaml, &library, "by-hand", "").await else { return };
    let Some(mut mellon) = Mellon::start(&library, "mellon", "").await else { return };
    let patron = library.patron("district_grade_7");
    let old = published(&library).await;
    assert_eq!(old.len(), 1);
    for vendor in [&mut reads, &mut rests, &mut by_hand] {
        assert_eq!(signed_by(vendor, &patron).await, Ok(old[0].clone()));
    }
    assert!(arrives(&mellon, &patron).await);

    library.run(&["keys", "rotate", "--algorithm", "saml"]).fine();
    library.soon("the metadata has the next certificate", || async { published(&library).await.len() == 2 }).await;
    let both = published(&library).await;
    assert_eq!(both[0], old[0], "the one that signs stands first");
    let (before, next) = (both[0].clone(), both[1].clone());
    reads.reload(&own_address); // seen fetching
    mellon.read_library(&library).await;
    mellon.restart();
    by_hand.reload(&library.url("/saml/metadata"));
    library.run(&["keys", "attest", &by_hand.entity_id]).fine();
    library.run(&["keys", "attest", "mellon"]).fine();

    // Whoever has it moves when everybody may have it; nobody misses a click on the way.
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let moved = [signed_by(&mut reads, &patron).await.unwrap(), signed_by(&mut by_hand, &patron).await.unwrap()];
        assert_eq!(signed_by(&mut rests, &patron).await.as_ref(), Ok(&before), "who has it not stays on the old one");
        assert!(arrives(&mellon, &patron).await, "{}", mellon.log());
        if moved.iter().all(|certificate| *certificate == next) {
            break;
        }
        assert!(std::time::Instant::now() < give_up, "who has the next certificate stays on {moved:?}");
    }
    let overview = library.run(&["keys", "list"]).fine().stdout;
    assert!(overview.contains("rests.example"), "who lags behind is named: {overview}");

    rests.reload(&library.url("/saml/metadata"));
    library.run(&["keys", "attest", &rests.entity_id]).fine();
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while signed_by(&mut rests, &patron).await.unwrap() != next {
        assert!(std::time::Instant::now() < give_up, "an attested one stays on the old certificate");
    }
}}

promise! { own, async fn a_lost_certificate_is_believed_by_nobody_who_looks_again(library) {
    settle(&mut library, QUICK);
    let Some(mut vendor) = ServiceProvider::plain(Peer::Pysaml2, &library, "shelters", "certificate = \"normal\"").await
    else { return };
    let patron = library.patron("district_teacher");
    let old = signed_by(&mut vendor, &patron).await.unwrap();
    library.run(&["keys", "rotate", "--emergency", "--algorithm", "saml"]).fine();
    library.soon("the lost certificate is gone", || async { !published(&library).await.contains(&old) }).await;
    signed_by(&mut vendor, &patron).await.expect_err("it knows the lost one alone");
    vendor.reload(&library.url("/saml/metadata"));
    assert_ne!(signed_by(&mut vendor, &patron).await.unwrap(), old);
}}

/// Where this vendor alone fetches our metadata.
fn own_address(library: &Library, id: &str) -> String {
    let shown = library.run(&["vendor", "show", id, "--json"]).fine().json();
    shown["relying_parties"][0]["entrance"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned()
}

/// The certificates of our metadata.
async fn published(library: &Library) -> Vec<String> {
    let metadata = Browser::new().get(library.url("/saml/metadata")).await.body;
    let (_, keys) = metadata.split_once("IDPSSODescriptor").unwrap();
    let pieces: Vec<&str> = keys.split("</ds:X509Certificate>").collect();
    pieces[..pieces.len() - 1].iter().map(|piece| piece.rsplit_once('>').unwrap().1.to_owned()).collect()
}

/// A click that this vendor believes, and the certificate by which it was signed.
async fn signed_by(vendor: &mut ServiceProvider, patron: &Patron) -> Result<String, String> {
    let page = vendor.arrive(&Browser::new(), patron, Question::default()).await;
    let (_, fields) = vendor.handed_over(&page);
    vendor.receive(&fields)?;
    Ok(between(&xml_of(&fields), "</ds:X509Certificate>"))
}

async fn arrives(mellon: &Mellon, patron: &Patron) -> bool {
    let page = Browser::new().click_to(&mellon.url, patron, "nowhere:").await.page();
    Mellon::reader(&page).is_some()
}
