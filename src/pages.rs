//! What people see, as text: renders a template in a locale and a theme. Owns `templates/` and `locales/`;
//! which page comes when is `web`'s, and nothing here knows a request.

mod locale;
mod texts;
mod theme;

use std::{borrow::Cow, path::Path, sync::Arc};

use minijinja::{
    AutoEscape, Environment, UndefinedBehavior, Value, context,
    value::{Kwargs, Rest, Serde},
};
use rust_embed::RustEmbed;
use serde::Serialize;

pub use locale::Locale;
use texts::Texts;
pub use theme::{Colour, Logo, Theme, ThemeSettings};

/// Every template in every language, compiled, with the theme applied. Made once, shared by all.
pub struct Pages {
    english: Environment<'static>,
    spanish: Environment<'static>,
    stylesheet: Asset,
    /// Sends a hand-over form where scripts run.
    script: Asset,
    /// Reads a badge by the camera, where a browser can.
    badge_script: Asset,
    logo: Option<Asset>,
}

/// A file for the browser. Its path holds its hash, so it may be cached for ever.
#[derive(Debug, Clone)]
pub struct Asset {
    pub path: String,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

/// What stands around a page. The same on all pages, so that no page forgets it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Frame {
    /// The local path to return to after a change of language.
    pub path: String,
    /// Who is signed in, as a shared screen may show it: `M · 4417`.
    pub badge: Option<String>,
    /// On a computer that many readers share: "Done" must catch the eye.
    pub shared: bool,
    /// For the forms of the page and for "Done".
    pub csrf: String,
    /// The pending ask, if any: "Not you?" leads back to its sign-in.
    pub ticket: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// The theme cannot be used; says which setting and why.
    #[error("theme: {0}")]
    Theme(String),
    #[error("texts: {0}")]
    Texts(String),
    #[error("template {name}: {error:#}")]
    Template { name: String, error: minijinja::Error },
}

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Templates;

impl Pages {
    /// # Errors
    /// A theme whose colours, logo or templates cannot be used, named so that an operator can mend it.
    pub fn new(theme: Theme) -> Result<Pages, PagesError> {
        let own_css = read_override(theme.folder.as_deref(), "style.css")?;
        let embedded = Templates::get("style.css").map(|f| f.data).unwrap_or_default();
        let css = own_css.as_ref().map_or(embedded.as_ref(), String::as_bytes);
        let stylesheet = Asset::new("style", "css", "text/css; charset=utf-8", theme.stylesheet(css));
        let script = Templates::get("hand-over.js").map(|f| f.data).unwrap_or_default();
        let script = Asset::new("hand-over", "js", "text/javascript; charset=utf-8", script.into_owned());
        let badge_script = Templates::get("badge.js").map(|f| f.data).unwrap_or_default();
        let badge_script = Asset::new("badge", "js", "text/javascript; charset=utf-8", badge_script.into_owned());
        let logo = theme
            .logo
            .as_ref()
            .map(|logo| Asset::new("logo", logo.extension(), logo.media_type(), logo.bytes().to_vec()));
        let site = context! {
            library => theme.library_name,
            stylesheet => stylesheet.path.as_str(),
            script => script.path.as_str(),
            badge_script => badge_script.path.as_str(),
            logo => logo.as_ref().map(|logo| logo.path.as_str()),
        };
        let of = |locale| environment(locale, theme.folder.as_deref(), &site);
        Ok(Pages {
            english: of(Locale::English)?,
            spanish: of(Locale::Spanish)?,
            stylesheet,
            script,
            badge_script,
            logo,
        })
    }

    /// Renders `name`, such as `card/card.html`, with `context`: exactly what the page shows.
    ///
    /// # Errors
    /// An unknown template, or one that asks for what the context does not hold.
    pub fn render(&self, name: &str, locale: Locale, context: impl Serialize) -> Result<String, PagesError> {
        let failed = |error| PagesError::Template { name: name.to_owned(), error };
        let environment = match locale {
            Locale::English => &self.english,
            Locale::Spanish => &self.spanish,
        };
        environment.get_template(name).map_err(failed)?.render(Value::from(Serde(context))).map_err(failed)
    }

