use super::*;

#[test]
fn both_languages_have_the_same_texts_and_ask_for_the_same_values() {
    let (english, spanish) = (texts::keys(Locale::English), texts::keys(Locale::Spanish));
    for (key, values) in &english {
        assert_eq!(spanish.get(key), Some(values), "{key} in Spanish");
    }
    for key in spanish.keys() {
        assert!(english.contains_key(key), "{key} is in Spanish only");
    }
}
