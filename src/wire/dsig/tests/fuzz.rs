//! Signed messages, mutated: nothing panics, what parses has one canonical form, and whatever still verifies says word
//! for word what was signed.
//! `ONEACCESS_FUZZ_ROUNDS` says how often; a failure names the seed that repeats it.

use super::forge::{LIBRARY, Odd, assertion, response};
use crate::wire::{
    dsig::{has_signature, verify},
    xml::{MESSAGE, c14n, children, namespace, parse},
};

const ROUNDS: u64 = 2000;

/// Chance that can be repeated (an xorshift; good enough to shuffle).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }
}

const MORSELS: [&str; 24] = [
    "<!---->",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "<!DOCTYPE A>",
    "&amp;",
    "&#13;",
    "&#xD800;",
    "xmlns=\"\"",
    " xmlns:saml=\"urn:x\"",
    " ID=\"_a1\"",
    " Id=\"_r1\"",
    "<ds:Object/>",
    "\r\n",
    "\t",
    "\"",
    "'",
    "<",
    ">",
    "/>",
    ":",
    "#",
    "=",
    "é",
];

/// The spans of all tags, `<` and `>` included.
fn tags(text: &str) -> Vec<(usize, usize)> {
    text.match_indices('<').filter_map(|(start, _)| Some((start, start + text[start..].find('>')? + 1))).collect()
}

fn mutated(text: &str, chance: &mut Chance) -> String {
    let mut text = text.to_owned();
    for _ in 0..=chance.below(3) {
        let spans = tags(&text);
        let (one, other) = (chance.below(spans.len()), chance.below(spans.len()));
        let (&(a, b), &(c, d)) = (&spans[one.min(other)], &spans[one.max(other)]);
        let at = |chance: &mut Chance, text: &str| {
            let at = chance.below(text.len());
            (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
        };
        text = match chance.below(9) {
            // A byte, replaced where it leaves the text one.
            0 => {
                let mut bytes = text.clone().into_bytes();
                let at = chance.below(bytes.len());
                bytes[at] = chance.below(128) as u8;
                String::from_utf8(bytes).unwrap_or(text)
            }
            // A run, left out or doubled.
            1 => {
                let (from, to) = (at(chance, &text), at(chance, &text));
                let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 40));
                let to = (from..=to).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(from);
                format!("{}{}", &text[..from], &text[to..])
            }
            2 => {
                let from = at(chance, &text);
                format!("{}{}{}", &text[..from], MORSELS[chance.below(MORSELS.len())], &text[from..])
            }
            // Two tags, exchanged.
            3 if b <= c => format!("{}{}{}{}{}", &text[..a], &text[c..d], &text[b..c], &text[a..b], &text[d..]),
            // A stretch from tag to tag, doubled, moved or left out: elements, as often as not.
            4 => format!("{}{}{}", &text[..d], &text[a..d], &text[d..]),
            5 => format!("{}{}", &text[..a], &text[d..]),
            6 => {
                let (target, _) = spans[chance.below(spans.len())];
                let moved = &text[a..d];
                let rest = format!("{}{}", &text[..a], &text[d..]);
                let target = target.min(rest.len());
                format!("{}{moved}{}", &rest[..target], &rest[target..])
            }
            // An attribute, doubled into another tag.
            7 => {
                let attribute = text[a..b].split(' ').nth(1).unwrap_or("ID=\"_a1\"").trim_end_matches(['>', '/']);
                let end = if text[..d].ends_with("/>") { d - 2 } else { d - 1 };
                format!("{} {attribute}{}", &text[..end], &text[end..])
            }
            // A comment or a reference within a text.
            _ => {
                let from = at(chance, &text);
                let insert = if chance.below(2) == 0 { "<!-- -->" } else { "&#97;" };
                format!("{}{insert}{}", &text[..from], &text[from..])
            }
        };
        if text.is_empty() {
            break;
        }
        if tags(&text).is_empty() {
            break;
        }
    }
    text
}

#[test]
fn whatever_verifies_after_mutation_says_what_was_signed() {
    let rounds = std::env::var("ONEACCESS_FUZZ_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
    let assertion = assertion("_a1", "ada@library.example");
    let signed_assertion = LIBRARY.sign(assertion.clone(), "_a1");
    let response = response("_r1", signed_assertion.clone());
    let odd = Odd::new();
    let seeds = [signed_assertion, LIBRARY.sign(response.clone(), "_r1"), odd.message()];
    let unsigned = [assertion.render(), response.render(), format!("<A ID=\"_1\">{}</A>", odd.content)];
    let keys = [LIBRARY.key()];
    let mut verified = 0;
    for seed in 1..=rounds {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let origin = &seeds[chance.below(seeds.len())];
        let text = mutated(origin, &mut chance);
        let Ok(document) = parse(&text, &MESSAGE) else { continue };
        let canonical = c14n::exclusive(document.root_element(), &[], None);
        let again = parse(&canonical, &MESSAGE).unwrap_or_else(|e| panic!("seed {seed}: {e}: {canonical}"));
        assert_eq!(c14n::exclusive(again.root_element(), &[], None), canonical, "seed {seed}: {text}");
        for node in document.descendants().filter(|node| has_signature(*node)) {
            let Ok(signed) = verify(node, &keys) else { continue };
            let signature = children(signed.node(), namespace::SIGNATURE, "Signature").next().unwrap();
            let said = ["xs", ""].map(|prefix| c14n::exclusive(node, &[prefix], Some(signature.id())));
            assert!(said.iter().any(|said| unsigned.contains(said)), "seed {seed}: {text}");
            verified += usize::from(text != *origin);
        }
    }
    assert!(verified > 0 || rounds < 500, "no mutation was harmless: the test looks at nothing");
}
