//! The programme, kept as one table of JSON bodies: it is small, read whole, and changed by `apply` and commands.
//! Owns the rows and a vendor's immutable identity; what a change means is `admin::operations`'s.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use sqlx::Row;

use super::{Db, Result, Tx, corrupt};
use crate::domain::{
    catalogue::{Catalogue, OptOut},
    clock::Timestamp,
    id::VendorUid,
    published::Published,
    registration::RegisteredClient,
};

/// What a row of the catalogue is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Scope,
    Organisation,
    Agreement,
    Vendor,
    Source,
    OptOut,
    TestPatron,
    /// A client that its vendor registered by itself.
    Client,
    /// What a relying party publishes about itself.
    Published,
    Export,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::Scope,
        Kind::Organisation,
        Kind::Agreement,
        Kind::Vendor,
        Kind::Source,
        Kind::OptOut,
        Kind::TestPatron,
        Kind::Client,
        Kind::Published,
        Kind::Export,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Scope => "scope",
            Kind::Organisation => "organisation",
            Kind::Agreement => "agreement",
            Kind::Vendor => "vendor",
            Kind::Source => "source",
            Kind::OptOut => "opt-out",
            Kind::TestPatron => "test-patron",
            Kind::Client => "client",
            Kind::Published => "published",
            Kind::Export => "export",
        }
    }
}

/// What is kept, by kind and id.
pub type Bodies = BTreeMap<(Kind, String), serde_json::Value>;

/// Outlives its vendor: whoever comes back under the same id finds the readers they had.
const VENDOR_UID: &str = "vendor-uid";

/// Counters that grow with every change, so that each process knows when to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versions {
    pub catalogue: i64,
    pub patrons: i64,
    pub keys: i64,
    pub pins: i64,
    /// The number that the session parted last was given.
    pub sessions: i64,
    /// Grants revoked by themselves, not through their session.
    pub grants: i64,
}

impl Db {
    pub fn catalogue(&self) -> Reader<'_> {
        Reader(self)
    }
}

/// The catalogue, for reading.
pub struct Reader<'d>(&'d Db);

const ALL: &str = "SELECT kind, id, body FROM catalogue";

impl Reader<'_> {
    /// The whole programme, indexed.
    ///
    /// # Errors
    /// `Corrupt` where a body is not what this release writes.
    pub async fn load(&self) -> Result<Catalogue> {
        let rows: Vec<Entry> = on!(self.0, pool => {
            let rows = sqlx::query(ALL).fetch_all(pool).await?;
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect::<Result<_>>()?
        });
        assemble(rows)
    }

    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn versions(&self) -> Result<Versions> {
        let rows: Vec<(String, i64)> = on!(self.0, pool => {
            let rows = sqlx::query("SELECT name, n FROM version").fetch_all(pool).await?;
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_>>()?
        });
        let n = |name: &str| rows.iter().find(|(row, _)| row == name).map_or(0, |(_, n)| *n);
        Ok(Versions {
            catalogue: n("catalogue"),
            patrons: n("patrons"),
            keys: n("keys"),
            pins: n("pins"),
            sessions: n("sessions"),
            grants: n("grants"),
        })
    }
}

impl Tx {
    /// The catalogue, for changing. Say that it changed before reading what is to be changed: whoever else wants
    /// to change it waits from there on.
    pub fn catalogue(&mut self) -> Writer<'_> {
        Writer(self)
    }
}

pub struct Writer<'t>(&'t mut Tx);

