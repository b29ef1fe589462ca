//! One policy behind every face: whoever is let in by one is let in by all, under the same name; whoever is refused is
//! refused by all, for the same reason. People, agreements and vendors are drawn by chance from a seed.

use std::{collections::BTreeSet, net::SocketAddr};

use crate::{actors::*, promise};

const SECRET: &str = "a-long-enough-secret-of-a-fictional-vendor-0123456789";
const GRADES: [&str; 6] = ["KG", "02", "05", "07", "09", "12"];
const PEOPLE: usize = 9;
const VENDORS: usize = 3;

/// Xorshift: the same each time, so that what fails once fails again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Some of them, at least one.
    fn some<'a>(&mut self, all: &[&'a str]) -> Vec<&'a str> {
        let chosen: Vec<&str> = all.iter().copied().filter(|_| self.below(2) == 0).collect();
        if chosen.is_empty() { vec![self.of(all)] } else { chosen }
    }
}

/// A yes with the name that the vendor keeps, where the face tells one, or the reason of a no.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Yes(Option<String>),
    No(String),
}

struct Vendor {
    id: String,
    sp: Sp,
    oidc: OidcVendor,
}

fn agreements(chance: &mut Chance) -> String {
    let mut text = String::new();
    for n in 0..5 {
        let (from, to) = chance.of(&[
            ("2020-07-01", "2099-06-30"),
            ("2020-07-01", "2021-06-30"),
            ("2098-07-01", "2099-06-30"),
            ("2020-07-01", "2099-06-30"),
        ]);
        let lowest = chance.below(GRADES.len());
        let highest = lowest + chance.below(GRADES.len() - lowest);
        text.push_str(&format!(
            "[[agreement]]\nid = \"drawn-{n}\"\norganisation = \"{}\"\nroles = {:?}\ngrades = [\"{}\", \"{}\"]\n\
             privileges = {:?}\nfrom = {from}\nto = {to}\n",
            chance.of(&["maple", "cedar"]),
            chance.some(&["student", "staff"]),
            GRADES[lowest],
            GRADES[highest],
            chance.some(&["library.ebooks", "library.databases"]),
        ));
    }
    text
}

fn vendor(library: &Library, n: usize, chance: &mut Chance) -> (String, Sp) {
    let id = format!("drawn-{n}");
    let sp = Sp::new(library, &id);
    let metadata = library.write(&format!("{id}.xml"), sp.metadata(&Shape::default()));
    let toml = format!(
        "[[vendor]]\nid = \"{id}\"\nname = \"{id}\"\naudience = {:?}\nscopes = {:?}\n\
         [[vendor.oidc]]\nclient_id = \"{id}-web\"\nclient_secret = \"{SECRET}\"\nredirect_uris = [\"https://{id}.example/callback\"]\n\
         [[vendor.saml]]\nmetadata = \"{}\"\n\
         [[vendor.sip2]]\nlogin = \"{id}\"\npassword = \"{SECRET}\"\n\
         [[vendor.patronapi]]\nid = \"{id}\"\nsecret = \"{id}-{SECRET}\"\nlook_up = true\n\
         [[vendor.ezproxy]]\nid = \"{id}\"\nsecret = \"{id}-{SECRET}\"\n\
         [[vendor.link]]\nid = \"{id}\"\nurl = \"https://{id}.example/in?reader={{pseudonym}}&until={{expires}}&signature={{signature}}\"\n",
        chance.some(&["juvenile", "young-adult", "adult"]),
        chance.some(&["library.ebooks", "library.databases"]),
        metadata.display(),
    );
    (toml, sp)
}

fn people(chance: &mut Chance) -> Vec<Person> {
    (0..PEOPLE)
        .map(|n| Person {
            role: chance.of(&["student", "student", "teacher"]),
            grade: chance.of(&GRADES),
            org: chance.of(&["school-birch", "org-cedar"]),
            ..Person::pupil(n)
        })
        .collect()
}

