//! Out means out, within five seconds and by every door: whoever is withdrawn, blocked or opted out while the server runs
//! is refused at each face, and vendors hear that she has left. `scripts/bench out` prints how long each took.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    actors::*,
    promise,
    shared_devices::{people, set_up},
};

const SECRET: &str = "a-long-enough-secret-of-a-fictional-vendor-0123456789";
/// From the end of the command on.
const IN_TIME: Duration = Duration::from_secs(5);

const FACES: [&str; 11] = [
    "session",
    "authorize",
    "userinfo",
    "introspection",
    "refresh",
    "saml",
    "link",
    "sip2",
    "patronapi",
    "ezproxy",
    "logout heard",
];

fn vendor(library: &Library, sp: &Sp, ear: &Ear) -> String {
    let metadata = library.write("everywhere.xml", sp.metadata(&Shape::default()));
    format!(
        "[[vendor]]\nid = \"everywhere\"\nname = \"Everywhere\"\naudience = [\"young-adult\"]\nscopes = [\"library.ebooks\"]\n\
         [[vendor.oidc]]\nclient_id = \"everywhere-web\"\nclient_secret = \"{SECRET}\"\n\
         redirect_uris = [\"https://everywhere.example/callback\"]\nbackchannel_logout_uri = \"{}/bye\"\n\
         grant_types = [\"authorization_code\", \"refresh_token\", \"urn:ietf:params:oauth:grant-type:device_code\"]\n\
         [[vendor.saml]]\nmetadata = \"{}\"\n\
         [[vendor.sip2]]\nlogin = \"everywhere\"\npassword = \"{SECRET}\"\n\
         [[vendor.patronapi]]\nid = \"everywhere\"\nsecret = \"everywhere-{SECRET}\"\n\
         [[vendor.ezproxy]]\nid = \"everywhere\"\nsecret = \"everywhere-{SECRET}\"\n\
         [[vendor.link]]\nid = \"everywhere\"\nurl = \"https://everywhere.example/in?reader={{pseudonym}}&until={{expires}}&signature={{signature}}\"\n",
        ear.url,
        metadata.display(),
    )
}

/// One pupil, let in by every door.
struct Reader<'a> {
    library: &'a Library,
    vendor: &'a OidcVendor,
    sp: &'a Sp,
    ear: &'a Ear,
    patron: Patron,
    browser: Browser,
    access: String,
    refresh: String,
    sid: Value,
    sip2: Sip2,
    /// Said yes to by her, and not fetched by its device yet.
    device_code: String,
}