    /// The page for what broke or was never there. `code` is short and for staff to note, `detail` is for whoever
    /// mends it and may be empty; neither is ever a secret.
    pub fn error_page(&self, locale: Locale, status: u16, code: &str, detail: &str) -> String {
        self.error_page_in(Frame { path: "/".into(), ..Frame::default() }, locale, status, code, detail)
    }

    /// The same, with what stands around it.
    pub fn error_page_in(&self, frame: Frame, locale: Locale, status: u16, code: &str, detail: &str) -> String {
        #[derive(Serialize)]
        struct ErrorPage<'a> {
            frame: Frame,
            status: u16,
            code: &'a str,
            detail: &'a str,
        }
        let page = ErrorPage { frame, status, code, detail };
        self.render("error/error.html", locale, page).unwrap_or_else(|error| {
            tracing::error!(%error, "the error page itself cannot be rendered");
            "<!doctype html><html lang=en><title>Sorry</title><h1>Something went wrong here</h1>".into()
        })
    }

    /// The stylesheet's bytes and its entity tag; it stands at `/assets/style.{tag}.css`.
    pub fn stylesheet(&self) -> (&[u8], &str) {
        (&self.stylesheet.bytes, self.stylesheet.hash())
    }

    /// Where the library's logo is, under the site's root.
    pub fn logo(&self) -> Option<&str> {
        self.logo.as_ref().map(|logo| logo.path.as_str())
    }

    /// The asset at `path`, `/assets/…`.
    pub fn asset(&self, path: &str) -> Option<&Asset> {
        [Some(&self.stylesheet), Some(&self.script), Some(&self.badge_script), self.logo.as_ref()]
            .into_iter()
            .flatten()
            .find(|asset| asset.path == path)
    }
}

impl Asset {
    fn new(name: &str, extension: &str, media_type: &'static str, bytes: Vec<u8>) -> Asset {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        let hash: String = hex::encode(digest.as_ref()).chars().take(16).collect();
        Asset { path: format!("/assets/{name}.{hash}.{extension}"), media_type, bytes }
    }

    /// The part of the path that changes with the content.
    pub fn hash(&self) -> &str {
        self.path.split('.').nth(1).unwrap_or_default()
    }
}

/// One language's templates, with the texts behind `t`.
fn environment(locale: Locale, theme: Option<&Path>, site: &Value) -> Result<Environment<'static>, PagesError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A sentence for a wire that knows no HTML.
    environment
        .set_auto_escape_callback(|name| if name.ends_with(".txt") { AutoEscape::None } else { AutoEscape::Html });
    environment.add_global("lang", locale.tag());
    environment.add_global("site", site.clone());

    let texts = Arc::new(Texts::load(locale)?);
    let plain = texts.clone();
    environment.add_function("t", move |key: &str, values: Kwargs| plain.text(key, &values));
    // The same with its values emphasised: the text is ours, the values are escaped first.
    let emphasised = texts.clone();
    environment.add_function("t_strong", move |key: &str, values: Kwargs| emphasised.emphasised(key, &values));
    let dates = texts.clone();
    environment.add_function("date", move |day: &str| dates.date(day));
    environment.add_function("has_text", move |key: &str, _rest: Rest<Value>| texts.has(key));

    for name in Templates::iter().filter(|name| name.ends_with(".html") || name.ends_with(".txt")) {
        let own = read_override(theme, &name)?;
        let source: Cow<'static, str> = match (own, Templates::get(&name)) {
            (Some(own), _) => own.into(),
            (None, Some(file)) => String::from_utf8_lossy(&file.data).into_owned().into(),
            (None, None) => continue,
        };
        let known_as = name.to_string();
        environment.add_template_owned(name, source).map_err(|error| PagesError::Template { name: known_as, error })?;
    }
    Ok(environment)
}

/// A theme folder's own version of one of our files.
fn read_override(theme: Option<&Path>, name: &str) -> Result<Option<String>, PagesError> {
    let Some(path) = theme.map(|folder| folder.join(name)) else { return Ok(None) };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PagesError::Theme(format!("{}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests;
