//! A code is redeemed (RFC 6749 section 4.1.3, OIDC Core section 3.1.3): the steps in their order.

use aws_lc_rs::digest;
use subtle::ConstantTimeEq;

use super::{Call, Issued, tokens};
use crate::{
    protocols::oidc::{
        NAME, Provider,
        client::Client,
        code::{self, Code, Redeemed},
        error::{Error, Failure},
        params::Params,
    },
    signon::LiveGrant,
    wire::jose::base64url,
};

/// For the audit.
const CAME_AGAIN: &str = "its code came a second time";

pub(super) async fn redeem(call: &Call<'_>) -> Result<Issued, Failure> {
    let Call { provider, params, client, .. } = call;
    // 1. The code is spent, whatever follows (section 4.1.2).
    let code = spend(provider, params).await?;
    // 2. It was issued to this client, for this address (section 4.1.3).
    issued_to(client, params, &code)?;
    // 3. Whoever asked for it is who redeems it (RFC 7636 section 4.6).
    proof_key_fits(params, &code)?;
    // 4. And holds the key that it announced (RFC 9449 section 10).
    if code.jkt.is_some() && code.jkt != call.jkt {
        return Err(Error::invalid_grant("the code is bound to another DPoP key").into());
    }
    // 5. What it stands for becomes tokens.
    issue(call, code::BROWSER, &code, params.get("code").unwrap_or_default()).await
}

/// What a code stands for, once it is spent and its redeemer is who may have it.
pub(super) async fn issue(call: &Call<'_>, kind: code::Kind, code: &Code, presented: &str) -> Result<Issued, Failure> {
    let Call { provider, client, .. } = call;
    // 1. The passage still stands: agreements, patron and vendor are looked at again.
    let live = standing(provider, client, code).await?;
    // 2. Tokens are made (RFC 6749 section 5.1, OIDC Core section 3.1.3.3).
    let generation = live.grant.renewal.as_ref().map(|renewal| renewal.generation);
    let asked = tokens::Asked { terms: &code.terms, nonce: code.nonce.as_deref(), generation };
    let issued = tokens::issue(call, &live.assertion, &asked)?;
    // 3. Whoever presented the same code meanwhile has made them worthless.
    if code::won(&provider.app().shelf, kind, presented).await? {
        provider.signon.revoke(code.grant, CAME_AGAIN).await?;
    }
    Ok(issued)
}

/// A code that comes a second time takes down what the first one won.
async fn spend(provider: &Provider, params: &Params<'_>) -> Result<Code, Failure> {
    let code = params.get("code").ok_or_else(|| Error::invalid_request("code is missing"))?;
    let code = spent(provider, code::BROWSER, code).await?;
    code.ok_or_else(|| Error::invalid_grant("the code is unknown or over").into())
}

/// `None` for a code that never was.
pub(super) async fn spent(provider: &Provider, kind: code::Kind, code: &str) -> Result<Option<Code>, Failure> {
    match code::redeem(&provider.app().shelf, kind, code).await? {
        Redeemed::First(code) => Ok(Some(*code)),
        Redeemed::Again(grant) => {
            provider.signon.revoke(grant, CAME_AGAIN).await?;
            Err(Error::invalid_grant("the code was used before; what it won is revoked").into())
        }
        Redeemed::AtOnce => Err(Error::invalid_grant("the code is being used right now").into()),
        Redeemed::Unknown => Ok(None),
    }
}

fn issued_to(client: &Client, params: &Params<'_>, code: &Code) -> Result<(), Error> {
    if code.client_id != client.id {
        return Err(Error::invalid_grant("the code was issued to another client"));
    }
    if params.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
        return Err(Error::invalid_grant("redirect_uri is not that of the authorization request"));
    }
    Ok(())
}

/// Present or absent on both sides alike: a verifier without a challenge is a downgrade (RFC 9700 section 4.8.2).
fn proof_key_fits(params: &Params<'_>, code: &Code) -> Result<(), Error> {
    match (&code.challenge, params.get("code_verifier")) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(Error::invalid_grant("code_verifier is missing")),
        (None, Some(_)) => Err(Error::invalid_grant("code_verifier, but the request had no code_challenge")),
        (Some(challenge), Some(verifier)) => {
            // RFC 7636 section 4.1.
            let shaped = (43..=128).contains(&verifier.len())
                && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
            let hashed = base64url(digest::digest(&digest::SHA256, verifier.as_bytes()));
            if shaped && bool::from(hashed.as_bytes().ct_eq(challenge.as_bytes())) {
                Ok(())
            } else {
                Err(Error::invalid_grant("code_verifier does not fit code_challenge"))
            }
        }
    }
}

async fn standing(provider: &Provider, client: &Client, code: &Code) -> Result<LiveGrant, Failure> {
    let ended = || Failure::from(Error::invalid_grant("the sign-in that gave this code holds no more"));
    let Ok(live) = provider.signon.recheck(code.grant).await? else { return Err(ended()) };
    let ours = live.grant.protocol == NAME && live.grant.relying_party == client.id;
    if ours && tokens::holds(&live.assertion, provider.now()) { Ok(live) } else { Err(ended()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::GrantId;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn code(challenge: Option<&str>) -> Code {
        Code {
            client_id: "maple-web".into(),
            redirect_uri: "https://maple.example/cb".into(),
            challenge: challenge.map(str::to_owned),
            nonce: None,
            jkt: None,
            terms: Default::default(),
            grant: GrantId::new(),
        }
    }

    #[test]
    fn a_verifier_fits_its_own_challenge_and_nothing_else() {
        let fits = |challenge: Option<&str>, query: &str| {
            proof_key_fits(&Params::read(query.as_bytes()), &code(challenge)).is_ok()
        };
        assert!(fits(Some(CHALLENGE), &format!("code_verifier={VERIFIER}")));
        assert!(fits(None, ""));
        assert!(!fits(Some(CHALLENGE), ""));
        assert!(!fits(Some(CHALLENGE), "code_verifier="));
        assert!(!fits(None, &format!("code_verifier={VERIFIER}")));
        assert!(!fits(Some(CHALLENGE), &format!("code_verifier={VERIFIER}x")));
        assert!(!fits(Some(CHALLENGE), &format!("code_verifier={CHALLENGE}")), "plain");
        assert!(!fits(Some("short"), "code_verifier=short"));
    }
}
