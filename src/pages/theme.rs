//! A library's own look: name, logo, two colours, and a folder of templates that replace ours.
//! What cannot be read by everyone is refused when the theme is loaded, not discovered by a child.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use super::PagesError;

/// `[theme]` as it was configured, unchecked; paths are as the process sees them.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThemeSettings<'a> {
    /// Headers, buttons, links, the card: `#rrggbb`, dark enough for white text on it.
    pub primary: Option<&'a str>,
    /// The ribbon and small marks: `#rrggbb`, light enough for dark text on it.
    pub accent: Option<&'a str>,
    /// An SVG or PNG file of at most 12 KiB.
    pub logo: Option<&'a Path>,
    /// Templates, and `style.css`, that replace ours, by the same names.
    pub folder: Option<&'a Path>,
}

#[derive(Debug, Clone)]
pub struct Theme {
    pub library_name: String,
    pub logo: Option<Logo>,
    pub primary: Colour,
    pub accent: Colour,
    pub folder: Option<PathBuf>,
}

/// What readable text needs (WCAG 2.2, 1.4.3).
const READABLE: f64 = 4.5;
/// Most that a page may weigh is 30 KB; this leaves room for the rest.
const LOGO_LIMIT: usize = 12 * 1024;

const WHITE: Colour = Colour { red: 255, green: 255, blue: 255 };
const PAPER: Colour = Colour { red: 0xfb, green: 0xf7, blue: 0xef };
const INK: Colour = Colour { red: 0x24, green: 0x21, blue: 0x1d };
const NIGHT: Colour = Colour { red: 0x26, green: 0x23, blue: 0x1f };

impl Theme {
    /// Our own colours under the library's name.
    pub fn plain(library_name: &str) -> Theme {
        Theme {
            library_name: library_name.to_owned(),
            logo: None,
            primary: Colour { red: 0x1f, green: 0x4b, blue: 0x43 },
            accent: Colour { red: 0xe8, green: 0xa8, blue: 0x3a },
            folder: None,
        }
    }

    /// Reads and checks a configured theme.
    ///
    /// # Errors
    /// Names the setting that cannot be used, what was found and what is needed.
    pub fn load(library_name: &str, settings: ThemeSettings<'_>) -> Result<Theme, PagesError> {
        let mut theme = Theme::plain(library_name);
        if let Some(text) = settings.primary {
            theme.primary = Colour::parse("primary", text)?;
        }
        if let Some(text) = settings.accent {
            theme.accent = Colour::parse("accent", text)?;
        }
        theme.logo = settings.logo.map(Logo::read).transpose()?;
        if let Some(folder) = settings.folder {
            if !folder.is_dir() {
                return Err(PagesError::Theme(format!("folder {} is not there", folder.display())));
            }
            theme.folder = Some(folder.to_owned());
        }
        theme.check()?;
        Ok(theme)
    }

    fn check(&self) -> Result<(), PagesError> {
        for (name, colour, on, what) in [
            ("primary", self.primary, WHITE, "white text on it; take a darker one"),
            ("primary", self.primary, PAPER, "links in it on paper; take a darker one"),
            ("accent", self.accent, INK, "dark text on it; take a lighter one"),
        ] {
            let found = colour.contrast(on);
            if found < READABLE {
                return Err(PagesError::Theme(format!(
                    "{name} = \"{colour}\" gives a contrast of {found:.1}:1, and {READABLE}:1 is needed for {what}"
                )));
            }
        }
        Ok(())
    }

    /// Our stylesheet behind the theme's custom properties.
    pub(super) fn stylesheet(&self, css: &[u8]) -> Vec<u8> {
        let night_primary = self.primary.lightened_for(NIGHT);
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            ":root{{--primary:{};--accent:{};--night-primary:{night_primary}}}",
            self.primary, self.accent
        );
        out.push_str(&slim(&String::from_utf8_lossy(css)));
        out.into_bytes()
    }
}

