//! The address that readers are sent to, with places for what the vendor is told. Nothing but the query may depend on the
//! reader, and the signature is the last thing in it.

use url::Url;

use crate::domain::field;

/// `https://books.example/in?reader={pseudonym}&signature={signature}`, cut at its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Place),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Pseudonym,
    Band,
    Type,
    Time,
    Expires,
    Id,
    Signature,
}

const PLACES: [(&str, Place); 7] = [
    ("pseudonym", Place::Pseudonym),
    ("band", Place::Band),
    ("type", Place::Type),
    ("time", Place::Time),
    ("expires", Place::Expires),
    ("id", Place::Id),
    ("signature", Place::Signature),
];

/// What the places are filled with.
#[derive(Debug, Clone)]
pub(super) struct Values<'a> {
    pub pseudonym: &'a str,
    pub band: &'a str,
    pub patron_type: &'a str,
    /// Unix seconds.
    pub time: i64,
    pub expires: i64,
    /// Another each time.
    pub id: &'a str,
}

impl Template {
    /// # Errors
    /// A sentence on what is wrong with it.
    pub fn read(text: &str) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("has a { without its }")?;
            let place = PLACES.iter().find(|(known, _)| *known == name).map(|(_, place)| *place);
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Place(place.ok_or_else(|| {
                let known: Vec<String> = PLACES.iter().map(|(name, _)| format!("{{{name}}}")).collect();
                format!("has {{{name}}}, which is none of {}", known.join(", "))
            })?));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        let template = Template(pieces);
        template.check()?;
        Ok(template)
    }

    fn check(&self) -> Result<(), String> {
        let Some(Piece::Text(fixed)) = self.0.first() else { return Err("is empty".into()) };
        field::url(&self.fill(&SAMPLE, Some("0")))?;
        if self.0.len() > 1 && !fixed.contains('?') {
            return Err("may hold {…} in its query alone, behind the ?".into());
        }
        let places: Vec<Place> = self.places().collect();
        if places.iter().filter(|place| **place == Place::Signature).count() > 1 {
            return Err("has {signature} more than once".into());
        }
        Ok(())
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Place(place) => Some(*place),
            Piece::Text(_) => None,
        })
    }

    pub fn has(&self, place: Place) -> bool {
        self.places().any(|has| has == place)
    }

    /// What a signature covers, and the parameter that carries it: the query before `&signature=`, and the whole.
    ///
    /// # Errors
    /// A sentence, where the signature is not the value of the last parameter.
    pub fn check_signed(&self) -> Result<(), String> {
        let [.., Piece::Text(name), Piece::Place(Place::Signature), Piece::Text(end)] = self.0.as_slice() else {
            return Err("must end with {signature}".into());
        };
        let (_, parameter) = name.rsplit_once(['&', '?']).unwrap_or(("", name));
        let named = parameter.strip_suffix('=').is_some_and(|name| !name.is_empty() && !name.contains('='));
        if !end.is_empty() || !named || !name.contains('&') {
            return Err("must end with a parameter of its own for {signature}, `&signature={signature}`".into());
        }
        for (place, why) in [
            (Place::Pseudonym, "needs {pseudonym}: without it the vendor knows no reader again"),
            (Place::Expires, "needs {expires}: a link without an end can be passed on for ever"),
        ] {
            if !self.has(place) {
                return Err(why.into());
            }
        }
        Ok(())
    }

    /// The whole address.
    pub fn fill(&self, values: &Values<'_>, signature: Option<&str>) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Place(Place::Signature) => text.push_str(signature.unwrap_or_default()),
                Piece::Place(place) => text.push_str(&encoded(&values.of(*place))),
            }
        }
        text
    }

    /// What is signed: the query as the vendor gets it, up to the `&` before the parameter that holds the signature.
    pub fn signed_part(&self, values: &Values<'_>) -> String {
        let whole = self.fill(values, None);
        let query = whole.split_once('?').map_or("", |(_, query)| query);
        query.rsplit_once('&').map_or(query, |(before, _)| before).to_owned()
    }

    /// Scheme, host and port, for people to read.
    pub fn host(&self) -> String {
        let url = Url::parse(&self.fill(&SAMPLE, Some("0")));
        url.ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl Values<'_> {
    fn of(&self, place: Place) -> String {
        match place {
            Place::Pseudonym => self.pseudonym.to_owned(),
            Place::Band => self.band.to_owned(),
            Place::Type => self.patron_type.to_owned(),
            Place::Time => self.time.to_string(),
            Place::Expires => self.expires.to_string(),
            Place::Id => self.id.to_owned(),
            Place::Signature => String::new(),
        }
    }
}

