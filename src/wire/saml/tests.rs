//! Whatever a stranger sends, it is read or refused: nothing panics, nothing takes long.

use super::{
    logout::{self, Logout},
    metadata, posted, publish,
    redirect::{self, Kind},
    request, response,
};
use crate::wire::xml;

const REQUEST: &str = r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1" Version="2.0" IssueInstant="2026-11-27T09:30:00.5+01:00" AssertionConsumerServiceIndex="1" ForceAuthn="true"><saml:Issuer>https://sp.example/saml</saml:Issuer><saml:Subject><saml:NameID Format="urn:f">abc</saml:NameID></saml:Subject><samlp:NameIDPolicy AllowCreate="1"/><samlp:RequestedAuthnContext Comparison="minimum"><saml:AuthnContextClassRef>urn:c</saml:AuthnContextClassRef></samlp:RequestedAuthnContext></samlp:AuthnRequest>"#;

/// Everything that reads, one after the other.
fn read_all(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = redirect::read(text).map(|redirected| read_xml(&redirected.xml));
    let _ = posted::read(text).map(|xml| read_xml(&xml));
    read_xml(text);
}

fn read_xml(text: &str) {
    let Ok(document) = xml::parse(text, &xml::METADATA) else { return };
    let root = document.root_element();
    let _ = request::read(root);
    let _ = logout::read_request(root);
    let _ = logout::read_response(root);
    let _ = metadata::find_entity(root, Some("https://sp.example/saml"));
    for entity in metadata::entities(root) {
        let Ok(sp) = metadata::read(entity) else { continue };
        let _ = (sp.default_acs(), sp.acs_at(1), sp.attributes_asked(None), sp.subject_id_required());
        let _ = sp.acs.iter().chain(&sp.slo).map(metadata::Endpoint::reach).count();
    }
}

/// Valid messages of every kind.
fn seeds() -> Vec<Vec<u8>> {
    let name_id = super::NameId { value: "abc".to_owned(), ..super::NameId::default() };
    let logout = logout::request(&Logout {
        id: "_l1",
        issued_at: 1_795_771_800_000,
        destination: "https://sp.example/slo",
        issuer: "https://idp.example/saml",
        not_on_or_after: 1_795_772_100_000,
        reason: None,
        name_id: &name_id,
        session_indexes: &["_s1"],
    })
    .render();
    let answer = logout::response(&response::tests::REPLY).render();
    let assertion = response::assertion(&response::tests::statement(Vec::new())).render();
    let query = redirect::write(Kind::Request, REQUEST, Some("r&s"), None).unwrap();
    let mut seeds: Vec<String> = metadata::tests::ALL.map(metadata::tests::filled).to_vec();
    seeds.extend([posted::write(REQUEST), format!("{query}&SigAlg=a%2fb&Signature=AAAA"), query]);
    seeds.extend([
        publish::entity(&publish::tests::OWN).render(),
        response::response(&response::tests::REPLY, Some(assertion)).render(),
    ]);
    seeds.extend([REQUEST.to_owned(), logout, answer]);
    seeds.into_iter().map(String::into_bytes).collect()
}

/// xorshift: the same rounds every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

fn mutate(text: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    const PIECES: [&[u8]; 14] = [
        b"<",
        b">",
        b"\"",
        b"&",
        b"&#x0;",
        b"<!-- -->",
        b"<![CDATA[",
        b"]]>",
        b"<?a?>",
        b"xmlns=\"\"",
        b"\xc3",
        b"%00",
        b"\xef\xbb\xbf",
        b"</",
    ];
    let (start, length) = (chance.below(text.len()), chance.below(40));
    let end = text.len().min(start + length);
    match chance.below(7) {
        0 => text[start] = u8::try_from(chance.below(256)).unwrap(),
        1 => drop(text.drain(start..end)),
        2 => text.truncate(start.max(1)),
        3 => drop(text.splice(start..start, PIECES[chance.below(PIECES.len())].iter().copied())),
        4 => {
            let again = text[start..end].to_vec();
            text.splice(start..start, again);
        }
        5 => {
            let from = chance.below(other.len());
            let piece = other[from..other.len().min(from + chance.below(400))].to_vec();
            text.splice(start..end, piece);
        }
        // A quoted value becomes something else: the likeliest way to a value that nobody thought of.
        _ => {
            let Some(open) = text[start..].iter().position(|b| *b == b'"').map(|at| start + at + 1) else { return };
            let Some(close) = text[open..].iter().position(|b| *b == b'"').map(|at| open + at) else { return };
            let values: [&[u8]; 6] = [b"", b"65536", b"9999-12-31T24:00:00-14:00", b"P1Y", b"\xf0\x9f\x93\x9a", b"_1"];
            text.splice(open..close, values[chance.below(values.len())].iter().copied());
        }
    }
    if text.is_empty() {
        text.push(b'<');
    }
}

#[test]
fn whatever_a_stranger_sends_is_read_or_refused() {
    let rounds = std::env::var("ONEACCESS_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(2000);
    let seeds = seeds();
    let mut chance = Chance(0x5a11_0ea5_7e57_ab1e);
    for seed in &seeds {
        read_all(seed);
    }
    for _ in 0..rounds {
        let mut text = seeds[chance.below(seeds.len())].clone();
        for _ in 0..=chance.below(4) {
            let other = chance.below(seeds.len());
            mutate(&mut text, &seeds[other], &mut chance);
        }
        read_all(&text);
        // What hides behind base64 and deflate is reached from inside.
        if let Ok(inside) = std::str::from_utf8(&text) {
            read_all(posted::write(inside).as_bytes());
            read_all(redirect::write(Kind::Response, inside, None, None).unwrap().as_bytes());
        }
    }
}
