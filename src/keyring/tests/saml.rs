//! What certificates promise, on both databases and with real keys; the dates alone are `plan`'s tests.

use super::{life::Ringed, *};
use crate::{
    domain::holding::How,
    wire::{certificate, certificate::Certificate as Read},
};

const DAY: Duration = Duration::from_secs(86_400);
const LEAD: Duration = Duration::from_secs(6 * 3600 + 60);
const SP: &str = "https://sp.example/metadata";
const OTHER: &str = "https://other.example/metadata";

impl Ringed {
    /// Two parties that keep their certificate by hand, as SAML parties do.
    async fn with_parties() -> Vec<(Ringed, impl Sized)> {
        let mut all = Self::on_each_engine().await;
        for (it, _) in &mut all {
            it.readings = [SP, OTHER].map(by_hand).to_vec();
        }
        all
    }

    async fn roll(&self) -> Vec<Rotation> {
        let wish = Rotate { uses: vec![Use::Saml], ..Rotate::default() };
        self.ring.rotate(&self.db, &wish, self.now()).await.unwrap()
    }

    fn id_for(&self, reader: Reader, party: &str) -> String {
        let signer = self.ring.saml_signer(reader, party, self.now()).unwrap();
        self.ring.lives().into_iter().find(|life| life.kid == signer.kid()).unwrap().id
    }

    fn listed(&self) -> Vec<String> {
        self.ring.certificates(self.now()).into_iter().map(|certificate| certificate.id).collect()
    }

    async fn version(&self) -> i64 {
        self.db.keys().version().await.unwrap()
    }
}

fn by_hand(party: &str) -> Reading {
    let (vendor, algorithms) = ("maple".parse().unwrap(), vec![SAML.to_owned()]);
    Reading { vendor, party: party.into(), reader: Reader::Pinned, algorithms, holdings: Vec::new() }
}

#[tokio::test]
async fn a_certificate_is_there_from_the_first_start_and_stays_the_same() {
    for (it, _folder) in Ringed::on_each_engine().await {
        let certificates = it.ring.certificates(it.now());
        let [only] = certificates.as_slice() else { panic!("{certificates:?}") };
        assert_eq!((only.id.as_str(), only.state, only.signs), ("rsa-sha256-1", State::Active, true));
        let der = certificate::from_base64(&only.der_base64).unwrap();
        let read = Read::of(&der).unwrap();
        assert_eq!(read.not_before, NOON.seconds() - 86_400, "for whoever's clock is late");
        assert!(only.not_after > NOON + 3650 * DAY && only.not_after < NOON + 3655 * DAY);
        assert_eq!(only.sha256, hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der)));
        assert!(only.pem().starts_with("-----BEGIN CERTIFICATE-----\n"));

        let signer = it.ring.saml_signer(Reader::Pinned, SP, it.now()).unwrap();
        assert_eq!((signer.kid(), signer.certificate()), (only.kid.as_str(), &*only.der_base64));
        assert!(read.signed(b"<Assertion/>", &signer.sign(b"<Assertion/>").unwrap()));
        let again = KeyRing::open(&it.db, &it.house.kek(), &it.clock).await.unwrap();
        assert_eq!(again.certificates(it.now()), certificates);
        assert_eq!(again.lives(), it.ring.lives());
    }
}

#[tokio::test]
async fn no_token_is_signed_or_taken_by_a_key_for_saml() {
    for (it, _folder) in Ringed::on_each_engine().await {
        let signer = it.ring.saml_signer(Reader::Normal, SP, it.now()).unwrap();
        let header = json!({ "alg": "RS256", "kid": signer.kid(), "typ": "at+jwt" });
        let signed = format!("{}.{}", jose::base64url(header.to_string()), jose::base64url(claims().to_string()));
        let token = format!("{signed}.{}", jose::base64url(signer.sign(signed.as_bytes()).unwrap()));
        let judged = it.ring.verify::<Value>(&token, &access_token(NOON));
        assert_eq!(judged, Err(Invalid::UnknownKey), "a good signature, by a key of another use");
        assert!(it.takes(&sign(&it.ring, Algorithm::Rs256).unwrap(), Lifetime::LiveAt(NOON)));
        let kid = jose::Header::of(&sign(&it.ring, Algorithm::Rs256).unwrap()).unwrap().kid;
        assert_ne!(kid, signer.kid());
    }
}

#[tokio::test]
async fn the_key_set_knows_nothing_of_certificates() {
    for (it, _folder) in Ringed::with_parties().await {
        let etag = it.ring.jwks().etag.clone();
        let silent = |kids: Vec<String>| {
            it.ring.look_at_the_clock(it.now());
            let set = it.ring.jwks();
            assert_eq!(set.etag, etag);
            assert!(kids.iter().all(|kid| !set.body.contains(kid)) && !set.body.contains("x5c"), "{}", set.body);
        };
        let kids = || it.ring.certificates(it.now()).into_iter().map(|one| one.kid).collect::<Vec<_>>();
        silent(kids());
        it.roll().await;
        silent(kids());
        for _ in 0..2 {
            // Within the ninety days of the others.
            it.pass(44 * DAY).await;
            silent(kids());
        }
        it.ring.lose(&it.db, &Emergency::All(vec![Use::Saml]), it.now()).await.unwrap();
        silent(kids());
    }
}

