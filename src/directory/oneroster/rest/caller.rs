//! Asks the service, with a token that it fetches and renews, and asks again where that may help.

use std::{collections::hash_map::RandomState, fs, hash::BuildHasher, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, Request, Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::form_urlencoded;

use super::service::Service;
use crate::{
    directory::source::PullError,
    outbound::{Outbound, Refused},
};

/// Bytes of one page: 10,000 records with room to spare.
const LARGEST_PAGE: usize = 64 << 20;
const LARGEST_TOKEN: usize = 64 << 10;
/// How often one page is asked for before it is given up.
const TRIES: u32 = 7;
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// What a service may ask us to wait; more is as good as no answer tonight.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

pub(super) struct Caller<'s> {
    pub service: &'s Service,
    outbound: &'s Outbound,
    scope: String,
    token: Option<SecretString>,
}

/// A page that came.
pub(super) struct Answer {
    pub headers: HeaderMap,
    pub body: Value,
}

/// The service does not take the question: the way it was put may be the reason.
#[derive(Debug)]
pub(super) enum Unanswered {
    NotSo(PullError),
    Failed(PullError),
}

impl From<PullError> for Unanswered {
    fn from(error: PullError) -> Unanswered {
        Unanswered::Failed(error)
    }
}

impl<'s> Caller<'s> {
    pub fn new(service: &'s Service, outbound: &'s Outbound, birthdays: bool) -> Caller<'s> {
        Caller { service, outbound, scope: service.scope(birthdays), token: None }
    }

    /// What stands at `url`, JSON.
    pub async fn get(&mut self, url: &str) -> Result<Answer, Unanswered> {
        let mut renewed = false;
        let mut last = String::new();
        for attempt in 0..TRIES {
            let token = self.token().await?;
            let request = Request::get(url)
                .header(header::ACCEPT, "application/json")
                .header(header::AUTHORIZATION, format!("Bearer {}", token.expose_secret()))
                .body(Vec::new());
            let request = request.map_err(|error| PullError::Wrong(format!("{url} cannot be asked for: {error}")))?;
            let asked = match self.outbound.send(request, LARGEST_PAGE, self.service.timeout).await {
                Ok(answer) => match answer.status() {
                    StatusCode::OK => match serde_json::from_slice(answer.body()) {
                        Ok(body) => return Ok(Answer { headers: answer.headers().clone(), body }),
                        Err(error) => Later::after(format!("{url} gave something that is no JSON: {error}")),
                    },
                    StatusCode::UNAUTHORIZED if !renewed => {
                        // It ran out, or was taken back: another one may do.
                        (renewed, self.token) = (true, None);
                        continue;
                    }
                    status => later(url, status, answer.headers())?,
                },
                Err(error) => passing(url, error)?,
            };
            last = asked.why;
            if attempt + 1 < TRIES {
                tokio::time::sleep(asked.wait.unwrap_or_else(|| backing_off(attempt))).await;
            }
        }
        Err(PullError::Away(format!("{last}; it was asked {TRIES} times")).into())
    }

    async fn token(&mut self) -> Result<SecretString, PullError> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let mut last = String::new();
        for attempt in 0..TRIES {
            let asked = match self.outbound.send(self.request()?, LARGEST_TOKEN, self.service.timeout).await {
                Ok(answer) if answer.status().is_success() => {
                    let token = self.token_of(&answer)?;
                    self.token = Some(token.clone());
                    return Ok(token);
                }
                Ok(answer) => self.refusal(&answer)?,
                Err(error) => passing(&self.service.token_url, error)?,
            };
            last = asked.why;
            if attempt + 1 < TRIES {
                tokio::time::sleep(asked.wait.unwrap_or_else(|| backing_off(attempt))).await;
            }
        }
        Err(PullError::Away(format!("{last}; it was asked {TRIES} times")))
    }

    fn request(&self) -> Result<Request<Vec<u8>>, PullError> {
        let service = self.service;
        let secret = fs::read_to_string(&service.secret_file).map_err(|error| {
            PullError::Wrong(format!("client_secret_file {} cannot be read: {error}", service.secret_file.display()))
        })?;
        let secret = SecretString::from(secret.trim().to_owned());
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials").append_pair("scope", &self.scope);
        let mut request = Request::post(&service.token_url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        if service.posts_secret {
            form.append_pair("client_id", &service.client_id).append_pair("client_secret", secret.expose_secret());
        } else {
            // RFC 6749 section 2.3.1: each half is form-encoded before they are joined.
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encoded(&service.client_id), encoded(secret.expose_secret()));
            request = request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)));
        }
        let unsound = |error| PullError::Wrong(format!("{} cannot be asked: {error}", service.token_url));
        request.body(form.finish().into_bytes()).map_err(unsound)
    }

    fn token_of<B: AsRef<[u8]>>(&self, answer: &Response<B>) -> Result<SecretString, PullError> {
        let body: Option<Value> = serde_json::from_slice(answer.body().as_ref()).ok();
        let token = body.as_ref().and_then(|body| body.get("access_token")?.as_str());
        let token = token.filter(|token| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()));
        let none = || PullError::Wrong(format!("{} answered, but with no access_token", self.service.token_url));
        token.map(|token| SecretString::from(token.to_owned())).ok_or_else(none)
    }

    /// Why there is no token. What the server says of it is told as far as it is a code of the standard.
    fn refusal<B: AsRef<[u8]>>(&self, answer: &Response<B>) -> Result<Later, PullError> {
        let (url, status) = (&self.service.token_url, answer.status());
        let body: Option<Value> = serde_json::from_slice(answer.body().as_ref()).ok();
        let code = body.as_ref().and_then(|body| body.get("error")?.as_str()).unwrap_or_default();
        let known = ["invalid_client", "invalid_scope", "unauthorized_client", "invalid_request"];
        let code = known.into_iter().find(|known| *known == code);
        match (code, status) {
            (Some("invalid_scope"), _) => Err(PullError::Wrong(format!(
                "{url} gives no token for the scope {:?} (invalid_scope): ask the service which scope it wants",
                self.scope
            ))),
            (Some("invalid_client"), _) | (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Err(PullError::Wrong(format!(
                    "{url} does not accept client_id {:?} with the secret in {} (status {}{}): check both, and \
                     client_auth",
                    self.service.client_id,
                    self.service.secret_file.display(),
                    status.as_u16(),
                    code.map(|code| format!(", {code}")).unwrap_or_default(),
                )))
            }
            (Some(code), _) => Err(PullError::Wrong(format!("{url} gives no token ({code})"))),
            (None, _) => later(url, status, answer.headers()).map_err(|error| match error {
                Unanswered::NotSo(error) | Unanswered::Failed(error) => error,
            }),
        }
    }
}

