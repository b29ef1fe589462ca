//! Access tokens that nobody may believe, each with one thing wrong, made from a good one. Any verifier can be run over
//! them: it needs a list of names and strings.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::keys::{Keys, b64, hmac_of, spellings};
use crate::actors::payload_of;

pub struct Bad {
    pub name: String,
    pub token: String,
}

/// What a forger knows of a library.
pub struct Known<'a> {
    /// An access token, signed with ES256, that the verifier believes.
    pub good: &'a str,
    pub jwks: &'a Value,
    /// An address of the forger's, where a foreign key waits.
    pub evil_keys: &'a str,
    /// The keys of the JWKS, where the test has them: a token with one wrong claim is then signed as it should be.
    /// Without them it carries the good token's signature, which is wrong, too.
    pub trusted: Option<&'a Keys>,
}

impl Known<'_> {
    pub fn bad_tokens(&self) -> Vec<Bad> {
        let forger =
            Forger { known: self, header: header_of(self.good), claims: payload_of(self.good), found: Vec::new() };
        forger.all()
    }
}

struct Forger<'a> {
    known: &'a Known<'a>,
    header: Value,
    claims: Value,
    found: Vec<Bad>,
}

impl Forger<'_> {
    fn all(mut self) -> Vec<Bad> {
        self.without_a_signature();
        self.with_public_secrets();
        self.with_other_algorithms();
        self.with_foreign_keys();
        self.of_another_kind();
        self.at_another_time();
        self.for_others();
        self.in_another_spelling();
        self.too_much();
        self.found
    }

    fn add(&mut self, name: impl Into<String>, token: impl Into<String>) {
        self.found.push(Bad { name: name.into(), token: token.into() });
    }

    /// The good token with this header and these claims (bytes, so that they may be no JSON), signed if we can.
    fn signed(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", b64(header), b64(claims));
        match self.known.trusted {
            Some(keys) => format!("{signed}.{}", keys.seal("ES256", &signed)),
            None => format!("{signed}.{}", self.part(2)),
        }
    }

    fn part(&self, at: usize) -> &str {
        self.known.good.split('.').nth(at).unwrap()
    }

    /// One member of the header is another, or is gone.
    fn header(&mut self, name: &str, value: Option<Value>) {
        let bent = with(&self.header, name, value.as_ref());
        let token = self.signed(bent.to_string(), self.claims.to_string());
        self.add(format!("header {name}: {}", shown(value.as_ref())), token);
    }

    fn claim(&mut self, name: &str, value: Option<Value>) {
        let bent = with(&self.claims, name, value.as_ref());
        let token = self.signed(self.header.to_string(), bent.to_string());
        self.add(format!("claim {name}: {}", shown(value.as_ref())), token);
    }

    // ── Algorithms ─────────────────────────────────────────────────────────────────────────────────────────────────

    fn without_a_signature(&mut self) {
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let header = b64(with(&self.header, "alg", Some(&alg.into())).to_string());
            let (claims, seal) = (self.part(1).to_owned(), self.part(2).to_owned());
            self.add(format!("alg {alg:?}, no signature"), format!("{header}.{claims}."));
            self.add(format!("alg {alg:?}, the old signature"), format!("{header}.{claims}.{seal}"));
        }
        let (header, claims) = (self.part(0).to_owned(), self.part(1).to_owned());
        self.add("the signature cut off", format!("{header}.{claims}."));
        self.add("the signature cut off with its dot", format!("{header}.{claims}"));
        self.add("a signature of zeros", format!("{header}.{claims}.{}", b64([0; 64])));
        self.add("half of the signature", format!("{header}.{claims}.{}", &self.part(2)[..43]));
        let twice = self.part(2).repeat(2);
        self.add("the signature twice", format!("{header}.{claims}.{twice}"));
    }

    fn with_public_secrets(&mut self) {
        for jwk in self.known.jwks["keys"].as_array().unwrap() {
            for alg in ["HS256", "HS384", "HS512"] {
                let header = with(&with(&self.header, "alg", Some(&alg.into())), "kid", jwk.get("kid"));
                let signed = format!("{}.{}", b64(header.to_string()), self.part(1));
                for (spelling, secret) in spellings(jwk) {
                    // Many forms, one attack: with SHA-256 all of them, with the others the usual one.
                    if alg == "HS256" || spelling == "its PEM" {
                        let token = format!("{signed}.{}", hmac_of(alg, &secret, &signed));
                        self.add(format!("{alg} by {spelling} ({})", jwk["alg"]), token);
                    }
                }
                self.add(format!("{alg} by an empty secret"), format!("{signed}.{}", hmac_of(alg, b"", &signed)));
            }
        }
    }

    fn with_other_algorithms(&mut self) {
        for alg in ["es256", "ES256 ", "ES384", "ES512", "ES256K", "RS256", "PS256", "EdDSA", "HS256", "A256KW", "dir"]
        {
            self.header("alg", Some(alg.into()));
        }
        for odd in [json!(["ES256"]), json!({ "ES256": 1 }), json!(7), json!(true), Value::Null] {
            self.header("alg", Some(odd));
        }
        self.header("alg", None);
    }

    // ── Keys ───────────────────────────────────────────────────────────────────────────────────────────────────────

    fn with_foreign_keys(&mut self) {
        let foreign = Keys::new();
        let jwks = self.known.jwks["keys"].as_array().unwrap().clone();
        let kid_of = |alg: &str| jwks.iter().find(|jwk| jwk["alg"] == alg).map(|jwk| jwk["kid"].clone());
        let forged = |header: &Value, claims: &Value, alg: &str| {
            let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
            format!("{signed}.{}", foreign.seal(alg, &signed))
        };
        for alg in ["ES256", "RS256", "PS256", "EdDSA"] {
            let header = with(&self.header, "alg", Some(&alg.into()));
            let kid = kid_of(alg).unwrap_or_else(|| self.header["kid"].clone());
            let token = forged(&with(&header, "kid", Some(&kid)), &self.claims, alg);
            self.add(format!("a foreign key for {alg} under a real kid"), token);
            let token = forged(&with(&header, "kid", Some(&"foreign".into())), &self.claims, alg);
            self.add(format!("a foreign key for {alg} under its own kid"), token);
        }
        let odd_kids = [
            json!(""),
            json!(0),
            json!([self.header["kid"]]),
            Value::Null,
            json!("../../../../../dev/null"),
            json!("' OR 1=1 --"),
            json!(self.known.evil_keys),
            json!("\u{0}"),
            json!("k".repeat(5000)),
        ];
        for kid in odd_kids {
            let token = forged(&with(&self.header, "kid", Some(&kid)), &self.claims, "ES256");
            self.add(format!("a foreign key under kid {}", shown(Some(&kid))), token);
        }
        let token = forged(&with(&self.header, "kid", None), &self.claims, "ES256");
        self.add("a foreign key without kid", token);

        let own = foreign.jwk("ES256", "foreign");
        let certificate = STANDARD.encode(b"0\x82 a certificate of nobody");
        for (name, value) in [
            ("jwk", own),
            ("jku", self.known.evil_keys.into()),
            ("x5u", self.known.evil_keys.into()),
            ("x5c", json!([certificate])),
            ("x5t#S256", b64([7; 32]).into()),
        ] {
            for kid in [self.header["kid"].clone(), "foreign".into()] {
                let header = with(&with(&self.header, name, Some(&value)), "kid", Some(&kid));
                let token = forged(&header, &self.claims, "ES256");
                self.add(format!("its own key in {name}, kid {}", shown(Some(&kid))), token);
            }
        }
    }

    // ── Kinds, times, people ───────────────────────────────────────────────────────────────────────────────────────

    fn of_another_kind(&mut self) {
        for typ in ["JWT", "logout+jwt", "dpop+jwt", "token-introspection+jwt", "secevent+jwt", "at", "jwt+at", ""] {
            self.header("typ", Some(typ.into()));
        }
        self.header("typ", Some(json!(["at+jwt"])));
        self.header("typ", None);
        for crit in [json!(["x-unknown"]), json!(["exp"])] {
            self.header("crit", Some(crit));
        }
        let header = with(&with(&self.header, "crit", Some(&json!(["b64"]))), "b64", Some(&json!(false)));
        let token = self.signed(header.to_string(), self.claims.to_string());
        self.add("crit b64, not encoded", token);
        let nested = with(&self.header, "cty", Some(&"JWT".into()));
        let token = self.signed(nested.to_string(), self.known.good);
        self.add("a token inside a token", token);
    }

    fn at_another_time(&mut self) {
        let now = self.claims["iat"].as_i64().unwrap();
        for exp in [json!(now - 3600), json!(0), json!(-1), json!("soon"), json!(["4102444800"])] {
            self.claim("exp", Some(exp));
        }
        self.claim("exp", None);
        self.claim("nbf", Some(json!(now + 3600)));
    }

    fn for_others(&mut self) {
        let text = |claim: &Value| claim.as_str().unwrap().to_owned();
        let issuer = text(&self.claims["iss"]);
        for iss in [
            json!("https://evil.example"),
            json!(format!("{issuer}/")),
            json!(format!("{issuer}.evil.example")),
            json!([issuer, "https://evil.example"]),
            json!(""),
        ] {
            self.claim("iss", Some(iss));
        }
        self.claim("iss", None);
        let capitals = with(&self.claims, "iss", Some(&issuer.to_uppercase().into()));
        let token = self.signed(self.header.to_string(), capitals.to_string());
        self.add("claim iss: the scheme in capitals", token);
        let mine = text(&self.claims["aud"][0]);
        let client_id = self.claims["client_id"].clone();
        for aud in [
            json!("https://evil.example"),
            json!([issuer]),
            client_id,
            json!(format!("{mine}/")),
            json!(mine[..mine.len() - 1]),
            json!(format!("{mine} x")),
            json!(mine.to_uppercase()),
            json!([]),
            json!(""),
            json!([[mine]]),
            json!({ mine.as_str(): true }),
        ] {
            self.claim("aud", Some(aud));
        }
        self.claim("aud", None);
        for scope in [
            "openid",
            "",
            "library.ebook",
            "library.ebooks2",
            "xlibrary.ebooks",
            "LIBRARY.EBOOKS",
            "library.ebooks,openid",
        ] {
            self.claim("scope", Some(scope.into()));
        }
        self.claim("scope", None);
        self.claim("sub", None);
    }

    // ── Spellings ──────────────────────────────────────────────────────────────────────────────────────────────────

    fn in_another_spelling(&mut self) {
        let good = self.known.good.to_owned();
        let parts: Vec<String> = good.split('.').map(str::to_owned).collect();
        let [header, claims, seal] = &parts[..] else { panic!("{good}") };
        self.add("nothing", "");
        self.add("a word", "x");
        self.add("two dots", "..");
        self.add("four parts", format!("{good}.x"));
        self.add("five parts, as if encrypted", format!("{header}.{claims}.{seal}.x.y"));
        self.add("parts in another order", format!("{claims}.{header}.{seal}"));
        self.add("a blank inside", format!("{header}. {claims}.{seal}"));
        self.add("a line break inside", format!("{header}.{claims}\n.{seal}"));
        let padded = |part: &str| URL_SAFE.encode(URL_SAFE_NO_PAD.decode(part).unwrap());
        self.add("a padded signature", format!("{header}.{claims}.{}", padded(seal)));
        self.add("a foreign letter in the signature", format!("{header}.{claims}.!{}", &seal[1..]));
        self.add("a flipped bit in the signature", format!("{header}.{claims}.{}", flipped(seal, 10)));
        self.add("a flipped bit in the claims", format!("{header}.{}.{seal}", flipped(claims, 30)));
        self.add("a flipped bit in the header", format!("{}.{claims}.{seal}", flipped(header, 5)));
        let flat = json!({ "protected": header, "payload": claims, "signature": seal });
        self.add("flattened JSON", flat.to_string());
        let general = json!({ "payload": claims, "signatures": [{ "protected": header, "signature": seal }] });
        self.add("general JSON", general.to_string());
        self.add("an empty header", format!(".{claims}.{seal}"));
        self.add("empty claims", format!("{header}..{seal}"));

        let (head, body) = (self.header.to_string(), self.claims.to_string());
        let tokens = [
            ("a header that is no JSON", self.signed(&head[1..], &body)),
            ("a header that is a list", self.signed(format!("[{head}]"), &body)),
            ("a header of null", self.signed("null", &body)),
            ("claims that are no JSON", self.signed(&head, &body[1..])),
            ("claims that are a list", self.signed(&head, format!("[{body}]"))),
            ("claims that are a string", self.signed(&head, json!(body).to_string())),
            ("claims of null", self.signed(&head, "null")),
            (
                "claims in UTF-16",
                self.signed(&head, body.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>()),
            ),
            ("claims that are no UTF-8", self.signed(&head, [b"{\"x\":\"\xff\",", &body.as_bytes()[1..]].concat())),
            ("claims with something behind them", self.signed(&head, format!("{body}x"))),
            ("alg twice, the second none", self.signed(twice(&head, "alg", "none"), &body)),
            ("iss twice, the second another", self.signed(&head, twice(&body, "iss", "https://evil.example"))),
            ("aud twice, the second another", self.signed(&head, twice(&body, "aud", "https://evil.example"))),
        ];
        for (name, token) in tokens {
            self.add(name, token);
        }
    }

    fn too_much(&mut self) {
        let (good, deep) = (self.known.good.to_owned(), "[".repeat(20_000));
        self.add("dots and dots", ".".repeat(20_000));
        self.add("a long tail", format!("{good}{}", "A".repeat(20_000)));
        let token = self.signed(format!("{{\"alg\":{deep}"), self.claims.to_string());
        self.add("a deep header", token);
        let token = self.signed(self.header.to_string(), format!("{{\"iss\":{deep}"));
        self.add("deep claims", token);
    }
}

fn header_of(token: &str) -> Value {
    payload_of(&format!(".{}", token.split('.').next().unwrap()))
}

fn with(object: &Value, name: &str, value: Option<&Value>) -> Value {
    let mut bent = object.clone();
    match value {
        Some(value) => bent[name] = value.clone(),
        None => drop(bent.as_object_mut().unwrap().remove(name)),
    }
    bent
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "missing".to_owned(), |value| value.to_string().chars().take(60).collect())
}

/// One more member of the same name, at the end.
fn twice(object: &str, name: &str, value: &str) -> String {
    format!("{},{}:{}}}", &object[..object.len() - 1], json!(name), json!(value))
}

fn flipped(part: &str, at: usize) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
    bytes[at] ^= 1;
    b64(bytes)
}
