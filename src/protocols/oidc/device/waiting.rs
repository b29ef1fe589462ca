//! Devices that wait for their readers, on the shelf. Both codes rest hashed: who reads the shelf can neither ask with
//! the one nor type the other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LIFE, LINGER, UserCode};
use crate::{
    domain::{clock::Timestamp, handle},
    ephemeral::{Namespace, Shelf},
    protocols::oidc::{
        code::{self, Code},
        terms::Terms,
    },
    signon::Fault,
};

/// Seconds between two questions of a device (RFC 8628 section 3.5), at first and added for each that comes too soon.
pub const INTERVAL: u64 = 5;
/// A device that keeps time may still be heard a little early.
const LEEWAY: Duration = Duration::from_millis(500);

/// What a device asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub client_id: String,
    pub terms: Terms,
    pub expires_at: Timestamp,
}

impl Waiting {
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }
}

/// How a device keeps time.
#[derive(Debug, PartialEq, Eq)]
pub enum Pace {
    Right,
    /// It must wait for so many seconds from now on.
    TooFast(u64),
}

/// Shelves `waiting` under two fresh codes. The device's name is its hashed device code from here on.
pub async fn shelve(shelf: &Shelf, waiting: &Waiting) -> Result<(String, UserCode), Fault> {
    let device_code = handle::random()?;
    let name = code::key(&device_code);
    shelf.put(Namespace::Device, &name, bytes(waiting)?, LINGER).await?;
    loop {
        let user_code = UserCode::random()?;
        // Two devices never show the same.
        if shelf.put_new(Namespace::UserCode, &key(&user_code), name.clone().into_bytes(), LIFE).await? {
            return Ok((device_code, user_code));
        }
    }
}

pub async fn by_name(shelf: &Shelf, name: &str) -> Result<Option<Waiting>, Fault> {
    let found = shelf.get(Namespace::Device, name).await?;
    found.map(|bytes| serde_json::from_slice(&bytes).map_err(broken)).transpose()
}

/// The device that shows this code and still waits, with its name.
pub async fn by_user_code(shelf: &Shelf, shown: &UserCode, now: Timestamp) -> Result<Option<(String, Waiting)>, Fault> {
    let name = shelf.get(Namespace::UserCode, &key(shown)).await?;
    let Some(name) = name.and_then(|name| String::from_utf8(name).ok()) else { return Ok(None) };
    let waiting = by_name(shelf, &name).await?.filter(|waiting| !waiting.is_over(now));
    Ok(waiting.map(|waiting| (name, waiting)))
}

/// The one answer that a device gets. Of many who give one at once, one does.
pub struct Answer<'a> {
    shelf: &'a Shelf,
    name: String,
    shown: UserCode,
}

impl Answer<'_> {
    /// `None` where the device was answered already, or waits no more.
    pub async fn to<'a>(shelf: &'a Shelf, shown: UserCode, now: Timestamp) -> Result<Option<Answer<'a>>, Fault> {
        let Some((name, _)) = by_user_code(shelf, &shown, now).await? else { return Ok(None) };
        let taken = shelf.take(Namespace::UserCode, &key(&shown)).await?;
        Ok(taken.map(|_| Answer { shelf, name, shown }))
    }

    pub async fn yes(self, passage: &Code) -> Result<(), Fault> {
        code::shelve(self.shelf, code::DEVICE, &self.name, passage).await
    }

    pub async fn no(self) -> Result<(), Fault> {
        Ok(self.shelf.put(Namespace::Device, &declined(&self.name), Vec::new(), LINGER).await?)
    }

    /// Nothing came of it: the device waits on.
    pub async fn none(self) -> Result<(), Fault> {
        let name = self.name.into_bytes();
        self.shelf.put_new(Namespace::UserCode, &key(&self.shown), name, LIFE).await?;
        Ok(())
    }
}

pub async fn was_declined(shelf: &Shelf, name: &str) -> Result<bool, Fault> {
    Ok(shelf.get(Namespace::Device, &declined(name)).await?.is_some())
}

/// To be called for each question that has no answer yet.
pub async fn polled(shelf: &Shelf, name: &str, now: Timestamp) -> Result<Pace, Fault> {
    let key = format!("{name} pace");
    let before: Option<(Timestamp, u64)> = match shelf.get(Namespace::Device, &key).await? {
        Some(bytes) => Some(serde_json::from_slice(&bytes).map_err(broken)?),
        None => None,
    };
    let (pace, interval) = match before {
        Some((last, interval)) if now.apart(last) + LEEWAY < Duration::from_secs(interval) => {
            (Pace::TooFast(interval + INTERVAL), interval + INTERVAL)
        }
        Some((_, interval)) => (Pace::Right, interval),
        None => (Pace::Right, INTERVAL),
    };
    shelf.put(Namespace::Device, &key, bytes(&(now, interval))?, LINGER).await?;
    Ok(pace)
}

fn declined(name: &str) -> String {
    format!("{name} declined")
}

fn key(user_code: &UserCode) -> String {
    code::key(user_code.letters())
}

fn bytes(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value).map_err(broken)
}

fn broken(error: serde_json::Error) -> Fault {
    Fault::Broken(format!("shelved device: {error}"))
}