impl Writer<'_> {
    /// Every process will look again once this is committed.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn changed(&mut self) -> Result<()> {
        within!(self.0, conn => {
            sqlx::query("UPDATE version SET n = n + 1 WHERE name = 'catalogue'").execute(conn).await?;
        });
        Ok(())
    }

    /// # Errors
    /// As `Reader::load`.
    pub async fn load(&mut self) -> Result<Catalogue> {
        assemble(self.entries().await?)
    }

    /// Every object as it is kept, by kind and id.
    ///
    /// # Errors
    /// As `Reader::load`.
    pub async fn bodies(&mut self) -> Result<Bodies> {
        let mut bodies = Bodies::new();
        for (kind, id, body) in self.entries().await? {
            if let Some(kind) = Kind::ALL.into_iter().find(|known| known.as_str() == kind) {
                bodies.insert((kind, id), serde_json::from_str(&body).map_err(corrupt)?);
            }
        }
        Ok(bodies)
    }

    /// Adds an object, or puts it in place of what it was.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn put(&mut self, kind: Kind, id: &str, body: &impl Serialize, now: Timestamp) -> Result<()> {
        self.write(kind.as_str(), id, &serde_json::to_string(body).map_err(corrupt)?, now).await
    }

    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn remove(&mut self, kind: Kind, id: &str) -> Result<()> {
        within!(self.0, conn => {
            let delete = sqlx::query("DELETE FROM catalogue WHERE kind = $1 AND id = $2");
            delete.bind(kind.as_str()).bind(id).execute(conn).await?;
        });
        Ok(())
    }

    /// The identity of the vendor with this id: the one that it ever had, or else a new one, kept for ever.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn vendor_uid(&mut self, id: &str, now: Timestamp) -> Result<VendorUid> {
        let found: Option<String> = within!(self.0, conn => {
            let select = sqlx::query("SELECT body FROM catalogue WHERE kind = $1 AND id = $2");
            let row = select.bind(VENDOR_UID).bind(id).fetch_optional(conn).await?;
            row.map(|row| row.try_get(0)).transpose()?
        });
        if let Some(uid) = found {
            return uid.parse().map_err(corrupt);
        }
        let uid = VendorUid::new();
        self.write(VENDOR_UID, id, &uid.to_string(), now).await?;
        Ok(uid)
    }

    async fn entries(&mut self) -> Result<Vec<Entry>> {
        within!(self.0, conn => {
            let rows = sqlx::query(ALL).fetch_all(conn).await?;
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
        })
    }

    async fn write(&mut self, kind: &str, id: &str, body: &str, now: Timestamp) -> Result<()> {
        within!(self.0, conn => {
            let upsert = sqlx::query(
                "INSERT INTO catalogue (kind, id, body, updated_at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
            );
            upsert.bind(kind).bind(id).bind(body).bind(now.millis()).execute(conn).await?;
        });
        Ok(())
    }
}

/// kind, id, body
type Entry = (String, String, String);

fn assemble(rows: Vec<Entry>) -> Result<Catalogue> {
    let mut catalogue = Catalogue::default();
    let mut registered: Vec<RegisteredClient> = Vec::new();
    let mut published: Vec<Published> = Vec::new();
    for (kind, id, body) in rows {
        match kind.as_str() {
            "scope" => insert(&mut catalogue.scopes, &kind, id, &body)?,
            "organisation" => insert(&mut catalogue.organisations, &kind, id, &body)?,
            "agreement" => insert(&mut catalogue.agreements, &kind, id, &body)?,
            "vendor" => insert(&mut catalogue.vendors, &kind, id, &body)?,
            "source" => insert(&mut catalogue.sources, &kind, id, &body)?,
            "opt-out" => {
                let opt_out: OptOut = read(&kind, &id, &body)?;
                catalogue.opt_outs.insert(opt_out.key());
            }
            "export" => insert(&mut catalogue.exports, &kind, id, &body)?,
            "client" => registered.push(read(&kind, &id, &body)?),
            "published" => published.push(read(&kind, &id, &body)?),
            // A test patron is read as the patron that it is.
            VENDOR_UID | "test-patron" => {}
            other => return Err(corrupt(format!("catalogue: {other} {id} is of a newer release"))),
        }
    }
    // Behind what the operator declared. A vendor's own body has no say in them: it is replaced by every file.
    for vendor in catalogue.vendors.values_mut() {
        vendor.relying_parties.retain(|party| party.registered.is_none());
    }
    for client in registered {
        if let Some(vendor) = catalogue.vendors.get_mut(&client.vendor) {
            vendor.relying_parties.push(client.party);
        }
    }
    for published in published {
        let parties = catalogue.vendors.values_mut().flat_map(|vendor| &mut vendor.relying_parties);
        if let Some(party) = parties.into_iter().find(|party| published.is_of(party)) {
            party.published = Some(Arc::new(published));
        }
    }
    Ok(catalogue.indexed())
}

fn insert<K, V>(map: &mut BTreeMap<K, V>, kind: &str, id: String, body: &str) -> Result<()>
where
    K: TryFrom<String, Error: std::fmt::Display> + Ord,
    V: DeserializeOwned,
{
    let value = read(kind, &id, body)?;
    map.insert(K::try_from(id).map_err(corrupt)?, value);
    Ok(())
}

fn read<T: DeserializeOwned>(kind: &str, id: &str, body: &str) -> Result<T> {
    serde_json::from_str(body).map_err(|error| corrupt(format!("catalogue: {kind} {id}: {error}")))
}
