//! What turning promises, on both databases and with real keys; the dates alone are `plan`'s tests.

use super::*;
use crate::store::rosters::trial::databases;

const DAY: Duration = Duration::from_secs(86_400);

pub(super) struct Ringed {
    pub db: Db,
    pub ring: KeyRing,
    pub clock: Clock,
    pub readings: Vec<Reading>,
    pub house: House,
}

impl Ringed {
    pub async fn on_each_engine() -> Vec<(Ringed, impl Sized)> {
        let mut all = Vec::new();
        for (db, folder, _) in databases().await {
            let house = House::new();
            let ring = KeyRing::open(&db, &house.kek(), &house.clock).await.unwrap();
            let clock = house.clock.clone();
            all.push((Ringed { db, ring, clock, readings: Vec::new(), house }, folder));
        }
        all
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.ring.turn(&self.db, &self.readings, self.now()).await.unwrap();
    }

    async fn rotate(&self) -> Vec<Rotation> {
        let wish = Rotate { uses: vec![Algorithm::Es256.into()], ..Rotate::default() };
        self.ring.rotate(&self.db, &wish, self.now()).await.unwrap()
    }

    fn token(&self, reader: Reader) -> String {
        let claims = json!({ "iss": ISSUER, "exp": self.now().seconds() + 300, "sub": "reader" });
        self.ring.sign(Algorithm::Es256, reader, self.now(), "at+jwt", &claims).unwrap()
    }

    fn signer(&self, reader: Reader) -> String {
        let kid = jose::Header::of(&self.token(reader)).unwrap().kid;
        self.ring.lives().into_iter().find(|life| life.kid == kid).unwrap().id
    }

    pub fn takes(&self, token: &str, lifetime: Lifetime) -> bool {
        self.ring.verify::<Value>(token, &Expect { typ: "at+jwt", issuer: ISSUER, lifetime }).is_ok()
    }

    pub fn state(&self, id: &str) -> State {
        self.ring.lives().iter().find(|life| life.id == id).unwrap().state(self.now())
    }

    /// As the JWKS lists them.
    fn published(&self) -> Vec<String> {
        self.ring.look_at_the_clock(self.now());
        let set: Value = serde_json::from_str(&self.ring.jwks().body).unwrap();
        let kids = set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned());
        let lives = self.ring.lives();
        kids.map(|kid| lives.iter().find(|life| life.kid == kid).unwrap().id.clone()).collect()
    }

    pub async fn material(&self) -> Vec<String> {
        self.db.keys().load().await.unwrap().material.into_iter().map(|row| row.id).collect()
    }

    pub async fn audited(&self) -> String {
        let events = self.db.audit().tail(100).await.unwrap();
        let turns = events.into_iter().filter(|event| event.kind == "key-turn");
        turns.filter_map(|event| event.payload.map(|payload| payload.to_string())).collect()
    }
}

#[tokio::test]
async fn a_key_is_published_then_used_then_kept_and_then_forgotten() {
    for (it, _folder) in Ringed::on_each_engine().await {
        let old = it.token(Reader::Normal);
        it.rotate().await;
        assert_eq!((it.state("es256-1"), it.state("es256-2")), (State::Active, State::Next));
        assert_eq!(it.signer(Reader::Normal), "es256-1");
        assert_eq!(it.published().last().unwrap(), "es256-2", "what is not used yet comes last");

        it.pass(Duration::from_secs(359)).await;
        assert_eq!(it.signer(Reader::Normal), "es256-1", "some reader may not have the new one yet");
        it.pass(Duration::from_secs(1)).await;
        assert_eq!(it.signer(Reader::Normal), "es256-2");
        assert_eq!((it.state("es256-1"), it.state("es256-2")), (State::Retiring, State::Active));
        assert_eq!(it.published()[0], "es256-2", "what signs comes first");
        assert!(it.published().contains(&"es256-1".into()));

        it.pass(Duration::from_secs(660)).await;
        assert_eq!(it.state("es256-1"), State::Retired);
        assert!(!it.published().contains(&"es256-1".into()));
        assert!(!it.material().await.contains(&"es256-1".into()), "the private half is gone");
        assert!(it.takes(&old, Lifetime::Any), "an old id_token_hint is still known");
        assert!(!it.takes(&old, Lifetime::LiveAt(NOON)), "as a token it would be none, whatever its time says");
        // The same for who starts now.
        let again = KeyRing::open(&it.db, &it.house.kek(), &it.clock).await.unwrap();
        assert_eq!(again.lives(), it.ring.lives());
        assert_eq!(again.jwks().body, it.ring.jwks().body);
        assert!(
            again.verify::<Value>(&old, &Expect { typ: "at+jwt", issuer: ISSUER, lifetime: Lifetime::Any }).is_ok()
        );
        let told = it.audited().await;
        assert!(told.contains("retiring") && told.contains("retired") && told.contains("schedule"), "{told}");
    }
}