impl Vendor {
    async fn by_oidc(&self, browser: &Browser, patron: &Patron) -> Verdict {
        let challenge = Challenge::new();
        let mut request = self.oidc.request(&challenge);
        request.retain(|(name, _)| name != "scope");
        request.push(("scope".into(), "openid library.ebooks library.databases".into()));
        let url = self.oidc.authorize_url(&request);
        match browser.click_to(&url, patron, &self.oidc.party.redirect_uri).await {
            Arrival::Page(page) => refused(&page),
            Arrival::Left(url) => {
                let code = query_of(&url, "code").unwrap_or_else(|| panic!("no code: {url}"));
                let (status, tokens) = self.oidc.token(&self.oidc.exchange(&code, &challenge)).await;
                assert_eq!(status, 200, "{tokens}");
                let claims = payload_of(tokens["id_token"].as_str().unwrap());
                Verdict::Yes(claims["sub"].as_str().map(str::to_owned))
            }
        }
    }

    async fn by_saml(&self, library: &Library, browser: &Browser, patron: &Patron) -> Verdict {
        let page = self.sp.arrive(browser, &self.sp.redirect(&self.sp.request(|r| r), None), patron).await;
        if page.hand_over().is_none() {
            return refused(&page);
        }
        let answer = self.sp.answer(library, &page).await;
        assert_eq!(answer.status, "Success", "{}", answer.xml);
        Verdict::Yes(answer.name_id)
    }

    async fn by_link(&self, library: &Library, browser: &Browser, patron: &Patron) -> Verdict {
        let at = format!("https://{}.example/in", self.id);
        match browser.click_to(&library.url(&format!("/go/{}", self.id)), patron, &at).await {
            Arrival::Page(page) => refused(&page),
            Arrival::Left(url) => Verdict::Yes(query_of(&url, "reader")),
        }
    }

    async fn by_sip2(&self, address: SocketAddr, patron: &Patron) -> Verdict {
        let mut sip2 = Sip2::connect(address).await;
        assert_eq!(sip2.log_in(&self.id, SECRET).await, "941");
        let found = sip2.information(&patron.card, Some(&patron.pin)).await;
        match found.verdict() {
            (Some("Y"), Some("Y")) => Verdict::Yes(found.field("AA").map(str::to_owned)),
            (Some("N"), Some("N")) => Verdict::No(found.reason().unwrap().to_owned()),
            other => panic!("{other:?}"),
        }
    }

    async fn by_patronapi(&self, library: &Library, patron: &Patron) -> Verdict {
        let at = |rest: String| library.url(&format!("/f/{}-{SECRET}/PATRONAPI/{}/{rest}", self.id, patron.card));
        let test = Browser::new().get(at(format!("{}/pintest", patron.pin))).await.body;
        let dump = Browser::new().get(at("dump".into())).await.body;
        let kept = dump.split("P BARCODE[pb]=").nth(1).map(|rest| rest.split('<').next().unwrap().to_owned());
        let reason = |text: &str| text.rsplit_once('(').unwrap().1.split_once(')').unwrap().0.to_owned();
        if test.contains("RETCOD=0<BR>") {
            return Verdict::Yes(Some(kept.unwrap_or_else(|| panic!("a right PIN, and no record: {dump}"))));
        }
        assert_eq!((kept, reason(&dump)), (None, reason(&test)), "looked up or shown, the same");
        Verdict::No(reason(&test))
    }

    async fn by_ezproxy(&self, library: &Library, patron: &Patron) -> Verdict {
        let at = library.url(&format!("/f/{}-{SECRET}/ezproxy", self.id)).parse().unwrap();
        let fields = [("user".to_owned(), patron.card.clone()), ("pass".to_owned(), patron.pin.clone())];
        let said = Browser::new().post(&at, &fields).await.body;
        match said.trim().strip_prefix("REFUSED ") {
            Some(reason) => Verdict::No(reason.to_owned()),
            None => {
                assert_eq!(said, "+VALID\n");
                Verdict::Yes(None)
            }
        }
    }
}

