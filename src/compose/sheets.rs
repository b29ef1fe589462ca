//! Badges as pages to be printed: whole files, with nothing in them that comes from elsewhere.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    admin::operations::badges::Printed,
    config::Config,
    domain::badge::PICKS,
    pages::{Locale, Pages},
    wire::barcode,
};

#[derive(Serialize)]
struct Sheet<'a> {
    organisation: &'a str,
    year: &'a str,
    library: &'a str,
    classes: Vec<Class<'a>>,
}

#[derive(Serialize)]
struct Class<'a> {
    title: &'a str,
    badges: Vec<Badge<'a>>,
}

#[derive(Serialize)]
struct Badge<'a> {
    name: &'a str,
    symbol: &'static str,
    qr: String,
    pictures: Option<[&'static str; PICKS]>,
}

/// The badges, to be cut out.
///
/// # Errors
/// Where the theme cannot be used, or no language is called so.
pub fn badges(config: &Config, printed: &Printed, language: &str) -> Result<String> {
    render(config, printed, language, "badge/sheet.html")
}

/// Whose pictures are which: for the teacher alone.
///
/// # Errors
/// As `badges`.
pub fn pictures(config: &Config, printed: &Printed, language: &str) -> Result<String> {
    render(config, printed, language, "badge/list.html")
}

fn render(config: &Config, printed: &Printed, language: &str, template: &str) -> Result<String> {
    let pages = Pages::new(super::theme(config)?)?;
    let locale =
        Locale::from_tag(language).with_context(|| format!("{language:?} is not spoken here: use en or es"))?;
    let mut classes = Vec::with_capacity(printed.classes.len());
    for class in &printed.classes {
        let mut badges = Vec::with_capacity(class.badges.len());
        for badge in &class.badges {
            // Behind the #, so that whoever follows it sends no secret with the address.
            let address = format!("{}/badge#{}", config.issuer, badge.secret.expose());
            let qr = barcode::qr_svg(&address).context("the issuer is too long for a QR code")?;
            let pictures = badge.pictures.map(|pictures| pictures.names());
            badges.push(Badge { name: &badge.given_name, symbol: badge.symbol, qr, pictures });
        }
        classes.push(Class { title: &class.title, badges });
    }
    let sheet = Sheet {
        organisation: &printed.organisation,
        year: &printed.school_year,
        library: &config.library.name,
        classes,
    };
    Ok(pages.render(template, locale, sheet)?)
}
