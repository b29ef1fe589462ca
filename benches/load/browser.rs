//! A virtual user's browser: one keep-alive connection, its cookies, and the way through a sign-in page. What it is sent
//! out for is the visitors' own.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use url::{Position, Url};

use super::{connection::Connection, cookies::Cookies, form::Form, http::Answer};

pub struct Browser {
    /// For what the vendor asks by itself, without cookies.
    pub connection: Connection,
    host: String,
    cookies: Cookies,
    /// What begins like this is the vendor's, on whatever host.
    vendor: Option<String>,
}

const MOST_REDIRECTS: usize = 10;

impl Browser {
    pub fn new(address: SocketAddr, host: &str, vendor: Option<&str>) -> Browser {
        Browser {
            connection: Connection::new(address, host),
            host: host.to_owned(),
            cookies: Cookies::default(),
            vendor: vendor.map(str::to_owned),
        }
    }

    pub fn forget(&mut self) {
        self.cookies = Cookies::default();
    }

    /// One request: cookies go along and are kept.
    pub async fn browse(&mut self, target: &str, form: Option<&[u8]>) -> anyhow::Result<&Answer> {
        let cookies = self.cookies.header(target);
        let origin = format!("Origin: http://{}", self.host);
        let answer = match form {
            None if cookies.is_empty() => self.connection.get(target, &[]).await?,
            None => self.connection.get(target, &[&cookies]).await?,
            Some(form) if cookies.is_empty() => self.connection.post(target, &[&origin], form).await?,
            Some(form) => self.connection.post(target, &[&cookies, &origin], form).await?,
        };
        for line in &answer.set_cookies {
            self.cookies.keep(line, target);
        }
        Ok(answer)
    }

    /// From `at` to a page with the form `#{id}`: where it is, and the form.
    pub async fn reach(&mut self, mut at: String, id: &str) -> anyhow::Result<(String, Form)> {
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.browse(&at, None).await?;
            let (status, next) = (answer.status, answer.location.clone());
            if status == 200 {
                let form = Form::find(&String::from_utf8_lossy(&answer.body), id);
                let form = form.with_context(|| format!("no form #{id} at {}", path(&at)))?;
                return Ok((at, form));
            }
            ensure!(is_redirect(status), "on the way to the sign-in page, {} answered {status}", path(&at));
            at = self.join(&at, &next.context("a redirect that leads nowhere")?)?;
        }
        anyhow::bail!("too many redirects on the way to the sign-in page")
    }

    /// Sends a form that was found at `at`: where it was sent to, and the answer.
    pub async fn submit(&mut self, at: &str, form: &Form, typed: &[(&str, &str)]) -> anyhow::Result<(String, &Answer)> {
        let action = if form.action.is_empty() { at.to_owned() } else { self.join(at, &form.action)? };
        let body = form.filled(typed);
        let answer = self.browse(&action, Some(body.as_bytes())).await?;
        Ok((action, answer))
    }

    /// Where `to` leads from `from`: a path on our server, or a whole address elsewhere.
    pub fn join(&self, from: &str, to: &str) -> anyhow::Result<String> {
        let base: Url = format!("http://{}", self.host).parse()?;
        let whole = base.join(from)?.join(to)?;
        let vendors = self.vendor.as_deref().is_some_and(|vendor| whole.as_str().starts_with(vendor));
        let leaves = whole.origin() != base.origin() || vendors;
        Ok(if leaves { whole.into() } else { whole[Position::BeforePath..Position::AfterQuery].to_owned() })
    }
}

pub fn is_redirect(status: u16) -> bool {
    matches!(status, 302 | 303)
}

/// The path alone: what an error may say of an address that holds a ticket, a state or a code.
pub fn path(address: &str) -> &str {
    address.split('?').next().unwrap_or_default()
}

pub fn beginning(answer: &Answer) -> String {
    String::from_utf8_lossy(answer.body.get(..200).unwrap_or(&answer.body)).replace('\n', " ")
}
