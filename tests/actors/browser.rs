//! A browser without scripts: cookies, redirects and forms, by hand so that a test sees every step.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use reqwest::{Client, Method, StatusCode, header, redirect};
use url::Url;

use super::library::{Library, Patron, RelyingParty};

#[derive(Debug)]
pub struct Browser {
    client: Client,
    /// Cookies belong to a host, whatever the port, as in every browser.
    cookies: Mutex<BTreeMap<(String, String), String>>,
    language: Option<&'static str>,
    /// Where nobody answers it sees a 502, as from a proxy.
    proxied: bool,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Page {
    pub url: Url,
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub body: String,
}

/// Where following a link ended: on a page, or at an address that the test watches and that was not opened.
#[derive(Debug)]
pub enum Arrival {
    Page(Page),
    Left(Url),
}

impl Browser {
    pub fn new() -> Browser {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        Browser { client, cookies: Mutex::default(), language: None, proxied: false }
    }

    pub fn reading(language: &'static str) -> Browser {
        Browser { language: Some(language), ..Browser::new() }
    }

    /// One that lives through a library's worst minutes: where nobody answers it sees a 502, as from a proxy.
    pub fn through_a_proxy() -> Browser {
        Browser { proxied: true, ..Browser::new() }
    }

    // ── One step ───────────────────────────────────────────────────────────────────────────────────────────────────

    pub async fn get(&self, url: impl AsRef<str>) -> Page {
        self.send(Method::GET, &Url::parse(url.as_ref()).unwrap(), None, &[]).await
    }

    pub async fn get_with(&self, url: impl AsRef<str>, headers: &[(&str, &str)]) -> Page {
        self.send(Method::GET, &Url::parse(url.as_ref()).unwrap(), None, headers).await
    }

    /// A form post from a page of the same site.
    pub async fn post(&self, url: &Url, fields: &[(String, String)]) -> Page {
        let origin = url.origin().ascii_serialization();
        self.send(Method::POST, url, Some(fields), &[("Origin", &origin), ("Sec-Fetch-Site", "same-origin")]).await
    }

