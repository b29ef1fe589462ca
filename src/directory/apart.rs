//! Reading a delivery blocks: it is done on a thread of its own, which tells how far it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Roster,
    source::{FromFile, PullError, Reading, Wish},
};
use crate::directory::ReadError;

const TOLD_EVERY: Duration = Duration::from_millis(200);

/// What `reader` makes of the delivery at `path`, read as `wish` says.
///
/// # Errors
/// Where the thread cannot end well; what the reader says of the delivery is inside.
pub(super) async fn read<R: FromFile + Clone + 'static>(
    reader: &R,
    path: &std::path::Path,
    wish: &Wish<'_>,
) -> Result<Result<Roster, ReadError>, PullError> {
    let (reader, path) = (reader.clone(), path.to_owned());
    let (birthdays, classes, today) = (wish.birthdays, wish.classes, wish.today);
    let told = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let telling = told.clone();
    let mut work = tokio::task::spawn_blocking(move || {
        let progress = |done, total| {
            telling.0.store(done, Ordering::Relaxed);
            telling.1.store(total, Ordering::Relaxed);
        };
        reader.read(&path, &Reading { birthdays, classes, today, progress: &progress })
    });
    loop {
        match tokio::time::timeout(TOLD_EVERY, &mut work).await {
            Ok(done) => {
                return done.map_err(|error| PullError::Away(format!("reading the delivery broke off: {error}")));
            }
            Err(_) => (wish.progress)(told.0.load(Ordering::Relaxed), told.1.load(Ordering::Relaxed)),
        }
    }
}
