//! The demo's vendor: a small e-book shelf that knows its readers only by what their library says of them.
//! An ordinary OIDC relying party, which imports nothing from oneaccess. `sign_in` is the flow, `library` the other
//! side of it, `access_token` its seal, `logout_token` the
//! news that a visit is over, `books` what there is to read, `page` what people see, `cloakroom` what is kept between two
//! requests.

#[path = "access_token.rs"]
mod access_token;
#[path = "books.rs"]
mod books;
#[path = "cloakroom.rs"]
mod cloakroom;
#[path = "library.rs"]
mod library;
#[path = "logout_token.rs"]
mod logout_token;
#[path = "page.rs"]
mod page;
#[path = "sign_in.rs"]
mod sign_in;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use minijinja::{Value, context, value::Serde};

use cloakroom::Cloakroom;
use library::{Library, Reader};
use page::{Pages, Trouble};
use sign_in::Attempt;

/// What a vendor engineer fills in after reading the library's welcome letter.
#[derive(Clone)]
pub struct Settings {
    /// Where to listen when run alone; `serve` takes a listener that is bound already.
    pub listen: SocketAddr,
    /// The address readers type, without a slash at its end.
    pub public_url: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// The shelf's name, as readers see it.
    pub name: String,
}

#[allow(dead_code, reason = "what has to be registered differs from library to library")]
impl Settings {
    /// To be registered as `redirect_uris`.
    pub fn redirect_uri(&self) -> String {
        format!("{}/callback", self.public_url)
    }

    /// To be registered as `post_logout_redirect_uris`.
    pub fn post_logout_redirect_uri(&self) -> String {
        format!("{}/signed-out", self.public_url)
    }

    /// To be registered as `backchannel_logout_uri`.
    pub fn backchannel_logout_uri(&self) -> String {
        format!("{}/backchannel-logout", self.public_url)
    }

    /// To be registered as `initiate_login_uri`: where a library's tile leads.
    pub fn initiate_login_uri(&self) -> String {
        format!("{}/login", self.public_url)
    }
}

/// Serves the shelf until the future is dropped. The library is asked for nothing before the first reader comes, so it
/// may start later than the shelf.
pub async fn serve(settings: Settings, listener: tokio::net::TcpListener) -> anyhow::Result<()> {
    tracing::debug!(listen = %settings.listen, "the bookshelf opens");
    let shelf = Arc::new(Shelf::new(settings)?);
    let routes = Router::new()
        .route("/", get(front))
        .route("/login", get(sign_in::begin).post(sign_in::begin_by_form))
        .route("/callback", get(sign_in::finish))
        .route("/shelf", get(books_of_reader))
        .route("/read/{book}", get(read))
        .route("/logout", post(sign_in::leave).get(|| async { Redirect::to("/shelf") }))
        .route("/backchannel-logout", post(sign_in::goodbye))
        .route("/signed-out", get(signed_out))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route("/style.css", get(page::style))
        .fallback(|State(shelf): State<Arc<Shelf>>| async move { Trouble::NotHere.page(&shelf.pages) })
        .layer(axum::middleware::map_response_with_state(shelf.clone(), page::guard))
        .with_state(shelf);
    axum::serve(listener, routes).await?;
    Ok(())
}

pub(crate) struct Shelf {
    settings: Settings,
    library: Library,
    pages: Pages,
    attempts: Cloakroom<Attempt>,
    readers: Cloakroom<Reader>,
}

impl Shelf {
    fn new(settings: Settings) -> anyhow::Result<Shelf> {
        Ok(Shelf {
            library: Library::new(&settings)?,
            pages: Pages::new(&settings)?,
            attempts: Cloakroom::new(Duration::from_secs(10 * 60)),
            readers: Cloakroom::new(Duration::from_secs(60 * 60)),
            settings,
        })
    }

    fn reader(&self, headers: &HeaderMap) -> Option<Arc<Reader>> {
        self.readers.look(&page::cookie(headers, self.reader_cookie())?)
    }

    /// Cookies know no ports: on a loopback demo the names must not meet the library's own.
    fn reader_cookie(&self) -> &'static str {
        if self.secure() { "__Host-bookshelf-reader" } else { "bookshelf-reader" }
    }

    fn browser_cookie(&self) -> &'static str {
        if self.secure() { "__Host-bookshelf-browser" } else { "bookshelf-browser" }
    }

    fn secure(&self) -> bool {
        self.settings.public_url.starts_with("https:")
    }
}

async fn front(State(shelf): State<Arc<Shelf>>, headers: HeaderMap) -> Response {
    match shelf.reader(&headers) {
        Some(_) => Redirect::to("/shelf").into_response(),
        None => shelf.pages.show(StatusCode::OK, "front.html", context! {}),
    }
}

async fn signed_out(State(shelf): State<Arc<Shelf>>) -> Response {
    shelf.pages.show(StatusCode::OK, "signed-out.html", context! {})
}

async fn books_of_reader(State(shelf): State<Arc<Shelf>>, headers: HeaderMap) -> Response {
    let Some(reader) = shelf.reader(&headers) else { return Redirect::to("/").into_response() };
    let (who, books) = (Value::from(Serde(&*reader)), Value::from(Serde(books::for_band(reader.band))));
    let page = context! { reader => who, band => reader.band.words(), books };
    shelf.pages.show(StatusCode::OK, "shelf.html", page)
}

/// A page of a book. Somebody whom a link led here is asked to sign in first, and comes back to the same page.
async fn read(State(shelf): State<Arc<Shelf>>, headers: HeaderMap, Path(book): Path<String>) -> Response {
    let Some(book) = books::named(&book) else { return Trouble::NotHere.page(&shelf.pages) };
    let Some(reader) = shelf.reader(&headers) else {
        return Redirect::to(&format!("/login?target_link_uri={}/read/{}", shelf.settings.public_url, book.id))
            .into_response();
    };
    if book.audience > reader.band {
        return Trouble::ForOlderReaders.page(&shelf.pages);
    }
    let (who, what) = (Value::from(Serde(&*reader)), Value::from(Serde(book)));
    let page = context! { reader => who, book => what, paragraphs => book.paragraphs() };
    shelf.pages.show(StatusCode::OK, "book.html", page)
}