    /// A form post that another site made this browser send: no cookie of ours comes along (`SameSite=Lax`).
    pub async fn post_from_elsewhere(&self, url: &Url, fields: &[(String, String)], with_cookies: bool) -> Page {
        let headers = [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")];
        let kept = if with_cookies { None } else { Some(std::mem::take(&mut *self.cookies.lock().unwrap())) };
        let page = self.send(Method::POST, url, Some(fields), &headers).await;
        if let Some(kept) = kept {
            *self.cookies.lock().unwrap() = kept;
        }
        page
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        fields: Option<&[(String, String)]>,
        headers: &[(&str, &str)],
    ) -> Page {
        let mut request = self.client.request(method, url.clone()).header(header::ACCEPT, "text/html,*/*;q=0.8");
        let host = url.host_str().unwrap_or_default().to_owned();
        let cookies: Vec<String> = {
            let jar = self.cookies.lock().unwrap();
            jar.iter().filter(|((h, _), _)| *h == host).map(|((_, name), value)| format!("{name}={value}")).collect()
        };
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if let Some(language) = self.language {
            request = request.header(header::ACCEPT_LANGUAGE, language);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(fields) = fields {
            request = request.form(fields);
        }
        let nobody = |why: reqwest::Error| {
            assert!(self.proxied, "{url}: {why:?}");
            let (status, headers) = (StatusCode::BAD_GATEWAY, header::HeaderMap::new());
            Page { url: url.clone(), status, headers, body: format!("{why:?}") }
        };
        let response = match request.send().await {
            Ok(response) => response,
            Err(why) => return nobody(why),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        for line in headers.get_all(header::SET_COOKIE) {
            self.keep(&host, line.to_str().unwrap());
        }
        let body = match response.bytes().await {
            Ok(body) => String::from_utf8_lossy(&body).into_owned(),
            Err(why) => return nobody(why),
        };
        Page { url: url.clone(), status, headers, body }
    }

    // ── Cookies ────────────────────────────────────────────────────────────────────────────────────────────────────

    fn keep(&self, host: &str, line: &str) {
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let Some((name, value)) = pair.split_once('=') else { return };
        let attributes = attributes.to_ascii_lowercase();
        let mut jar = self.cookies.lock().unwrap();
        let key = (host.to_owned(), name.trim().to_owned());
        if attributes.contains("max-age=0") || attributes.contains("expires=thu, 01 jan 1970") || value.is_empty() {
            jar.remove(&key);
        } else {
            jar.insert(key, value.to_owned());
        }
    }

    /// All cookies, by name.
    pub fn cookies(&self) -> Vec<(String, String)> {
        self.cookies.lock().unwrap().iter().map(|((_, name), value)| (name.clone(), value.clone())).collect()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(("127.0.0.1".into(), name.into()), value.into());
    }

    /// Another browser with the same cookies, as a thief has.
    pub fn copy(&self) -> Browser {
        Browser { cookies: Mutex::new(self.cookies.lock().unwrap().clone()), ..Browser::new() }
    }

    // ── Links and forms ────────────────────────────────────────────────────────────────────────────────────────────

    /// Opens a page and follows redirects.
    pub async fn open(&self, url: impl AsRef<str>) -> Page {
        match self.follow(self.get(url).await, None).await {
            Arrival::Page(page) => page,
            Arrival::Left(url) => panic!("left for {url}"),
        }
    }

    /// Opens a page and follows redirects, but stops before an address that begins with `watched`.
    pub async fn go(&self, url: impl AsRef<str>, watched: &str) -> Arrival {
        self.follow(self.get(url).await, Some(watched)).await
    }

    async fn follow(&self, mut page: Page, watched: Option<&str>) -> Arrival {
        for _ in 0..20 {
            let Some(next) = page.location() else { return Arrival::Page(page) };
            if watched.is_some_and(|w| next.as_str().starts_with(w)) {
                return Arrival::Left(next);
            }
            page = self.send(Method::GET, &next, None, &[]).await;
        }
        panic!("more than 20 redirects, the last to {}", page.url)
    }

    /// Fills the form with this id (or the form around the element with this id) and sends it, hidden fields too.
    pub async fn submit(&self, page: &Page, id: &str, fill: &[(&str, &str)]) -> Page {
        let form = page.form(id).unwrap_or_else(|| panic!("no form #{id} on {}:\n{}", page.url, page.body));
        let mut fields = form.fields;
        for (name, value) in fill {
            fields.retain(|(n, _)| n != name);
            fields.push(((*name).into(), (*value).into()));
        }
        let target = page.url.join(&form.action).unwrap();
        if form.method.eq_ignore_ascii_case("get") {
            let mut target = target;
            target.query_pairs_mut().clear().extend_pairs(&fields);
            return self.send(Method::GET, &target, None, &[]).await;
        }
        self.post(&target, &fields).await
    }

    /// The same, redirects followed to a page of ours.
    pub async fn submit_and_follow(&self, page: &Page, id: &str, fill: &[(&str, &str)]) -> Page {
        self.follow(self.submit(page, id, fill).await, None).await.page()
    }

    /// The same, but stops before an address that begins with `watched`.
    pub async fn submit_watching(&self, page: &Page, id: &str, fill: &[(&str, &str)], watched: &str) -> Arrival {
        self.follow(self.submit(page, id, fill).await, Some(watched)).await
    }

    // ── What a patron does ─────────────────────────────────────────────────────────────────────────────────────────

    /// Types card and PIN once into the sign-in page and says what came, redirects followed.
    pub async fn try_sign_in(&self, library: &Library, patron: &Patron) -> Page {
        let page = self.open(library.url("/")).await;
        let answer = self.submit(&page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await;
        match self.follow(answer, None).await {
            Arrival::Page(page) => page,
            Arrival::Left(url) => panic!("left for {url}"),
        }
    }

    /// Signs in, which must work; an initial PIN is changed to `changed_pin` on the way.
    pub async fn sign_in(&self, library: &Library, patron: &Patron) -> Page {
        let mut page = self.try_sign_in(library, patron).await;
        if page.has("change-pin") {
            page = self.change_pin(&page, &patron.pin, CHANGED_PIN).await;
        }
        assert!(page.status.is_success() && !page.has("sign-in"), "not signed in: {} {}", page.url, page.body);
        page
    }

    /// Fills the forced change of PIN.
    pub async fn change_pin(&self, page: &Page, current: &str, new: &str) -> Page {
        let fill = [("current_pin", current), ("new_pin", new), ("repeat_pin", new)];
        match self.follow(self.submit(page, "change-pin", &fill).await, None).await {
            Arrival::Page(page) => page,
            Arrival::Left(url) => panic!("left for {url}"),
        }
    }

    /// Opens a vendor's link to the library, signs in when asked, and comes back to the vendor's `redirect_uri`, which
    /// is not opened; or stays on a page of ours, such as a refusal.
    pub async fn click(&self, authorize: &str, patron: &Patron, party: &RelyingParty) -> Arrival {
        self.click_to(authorize, patron, &party.redirect_uri).await
    }

    pub async fn click_to(&self, authorize: &str, patron: &Patron, redirect_uri: &str) -> Arrival {
        let mut arrival = self.go(authorize, redirect_uri).await;
        for _ in 0..3 {
            let Arrival::Page(page) = &arrival else { break };
            let answer = if page.has("sign-in") {
                self.submit(page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await
            } else if page.has("change-pin") {
                let fill =
                    [("current_pin", patron.pin.as_str()), ("new_pin", CHANGED_PIN), ("repeat_pin", CHANGED_PIN)];
                self.submit(page, "change-pin", &fill).await
            } else if page.has("continue") {
                self.submit(page, "continue", &[]).await
            } else {
                break;
            };
            arrival = self.follow(answer, Some(redirect_uri)).await;
        }
        arrival
    }

    /// Signs in with an initial PIN and stays on the page that asks for a new one.
    pub async fn sign_in_until_change(&self, library: &Library, patron: &Patron) -> Page {
        let page = self.try_sign_in(library, patron).await;
        assert!(page.has("change-pin"), "no change of PIN: {} {}", page.url, page.body);
        page
    }

    /// Leaves by the sign-out page and its confirmation.
    pub async fn sign_out(&self, library: &Library) -> Page {
        let page = self.open(library.url("/sign-out")).await;
        match self.follow(self.submit(&page, "sign-out", &[]).await, None).await {
            Arrival::Page(page) => page,
            Arrival::Left(url) => panic!("left for {url}"),
        }
    }

    /// Whether this browser's session still opens the launchpad.
    pub async fn is_signed_in(&self, library: &Library) -> bool {
        let page = self.open(library.url("/")).await;
        page.status.is_success() && !page.has("sign-in") && page.reason().is_none()
    }
}

/// What patrons of these tests choose when they must change an initial PIN: hard enough for any rule.
pub const CHANGED_PIN: &str = "730194";

impl Arrival {
    /// The vendor must have been reached.
    #[track_caller]
    pub fn left(self) -> Url {
        match self {
            Arrival::Left(url) => url,
            Arrival::Page(page) => panic!("stayed on {} ({}):\n{}", page.url, page.status, page.body),
        }
    }

    /// A page of ours must have come.
    #[track_caller]
    pub fn page(self) -> Page {
        match self {
            Arrival::Page(page) => page,
            Arrival::Left(url) => panic!("left for {url}"),
        }
    }
}

#[derive(Debug)]
struct Form {
    action: String,
    method: String,
    fields: Vec<(String, String)>,
}

impl Page {
    /// Where a redirect leads.
    pub fn location(&self) -> Option<Url> {
        if !self.status.is_redirection() {
            return None;
        }
        let to = self.headers.get(header::LOCATION)?.to_str().ok()?;
        Some(self.url.join(to).unwrap_or_else(|e| panic!("{to}: {e}")))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{} is no JSON ({e}): {}", self.url, self.body))
    }

    /// Whether an element has this id.
    pub fn has(&self, id: &str) -> bool {
        self.tags().any(|tag| attribute(tag, "id").as_deref() == Some(id))
    }

    /// The stable code of a refusal.
    pub fn reason(&self) -> Option<String> {
        self.tags()
            .find(|tag| attribute(tag, "id").as_deref() == Some("reason"))
            .and_then(|t| attribute(t, "data-reason"))
    }

    /// The short code of a refusal, which stands in the audit as well.
    pub fn code(&self) -> Option<String> {
        let pieces = self.body.split("<code>").skip(1).filter_map(|rest| rest.split_once('<'));
        pieces.map(|(word, _)| word.to_owned()).find(|word| is_code(word))
    }

    /// The vendors whose tiles are there, with their links.
    pub fn tiles(&self) -> Vec<(String, Url)> {
        let links = self.tags().filter_map(|tag| {
            let vendor = attribute(tag, "data-vendor")?;
            Some((vendor, self.url.join(&attribute(tag, "href")?).ok()?))
        });
        links.collect()
    }

    /// Where the page's links lead.
    pub fn links(&self) -> Vec<Url> {
        self.tags()
            .filter(|tag| tag.starts_with("a "))
            .filter_map(|tag| self.url.join(&attribute(tag, "href")?).ok())
            .collect()
    }

    /// The address and all fields of a form, as an attacker copies them.
    #[track_caller]
    pub fn fields(&self, id: &str) -> (Url, Vec<(String, String)>) {
        let form = self.form(id).unwrap_or_else(|| panic!("no form #{id} on {}", self.url));
        (self.url.join(&form.action).unwrap(), form.fields)
    }

    /// What a person reads, blanks evened out, and what differs from visit to visit (`K7F-2QX`) made equal.
    pub fn words(&self) -> String {
        let mut text = String::new();
        let body = self.body.find("<body").map_or(self.body.as_str(), |at| &self.body[at..]);
        for piece in body.split('<').skip(1) {
            if piece.starts_with("style") || piece.starts_with("script") {
                continue;
            }
            text.push_str(piece.split_once('>').map_or("", |(_, words)| words));
            text.push(' ');
        }
        let plain: Vec<String> =
            unescape(&text).split_whitespace().map(|w| if is_code(w) { "CODE".into() } else { w.to_owned() }).collect();
        plain.join(" ")
    }

    /// Every start tag, without its brackets. Good for the pages of one product, not for the web.
    fn tags(&self) -> impl Iterator<Item = &str> {
        self.body.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag))
    }

    /// Where the link with this id leads.
    pub fn link(&self, id: &str) -> Option<Url> {
        let tag = self.tags().find(|tag| attribute(tag, "id").as_deref() == Some(id))?;
        self.url.join(&attribute(tag, "href")?).ok()
    }

    /// Where a page posts itself to, and what.
    pub fn hand_over(&self) -> Option<(String, Vec<(String, String)>)> {
        self.form("hand-over").map(|form| (form.action, form.fields))
    }

    fn form(&self, id: &str) -> Option<Form> {
        let at = self.body.find(&format!("id=\"{id}\""))?;
        let begin = self.body[..at].rfind("<form")?;
        let text = &self.body[begin..];
        let text = &text[..text.find("</form").unwrap_or(text.len())];
        let mut form = Form { action: String::new(), method: "get".into(), fields: Vec::new() };
        for (n, tag) in text.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag)).enumerate()
        {
            if n == 0 {
                form.action = attribute(tag, "action").unwrap_or_default();
                form.method = attribute(tag, "method").unwrap_or(form.method);
            }
            let clicked = attribute(tag, "id").as_deref() == Some(id);
            let kind = attribute(tag, "type").unwrap_or_default();
            let unsent = ["submit", "button", "image", "checkbox", "radio"];
            let is_sent = tag.starts_with("input") && !unsent.contains(&kind.as_str());
            if (is_sent || tag.starts_with("button") && clicked)
                && let Some(name) = attribute(tag, "name")
            {
                form.fields.push((name, attribute(tag, "value").unwrap_or_default()));
            }
        }
        Some(form)
    }
}

/// `K7F-2QX`.
fn is_code(word: &str) -> bool {
    word.len() == 7 && word.as_bytes()[3] == b'-' && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The value of an attribute within a start tag, entities read.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let at = rest.find(name)?;
        let before = rest[..at].chars().next_back();
        let after = &rest[at + name.len()..];
        if before.is_some_and(char::is_whitespace)
            && let Some(value) = after.strip_prefix("=\"")
        {
            return Some(unescape(&value[..value.find('"')?]));
        }
        rest = &rest[at + name.len()..];
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(end) = rest.find(';') else { break };
        let entity = &rest[1..end];
        let read = match entity {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => entity.strip_prefix('#').and_then(|n| {
                let code = match n.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok(),
                    None => n.parse().ok(),
                };
                char::from_u32(code?)
            }),
        };
        match read {
            Some(c) => plain.push(c),
            None => plain.push_str(&rest[..=end]),
        }
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    plain
}
