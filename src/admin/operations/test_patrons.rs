//! Test patrons of a file become patrons who can sign in, and go with it. Part of `apply`.

use anyhow::{Context, Result, bail};

use crate::{
    config::DeclaredTestPatron,
    domain::{clock::Timestamp, id::PatronId, pin::PinKey, test_patron::TestPatron},
    signon::pins::PinPool,
    store::{
        Db, Tx,
        catalogue::{Bodies, Kind},
    },
};

/// As it will be kept. Who was declared before, even long ago, is the same patron again.
pub(super) async fn body(
    tx: &mut Tx,
    declared: &DeclaredTestPatron,
    stored: &Bodies,
    pins: Option<&PinKey>,
) -> Result<TestPatron> {
    let before = before(stored, declared.id.as_str())?;
    let patron = match &before {
        Some(before) => before.patron,
        None => tx.test_patrons().patron(declared.id.as_str()).await?.unwrap_or_else(PatronId::new),
    };
    let keyed = pins.map(|key| key.keyed(patron, &declared.pin.0).hex());
    Ok(TestPatron {
        id: declared.id.clone(),
        patron,
        card: declared.card.clone(),
        given_name: declared.given_name.clone(),
        family_name: declared.family_name.clone(),
        affiliation: declared.affiliation.clone(),
        claims: declared.claims.clone(),
        // Who only looks has no key, and cannot tell one PIN from another.
        pin_keyed: keyed.or_else(|| before.and_then(|before| before.pin_keyed)),
    })
}

/// Makes the patrons what `wanted` says, where that differs from `stored`.
///
/// # Errors
/// Where a card is somebody else's, or the database does not answer.
pub(super) async fn settle(
    db: &Db,
    tx: &mut Tx,
    declared: &[DeclaredTestPatron],
    stored: &Bodies,
    wanted: &Bodies,
    pins: Option<&PinKey>,
    now: Timestamp,
) -> Result<()> {
    for declared in declared {
        let id = declared.id.as_str();
        let (before, after) = (before(stored, id)?, before(wanted, id)?);
        let Some(after) = after.filter(|after| before.as_ref() != Some(after)) else { continue };
        if db.card_is_taken(&after.card, after.patron, now).await? {
            bail!("test patron {id} cannot have card {}: it is somebody's", after.card);
        }
        let same_pin = before.is_some_and(|before| before.pin_keyed == after.pin_keyed);
        let verifier = match pins {
            Some(key) if !same_pin => {
                let pool = PinPool::start(1, 1)?;
                Some(pool.verifier(&key.keyed(after.patron, &declared.pin.0)).await?)
            }
            _ => None,
        };
        tx.test_patrons().put(&after, verifier.as_deref(), now).await?;
    }
    Ok(())
}

/// The file speaks of it no more.
pub(super) async fn withdraw(tx: &mut Tx, stored: &Bodies, id: &str, now: Timestamp) -> Result<()> {
    let gone = before(stored, id)?.with_context(|| format!("there is no test patron {id}"))?;
    Ok(tx.test_patrons().withdraw(gone.patron, now).await?)
}

fn before(bodies: &Bodies, id: &str) -> Result<Option<TestPatron>> {
    let body = bodies.get(&(Kind::TestPatron, id.to_owned()));
    Ok(body.cloned().map(serde_json::from_value).transpose()?)
}
