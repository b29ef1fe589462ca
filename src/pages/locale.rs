//! Which language a page is in: the reader's choice first, then what the browser says.

/// A language that every text exists in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Locale {
    #[default]
    English,
    Spanish,
}

impl Locale {
    /// The cookie that remembers the reader's choice, and nothing else.
    pub const COOKIE: &str = "oneaccess-lang";

    pub const ALL: [Locale; 2] = [Locale::English, Locale::Spanish];

    /// BCP 47, for `lang`, for the cookie and for the folder in `locales/`.
    pub fn tag(self) -> &'static str {
        match self {
            Locale::English => "en",
            Locale::Spanish => "es",
        }
    }

    /// Reads a BCP 47 tag, of which the language alone counts: `es-MX` is Spanish.
    pub fn from_tag(tag: &str) -> Option<Locale> {
        let language = tag.split(['-', '_']).next().unwrap_or_default().trim();
        Locale::ALL.into_iter().find(|locale| locale.tag().eq_ignore_ascii_case(language))
    }

    /// The language for a reader: `asked` on this page (`?lang=`), else `chosen` before (the cookie), else the
    /// best that `accept_language` (RFC 9110 section 12.5.4) names, else English.
    pub fn of(asked: Option<&str>, chosen: Option<&str>, accept_language: Option<&str>) -> Locale {
        asked
            .and_then(Locale::from_tag)
            .or_else(|| chosen.and_then(Locale::from_tag))
            .or_else(|| accept_language.and_then(best_of))
            .unwrap_or_default()
    }
}

/// The highest quality wins; of equals the first.
fn best_of(accept_language: &str) -> Option<Locale> {
    let mut best: Option<(Locale, f32)> = None;
    for range in accept_language.split(',').take(32) {
        let mut parts = range.split(';');
        let Some(locale) = parts.next().and_then(|tag| Locale::from_tag(tag.trim())) else { continue };
        let quality = parts
            .find_map(|part| part.trim().strip_prefix("q="))
            .map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0));
        if quality > 0.0 && best.is_none_or(|(_, so_far)| quality > so_far) {
            best = Some((locale, quality));
        }
    }
    best.map(|(locale, _)| locale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_beats_the_browser() {
        assert_eq!(Locale::of(None, Some("es"), Some("en-US,en;q=0.9")), Locale::Spanish);
        assert_eq!(Locale::of(Some("en"), Some("es"), Some("es")), Locale::English);
    }

    #[test]
    fn the_browser_is_heard_by_its_qualities() {
        for (header, expected) in [
            ("es-MX,es;q=0.9,en;q=0.8", Locale::Spanish),
            ("en;q=0.8, es;q=0.9", Locale::Spanish),
            ("fr-CA, fr;q=0.9, es;q=0.2", Locale::Spanish),
            ("es;q=0, en;q=0.1", Locale::English),
            ("fr", Locale::English),
            ("*", Locale::English),
            ("es;q=nonsense", Locale::English),
            ("", Locale::English),
        ] {
            assert_eq!(Locale::of(None, None, Some(header)), expected, "{header}");
        }
    }

    #[test]
    fn a_choice_that_is_no_language_of_ours_is_passed_over() {
        assert_eq!(Locale::of(Some("xx"), Some("../etc"), Some("es")), Locale::Spanish);
    }
}