/// To see whether a template makes an address at all.
const SAMPLE: Values<'_> = Values { pseudonym: "a", band: "adult", patron_type: "staff", time: 0, expires: 0, id: "a" };

/// Form encoding would write a blank as +, which not every vendor reads as one.
pub(super) fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "https://books.example/in?r={pseudonym}&b={band}&e={expires}&sig={signature}";

    #[test]
    fn a_template_is_filled_and_its_query_before_the_signature_is_what_is_signed() {
        let template = Template::read(GOOD).unwrap();
        assert_eq!(template.check_signed(), Ok(()));
        let values = Values { band: "young adult", expires: 99, ..SAMPLE };
        assert_eq!(template.signed_part(&values), "r=a&b=young%20adult&e=99");
        assert_eq!(template.fill(&values, Some("f00")), "https://books.example/in?r=a&b=young%20adult&e=99&sig=f00");
        assert_eq!(template.host(), "books.example");
    }

    #[test]
    fn a_template_that_a_reader_could_bend_or_a_vendor_could_not_check_is_refused() {
        for wrong in [
            "http://books.example/?a={band}",
            "https://{band}.example/",
            "https://books.example/{pseudonym}",
            "https://books.example/?a={card}",
            "https://books.example/?a={band",
            "https://books.example/?s={signature}&t={signature}",
            "javascript:alert(1)",
            "",
        ] {
            assert!(Template::read(wrong).is_err(), "{wrong}");
        }
        for unsigned in [
            "https://books.example/?r={pseudonym}&e={expires}",
            "https://books.example/?sig={signature}&r={pseudonym}&e={expires}",
            "https://books.example/?sig={signature}",
            "https://books.example/?e={expires}&sig={signature}",
            "https://books.example/?r={pseudonym}&sig={signature}",
            "https://books.example/?r={pseudonym}&e={expires}{signature}",
            "https://books.example/?r={pseudonym}&e={expires}&sig={signature}&x=1",
        ] {
            assert!(Template::read(unsigned).unwrap().check_signed().is_err(), "{unsigned}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_value_holds_the_host_the_path_and_the_signature_stay_where_they_are(
            pseudonym in ".*", band in ".*", id in ".*",
        ) {
            let template = Template::read(GOOD).unwrap();
            let values = Values { pseudonym: &pseudonym, band: &band, id: &id, ..SAMPLE };
            let whole = template.fill(&values, Some("f00"));
            let url = Url::parse(&whole).unwrap();
            prop_assert_eq!((url.host_str(), url.path(), url.fragment()), (Some("books.example"), "/in", None));
            let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let names: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
            prop_assert_eq!(names, ["r", "b", "e", "sig"]);
            prop_assert_eq!((&query[0].1, &query[1].1, &*query[3].1), (&pseudonym, &band, "f00"));
            let signed = format!("{}&sig=f00", template.signed_part(&values));
            prop_assert_eq!(url.query(), Some(&*signed));
        }

        #[test]
        fn no_text_breaks_the_reading_of_a_template(text in ".*", inside in "[{}a-z?&=/:.]*") {
            let _ = Template::read(&text);
            let _ = Template::read(&format!("https://books.example/?{inside}"));
        }
    }
}
