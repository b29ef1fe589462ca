//! What the key ring promises: the same keys for whoever opens it, and no token taken for what it is not.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::domain::key::{Reading, SAML, State};

mod life;
mod saml;

const NOON: Timestamp = Timestamp(1_790_000_000_000);
const ISSUER: &str = "https://access.library.example";

/// A library with an empty folder of its own, gone when dropped.
struct House {
    folder: PathBuf,
    clock: Clock,
}

impl House {
    fn new() -> House {
        let folder = std::env::temp_dir().join(format!("keyring-{}", hex::encode(kek::random::<8>().unwrap())));
        House { folder, clock: Clock::standing_at(NOON) }
    }

    async fn db(&self) -> Db {
        let db = Db::open(&format!("sqlite:{}", self.folder.join("house.db").display())).await.unwrap();
        db.migrate().await.unwrap();
        db
    }

    fn kek(&self) -> PathBuf {
        self.folder.join("keys/kek")
    }

    async fn ring(&self) -> Result<KeyRing, Error> {
        KeyRing::open(&self.db().await, &self.kek(), &self.clock).await
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn access_token(at: Timestamp) -> Expect<'static> {
    Expect { typ: "at+jwt", issuer: ISSUER, lifetime: Lifetime::LiveAt(at) }
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "exp": NOON.seconds() + 300, "sub": "reader" })
}

fn sign(ring: &KeyRing, algorithm: Algorithm) -> Result<String, jose::Error> {
    ring.sign(algorithm, Reader::Normal, NOON, "at+jwt", &claims())
}

#[tokio::test]
async fn keys_are_made_on_the_first_start_and_the_same_after_a_restart() {
    let house = House::new();
    let first = house.ring().await.unwrap();
    assert_eq!(first.made().len(), 6);
    let again = house.ring().await.unwrap();
    assert_eq!(again.made(), []);
    assert_eq!(first.jwks().body, again.jwks().body);
    assert_eq!(first.pin_key().pattern("1234"), again.pin_key().pattern("1234"));
    let tag = |ring: &KeyRing| hmac::sign(ring.pseudonym_key(), b"x").as_ref().to_vec();
    assert_eq!(tag(&first), tag(&again));
    let token = sign(&first, Algorithm::Es256).unwrap();
    assert!(again.verify::<Value>(&token, &access_token(NOON)).is_ok());
}

