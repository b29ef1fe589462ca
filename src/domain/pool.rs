//! How a server speaks with its database: over how many connections, and how long it waits for what.

use std::time::Duration;

/// Of PostgreSQL; a SQLite file is opened by one process, which needs none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// Most connections of one process.
    pub connections: u32,
    /// How long a request waits for a connection before it is answered 503.
    pub acquire: Duration,
    /// How long one statement may take; nothing: as long as it likes.
    pub statement: Option<Duration>,
    /// A connection that nobody used for so long is closed.
    pub idle: Duration,
    /// A connection is replaced after this, used or not.
    pub lifetime: Duration,
}

impl Default for PoolSettings {
    fn default() -> PoolSettings {
        PoolSettings {
            connections: 16,
            acquire: Duration::from_secs(5),
            statement: Some(Duration::from_secs(60)),
            idle: Duration::from_secs(600),
            lifetime: Duration::from_secs(1800),
        }
    }
}