#[tokio::test]
async fn who_has_the_next_certificate_moves_with_everybody_and_who_lags_behind_at_the_deadline() {
    for (it, _folder) in Ringed::with_parties().await {
        it.ring.seen_fetching(&it.db, SP, it.now()).await.unwrap();
        it.roll().await;
        assert_eq!((it.state("rsa-sha256-1"), it.state("rsa-sha256-2")), (State::Active, State::Next));
        assert_eq!(it.listed(), ["rsa-sha256-1", "rsa-sha256-2"], "what signs comes first");
        it.pass(LEAD).await;
        let ids =
            || [(Reader::Normal, OTHER), (Reader::Pinned, SP), (Reader::Pinned, OTHER)].map(|(r, p)| it.id_for(r, p));
        assert_eq!(
            ids(),
            ["rsa-sha256-2", "rsa-sha256-1", "rsa-sha256-1"],
            "it fetched, but before there was a next one"
        );
        assert_eq!(it.listed(), ["rsa-sha256-2", "rsa-sha256-1"]);

        it.ring.seen_fetching(&it.db, SP, it.now()).await.unwrap();
        assert_eq!(ids(), ["rsa-sha256-2", "rsa-sha256-2", "rsa-sha256-1"]);
        it.pass(90 * DAY - LEAD - Duration::from_secs(1)).await;
        assert_eq!(ids(), ["rsa-sha256-2", "rsa-sha256-2", "rsa-sha256-1"], "a lagging party goes on");
        it.pass(Duration::from_secs(1)).await;
        assert_eq!(ids(), ["rsa-sha256-2"; 3], "until its deadline");
        assert_eq!(it.state("rsa-sha256-1"), State::Retiring);
        it.pass(LEAD + Duration::from_secs(300)).await;
        assert_eq!((it.state("rsa-sha256-1"), it.listed()), (State::Retired, vec!["rsa-sha256-2".into()]));
        assert!(!it.material().await.contains(&"rsa-sha256-1".into()), "the private half is gone");
        let again = KeyRing::open(&it.db, &it.house.kek(), &it.clock).await.unwrap();
        assert_eq!(again.lives(), it.ring.lives());
        let known = it.db.keys().load().await.unwrap().holdings;
        assert_eq!(known.iter().map(|one| one.party.as_str()).collect::<Vec<_>>(), [SP], "as is who had it");
    }
}

#[tokio::test]
async fn a_rollover_is_over_when_every_party_has_the_certificate() {
    for (it, _folder) in Ringed::with_parties().await {
        it.roll().await;
        it.ring.seen_fetching(&it.db, SP, it.now()).await.unwrap();
        it.pass(LEAD).await;
        assert_eq!(it.state("rsa-sha256-1"), State::Active, "one is missing");
        let learnt = it.ring.attest(&it.db, OTHER, it.now()).await.unwrap();
        assert_eq!(learnt.iter().map(|life| life.id.as_str()).collect::<Vec<_>>(), ["rsa-sha256-1", "rsa-sha256-2"]);
        it.pass(Duration::ZERO).await;
        assert_eq!(it.state("rsa-sha256-1"), State::Retiring);
        let told = it.audited().await;
        assert!(told.contains("\"attested\"") && told.contains(OTHER) && !told.contains("fetched"), "{told}");
        let how = |party: &str| it.ring.told(&[by_hand(party)])[0].holdings.iter().map(|h| h.how).collect::<Vec<_>>();
        assert_eq!((how(SP), how(OTHER)), (vec![How::Fetched; 2], vec![How::Attested; 2]));
    }
}

#[tokio::test]
async fn what_is_known_already_is_not_written_again_and_other_processes_see_what_is_new() {
    for (it, _folder) in Ringed::with_parties().await {
        let beside = KeyRing::open(&it.db, &it.house.kek(), &it.clock).await.unwrap();
        it.roll().await;
        it.clock.advance(LEAD);
        let before = it.version().await;
        it.ring.seen_fetching(&it.db, SP, it.now()).await.unwrap();
        assert_eq!(it.version().await, before + 1, "so that they look");
        for _ in 0..3 {
            it.ring.seen_fetching(&it.db, SP, it.now()).await.unwrap();
            assert_eq!(it.ring.attest(&it.db, SP, it.now()).await.unwrap(), []);
        }
        assert_eq!(it.version().await, before + 1);
        beside.reload(&it.db, it.now()).await.unwrap();
        let next = it.ring.saml_signer(Reader::Pinned, SP, it.now()).unwrap();
        assert_eq!(beside.saml_signer(Reader::Pinned, SP, it.now()).unwrap().kid(), next.kid());
        assert_eq!(it.id_for(Reader::Pinned, SP), "rsa-sha256-2");
    }
}

