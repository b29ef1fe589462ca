//! Names of people and schools that nobody has.

use super::chance::Chance;

const GIVEN_STARTS: [&str; 28] = [
    "Mar", "El", "Tav", "Bri", "Osk", "Lum", "Fen", "Cal", "Ni", "Sor", "Ju", "Wil", "Ta", "Ro", "Quil", "Pe", "Ad",
    "Isa", "Dav", "Zel", "Hol", "Kir", "An", "Vi", "Ro", "Gwen", "Lo", "Em",
];
const GIVEN_ENDS: [&str; 24] = [
    "isel", "owen", "ario", "inda", "eth", "ondra", "iko", "aria", "andro", "ette", "ivar", "ola", "wick", "asha",
    "emi", "idan", "onel", "ura", "avi", "essa", "orin", "anel", "ilo", "ynne",
];
const GIVEN_MARKED: [&str; 12] = [
    "Éloane", "Søriv", "Zoëlin", "Renéa", "Itzélia", "Añela", "Jörvin", "Mái-Lin", "Noémika", "Tomáz", "D'Aric",
    "Łucjan",
];

const FAMILY_STARTS: [&str; 30] = [
    "Brook", "Thistle", "Marble", "Copper", "Fern", "Lantern", "Maple", "Cloud", "Pepper", "Willow", "Button",
    "Pebble", "Harbor", "Velvet", "Juniper", "Saffron", "Timber", "Kettle", "Feather", "Amber", "Bramble", "Candle",
    "Meadow", "Otter", "Quartz", "Silver", "Teasel", "Umber", "Wander", "Yarrow",
];
const FAMILY_ENDS: [&str; 24] = [
    "quill", "down", "wick", "mere", "stitch", "combe", "fable", "hollow", "march", "penny", "ridge", "sprocket",
    "thorpe", "wane", "bottom", "croft", "dapple", "gate", "lark", "moss", "nook", "shore", "tide", "wright",
];
const FAMILY_SPANISH: [&str; 14] = [
    "Montesueño",
    "Valdeluna",
    "Riofresno",
    "Castañeril",
    "Peñanube",
    "Torrequieta",
    "de la Nubela",
    "Floramar",
    "Cañasuave",
    "Solimar",
    "Piedraluz",
    "Aguamarín",
    "Camposerena",
    "Nievelá",
];
const FAMILY_MARKED: [&str; 8] =
    ["O'Fennimark", "D'Aubriselle", "Müllerquist", "Nguyễnwick", "Strøvang", "Łąkowisz", "M'Bellari", "Vandergröt"];

pub(super) fn given(chance: &mut Chance) -> String {
    if chance.one_in(16) {
        return chance.pick(&GIVEN_MARKED).to_owned();
    }
    format!("{}{}", chance.pick(&GIVEN_STARTS), chance.pick(&GIVEN_ENDS))
}

pub(super) fn family(chance: &mut Chance) -> String {
    match chance.below(20) {
        0..=3 => match chance.one_in(3) {
            true => format!("{} {}", chance.pick(&FAMILY_SPANISH), chance.pick(&FAMILY_SPANISH)),
            false => chance.pick(&FAMILY_SPANISH).to_owned(),
        },
        4 => chance.pick(&FAMILY_MARKED).to_owned(),
        5 => format!("{}-{}", english(chance), english(chance)),
        _ => english(chance),
    }
}

/// Schools are told apart by the number of their place in the list.
pub(super) fn school(place: usize, level: &str) -> String {
    let start = FAMILY_STARTS.get(place % FAMILY_STARTS.len()).copied().unwrap_or_default();
    let end =
        FAMILY_ENDS.get((place * 7 + place / FAMILY_STARTS.len()) % FAMILY_ENDS.len()).copied().unwrap_or_default();
    format!("{start}{end} {level} School")
}

fn english(chance: &mut Chance) -> String {
    format!("{}{}", chance.pick(&FAMILY_STARTS), chance.pick(&FAMILY_ENDS))
}
