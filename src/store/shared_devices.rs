//! Browsers that are marked as shared. Links and cookies are kept as their SHA-256; each change and the event that tells
//! of it are one transaction.

use sqlx::Row;

use super::{Db, Result, audit};
use crate::domain::{audit::AuditEvent, clock::Timestamp, shared_device::SharedDevice};

pub struct SharedDevices<'d>(&'d Db);

impl Db {
    pub fn shared_devices(&self) -> SharedDevices<'_> {
        SharedDevices(self)
    }
}

/// A row of the columns that every look-up names.
macro_rules! shared_device {
    ($row:expr) => {{
        let (enrolled, until): (Option<i64>, Option<i64>) = ($row.try_get(4)?, $row.try_get(5)?);
        Ok(SharedDevice {
            id: $row.try_get(0)?,
            name: $row.try_get(1)?,
            created_at: Timestamp($row.try_get(2)?),
            link_until: Timestamp($row.try_get(3)?),
            enrolled_at: enrolled.map(Timestamp),
            until: until.map(Timestamp),
        })
    }};
}

impl SharedDevices<'_> {
    /// Keeps a device that waits for its browser, under the hex SHA-256 of its link's secret.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn add(&self, device: &SharedDevice, link: &str, event: AuditEvent) -> Result<()> {
        const SQL: &str =
            "INSERT INTO shared_device (id, name, link, link_until, created_at) VALUES ($1, $2, $3, $4, $5)";
        let mut tx = self.0.begin().await?;
        within!(tx, conn => sqlx::query(SQL)
            .bind(&device.id)
            .bind(&device.name)
            .bind(link)
            .bind(device.link_until.0)
            .bind(device.created_at.0)
            .execute(conn)
            .await
            .map(drop))?;
        audit::append_alone(&mut tx, &[event]).await?;
        tx.commit().await
    }

    /// The newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn all(&self) -> Result<Vec<SharedDevice>> {
        const SQL: &str = "SELECT id, name, created_at, link_until, enrolled_at, until FROM shared_device \
                           ORDER BY created_at DESC, id";
        on!(self.0, pool => {
            let rows = sqlx::query(SQL).fetch_all(pool).await?;
            rows.iter().map(|row| shared_device!(row)).collect()
        })
    }

    /// The device that waits behind a link's hex SHA-256.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn by_link(&self, link: &str, now: Timestamp) -> Result<Option<SharedDevice>> {
        const SQL: &str = "SELECT id, name, created_at, link_until, enrolled_at, until FROM shared_device \
                           WHERE link = $1 AND link_until > $2";
        on!(self.0, pool => {
            let row = sqlx::query(SQL).bind(link).bind(now.0).fetch_optional(pool).await?;
            row.map(|row| shared_device!(row)).transpose()
        })
    }

    /// The device whose browser has the cookie with this hex SHA-256.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn by_cookie(&self, cookie: &str, now: Timestamp) -> Result<Option<SharedDevice>> {
        const SQL: &str = "SELECT id, name, created_at, link_until, enrolled_at, until FROM shared_device \
                           WHERE cookie = $1 AND until > $2";
        on!(self.0, pool => {
            let row = sqlx::query(SQL).bind(cookie).bind(now.0).fetch_optional(pool).await?;
            row.map(|row| shared_device!(row)).transpose()
        })
    }

    /// Spends the link: from now on the device is known by `cookie`. `false`: the link is over, or somebody was faster.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn enrol(
        &self,
        link: &str,
        cookie: &str,
        now: Timestamp,
        until: Timestamp,
        event: AuditEvent,
    ) -> Result<bool> {
        const SQL: &str = "UPDATE shared_device SET link = NULL, cookie = $2, enrolled_at = $3, until = $4 \
                           WHERE link = $1 AND link_until > $3";
        let mut tx = self.0.begin().await?;
        let rows = within!(tx, conn => sqlx::query(SQL)
            .bind(link)
            .bind(cookie)
            .bind(now.0)
            .bind(until.0)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        if rows == 0 {
            return Ok(false);
        }
        audit::append_alone(&mut tx, &[event]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// `false`: there is none of this id.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn remove(&self, id: &str, event: AuditEvent) -> Result<bool> {
        const SQL: &str = "DELETE FROM shared_device WHERE id = $1";
        let mut tx = self.0.begin().await?;
        let rows = within!(tx, conn => sqlx::query(SQL).bind(id).execute(conn).await.map(|done| done.rows_affected()))?;
        if rows == 0 {
            return Ok(false);
        }
        audit::append_alone(&mut tx, &[event]).await?;
        tx.commit().await?;
        Ok(true)
    }
}