/// As where the machine is busy, or another process has the writer.
#[tokio::test]
async fn a_key_counts_as_published_from_when_it_was_and_not_from_when_that_was_decided() {
    for (it, _folder) in Ringed::on_each_engine().await {
        let decided = it.now();
        it.clock.advance(Duration::from_secs(100));
        let begun = it.ring.rotate(&it.db, &Rotate::default(), decided).await.unwrap();
        for Rotation { next, .. } in begun {
            assert_eq!(next.published_at, it.now());
            assert_eq!(next.active_from, it.now() + Duration::from_secs(360));
        }
    }
}

#[tokio::test]
async fn the_schedule_turns_every_algorithm_without_anybody() {
    for (it, _folder) in Ringed::on_each_engine().await {
        let lead = Duration::from_secs(360);
        it.pass(90 * DAY - lead - Duration::from_secs(1)).await;
        assert_eq!(it.ring.lives().len(), 3);
        it.pass(Duration::from_secs(1)).await;
        assert_eq!((it.state("es256-2"), it.state("rs256-2")), (State::Next, State::Next));
        it.pass(lead).await;
        assert_eq!(it.signer(Reader::Normal), "es256-2", "after ninety days to the second");
    }
}

#[tokio::test]
async fn who_reads_seldom_or_by_hand_keeps_the_key_that_it_has_while_others_move() {
    for (mut it, _folder) in Ringed::on_each_engine().await {
        let periodic = Reader::Periodic(DAY);
        let reading = |party: &str, reader| Reading {
            vendor: "maple".parse().unwrap(),
            party: party.into(),
            reader,
            algorithms: vec!["ES256".into()],
            holdings: Vec::new(),
        };
        it.readings = vec![reading("slow", periodic), reading("byhand", Reader::Pinned)];
        it.rotate().await;
        it.pass(Duration::from_secs(360)).await;
        assert_eq!([Reader::Normal, periodic, Reader::Pinned].map(|r| it.signer(r)), ["es256-2", "es256-1", "es256-1"]);
        let refused = it.ring.rotate(&it.db, &Rotate::default(), it.now()).await.unwrap_err().to_string();
        assert!(refused.contains("(rotation-in-flight)"), "{refused}");

        it.pass(DAY).await;
        assert_eq!([Reader::Normal, periodic, Reader::Pinned].map(|r| it.signer(r)), ["es256-2", "es256-2", "es256-1"]);
        let until = it.now() + 60 * DAY;
        it.ring.defer(&it.db, &[], until, it.now()).await.unwrap();
        it.pass(60 * DAY - Duration::from_secs(1)).await;
        assert_eq!(it.signer(Reader::Pinned), "es256-1", "the deadline was moved");
        it.pass(Duration::from_secs(1)).await;
        assert_eq!(it.signer(Reader::Pinned), "es256-2");
        assert_eq!(it.state("es256-1"), State::Retiring);
        assert!(it.ring.defer(&it.db, &[], until + DAY, it.now()).await.is_err(), "nobody waits any more");
    }
}

#[tokio::test]
async fn a_lost_key_is_refused_everywhere_at_once_and_another_one_signs() {
    for (it, _folder) in Ringed::on_each_engine().await {
        let stolen = it.token(Reader::Normal);
        let lost = it.ring.lose(&it.db, &Emergency::Key("es256-1".into()), it.now()).await.unwrap();
        assert_eq!(lost.lost.iter().map(|life| life.id.as_str()).collect::<Vec<_>>(), ["es256-1"]);
        assert_eq!(lost.instead.iter().map(|life| life.id.as_str()).collect::<Vec<_>>(), ["es256-2"]);
        for reader in [Reader::Normal, Reader::Periodic(DAY), Reader::Pinned] {
            assert_eq!(it.signer(reader), "es256-2");
        }
        assert!(!it.published().contains(&"es256-1".into()));
        assert!(!it.takes(&stolen, Lifetime::Any) && !it.takes(&stolen, Lifetime::LiveAt(NOON)));
        assert!(!it.material().await.contains(&"es256-1".into()));
        assert!(it.ring.lose(&it.db, &Emergency::Key("es256-1".into()), it.now()).await.is_err());
        assert!(it.audited().await.contains("\"lost\""));
    }
}

