//! Vendors' servers ask while the shelf is away: a clear no, soon, that counts nothing; and when it is back, so is all.

use crate::actors::*;

const PASSWORD: &str = "a-password-of-a-fictional-vendor";
const SECRET: &str = "fictional-vendor-secret-9c1f7e20b4d6";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vendors_servers_hear_soon_that_the_shelf_is_away_and_need_nothing_when_it_is_back() {
    let Some(mut redis) = Redis::running() else { return };
    let lines = format!("shelf = \"{}\"\n", redis.url());
    let Some(mut library) = Library::founded_at(Engine::Sqlite, None, &lines) else { return };
    let people = [Person::pupil(1), Person::pupil(2)];
    library.import(&Delivery::of(&people), &[]).fine();
    Browser::new().sign_in(&library, &people[0].card()).await;
    let good = Patron::new(people[0].card().card, CHANGED_PIN);
    let vendor =
        "[[vendor]]\nid = \"asks\"\nname = \"Asks\"\naudience = [\"young-adult\"]\nscopes = [\"library.ebooks\"]\n";
    let ways = format!(
        "{vendor}[[vendor.patronapi]]\nid = \"api\"\nsecret = \"{SECRET}-api\"\n\
         [[vendor.ezproxy]]\nid = \"proxy\"\nsecret = \"{SECRET}-proxy\"\n"
    );
    library.apply(&ways).fine();
    // Nothing is remembered: each question is judged anew.
    let text = std::fs::read_to_string(&library.config).unwrap();
    std::fs::write(&library.config, text.replacen("[library]", "[hashing]\nremembered = \"0s\"\n[library]", 1))
        .unwrap();
    let doors = Doors::open(&mut library, PASSWORD, "");
    let api = |pin: &str| library.url(&format!("/f/{SECRET}-api/PATRONAPI/{}/{pin}/pintest", good.card));
    let proxy: url::Url = library.url(&format!("/f/{SECRET}-proxy/ezproxy")).parse().unwrap();
    let typed = |pin: &str| [("user".to_owned(), good.card.clone()), ("pass".to_owned(), pin.to_owned())];
    let all_good = async |vendor: &mut Sip2| {
        let found = vendor.information(&good.card, Some(&good.pin)).await;
        assert_eq!(found.verdict(), (Some("Y"), Some("Y")), "{found:?}");
        let asked = Browser::new().get(api(&good.pin)).await;
        assert!(asked.status == 200 && asked.body.contains("RETCOD=0"), "{}", asked.body);
        let asked = Browser::new().post(&proxy, &typed(&good.pin)).await;
        assert!(asked.status == 200 && asked.body.starts_with("+VALID"), "{}", asked.body);
    };
    let mut sip2 = Sip2::connect(doors.plain).await;
    assert_eq!(sip2.log_in("shelf", PASSWORD).await, "941");
    all_good(&mut sip2).await;

    for hangs in [true, false] {
        if hangs {
            redis.pause()
        } else {
            redis.stop()
        }
        // Wrong PINs, more than any card may have: were they counted, the right one would wait afterwards.
        for pin in [good.pin.as_str(), "8311", "8312", "8313", "8314", "8315", "8316", "8317"] {
            let found = sip2.information(&good.card, Some(pin)).await;
            assert_eq!(found.verdict(), (Some("N"), Some("N")), "{found:?}");
            assert!(found.reason() != Some("sign-in-failed"), "nobody looked at the PIN: {found:?}");
            let asked = Browser::new().get(api(pin)).await;
            assert_eq!(asked.status, 503, "{}", asked.body);
            assert_ne!(asked.header("retry-after"), "");
            assert!(!asked.body.contains("RETCOD=0"), "{}", asked.body);
            let asked = Browser::new().post(&proxy, &typed(pin)).await;
            assert_eq!(asked.status, 503, "{}", asked.body);
            assert!(!asked.body.starts_with("+VALID"), "{}", asked.body);
        }
        if hangs {
            redis.go_on()
        } else {
            redis.begin()
        }
        let ready = || async { Browser::new().get(library.url("/health/ready")).await.status == 200 };
        library.soon("it is ready again", ready).await;
        all_good(&mut sip2).await;
    }
}