impl<'a> Reader<'a> {
    async fn of(
        library: &'a Library,
        vendor: &'a OidcVendor,
        sp: &'a Sp,
        ear: &'a Ear,
        at: SocketAddr,
        patron: &Patron,
    ) -> Reader<'a> {
        let browser = Browser::new();
        let (code, challenge) = vendor.code(&browser, patron).await;
        let (status, tokens) = vendor.token(&vendor.exchange(&code, &challenge)).await;
        assert_eq!(status, 200, "{tokens}");
        let scope = [("scope".to_owned(), "openid library.ebooks".to_owned())];
        let (_, shown) = vendor.post_to("device_authorization_endpoint", &scope).await;
        let page = browser.open(shown["verification_uri_complete"].as_str().unwrap()).await;
        assert_eq!(browser.submit_and_follow(&page, "allow", &[]).await.url.path(), "/device/connected");
        let mut sip2 = Sip2::connect(at).await;
        assert_eq!(sip2.log_in("everywhere", SECRET).await, "941");
        let of = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let mut reader = Reader {
            library,
            vendor,
            sp,
            ear,
            patron: patron.clone(),
            browser,
            access: of("access_token"),
            refresh: of("refresh_token"),
            sid: payload_of(&of("id_token"))["sid"].clone(),
            sip2,
            device_code: shown["device_code"].as_str().unwrap().to_owned(),
        };
        for face in FACES {
            assert!(!reader.is_out(face).await, "{face} is open to her");
        }
        reader
    }

    async fn is_out(&mut self, face: &str) -> bool {
        let (library, vendor, patron) = (self.library, self.vendor, &self.patron);
        let at = |rest: &str| library.url(&format!("/f/everywhere-{SECRET}/{rest}"));
        match face {
            "session" => !self.browser.is_signed_in(library).await,
            "authorize" => {
                let mut request = vendor.request(&Challenge::new());
                request.push(("prompt".into(), "none".into()));
                let back = self.browser.go(vendor.authorize_url(&request), &vendor.party.redirect_uri).await.left();
                query_of(&back, "code").is_none()
            }
            "userinfo" => vendor.userinfo(&self.access).await.0 == 401,
            "introspection" => {
                let token = [("token".to_owned(), self.access.clone())];
                vendor.post_to("introspection_endpoint", &token).await.1["active"] != true
            }
            "refresh" => {
                let form = [("grant_type", "refresh_token"), ("refresh_token", &self.refresh)];
                let (status, renewed) =
                    vendor.token(&form.map(|(name, value)| (name.to_owned(), value.to_owned()))).await;
                if let Some(next) = renewed["refresh_token"].as_str() {
                    self.refresh = next.to_owned();
                }
                status == 400
            }
            "saml" => {
                let page = self.browser.open(self.sp.redirect(&self.sp.request(|request| request), None)).await;
                page.hand_over().is_none()
            }
            "link" => {
                let arrival = self.browser.go(library.url("/go/everywhere"), "https://everywhere.example/in").await;
                matches!(arrival, Arrival::Page(_))
            }
            "sip2" => self.sip2.information(&patron.card, Some(&patron.pin)).await.verdict() == (Some("N"), Some("N")),
            "patronapi" => {
                let said = Browser::new().get(at(&format!("PATRONAPI/{}/{}/pintest", patron.card, patron.pin))).await;
                !said.body.contains("RETCOD=0<BR>")
            }
            "ezproxy" => {
                let fields = [("user".to_owned(), patron.card.clone()), ("pass".to_owned(), patron.pin.clone())];
                Browser::new().post(&at("ezproxy").parse().unwrap(), &fields).await.body.starts_with("REFUSED")
            }
            "logout heard" => self.ear.heard().iter().any(|(_, token)| payload_of(token)["sid"] == self.sid),
            other => panic!("{other} is no face"),
        }
    }

    /// What the device that she had said yes to gets now.
    async fn device(&self) -> (u16, Value) {
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let form = [("grant_type", grant), ("device_code", &self.device_code)];
        self.vendor.token(&form.map(|(name, value)| (name.to_owned(), value.to_owned()))).await
    }

    /// Asks at every face until each refuses, and prints when each did, from the command's beginning and from its end.
    async fn put_out_by(mut self, how: &str, command: impl FnOnce(&Library)) {
        let begun = Instant::now();
        command(self.library);
        let ended = Instant::now();
        let mut open: Vec<&str> = FACES.to_vec();
        while !open.is_empty() {
            let mut still = Vec::new();
            for face in open {
                if self.is_out(face).await {
                    let (since_end, since_begin) = (ended.elapsed(), begun.elapsed());
                    println!(
                        "{how:<12} {face:<14} {since_end:>8.0?} after the command's end, {since_begin:>8.0?} after its beginning"
                    );
                } else {
                    still.push(face);
                }
            }
            open = still;
            assert!(open.is_empty() || ended.elapsed() < IN_TIME, "{how}, and still let in: {open:?}");
        }
        let (status, said) = self.device().await;
        assert_eq!((status, said["access_token"].as_str()), (400, None), "{how}: the device: {said}");
        for face in FACES {
            assert!(self.is_out(face).await, "{how}: {face} let her in again");
        }
    }
}

promise! { founded, async fn whoever_is_put_out_is_refused_at_every_face_within_five_seconds(library) {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ear = Ear::open().await;
    let sp = Sp::new(&library, "everywhere");
    let toml = vendor(&library, &sp, &ear);
    set_up(&mut library, "", &format!("[sip2]\nlisten = \"{address}\"\n{toml}"));
    let pupils = people(&library, 4);
    let party = RelyingParty {
        vendor: "everywhere".into(),
        client_id: "everywhere-web".into(),
        client_secret: Some(SECRET.into()),
        auth_method: "client_secret_basic".into(),
        redirect_uri: "https://everywhere.example/callback".into(),
    };
    let vendor = OidcVendor::of(&library, party).await;
    let mut readers = Vec::new();
    for pupil in &pupils {
        readers.push(Reader::of(&library, &vendor, &sp, &ear, address, pupil).await);
    }
    let [withdrawn, blocked, opted_out, mut stays] = readers.try_into().unwrap_or_else(|_| panic!("four"));
    withdrawn.put_out_by("withdrawn", |library| {
        let rest: Vec<Person> = (2..=4).map(Person::pupil).collect();
        library.import(&Delivery::of(&rest), &["--accept-removals"]).fine();
    }).await;
    blocked.put_out_by("blocked", |library| {
        library.run(&["card", "block", &pupils[1].card, "--reason", "a lost card"]).fine();
    }).await;
    opted_out.put_out_by("opted out", |library| {
        library.apply(&format!("[[opt_out]]\ncard = \"{}\"\n", pupils[2].card)).fine();
    }).await;
    for face in FACES {
        assert!(!stays.is_out(face).await, "{face}: nobody else lost anything");
    }
}}