#[tokio::test]
async fn in_an_emergency_the_key_that_many_have_already_steps_in() {
    for (it, _folder) in Ringed::on_each_engine().await {
        it.rotate().await;
        let lost = it.ring.lose(&it.db, &Emergency::Key("es256-1".into()), it.now()).await.unwrap();
        assert_eq!(lost.instead[0].id, "es256-2");
        assert_eq!(it.signer(Reader::Pinned), "es256-2");
        // Every key of an algorithm: a new one, since the waiting one is lost as well.
        it.rotate().await;
        let all = Emergency::All(vec![Algorithm::Es256.into()]);
        let lost = it.ring.lose(&it.db, &all, it.now()).await.unwrap();
        assert_eq!((lost.lost.len(), lost.instead[0].id.as_str()), (2, "es256-4"));
        assert_eq!(it.published(), ["rs256-1", "es256-4"].map(String::from).into_iter().rev().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_key_is_ended_early_only_when_it_retires() {
    for (it, _folder) in Ringed::on_each_engine().await {
        let retire = async |name: &str, force| {
            it.ring.retire(&it.db, name, force, it.now()).await.map(|life| life.id).map_err(|e| e.to_string())
        };
        assert!(retire("none", false).await.unwrap_err().contains("(unknown-key)"));
        assert!(retire("es256-1", true).await.unwrap_err().contains("(key-in-use)"));
        it.rotate().await;
        it.pass(Duration::from_secs(360)).await;
        assert!(retire("es256-1", false).await.unwrap_err().contains("(key-needed)"));
        it.clock.advance(Duration::from_secs(360));
        assert_eq!(retire("es256-1", false).await.unwrap(), "es256-1");
        assert!(!it.published().contains(&"es256-1".into()));
    }
}

#[tokio::test]
async fn a_key_for_a_further_algorithm_is_made_when_a_vendor_first_wants_it() {
    for (mut it, _folder) in Ringed::on_each_engine().await {
        assert!(it.ring.sign(Algorithm::EdDsa, Reader::Normal, NOON, "JWT", &claims()).is_err());
        let algorithms = vec!["EdDSA".into(), "PS256".into(), "none".into(), "HS256".into()];
        let (vendor, party) = ("maple".parse().unwrap(), "maple-web".into());
        it.readings = vec![Reading { vendor, party, reader: Reader::Normal, algorithms, holdings: Vec::new() }];
        it.pass(Duration::ZERO).await;
        for algorithm in Algorithm::ALL {
            let token = it.ring.sign(algorithm, Reader::Normal, NOON, "at+jwt", &claims()).unwrap();
            assert!(it.takes(&token, Lifetime::LiveAt(NOON)), "{algorithm:?}");
        }
        assert_eq!(it.ring.lives().len(), 5);
        let modulus = |id: &str| it.ring.public(id).unwrap()["n"].clone();
        assert_ne!(modulus("rs256-1"), modulus("ps256-1"), "a key of its own");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_servers_that_find_the_same_turn_due_one_carries_it_out() {
    for (it, _folder) in Ringed::on_each_engine().await {
        it.clock.advance(90 * DAY);
        let mut rings = Vec::new();
        for _ in 0..4 {
            rings.push(KeyRing::open(&it.db, &it.house.kek(), &it.clock).await.unwrap());
        }
        let turns = rings.into_iter().map(|ring| {
            let (db, now) = (it.db.clone(), it.now());
            tokio::spawn(async move {
                ring.turn(&db, &[], now).await.unwrap();
                ring.lives().len()
            })
        });
        for turn in turns.collect::<Vec<_>>() {
            assert_eq!(turn.await.unwrap(), 5, "each sees the two that were made");
        }
    }
}

#[tokio::test]
async fn the_key_encryption_key_changes_and_whoever_runs_goes_on() {
    for (it, _folder) in Ringed::on_each_engine().await {
        let before = it.db.keys().load().await.unwrap();
        let token = it.token(Reader::Normal);
        let old = fs::read_to_string(it.house.kek()).unwrap();
        assert_eq!(it.ring.rewrap(&it.db, None, it.now()).await.unwrap().keys, before.material.len());
        assert_ne!(fs::read_to_string(it.house.kek()).unwrap(), old);
        assert_eq!(fs::read_to_string(kek::old(&it.house.kek())).unwrap(), old);
        let after = it.db.keys().load().await.unwrap();
        let moved = before.material.iter().zip(&after.material).filter(|(a, b)| a.wrapped != b.wrapped).count();
        assert_eq!(moved, before.material.len(), "every row is wrapped anew");
        it.ring.reload(&it.db, it.now()).await.unwrap();
        it.rotate().await;
        let again = KeyRing::open(&it.db, &it.house.kek(), &it.clock).await.unwrap();
        assert_eq!(again.lives(), it.ring.lives());
        assert!(it.takes(&token, Lifetime::LiveAt(NOON)));
        assert_eq!(again.pin_key().pattern("1234"), it.ring.pin_key().pattern("1234"));
    }
}

/// The steps, and a fall of the power after each.
#[tokio::test]
async fn a_change_of_the_key_encryption_key_that_broke_off_costs_nothing() {
    for (it, _folder) in Ringed::on_each_engine().await {
        let path = it.house.kek();
        let opens = async || KeyRing::open(&it.db, &path, &it.clock).await.map(|ring| ring.lives().len());
        // After the new file: it waits, unused.
        Kek::create(&kek::next(&path)).unwrap();
        assert_eq!(opens().await.unwrap(), 3);
        // After the rows: the new key opens them from where it waits.
        let (saved, waiting) = (fs::read(&path).unwrap(), fs::read(kek::next(&path)).unwrap());
        it.ring.rewrap(&it.db, None, it.now()).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), waiting, "the one that waited was taken");
        private(&kek::next(&path), &waiting);
        private(&path, &saved);
        fs::remove_file(kek::old(&path)).unwrap();
        assert_eq!(opens().await.unwrap(), 3);
        // After the first change of names.
        fs::rename(&path, kek::old(&path)).unwrap();
        assert_eq!(opens().await.unwrap(), 3);
        it.rotate().await;
        // Doing it again goes on from there.
        it.ring.rewrap(&it.db, None, it.now()).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), waiting);
        assert!(!kek::next(&path).exists());
        assert_eq!(opens().await.unwrap(), 4);
    }
}

#[tokio::test]
async fn an_operators_own_key_encryption_key_is_taken_as_it_is() {
    for (it, _folder) in Ringed::on_each_engine().await {
        let mine = it.house.folder.join("mine");
        Kek::create(&mine).unwrap();
        it.ring.rewrap(&it.db, Some(&mine), it.now()).await.unwrap();
        assert_eq!(fs::read(it.house.kek()).unwrap(), fs::read(&mine).unwrap());
        private(&mine, b"short");
        assert!(it.ring.rewrap(&it.db, Some(&mine), it.now()).await.is_err());
        KeyRing::open(&it.db, &it.house.kek(), &it.clock).await.unwrap();
    }
}

#[tokio::test]
async fn keys_of_a_release_that_kept_no_dates_are_taken_over() {
    for (it, _folder) in Ringed::on_each_engine().await {
        let before = it.ring.lives();
        crate::store::keys::forget_dates(&it.db).await;
        it.clock.advance(DAY);
        let again = KeyRing::open(&it.db, &it.house.kek(), &it.clock).await.unwrap();
        let of_tokens = |lives: Vec<Life>| lives.into_iter().filter(|l| l.algorithm != SAML).collect::<Vec<_>>();
        assert_eq!(of_tokens(again.lives()), of_tokens(before), "in use since they were made");
        assert_eq!(
            again.made().iter().map(|made| made.id.as_str()).collect::<Vec<_>>(),
            ["rsa-sha256-1"],
            "that is new"
        );
        assert_eq!(again.certificates(it.now())[0].state, State::Active);
        assert_eq!(again.jwks().body, it.ring.jwks().body);
    }
}

fn private(path: &Path, text: &[u8]) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
