//! One virtual user: a browser and the vendor behind it, on one connection. What a visit is; how many run, and how long,
//! belongs to `drill`.

use std::{borrow::Cow, sync::Arc};

use anyhow::{Context, bail, ensure};
use aws_lc_rs::{digest, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use super::{
    browser::{Browser, beginning, is_redirect, path},
    drill::Visit,
    form::encode,
    target::{Patron, Target},
};

pub struct Visitor {
    target: Arc<Target>,
    patron: Patron,
    task: Task,
    browser: Browser,
    /// What the first click's tokens were: `RS256 / ES256`.
    tokens: Option<String>,
    /// What the last click or renewal won, where the task goes on with it.
    held: Held,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Task {
    Discovery,
    Jwks,
    SignIn,
    Click,
    ClientCredentials,
    Refresh,
    Introspect,
    Userinfo,
}

impl Task {
    /// Whether it needs a session, or what a click wins.
    fn begins_with_a_click(self) -> bool {
        matches!(self, Task::Click | Task::Refresh | Task::Introspect | Task::Userinfo)
    }
}

#[derive(Default)]
struct Held {
    access_token: String,
    refresh_token: String,
}

impl Visitor {
    /// Visitor number `place`; one who is to click has a session of her own before the clock starts.
    pub async fn arrive(target: Arc<Target>, task: Task, place: usize) -> anyhow::Result<Visitor> {
        let patron = target.patrons.get(place % target.patrons.len()).context("nobody to sign in as")?.clone();
        let mut visitor = Visitor { task, ..Visitor::stranger(target, patron) };
        if task.begins_with_a_click() {
            visitor.come_in().await?;
            visitor.click().await?;
        }
        Ok(visitor)
    }

    /// Somebody without a session, who clicks once she has one.
    pub fn stranger(target: Arc<Target>, patron: Patron) -> Visitor {
        let browser = Browser::new(target.address, &target.host, Some(&target.redirect_uri));
        Visitor { target, patron, task: Task::Click, browser, tokens: None, held: Held::default() }
    }

    /// From the vendor through the sign-in page and back to it.
    pub async fn come_in(&mut self) -> anyhow::Result<()> {
        let request = self.authorization_request()?;
        let (next, _) = self.sign_in(request.target).await?;
        self.return_to_vendor(next, &request.state).await
    }

    /// The first day: in place of the PIN that the school gave she takes one of her own.
    pub async fn choose_pin(&mut self, chosen: &str) -> anyhow::Result<()> {
        let (next, _) = self.sign_in(self.target.front.to_owned()).await?;
        let (at, form) = self.browser.reach(next, "change-pin").await?;
        let typed = [("current_pin", &*self.patron.pin), ("new_pin", chosen), ("repeat_pin", chosen)];
        let (_, answer) = self.browser.submit(&at, &form, &typed).await?;
        ensure!(is_redirect(answer.status), "choosing a PIN answered {}", answer.status);
        Ok(())
    }
}

impl Visit for Visitor {
    async fn visit(&mut self) -> anyhow::Result<()> {
        match self.task {
            Task::Discovery => self.fetch(|target| &target.discovery, b"\"issuer\"").await,
            Task::Jwks => self.fetch(|target| &target.jwks, b"\"keys\"").await,
            Task::SignIn => {
                self.browser.forget();
                let (_, session) = self.sign_in(self.target.front.to_owned()).await?;
                ensure!(session, "sign-in brought no session cookie");
                Ok(())
            }
            Task::Click => self.click().await,
            Task::ClientCredentials => {
                let form = encode([("grant_type", "client_credentials")]);
                let answer = self
                    .browser
                    .connection
                    .post(&self.target.token, &[&self.target.authorization], form.as_bytes())
                    .await?;
                ensure!(answer.status == 200, "token answered {}: {}", answer.status, beginning(answer));
                let tokens: Bearer<'_> = serde_json::from_slice(&answer.body).context("token answer")?;
                ensure!(!tokens.access_token.is_empty(), "an empty token");
                Ok(())
            }
            Task::Refresh => self.refresh().await,
            Task::Introspect => {
                let endpoint = self.target.introspection.as_deref().context("the target introspects nothing")?;
                let form = encode([("token", self.held.access_token.as_str())]);
                let answer =
                    self.browser.connection.post(endpoint, &[&self.target.authorization], form.as_bytes()).await?;
                ensure!(answer.status == 200, "introspection answered {}: {}", answer.status, beginning(answer));
                let state: State = serde_json::from_slice(&answer.body).context("introspection")?;
                if !state.active {
                    // Its five minutes are over.
                    self.click().await?;
                }
                Ok(())
            }
            Task::Userinfo => {
                let bearer = format!("Authorization: Bearer {}", self.held.access_token);
                let answer = self.browser.connection.get(&self.target.userinfo, &[&bearer]).await?;
                ensure!(answer.status == 200, "userinfo answered {}: {}", answer.status, beginning(answer));
                let person: Person<'_> = serde_json::from_slice(&answer.body).context("userinfo")?;
                ensure!(!person.sub.is_empty(), "an empty sub");
                Ok(())
            }
        }
    }

    /// The algorithms of the ID token and of the access token.
    fn tokens(&self) -> Option<&str> {
        self.tokens.as_deref()
    }
}

impl Visitor {
    async fn fetch(&mut self, path: impl Fn(&Target) -> &str, holds: &[u8]) -> anyhow::Result<()> {
        let answer = self.browser.connection.get(path(&self.target), &[]).await?;
        ensure!(answer.status == 200, "{} answered {}", path(&self.target), answer.status);
        ensure!(answer.body.windows(holds.len()).any(|part| part == holds), "{} lacks its content", path(&self.target));
        Ok(())
    }

    /// The click: authorize → token → userinfo, as a browser with a live session and its vendor do it.
    async fn click(&mut self) -> anyhow::Result<()> {
        let request = self.authorization_request()?;
        let answer = self.browser.browse(&request.target, None).await?;
        ensure!(is_redirect(answer.status), "authorize answered {}", answer.status);
        let location = answer.location.clone();
        let code = self.code(location.as_deref().unwrap_or_default(), &request.state)?;

        let form = encode([
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &self.target.redirect_uri),
            ("code_verifier", &request.verifier),
        ]);
        let answer =
            self.browser.connection.post(&self.target.token, &[&self.target.authorization], form.as_bytes()).await?;
        ensure!(answer.status == 200, "token answered {}: {}", answer.status, beginning(answer));
        let tokens: Tokens<'_> = serde_json::from_slice(&answer.body).context("token answer")?;
        ensure!(!tokens.id_token.is_empty() && !tokens.access_token.is_empty(), "an empty token");
        let bearer = format!("Authorization: Bearer {}", tokens.access_token);
        if self.task != Task::Click {
            let refresh_token = tokens.refresh_token.as_deref().unwrap_or_default().to_owned();
            self.held = Held { access_token: tokens.access_token.to_string(), refresh_token };
        }
        let first = match self.tokens {
            Some(_) => None,
            None => Some((tokens.id_token.into_owned(), tokens.access_token.into_owned())),
        };

        let answer = self.browser.connection.get(&self.target.userinfo, &[&bearer]).await?;
        ensure!(answer.status == 200, "userinfo answered {}: {}", answer.status, beginning(answer));
        let person: Person<'_> = serde_json::from_slice(&answer.body).context("userinfo")?;
        ensure!(!person.sub.is_empty(), "an empty sub");
        if let Some((id_token, access_token)) = first {
            self.tokens = Some(inspect(&id_token, &access_token, &request.nonce, &self.target.client_id, &person.sub)?);
        }
        Ok(())
    }

    async fn refresh(&mut self) -> anyhow::Result<()> {
        let form = encode([("grant_type", "refresh_token"), ("refresh_token", &self.held.refresh_token)]);
        let answer =
            self.browser.connection.post(&self.target.token, &[&self.target.authorization], form.as_bytes()).await?;
        ensure!(answer.status == 200, "token answered {}: {}", answer.status, beginning(answer));
        let tokens: Bearer<'_> = serde_json::from_slice(&answer.body).context("token answer")?;
        let next = tokens.refresh_token.as_deref().context("no refresh token came back")?;
        ensure!(next != self.held.refresh_token, "the refresh token was not rotated");
        self.held.refresh_token = next.to_owned();
        Ok(())
    }

    /// From `at` to the sign-in page, and through it; answers where that leads, and whether it brought a cookie.
    async fn sign_in(&mut self, at: String) -> anyhow::Result<(String, bool)> {
        let (at, form) = self.browser.reach(at, "sign-in").await?;
        let typed = [("card", &*self.patron.card), ("pin", &*self.patron.pin)];
        let (action, answer) = self.browser.submit(&at, &form, &typed).await?;
        ensure!(is_redirect(answer.status), "sign-in answered {}", answer.status);
        let session = !answer.set_cookies.is_empty();
        let next = answer.location.clone().context("sign-in leads nowhere")?;
        let next = self.browser.join(&action, &next)?;
        ensure!(path(&next) != path(&at), "sign-in leads back to itself: the card or the PIN was refused");
        Ok((next, session))
    }

    /// The rest of the way back to the vendor, which must end with a code for `state`.
    async fn return_to_vendor(&mut self, mut at: String, state: &str) -> anyhow::Result<()> {
        for _ in 0..10 {
            if at.starts_with(&self.target.redirect_uri) {
                return self.code(&at, state).map(|_| ());
            }
            let answer = self.browser.browse(&at, None).await?;
            ensure!(is_redirect(answer.status), "after sign-in, {} answered {}", path(&at), answer.status);
            let next = answer.location.clone().context("a redirect that leads nowhere")?;
            at = self.browser.join(&at, &next)?;
        }
        bail!("too many redirects after sign-in")
    }

    /// The code of an authorization response, if it answers our `state` (RFC 6749 section 4.1.2).
    fn code(&self, location: &str, state: &str) -> anyhow::Result<String> {
        let query = location.strip_prefix(&self.target.redirect_uri).and_then(|rest| rest.strip_prefix('?'));
        let query = query.with_context(|| format!("authorize leads to {}", path(location)))?;
        let (mut code, mut answered) = (None, false);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "code" => code = Some(value.into_owned()),
                "state" => answered = value == state,
                "error" => bail!("authorize refused: {value}"),
                _ => {}
            }
        }
        ensure!(answered, "authorize answered another state");
        code.context("authorize answered without a code")
    }

    fn authorization_request(&self) -> anyhow::Result<AuthorizationRequest> {
        let mut random = [0_u8; 56];
        rand::fill(&mut random).map_err(|_| anyhow::anyhow!("no randomness"))?;
        let text = URL_SAFE_NO_PAD.encode(random);
        // 75 letters: state 16, nonce 16, verifier 43 (RFC 7636 section 4.1 asks for at least that).
        let (state, rest) = text.split_at(16);
        let (nonce, verifier) = rest.split_at(16);
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
        Ok(AuthorizationRequest {
            target: format!("{}&state={state}&nonce={nonce}&code_challenge={challenge}", self.target.authorize),
            state: state.to_owned(),
            nonce: nonce.to_owned(),
            verifier: verifier.to_owned(),
        })
    }
}

