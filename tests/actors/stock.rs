//! Vendors that are not ours: stock client libraries in their own languages, whose programs are in `tests/clients/` and
//! on the pages of `docs/integrate/`.
//!
//! Each but Rust's runs as one process that lives for many clicks and caches what its library caches by default. It learns who it is
//! from `LIBRARY_…` variables, and is told what to do over lines of JSON, each answered by one:
//!
//! | To the client | From the client |
//! |---|---|
//! | `{"begin": true}` | `{"authorize": URL}`: where it sends the browser |
//! | `{"callback": URL}`: where the browser came back to | `{"claims", "userinfo", "scope", "token_type", "access_token", "id_token"}` |
//! | `{"verify": TOKEN}`: an access token that its API was sent | `{"claims": {"sub", …}}` |
//! | anything that it refuses | `{"error": WHY}`, and it goes on |

use std::ffi::OsString;

use serde_json::{Value, json};
use url::Url;

use super::{
    beside::{Beside, Program, clients},
    browser::Browser,
    library::{Library, Patron, RelyingParty},
    parts::part,
    rust_conversation::RustVendor,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stock {
    /// npm's openid-client, with jose at the API.
    OpenidClient,
    /// npm's oauth4webapi.
    Oauth4webapi,
    /// Python's Authlib, in a Flask app.
    Authlib,
    /// Python's requests-oauthlib, with PyJWT.
    Pyjwt,
    /// Go's coreos/go-oidc.
    GoOidc,
    /// Java's Spring Security, in a Spring Boot app that believes to be behind a proxy. Its callback is always
    /// `/login/oauth2/code/library`.
    SpringSecurity,
    /// Rust's openidconnect, with jsonwebtoken at the API.
    Openidconnect,
}

impl Stock {
    pub const ALL: [Stock; 7] = [
        Stock::OpenidClient,
        Stock::Oauth4webapi,
        Stock::Authlib,
        Stock::Pyjwt,
        Stock::GoOidc,
        Stock::SpringSecurity,
        Stock::Openidconnect,
    ];

    /// `None` where the toolchain is absent, as Rust's is not.
    fn program(self) -> Option<Program> {
        let node = |module: &str| Program::node(module, "the clients of npm");
        let python = |module: &str| Program::python(module, "the clients of Python");
        match self {
            Stock::OpenidClient => node("./openid-client.mjs"),
            Stock::Oauth4webapi => node("./oauth4webapi.mjs"),
            Stock::Authlib => python("authlib_flask"),
            Stock::Pyjwt => python("requests_pyjwt"),
            Stock::SpringSecurity => {
                let folder = part("ONEACCESS_TEST_JAVA_CLIENT", "the client of Java")?.into();
                let path = std::env::var_os("ONEACCESS_TEST_JAVA").unwrap_or_else(|| "java".into());
                // A short life: starting quickly counts for more than the last optimisation.
                let arguments = [
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-cp",
                    "classes:dependency/*",
                    "example.Conversation",
                ];
                Some(Program { path, arguments: arguments.map(OsString::from).into(), folder })
            }
            Stock::Openidconnect => None,
            Stock::GoOidc => {
                let path = part("ONEACCESS_TEST_GO_CLIENT", "the client of Go")?.into();
                Some(Program { path, arguments: vec![], folder: clients("go") })
            }
        }
    }
}

pub struct StockClient {
    pub stock: Stock,
    vendor: Vendor,
    redirect_uri: String,
}

enum Vendor {
    Here(Box<RustVendor>),
    Beside(Beside),
}

impl StockClient {
    /// `None` where the toolchain of its language is absent, which is then a named skip.
    pub fn start(stock: Stock, library: &Library, party: &RelyingParty) -> Option<StockClient> {
        StockClient::start_at(stock, &library.issuer, party)
    }

    /// The same, for whoever says that this issuer is his.
    pub fn start_at(stock: Stock, issuer: &str, party: &RelyingParty) -> Option<StockClient> {
        assert_eq!(party.auth_method, "client_secret_basic", "what every recipe in docs/integrate/ uses");
        let vendor = match stock {
            Stock::Openidconnect => Vendor::Here(Box::new(RustVendor::new(issuer, party))),
            _ => Vendor::Beside(beside(stock, issuer, party)?),
        };
        Some(StockClient { stock, vendor, redirect_uri: party.redirect_uri.clone() })
    }

    /// One whole click. `Err` with the library's own words where it refuses what came back.
    pub async fn click(&mut self, browser: &Browser, patron: &Patron) -> Result<Value, String> {
        let authorize = self.authorize().await?;
        let callback = browser.click_to(&authorize, patron, &self.redirect_uri).await.left();
        self.arrive(&callback).await
    }

    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The address to which it sends the browser.
    pub async fn authorize(&mut self) -> Result<String, String> {
        Ok(self.ask(&json!({ "begin": true })).await?["authorize"].as_str().unwrap().to_owned())
    }

    /// What it made of the browser's return: `claims`, `userinfo`, `scope`, `token_type`, `access_token`, `id_token`.
    pub async fn arrive(&mut self, callback: &Url) -> Result<Value, String> {
        self.ask(&json!({ "callback": callback.as_str() })).await
    }

    /// Whom its API takes the sender of this access token for: the claims that it looks at, `sub` at least.
    pub async fn believe(&mut self, access_token: &str) -> Result<Value, String> {
        Ok(self.ask(&json!({ "verify": access_token })).await?["claims"].take())
    }

    async fn ask(&mut self, message: &Value) -> Result<Value, String> {
        match &mut self.vendor {
            Vendor::Here(vendor) => vendor.answer(message).await.map_err(|why| format!("{:?}: {why:#}", self.stock)),
            Vendor::Beside(vendor) => vendor.ask(message),
        }
    }
}

fn beside(stock: Stock, issuer: &str, party: &RelyingParty) -> Option<Beside> {
    let env = [
        ("LIBRARY_ISSUER", issuer),
        ("LIBRARY_CLIENT_ID", &party.client_id),
        ("LIBRARY_CLIENT_SECRET", party.client_secret.as_deref().unwrap_or_default()),
        ("LIBRARY_REDIRECT_URI", &party.redirect_uri),
        ("LIBRARY_RESOURCE", &format!("{issuer}/vendors/{}", party.vendor)),
    ];
    Some(Beside::start(format!("{stock:?}"), stock.program()?, &env))
}
