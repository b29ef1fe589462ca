//! A reader with a live session clicks into a vendor that speaks SAML: a request by HTTP-Redirect, and the page that
//! posts the signed answer. `idp` is whom we measure, `sp` the vendor, `verify` what reading a request costs alone.

pub mod idp;
pub mod sp;
pub mod verify;

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use oneaccess::wire::saml::{posted, status};

use self::{idp::Idp, sp::ServiceProvider};
use super::{
    browser::{Browser, beginning, is_redirect, path},
    drill::Visit,
    form::Form,
};

/// Signatures of one answer in so many are verified; all are opened.
const JUDGED: u64 = 100;

pub struct Reader {
    idp: Arc<Idp>,
    sp: Arc<ServiceProvider>,
    browser: Browser,
    answers: u64,
    signed: Option<String>,
}

impl Reader {
    /// Reader number `place`, who has a session of her own before the clock starts.
    pub async fn arrive(idp: Arc<Idp>, sp: Arc<ServiceProvider>, place: usize) -> anyhow::Result<Reader> {
        let patron = idp.patrons.get(place % idp.patrons.len()).context("nobody to sign in as")?.clone();
        let mut browser = Browser::new(idp.address, &idp.host, None);
        let request = sp.request(&idp)?;
        let (at, form) = browser.reach(format!("{}?{}", idp.sso, request.query), &idp.form.id).await?;
        let typed = [(&*idp.form.card, &*patron.card), (&*idp.form.pin, &*patron.pin)];
        let (mut at, mut answer) = browser.submit(&at, &form, &typed).await?;
        let mut redirects = 0;
        while is_redirect(answer.status) {
            redirects += 1;
            ensure!(redirects <= 10, "too many redirects after sign-in");
            let next = answer.location.clone().context("a redirect that leads nowhere")?;
            at = browser.join(&at, &next)?;
            answer = browser.browse(&at, None).await?;
        }
        ensure!(answer.status == 200, "after sign-in, {} answered {}", path(&at), answer.status);
        let mut reader = Reader { idp, sp, browser, answers: 0, signed: None };
        reader.visit().await?;
        Ok(reader)
    }
}

impl Visit for Reader {
    /// One sign-on: from the request to the answer, which asserts something about whom we asked.
    async fn visit(&mut self) -> anyhow::Result<()> {
        let request = self.sp.request(&self.idp)?;
        let answer = self.browser.browse(&format!("{}?{}", self.idp.sso, request.query), None).await?;
        ensure!(answer.status == 200, "single sign-on answered {}: {}", answer.status, beginning(answer));
        let page = std::str::from_utf8(&answer.body).context("the page")?;
        let Some(form) = Form::holding(page, "SAMLResponse") else { bail!("no answer: {}", beginning(answer)) };
        ensure!(form.action == self.sp.acs, "the answer goes to {}", form.action);
        ensure!(form.value("RelayState") == Some(sp::RELAY_STATE), "the RelayState is another");
        let xml = posted::read(form.value("SAMLResponse").unwrap_or_default())?;
        ensure!(xml.contains(status::SUCCESS), "refused: {xml}");
        ensure!(xml.contains(&request.id), "the answer is to another request");
        if self.answers.is_multiple_of(JUDGED) {
            let signed = self.sp.judge(&xml, &request.id, &self.idp.keys)?;
            self.signed.get_or_insert_with(|| format!("{signed}, {} bytes", xml.len()));
        }
        self.answers += 1;
        Ok(())
    }

    fn tokens(&self) -> Option<&str> {
        self.signed.as_deref()
    }
}