struct AuthorizationRequest {
    target: String,
    state: String,
    nonce: String,
    verifier: String,
}

#[derive(Deserialize)]
struct Tokens<'a> {
    #[serde(borrow)]
    id_token: Cow<'a, str>,
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    #[serde(borrow, default)]
    refresh_token: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Bearer<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    #[serde(borrow, default)]
    refresh_token: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct State {
    active: bool,
}

#[derive(Deserialize)]
struct Person<'a> {
    #[serde(borrow)]
    sub: Cow<'a, str>,
}

/// Looks into the first click's tokens, so that nobody measures a server that answers nonsense.
fn inspect(id_token: &str, access_token: &str, nonce: &str, client_id: &str, sub: &str) -> anyhow::Result<String> {
    let (header, claims) = open(id_token).context("the ID token is no JWT")?;
    ensure!(claims["nonce"] == nonce, "the ID token has another nonce");
    ensure!(claims["sub"] == sub, "the ID token and userinfo name different people");
    let audience = &claims["aud"];
    let ours = audience == client_id || audience.as_array().is_some_and(|all| all.iter().any(|one| one == client_id));
    ensure!(ours, "the ID token is for somebody else");
    let algorithm = |header: &Value| header["alg"].as_str().unwrap_or("?").to_owned();
    let access = open(access_token).map_or_else(|| "opaque".to_owned(), |(header, _)| algorithm(&header));
    Ok(format!("ID {} + access {access}", algorithm(&header)))
}

fn open(token: &str) -> Option<(Value, Value)> {
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice(&bytes).ok()
    });
    Some((parts.next()??, parts.next()??))
}
