//! The OPDS authentication document (Authentication for OPDS 1.0): where reading apps find the ways in. Each way belongs to
//! its protocol; here they stand beside one another.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{Protocol, answer::Kept};
use crate::signon::SignOn;

const MEDIA_TYPE: &str = "application/opds-authentication+json";
/// Card and PIN, as catalogues that ask us by SIP2 or PATRONAPI take them.
const BASIC: &str = "http://opds-spec.org/auth/basic";

pub fn routes(signon: &SignOn, speaking: &[Box<dyn Protocol>]) -> Router {
    let config = &signon.app().config;
    let ways = speaking.iter().filter_map(|protocol| protocol.opds(&config.issuer)).collect();
    let logo = signon.app().pages.logo().map(|path| format!("{}{path}", config.issuer));
    let body = document(&config.issuer, &config.library.name, logo.as_deref(), ways).to_string();
    let tag = hex::encode(digest::digest(&digest::SHA256, body.as_bytes()).as_ref().get(..16).unwrap_or_default());
    let document = Kept::new(body, &format!("\"{tag}\""), MEDIA_TYPE, "public, max-age=3600");
    Router::new().route("/opds/authentication", get(show)).with_state(Arc::new(document))
}

async fn show(State(document): State<Arc<Option<Kept>>>, headers: HeaderMap) -> Response {
    match &*document {
        Some(document) => document.answer(&headers),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn document(issuer: &str, library: &str, logo: Option<&str>, mut ways: Vec<Value>) -> Value {
    ways.push(json!({
        "type": BASIC,
        "description": "Student ID or library card, and PIN",
        "labels": { "login": "Student ID", "password": "PIN" },
        "inputs": {
            "login": { "keyboard": "Default", "maximum_length": 64 },
            "password": { "keyboard": "Default", "maximum_length": 64 },
        },
    }));
    let mut links = vec![
        json!({ "rel": "start", "href": format!("{issuer}/"), "type": "text/html" }),
        json!({ "rel": "profile", "href": format!("{issuer}/card"), "type": "text/html" }),
    ];
    links.extend(logo.map(|href| json!({ "rel": "logo", "href": href })));
    json!({
        "id": format!("{issuer}/opds/authentication"),
        "title": library,
        "description": "Sign in with your student ID or library card.",
        "links": links,
        "authentication": ways,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_the_library_and_each_way_in() {
        let ways = vec![json!({ "type": "http://a.example/way" })];
        let document = document("https://access.library.example", "Example Library", None, ways);
        let types: Vec<&str> =
            document["authentication"].as_array().unwrap().iter().map(|way| way["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["http://a.example/way", BASIC]);
        assert_eq!(document["id"], "https://access.library.example/opds/authentication");
        assert_eq!(document["title"], "Example Library");
    }
}