fn refused(page: &Page) -> Verdict {
    Verdict::No(page.reason().unwrap_or_else(|| panic!("no reason on {}:\n{}", page.url, page.body)))
}

promise! { founded, async fn every_face_gives_the_same_answer_by_the_same_name_for_the_same_reason(library) {
    let mut library = library;
    let mut chance = Chance(0x00dd_5eed_50fb_00c5);
    let people = people(&mut chance);
    let address = free_address();
    let (mut toml, mut sps) = (agreements(&mut chance), Vec::new());
    for n in 0..VENDORS {
        let (vendor, sp) = vendor(&library, n, &mut chance);
        toml.push_str(&vendor);
        sps.push(sp);
    }
    toml.push_str(&format!("[[opt_out]]\ncard = \"{}\"\n", card_of(&people[0])));
    let settings = std::fs::read_to_string(&library.config).unwrap();
    let without = settings.split("[[agreement]]").next().unwrap();
    let rest = settings.split_once("[[source]]").unwrap().1;
    let listening = without.replacen("[library]", &format!("[sip2]\nlisten = \"{address}\"\n[library]"), 1);
    std::fs::write(&library.config, format!("{listening}\n[[source]]{rest}\n{toml}")).unwrap();
    library.run(&["apply", "--prune", &library.config.to_string_lossy()]).fine();
    library.import(&Delivery::of(&people), &[]).fine();
    library.import(&Delivery::of(&people[..PEOPLE - 1]), &["--accept-removals"]).fine();
    let patrons: Vec<Patron> = people.iter().enumerate().map(|(n, p)| Patron::new(card_of(p), format!("{}", 640_917 + n * 1_013))).collect();
    for patron in &patrons {
        library.run_with(&["card", "set-pin", &patron.card], &format!("{}\n", patron.pin)).fine();
    }
    library.run(&["card", "block", &patrons[1].card, "--reason", "lost"]).fine();
    library.restart();

    let mut vendors = Vec::new();
    for (n, sp) in sps.into_iter().enumerate() {
        let id = format!("drawn-{n}");
        let party = RelyingParty {
            vendor: id.clone(),
            client_id: format!("{id}-web"),
            client_secret: Some(SECRET.into()),
            auth_method: "client_secret_basic".into(),
            redirect_uri: format!("https://{id}.example/callback"),
        };
        vendors.push(Vendor { oidc: OidcVendor::of(&library, party).await, sp, id });
    }
    let (mut reasons, mut names, mut yes) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (patron, person) in patrons.iter().zip(&people) {
        for vendor in &vendors {
            let browser = Browser::new();
            let by_oidc = vendor.by_oidc(&browser, patron).await;
            let about = format!("{person:?} at {}", vendor.id);
            for (face, verdict) in [
                ("saml", vendor.by_saml(&library, &browser, patron).await),
                ("link", vendor.by_link(&library, &browser, patron).await),
                ("sip2", vendor.by_sip2(address, patron).await),
                ("patronapi", vendor.by_patronapi(&library, patron).await),
            ] {
                assert_eq!(verdict, by_oidc, "{face} and oidc differ about {about}");
            }
            match (by_oidc, vendor.by_ezproxy(&library, patron).await) {
                (Verdict::Yes(name), Verdict::Yes(None)) => {
                    yes += 1;
                    assert!(names.insert(name.unwrap()), "two vendors, or two people, share a name: {about}");
                }
                (Verdict::No(reason), Verdict::No(other)) => {
                    assert_eq!(reason, other, "{about}");
                    reasons.insert(reason);
                }
                other => panic!("ezproxy and oidc differ about {about}: {other:?}"),
            }
        }
    }
    assert!(yes >= 3 && reasons.len() >= 5, "the draw shows too little: {yes} let in, refused for {reasons:?}");
}}

fn card_of(person: &Person) -> String {
    if person.org == "org-cedar" { format!("CC{}", person.identifier) } else { person.identifier.clone() }
}

fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