/// The stylesheet without its comments and indentation, which browsers do not need.
fn slim(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        out.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// An sRGB colour, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

impl Colour {
    fn parse(name: &str, text: &str) -> Result<Colour, PagesError> {
        let wrong = || PagesError::Theme(format!("{name} = {text:?} is not a colour: write \"#rrggbb\""));
        let digits = text.trim().strip_prefix('#').filter(|digits| digits.len() == 6).ok_or_else(wrong)?;
        match hex::decode(digits).as_deref() {
            Ok(&[red, green, blue]) => Ok(Colour { red, green, blue }),
            _ => Err(wrong()),
        }
    }

    /// WCAG 2.2's contrast ratio: 1 to 21.
    fn contrast(self, other: Colour) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// This hue, as light as links on `ground` need to be.
    fn lightened_for(self, ground: Colour) -> Colour {
        let mut colour = self;
        while colour.contrast(ground) < READABLE + 2.0 && colour != WHITE {
            let lighter = |channel: u8| channel.saturating_add(((255 - channel) / 12).max(1));
            colour = Colour { red: lighter(colour.red), green: lighter(colour.green), blue: lighter(colour.blue) };
        }
        colour
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logo {
    Svg(Vec<u8>),
    Png(Vec<u8>),
}

impl Logo {
    fn read(path: &Path) -> Result<Logo, PagesError> {
        let refuse = |why: String| PagesError::Theme(format!("logo {}: {why}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
        if bytes.len() > LOGO_LIMIT {
            return Err(refuse(format!("{} bytes; at most {LOGO_LIMIT} keep pages quick", bytes.len())));
        }
        let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(512)).unwrap_or_default()).into_owned();
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Ok(Logo::Png(bytes))
        } else if head.contains("<svg") {
            Ok(Logo::Svg(bytes))
        } else {
            Err(refuse("neither SVG nor PNG".into()))
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Logo::Svg(bytes) | Logo::Png(bytes) => bytes,
        }
    }

    pub(super) fn extension(&self) -> &'static str {
        match self {
            Logo::Svg(_) => "svg",
            Logo::Png(_) => "png",
        }
    }

    pub(super) fn media_type(&self) -> &'static str {
        match self {
            Logo::Svg(_) => "image/svg+xml",
            Logo::Png(_) => "image/png",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(primary: &str, accent: &str) -> Result<Theme, PagesError> {
        let settings = ThemeSettings { primary: Some(primary), accent: Some(accent), ..ThemeSettings::default() };
        Theme::load("Example Library", settings)
    }

    #[test]
    fn our_own_colours_pass_our_own_check() {
        Theme::plain("Example Library").check().unwrap();
    }

    #[test]
    fn a_colour_that_cannot_be_read_is_refused_with_its_figure() {
        let error = load("#9acd32", "#ffd24d").unwrap_err().to_string();
        assert!(error.contains("primary = \"#9acd32\"") && error.contains("4.5:1"), "{error}");
        let error = load("#1d3b6f", "#202020").unwrap_err().to_string();
        assert!(error.contains("accent"), "{error}");
        assert!(load("navy", "#ffd24d").unwrap_err().to_string().contains("#rrggbb"));
        load("#1d3b6f", "#ffd24d").unwrap();
    }

    #[test]
    fn black_on_white_is_twenty_one_to_one() {
        let black = Colour { red: 0, green: 0, blue: 0 };
        assert!((black.contrast(WHITE) - 21.0).abs() < 0.01);
    }

    #[test]
    fn at_night_every_allowed_colour_is_readable() {
        for primary in ["#000000", "#1d3b6f", "#7a1f1f", "#1f4b43", "#0000ff"] {
            let night = load(primary, "#ffd24d").unwrap().primary.lightened_for(NIGHT);
            assert!(night.contrast(NIGHT) >= READABLE, "{primary} became {night}");
        }
    }

    #[test]
    fn a_logo_that_is_no_picture_is_refused() {
        let path = std::env::temp_dir().join(format!("oneaccess-logo-{}", std::process::id()));
        std::fs::write(&path, b"GIF89a").unwrap();
        assert!(Logo::read(&path).unwrap_err().to_string().contains("neither SVG nor PNG"));
        std::fs::write(&path, b"<svg xmlns='http://www.w3.org/2000/svg'/>").unwrap();
        assert_eq!(Logo::read(&path).unwrap().extension(), "svg");
        std::fs::remove_file(&path).unwrap();
    }
}
