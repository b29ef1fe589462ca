//! Invitations, and the clients that register by them. Each change and the event that tells of it are one transaction.

use sqlx::Row;

use super::{Db, Result, Tx, audit, catalogue::Kind, corrupt};
use crate::domain::{
    audit::AuditEvent,
    clock::Timestamp,
    id::VendorId,
    registration::{Invitation, RegisteredClient},
};

pub struct Registrations<'d>(&'d Db);

impl Db {
    pub fn registrations(&self) -> Registrations<'_> {
        Registrations(self)
    }
}

/// A row of the columns that both look-ups name.
macro_rules! invitation {
    ($row:expr) => {{
        let text = |column: usize| $row.try_get::<String, _>(column);
        let number = |column: usize| $row.try_get::<i64, _>(column);
        let withdrawn: Option<i64> = $row.try_get(7)?;
        Ok(Invitation {
            id: text(0)?,
            vendor: text(1)?.parse().map_err(corrupt)?,
            bounds: serde_json::from_str(&text(2)?).map_err(corrupt)?,
            uses: u32::try_from(number(3)?).map_err(corrupt)?,
            uses_left: u32::try_from(number(4)?).map_err(corrupt)?,
            created_at: Timestamp(number(5)?),
            expires_at: Timestamp(number(6)?),
            withdrawn_at: withdrawn.map(Timestamp),
        })
    }};
}

impl Registrations<'_> {
    /// Keeps an invitation under the hex SHA-256 of its token.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn invite(&self, invitation: &Invitation, token: &str, event: AuditEvent) -> Result<()> {
        const SQL: &str = "INSERT INTO invitation (id, vendor, token, bounds, uses, uses_left, created_at, expires_at) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let bounds = serde_json::to_string(&invitation.bounds).map_err(corrupt)?;
        let mut tx = self.0.begin().await?;
        within!(tx, conn => sqlx::query(SQL)
            .bind(&invitation.id)
            .bind(invitation.vendor.as_str())
            .bind(token)
            .bind(bounds)
            .bind(i64::from(invitation.uses))
            .bind(i64::from(invitation.uses_left))
            .bind(invitation.created_at.0)
            .bind(invitation.expires_at.0)
            .execute(conn)
            .await
            .map(drop))?;
        audit::append_alone(&mut tx, &[event]).await?;
        tx.commit().await
    }

    /// Every invitation of this vendor, the newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn invitations(&self, vendor: &VendorId) -> Result<Vec<Invitation>> {
        const SQL: &str = "SELECT id, vendor, bounds, uses, uses_left, created_at, expires_at, withdrawn_at \
                           FROM invitation WHERE vendor = $1 ORDER BY created_at DESC, id";
        on!(self.0, pool => {
            let rows = sqlx::query(SQL).bind(vendor.as_str()).fetch_all(pool).await?;
            rows.iter().map(|row| invitation!(row)).collect()
        })
    }

    /// The invitation whose token has this hex SHA-256, whatever its state.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn by_token(&self, token: &str) -> Result<Option<Invitation>> {
        const SQL: &str = "SELECT id, vendor, bounds, uses, uses_left, created_at, expires_at, withdrawn_at \
                           FROM invitation WHERE token = $1";
        on!(self.0, pool => {
            let row = sqlx::query(SQL).bind(token).fetch_optional(pool).await?;
            row.map(|row| invitation!(row)).transpose()
        })
    }

    /// Nothing is registered by it any more. `false`: there is no such invitation, or it was withdrawn already.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn withdraw(&self, id: &str, now: Timestamp, event: AuditEvent) -> Result<bool> {
        const SQL: &str = "UPDATE invitation SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL";
        let mut tx = self.0.begin().await?;
        let rows =
            within!(tx, conn => sqlx::query(SQL).bind(id).bind(now.0).execute(conn).await.map(|d| d.rows_affected()))?;
        if rows == 0 {
            return Ok(false);
        }
        audit::append_alone(&mut tx, &[event]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Spends one use of the client's invitation and adds the client. `false`: no use was left.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn register(&self, client: &RegisteredClient, now: Timestamp, event: AuditEvent) -> Result<bool> {
        const SPEND: &str = "UPDATE invitation SET uses_left = uses_left - 1 \
                             WHERE id = $1 AND uses_left > 0 AND expires_at > $2 AND withdrawn_at IS NULL";
        let mut tx = self.0.begin().await?;
        let spent = within!(tx, conn => sqlx::query(SPEND)
            .bind(&client.invitation)
            .bind(now.0)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        if spent == 0 {
            return Ok(false);
        }
        put(tx, client, now, event).await?;
        Ok(true)
    }

    /// Replaces what a client is, if its registration access token is still the one that `client` names. `false`: it
    /// is not, or the client is gone.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn replace(&self, client: &RegisteredClient, now: Timestamp, event: AuditEvent) -> Result<bool> {
        let mut tx = self.0.begin().await?;
        tx.catalogue().changed().await?;
        let kept = kept(&mut tx, &client.party.key).await?;
        if kept.is_none_or(|kept| kept.token_sha256 != client.token_sha256) {
            return Ok(false);
        }
        put(tx, client, now, event).await?;
        Ok(true)
    }

    /// Removes a client and ends every grant through it. `false`: it is gone already.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn remove(&self, client: &RegisteredClient, now: Timestamp, event: AuditEvent) -> Result<bool> {
        const END: &str = "UPDATE passage SET revoked_at = $3 \
                           WHERE protocol = $1 AND relying_party = $2 AND revoked_at IS NULL";
        let key = client.party.key.as_str();
        let mut tx = self.0.begin().await?;
        tx.catalogue().changed().await?;
        if kept(&mut tx, key).await?.is_none() {
            return Ok(false);
        }
        tx.catalogue().remove(Kind::Client, key).await?;
        within!(tx, conn => sqlx::query(END)
            .bind(&client.party.protocol)
            .bind(key)
            .bind(now.0)
            .execute(conn)
            .await
            .map(drop))?;
        audit::append_alone(&mut tx, &[event]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// # Errors
    /// Those of the database.
    pub async fn client(&self, key: &str) -> Result<Option<RegisteredClient>> {
        let body: Option<String> = on!(self.0, pool => {
            let row = sqlx::query(CLIENT).bind(Kind::Client.as_str()).bind(key).fetch_optional(pool).await?;
            row.map(|row| row.try_get(0)).transpose()?
        });
        body.map(|body| serde_json::from_str(&body).map_err(corrupt)).transpose()
    }
}

const CLIENT: &str = "SELECT body FROM catalogue WHERE kind = $1 AND id = $2";

async fn kept(tx: &mut Tx, key: &str) -> Result<Option<RegisteredClient>> {
    let body: Option<String> = within!(tx, conn => {
        let row = sqlx::query(CLIENT).bind(Kind::Client.as_str()).bind(key).fetch_optional(conn).await?;
        row.map(|row| row.try_get(0)).transpose()?
    });
    body.map(|body| serde_json::from_str(&body).map_err(corrupt)).transpose()
}

async fn put(mut tx: Tx, client: &RegisteredClient, now: Timestamp, event: AuditEvent) -> Result<()> {
    tx.catalogue().changed().await?;
    tx.catalogue().put(Kind::Client, &client.party.key, client, now).await?;
    audit::append_alone(&mut tx, &[event]).await?;
    tx.commit().await
}