/// Worth another try.
struct Later {
    why: String,
    /// How long the service asks us to wait.
    wait: Option<Duration>,
}

impl Later {
    fn after(why: String) -> Later {
        Later { why, wait: None }
    }
}

fn later(url: &str, status: StatusCode, headers: &HeaderMap) -> Result<Later, Unanswered> {
    let wrong = |why: String| Err(Unanswered::Failed(PullError::Wrong(why)));
    match status.as_u16() {
        429 | 500 | 502 | 503 | 504 | 408 => {
            let after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let wait = after.map(Duration::from_secs);
            if wait.is_some_and(|wait| wait > LONGEST_ASKED) {
                let seconds = wait.unwrap_or_default().as_secs();
                return Err(PullError::Away(format!("{url} asks us to come again in {seconds} seconds")).into());
            }
            Ok(Later { why: format!("{url} answers with status {}", status.as_u16()), wait })
        }
        400 | 422 => Err(Unanswered::NotSo(PullError::Wrong(format!(
            "{url} does not understand what it is asked (status {})",
            status.as_u16()
        )))),
        401 => {
            wrong(format!("{url} does not accept a token that was just given out: is token_url that of this service?"))
        }
        403 => wrong(format!("{url} refuses our token: its scope or the rights of this client do not reach so far")),
        404 => wrong(format!("{url} is not there: check url and version")),
        other => wrong(format!("{url} answers with status {other}")),
    }
}

fn passing(url: &str, error: Refused) -> Result<Later, PullError> {
    match error {
        Refused::TimedOut | Refused::Unreachable | Refused::Broken | Refused::UnknownHost => {
            Ok(Later::after(format!("{url}: {error}")))
        }
        other => Err(PullError::Wrong(format!("{url}: {other}"))),
    }
}

/// Twice as long each time, and never two of us at the same moment: between half and one and a half of it.
fn backing_off(attempt: u32) -> Duration {
    let wait = FIRST_WAIT.saturating_mul(1 << attempt.min(16)).min(LONGEST_WAIT);
    let chance = RandomState::new().hash_one(attempt) % 1000;
    wait / 2 + wait * u32::try_from(chance).unwrap_or(500) / 1000
}
