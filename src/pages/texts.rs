//! The texts of one language, from `locales/`. How a text is shown is a template's.

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use minijinja::{
    Error, ErrorKind, Value,
    value::{Kwargs, ValueKind},
};
use rust_embed::RustEmbed;

use super::{Locale, PagesError};

#[derive(RustEmbed)]
#[folder = "locales/"]
struct Locales;

pub struct Texts(FluentBundle<FluentResource>);

impl Texts {
    /// # Errors
    /// A file of this language that is not Fluent, or names a key twice.
    pub fn load(locale: Locale) -> Result<Texts, PagesError> {
        let language = locale.tag().parse().map_err(|error| PagesError::Texts(format!("{error}")))?;
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // The marks that isolate a value from the text around it are for mixed directions; they would stand in
        // the way of copying, and both our languages run the same way.
        bundle.set_use_isolating(false);
        for name in files(locale) {
            let Some(file) = Locales::get(&name) else { continue };
            let source = String::from_utf8_lossy(&file.data).into_owned();
            let resource = FluentResource::try_new(source)
                .map_err(|(_, errors)| PagesError::Texts(format!("{name}: {errors:?}")))?;
            bundle.add_resource(resource).map_err(|errors| PagesError::Texts(format!("{name}: {errors:?}")))?;
        }
        Ok(Texts(bundle))
    }

    pub fn has(&self, key: &str) -> bool {
        self.0.has_message(key)
    }

    /// The text as it is; the template escapes it.
    pub fn text(&self, key: &str, values: &Kwargs) -> Result<String, Error> {
        let text = self.format(key, values, |plain| plain.to_owned())?;
        values.assert_all_used()?;
        Ok(text)
    }

    /// The text with its values in `<strong>`. Values are escaped; the text around them is our own.
    pub fn emphasised(&self, key: &str, values: &Kwargs) -> Result<Value, Error> {
        let text = self.format(key, values, |plain| format!("<strong>{}</strong>", escaped(plain)))?;
        values.assert_all_used()?;
        Ok(Value::from_safe_string(text))
    }

    /// A calendar day, `2027-06-30`, in the reader's form.
    pub fn date(&self, day: &str) -> Result<String, Error> {
        let mut parts = day.splitn(3, '-');
        let (year, month, day_of_month) = (parts.next(), parts.next(), parts.next());
        let number = |part: Option<&str>| part.and_then(|p| p.parse::<u32>().ok());
        let (Some(year), Some(month), Some(day_of_month)) = (number(year), number(month), number(day_of_month)) else {
            return Err(Error::new(ErrorKind::InvalidOperation, format!("{day:?} is not a date")));
        };
        let mut args = FluentArgs::new();
        args.set("year", year.to_string());
        args.set("month", month);
        args.set("day", day_of_month.to_string());
        self.pattern("date-long", &args)
    }

    fn format(&self, key: &str, values: &Kwargs, each: impl Fn(&str) -> String) -> Result<String, Error> {
        let mut args = FluentArgs::new();
        for name in values.args() {
            let value: Value = values.get(name)?;
            let value: FluentValue = match (value.kind(), i64::try_from(value.clone())) {
                (ValueKind::Number, Ok(number)) => number.into(),
                _ => each(value.as_str().unwrap_or(&value.to_string())).into(),
            };
            args.set(name.to_owned(), value);
        }
        self.pattern(key, &args)
    }

    fn pattern(&self, key: &str, args: &FluentArgs) -> Result<String, Error> {
        let pattern = self.0.get_message(key).and_then(|message| message.value());
        let pattern =
            pattern.ok_or_else(|| Error::new(ErrorKind::UndefinedError, format!("there is no text {key:?}")))?;
        let mut errors = Vec::new();
        let text = self.0.format_pattern(pattern, Some(args), &mut errors).into_owned();
        match errors.first() {
            None => Ok(text),
            Some(error) => Err(Error::new(ErrorKind::InvalidOperation, format!("text {key:?}: {error}"))),
        }
    }
}

fn files(locale: Locale) -> Vec<String> {
    let folder = format!("{}/", locale.tag());
    Locales::iter().filter(|name| name.starts_with(&folder)).map(Into::into).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Every key of a language, with the values that its text asks for: what both languages must share.
#[cfg(test)]
pub(super) fn keys(locale: Locale) -> std::collections::BTreeMap<String, std::collections::BTreeSet<String>> {
    let mut keys = std::collections::BTreeMap::new();
    for name in files(locale) {
        let text = String::from_utf8(Locales::get(&name).unwrap().data.into_owned()).unwrap();
        let mut key = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((left, _)) = line.split_once('=').filter(|_| !line.starts_with([' ', '}'])) {
                key = left.trim().to_owned();
                let known_before = keys.insert(key.clone(), std::collections::BTreeSet::new());
                assert!(known_before.is_none(), "{key} stands twice in {}", locale.tag());
            }
            for value in line.split('$').skip(1) {
                let value: String = value.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                keys.get_mut(&key).unwrap().insert(value);
            }
        }
    }
    keys
}
