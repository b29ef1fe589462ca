//! The audit: whether its newest chains hold.

use super::{Finding, Wishes};
use crate::store::Db;

const AUDIT: &str = "audit";
/// Each start of a server and each command begins one.
const CHAINS: i64 = 20;

pub async fn audit(db: &Db, wishes: Wishes) -> Vec<Finding> {
    let verdict = if wishes.whole_audit { db.audit().verify().await } else { db.audit().verify_newest(CHAINS).await };
    vec![match verdict {
        Err(error) => Finding::failed(AUDIT, error.to_string(), "the database cannot be read"),
        Ok(verdict) if verdict.breaks.is_empty() => {
            let which = if wishes.whole_audit { "all" } else { "the newest" };
            Finding::ok(AUDIT, format!("{} events in {which} {} chains hold", verdict.events, verdict.chains))
        }
        Ok(verdict) => {
            let todo =
                "somebody changed it behind the server's back: keep the database as it is, and ask who may write to it";
            Finding::failed(AUDIT, verdict.breaks.join("; "), todo)
        }
    }]
}
