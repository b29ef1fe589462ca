//! The authorization code: 256 random bits that stand for one shelved passage, once (RFC 6749 sections 4.1.2, 10.5).

use std::time::Duration;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::terms::Terms;
use crate::{
    domain::{handle, id::GrantId},
    ephemeral::{Namespace, Shelf},
    signon::Fault,
};

/// Where codes come from, and how long they and what is noted beside them live.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    space: Namespace,
    life: Duration,
}

/// By a browser. RFC 6749 recommends ten minutes at most; it needs a second.
pub(super) const BROWSER: Kind = Kind { space: Namespace::Code, life: Duration::from_secs(60) };
/// A device code (RFC 8628) that was said yes to: its device may ask for as long as it waits.
pub(super) const DEVICE: Kind = Kind { space: Namespace::DeviceCode, life: super::device::LINGER };

/// What a code stands for, and everything that its redemption must match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Code {
    pub client_id: String,
    pub redirect_uri: String,
    /// PKCE S256 (RFC 7636); absent only where the client's registration allows it.
    pub challenge: Option<String>,
    pub nonce: Option<String>,
    /// The key that its redeemer must prove to hold (`dpop_jkt`, RFC 9449 section 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    pub terms: Terms,
    pub grant: GrantId,
}

/// What came of a code that was presented.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redeemed {
    /// Nobody else gets this. What comes of it is told by `won`.
    First(Box<Code>),
    /// It was redeemed before, and this is what it won: that must go (RFC 6749 section 4.1.2).
    Again(GrantId),
    /// Somebody is redeeming it right now, and will find out that it came twice.
    AtOnce,
    Unknown,
}

/// Shelves `passage` under a new code, and a marker beside it that outlives the redemption.
pub(super) async fn issue(shelf: &Shelf, passage: &Code) -> Result<String, Fault> {
    let code = handle::random()?;
    shelve(shelf, BROWSER, &key(&code), passage).await?;
    Ok(code)
}

/// The same under the key of a code that is out already.
pub(super) async fn shelve(shelf: &Shelf, kind: Kind, key: &str, passage: &Code) -> Result<(), Fault> {
    let value = serde_json::to_vec(passage).map_err(|e| Fault::Broken(e.to_string()))?;
    shelf.put(Namespace::SpentCode, key, passage.grant.to_string().into_bytes(), kind.life).await?;
    Ok(shelf.put(kind.space, key, value, kind.life).await?)
}

/// Spends `code`: of many who present it at once, one gets `First`.
pub(super) async fn redeem(shelf: &Shelf, kind: Kind, code: &str) -> Result<Redeemed, Fault> {
    let key = key(code);
    if let Some(value) = shelf.take(kind.space, &key).await? {
        let passage = serde_json::from_slice(&value).map_err(|e| Fault::Broken(format!("shelved code: {e}")))?;
        return Ok(Redeemed::First(Box::new(passage)));
    }
    let marker = shelf.get(Namespace::SpentCode, &key).await?;
    let Some(grant) = marker.and_then(|grant| String::from_utf8(grant).ok()?.parse().ok()) else {
        return Ok(Redeemed::Unknown);
    };
    // Said before looking, as `won` does: of the two, at least one sees the other.
    shelf.put(Namespace::SpentCode, &came_again(&key), Vec::new(), kind.life).await?;
    let won = shelf.get(Namespace::SpentCode, &has_won(&key)).await?;
    Ok(if won.is_some() { Redeemed::Again(grant) } else { Redeemed::AtOnce })
}

/// To be called when `code` has won something, before that leaves the house. Says whether the code came again meanwhile:
/// then what it won must go.
pub(super) async fn won(shelf: &Shelf, kind: Kind, code: &str) -> Result<bool, Fault> {
    let key = key(code);
    shelf.put(Namespace::SpentCode, &has_won(&key), Vec::new(), kind.life).await?;
    Ok(shelf.get(Namespace::SpentCode, &came_again(&key)).await?.is_some())
}

fn has_won(key: &str) -> String {
    format!("{key} won")
}

fn came_again(key: &str) -> String {
    format!("{key} again")
}

/// Codes rest hashed: who reads the shelf cannot redeem what is on it.
pub(super) fn key(code: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, code.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn passage() -> Code {
        Code {
            client_id: "maple-web".into(),
            redirect_uri: "https://maple.example/cb".into(),
            challenge: None,
            nonce: None,
            jkt: None,
            terms: Terms { openid: true, ..Terms::default() },
            grant: GrantId::new(),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_sixty_four_who_redeem_a_code_at_once_one_gets_it_and_hears_of_the_others() {
        let (shelf, passage) = (Arc::new(Shelf::default()), passage());
        let code = issue(&shelf, &passage).await.unwrap();
        let tries: Vec<_> = (0..64)
            .map(|_| {
                let (shelf, code) = (shelf.clone(), code.clone());
                tokio::spawn(async move { redeem(&shelf, BROWSER, &code).await.unwrap() })
            })
            .collect();
        let mut first = 0;
        for redeemed in tries {
            match redeemed.await.unwrap() {
                Redeemed::First(got) => first += usize::from(*got == passage),
                other => assert_eq!(other, Redeemed::AtOnce),
            }
        }
        assert_eq!(first, 1);
        assert!(won(&shelf, BROWSER, &code).await.unwrap());
        assert_eq!(redeem(&shelf, BROWSER, &code).await.unwrap(), Redeemed::Again(passage.grant));
    }

    #[tokio::test]
    async fn a_code_that_came_once_is_left_alone_until_it_comes_again() {
        let (shelf, passage) = (Shelf::default(), passage());
        let code = issue(&shelf, &passage).await.unwrap();
        assert_eq!(redeem(&shelf, BROWSER, &code).await.unwrap(), Redeemed::First(Box::new(passage.clone())));
        assert!(!won(&shelf, BROWSER, &code).await.unwrap());
        assert_eq!(redeem(&shelf, BROWSER, &code).await.unwrap(), Redeemed::Again(passage.grant));
    }

    #[tokio::test]
    async fn a_code_that_was_never_issued_is_unknown_and_no_two_are_alike() {
        let shelf = Shelf::default();
        assert_eq!(redeem(&shelf, BROWSER, "guess").await.unwrap(), Redeemed::Unknown);
        let (one, two) = (issue(&shelf, &passage()).await.unwrap(), issue(&shelf, &passage()).await.unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 43);
        assert!(shelf.get(Namespace::Code, &one).await.unwrap().is_none(), "it rests hashed");
    }
}