#[tokio::test]
async fn the_file_is_its_owners_alone_and_a_wider_one_is_refused() {
    let house = House::new();
    house.ring().await.unwrap();
    assert_eq!(fs::metadata(house.kek()).unwrap().permissions().mode() & 0o777, 0o600);
    let beside: Vec<_> = fs::read_dir(house.folder.join("keys")).unwrap().collect();
    assert_eq!(beside.len(), 1, "the draft is gone");
    fs::set_permissions(house.kek(), fs::Permissions::from_mode(0o640)).unwrap();
    let error = house.ring().await.unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

#[tokio::test]
async fn a_file_that_was_handed_over_may_be_read_by_our_group_and_by_nobody_else() {
    let house = House::new();
    house.ring().await.unwrap();
    // Only root can give a file away; whoever else runs the tests has nothing to try here.
    if std::os::unix::fs::chown(house.kek(), Some(1), None).is_err() {
        return;
    }
    for (mode, good) in [(0o440, true), (0o640, true), (0o460, false), (0o444, false), (0o450, false)] {
        fs::set_permissions(house.kek(), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(house.ring().await.is_ok(), good, "{mode:o}");
    }
}

#[tokio::test]
async fn a_lost_or_foreign_key_encryption_key_is_said_and_makes_no_new_keys() {
    let (house, other) = (House::new(), House::new());
    house.ring().await.unwrap();
    other.ring().await.unwrap();
    let before = house.db().await.keys().load().await.unwrap();
    fs::copy(other.kek(), house.kek()).unwrap();
    assert!(matches!(house.ring().await, Err(Error::KekWrong { .. })));
    fs::remove_file(house.kek()).unwrap();
    assert!(matches!(house.ring().await, Err(Error::KekMissing { .. })));
    assert!(!house.kek().exists());
    fs::write(house.kek(), "short").unwrap();
    fs::set_permissions(house.kek(), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(house.ring().await, Err(Error::Kek { .. })));
    assert_eq!(house.db().await.keys().load().await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_together_end_up_with_the_same_keys() {
    let house = std::sync::Arc::new(House::new());
    house.db().await;
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let house = house.clone();
            // A connection of its own, as a process has.
            tokio::spawn(async move { house.ring().await.unwrap() })
        })
        .collect();
    let mut rings = Vec::new();
    for start in starts {
        rings.push(start.await.unwrap());
    }
    assert_eq!(rings.iter().map(|ring| ring.made().len()).sum::<usize>(), 6);
    assert!(rings.windows(2).all(|pair| pair[0].jwks().body == pair[1].jwks().body));
    assert!(rings.windows(2).all(|pair| pair[0].pin_key().pattern("1") == pair[1].pin_key().pattern("1")));
}

#[tokio::test]
async fn a_wrapped_key_moved_to_another_row_does_not_open() {
    let house = House::new();
    let path = house.kek();
    let kek = Kek::create(&path).unwrap();
    let wrapped = kek.wrap("pin-1", "pin", b"secret").unwrap();
    assert_eq!(kek.unwrap("pin-1", "pin", &wrapped).unwrap(), b"secret");
    assert_eq!(kek.unwrap("form-1", "form", &wrapped), None);
    assert_eq!(kek.unwrap("pin-1", "pin", ""), None);
}

#[tokio::test]
async fn a_token_is_taken_only_as_what_it_is() {
    let house = House::new();
    let ring = house.ring().await.unwrap();
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let token = sign(&ring, algorithm).unwrap();
        let taken = |expect| ring.verify::<Value>(&token, &expect);
        assert_eq!(taken(access_token(NOON)).unwrap()["sub"], "reader");
        assert_eq!(taken(Expect { typ: "JWT", ..access_token(NOON) }), Err(Invalid::WrongType));
        assert_eq!(taken(Expect { issuer: "https://other.example", ..access_token(NOON) }), Err(Invalid::WrongIssuer));
        let end = NOON + Duration::from_secs(300);
        assert!(taken(access_token(end - Duration::from_millis(1))).is_ok());
        assert_eq!(taken(access_token(end)), Err(Invalid::Expired));
        assert!(taken(Expect { lifetime: Lifetime::Any, ..access_token(end) }).is_ok());
    }
}

#[tokio::test]
async fn no_header_talks_its_way_past_the_signature() {
    let house = House::new();
    let ring = house.ring().await.unwrap();
    let kid =
        |algorithm: Algorithm| ring.lives().iter().find(|k| k.algorithm == algorithm.as_str()).unwrap().kid.clone();
    let (rs, es) = (kid(Algorithm::Rs256), kid(Algorithm::Es256));
    let body = jose::base64url(claims().to_string());
    let judge = |header: Value, signature: &str| {
        let token = format!("{}.{body}.{signature}", jose::base64url(header.to_string()));
        ring.verify::<Value>(&token, &access_token(NOON)).unwrap_err()
    };
    for alg in ["none", "None", "NONE", "nOnE", "HS256", "HS512", "RS512", "PS256", ""] {
        for signature in ["", "AAAA"] {
            assert_eq!(
                judge(json!({ "alg": alg, "kid": rs, "typ": "at+jwt" }), signature),
                Invalid::UnknownKey,
                "{alg}"
            );
        }
    }
    // HS256 under the public key's own bytes.
    let public = ring.jwks();
    let public = public.body.as_bytes();
    let header = json!({ "alg": "HS256", "kid": rs, "typ": "at+jwt" });
    let signed = format!("{}.{body}", jose::base64url(header.to_string()));
    let mac = jose::base64url(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public), signed.as_bytes()));
    assert_eq!(judge(header, &mac), Invalid::UnknownKey);
    // The other key's name or algorithm.
    assert_eq!(judge(json!({ "alg": "RS256", "kid": es, "typ": "at+jwt" }), "AAAA"), Invalid::UnknownKey);
    assert_eq!(judge(json!({ "alg": "ES256", "kid": "other", "typ": "at+jwt" }), "AAAA"), Invalid::UnknownKey);
    assert_eq!(judge(json!({ "alg": "ES256", "kid": es, "typ": "at+jwt" }), "AAAA"), Invalid::Signature);
    assert_eq!(judge(json!({ "alg": "ES256", "kid": es, "typ": "at+jwt", "crit": [] }), "AAAA"), Invalid::Malformed);
    // A good token, one character changed at a time.
    let good = sign(&ring, Algorithm::Es256).unwrap();
    for place in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(bytes).unwrap();
        assert!(ring.verify::<Value>(&forged, &access_token(NOON)).is_err(), "place {place}");
    }
}

#[tokio::test]
async fn the_ring_shows_no_secret() {
    let house = House::new();
    let ring = house.ring().await.unwrap();
    let shown = format!("{ring:?}");
    assert!(shown.starts_with("KeyRing { signing: [Key("), "{shown}");
    assert!(!shown.contains("hmac") && !shown.contains("pin"), "{shown}");
    let published: Value = serde_json::from_str(&ring.jwks().body).unwrap();
    for key in published["keys"].as_array().unwrap() {
        let members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(
            members.iter().all(|m| ["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"].contains(m)),
            "{members:?}"
        );
    }
}
