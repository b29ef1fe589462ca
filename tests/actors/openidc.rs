//! A vendor that is no program but a web server: Debian's Apache with mod_auth_openidc, set up as
//! `docs/integrate/mod_auth_openidc.md` says, in front of a page that shows what it was told.

use super::{
    apache::{Apache, Module},
    browser::{Browser, Page},
    library::{Declared, Library, RelyingParty, SECRET},
};

#[derive(Debug)]
pub struct Openidc {
    pub url: String,
    pub party: RelyingParty,
    apache: Apache,
}

const MODULE: Module =
    Module { name: "auth_openidc", log_level: "info", settings: "library.conf", folders: ["grown-ups", "api"] };

impl Openidc {
    /// `None` where Apache or the module is absent.
    pub async fn start(library: &Library) -> Option<Openidc> {
        // A port that was free may be taken by the time Apache binds it: try again then.
        for attempt in 1.. {
            let mut apache = Apache::installed(&MODULE)?;
            let url = apache.url.clone();
            let party = declare(library, &url, apache.port).await;
            let variables = [
                ("LIBRARY_ISSUER", library.issuer.clone()),
                ("LIBRARY_CLIENT_ID", party.client_id.clone()),
                ("LIBRARY_CLIENT_SECRET", SECRET.to_owned()),
                ("LIBRARY_REDIRECT_URI", party.redirect_uri.clone()),
                ("LIBRARY_RESOURCE", library.url(&format!("/vendors/{}", party.vendor))),
                ("LIBRARY_COOKIE_KEY", "fictional-and-only-for-this-test".to_owned()),
            ];
            match apache.start(&variables) {
                Ok(()) => return Some(Openidc { url, party, apache }),
                Err(why) if attempt < 3 && why.contains("in use") => {}
                Err(why) => panic!("{why}\n{}", apache.log()),
            }
        }
        None
    }

    /// What its page says that it was told, as `NAME=value` lines, and without those that are no claim.
    pub fn claims(page: &Page) -> Vec<(String, String)> {
        let claim = |line: &str| {
            let (name, value) = line.strip_prefix("OIDC_CLAIM_")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        page.body.lines().filter_map(claim).collect()
    }

    pub async fn api(&self, token: &str) -> Page {
        let bearer = format!("Bearer {token}");
        Browser::new().get_with(format!("{}/api/", self.url), &[("authorization", &bearer)]).await
    }

    /// What went wrong, in its own words.
    pub fn log(&self) -> String {
        self.apache.log()
    }
}

async fn declare(library: &Library, url: &str, port: u16) -> RelyingParty {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let redirect_uris: &'static [&'static str] = Box::leak(Box::new([leak(format!("{url}/signed-in"))]));
    library.declare(Declared { id: leak(format!("apache-{port}")), redirect_uris, ..Declared::default() }).await
}