#[tokio::test]
async fn an_operator_who_knows_better_sends_a_party_back() {
    for (it, _folder) in Ringed::with_parties().await {
        let withdraw = async || it.ring.withdraw(&it.db, SP, it.now()).await.map_err(|e| e.to_string());
        assert!(withdraw().await.unwrap_err().contains("(no-rotation)"));
        it.roll().await;
        it.pass(LEAD).await;
        it.ring.seen_fetching(&it.db, SP, it.now()).await.unwrap();
        assert_eq!(it.id_for(Reader::Pinned, SP), "rsa-sha256-2");
        assert_eq!(withdraw().await.unwrap().id, "rsa-sha256-2");
        assert_eq!(it.id_for(Reader::Pinned, SP), "rsa-sha256-1");
        it.ring.seen_fetching(&it.db, SP, it.now()).await.unwrap();
        assert_eq!(it.id_for(Reader::Pinned, SP), "rsa-sha256-1", "whatever is seen");
        assert!(it.audited().await.contains("\"withdrawn\""));
        it.ring.attest(&it.db, SP, it.now()).await.unwrap();
        assert_eq!(it.id_for(Reader::Pinned, SP), "rsa-sha256-2", "until an operator says otherwise");
    }
}

#[tokio::test]
async fn certificates_turn_only_when_asked_for_or_by_their_own_schedule() {
    for (mut it, _folder) in Ringed::with_parties().await {
        it.readings.clear();
        let begun = it.ring.rotate(&it.db, &Rotate::default(), it.now()).await.unwrap();
        assert_eq!(begun.iter().map(|one| one.next.algorithm.as_str()).collect::<Vec<_>>(), ["RS256", "ES256"]);
        it.roll().await;
        let again = Rotate { uses: vec![Use::Saml], ..Rotate::default() };
        let refused = it.ring.rotate(&it.db, &again, it.now()).await.unwrap_err().to_string();
        assert!(refused.contains("(rotation-in-flight)"), "{refused}");
        let was = it.now() + 90 * DAY;
        let moved = it.ring.defer(&it.db, &[Use::Saml], was + DAY, it.now()).await.unwrap();
        assert_eq!((moved[0].was, moved[0].next.pinned_from), (was, was + DAY));
        let others = it.ring.defer(&it.db, &[], was, it.now()).await.unwrap();
        assert!(others.iter().all(|one| one.next.algorithm != SAML));

        it.pass(LEAD).await;
        it.pass(1095 * DAY - LEAD - Duration::from_secs(1)).await;
        it.pass(Duration::ZERO).await;
        assert_eq!(it.listed(), ["rsa-sha256-2"]);
        it.pass(Duration::from_secs(1)).await;
        assert_eq!(it.listed(), ["rsa-sha256-2", "rsa-sha256-3"], "so early that everybody can have it");
    }
}

#[tokio::test]
async fn a_lost_certificate_is_gone_at_once_and_another_one_signs_for_everybody() {
    for (it, _folder) in Ringed::with_parties().await {
        let lost = it.ring.lose(&it.db, &Emergency::Key("rsa-sha256-1".into()), it.now()).await.unwrap();
        assert_eq!(lost.instead.iter().map(|life| life.id.as_str()).collect::<Vec<_>>(), ["rsa-sha256-2"]);
        assert_eq!((it.listed(), it.state("rsa-sha256-1")), (vec!["rsa-sha256-2".into()], State::Lost));
        for reader in [Reader::Normal, Reader::Periodic(DAY), Reader::Pinned] {
            assert_eq!(it.id_for(reader, SP), "rsa-sha256-2");
        }
        assert!(!it.material().await.contains(&"rsa-sha256-1".into()));
        // One that many have already is the better one.
        it.roll().await;
        let lost = it.ring.lose(&it.db, &Emergency::Key("rsa-sha256-2".into()), it.now()).await.unwrap();
        assert_eq!(lost.instead[0].id, "rsa-sha256-3");
        assert_eq!(it.id_for(Reader::Pinned, OTHER), "rsa-sha256-3");
        assert_eq!(it.ring.lives().iter().filter(|life| life.algorithm != SAML).count(), 2, "tokens go on");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_its_keys_is_not_published() {
    let (house, other) = (House::new(), House::new());
    house.ring().await.unwrap();
    let foreign = other.ring().await.unwrap().certificates(NOON)[0].der_base64.clone();
    let mut snapshot = house.db().await.keys().load().await.unwrap();
    let secrets = snapshot.clone();
    let secrets = unwrap_all(&secrets, &house.kek()).unwrap();
    let schedule = Schedules::default().tokens;
    assert!(Ring::of(&snapshot, &secrets, None, &schedule, NOON).is_ok());
    let row = snapshot.signing.iter_mut().find(|row| row.life.algorithm == SAML).unwrap();
    let mut jwk: Value = serde_json::from_str(&row.jwk).unwrap();
    for x5c in [json!([&*foreign]), json!(["AAAA"]), json!([])] {
        jwk["x5c"] = x5c;
        snapshot.signing.iter_mut().find(|row| row.life.algorithm == SAML).unwrap().jwk = jwk.to_string();
        assert!(matches!(Ring::of(&snapshot, &secrets, None, &schedule, NOON), Err(Error::Key { .. })));
    }
}
