//! Classes of a delivery beside those that hold: a row for each that is new, other than before, or gone.

use super::Merge;
use crate::{
    domain::{class::ClassRoll, pin::PinKey},
    store::{
        self,
        rosters::{Hold, RollEntry},
    },
};

impl Merge<'_> {
    /// Writes a run's classes where nobody sees them. `None`: the delivery says nothing of classes.
    pub(super) async fn stage_classes(&self, hold: &Hold, classes: Option<Vec<ClassRoll>>) -> store::Result<()> {
        let Some(classes) = classes else { return Ok(()) };
        let rosters = self.db.rosters();
        let mut before = rosters.rolls(&hold.source, hold.before).await?;
        let mut entries = Vec::new();
        for roll in classes {
            let digest = digest(self.pin_key, &roll);
            let known = before.remove(&roll.sourced_id);
            if !known.is_some_and(|known| known.present && known.is(&digest)) {
                entries.push(RollEntry { roll, present: true, digest });
            }
        }
        for held in before.into_values().filter(|held| held.present) {
            let digest = digest(self.pin_key, &held.roll);
            entries.push(RollEntry { roll: held.roll, present: false, digest });
        }
        let mut left = entries.as_slice();
        while !left.is_empty() {
            let n = rosters.append_rolls(hold, left, self.clock.now()).await?;
            left = left.get(n..).unwrap_or_default();
            self.gap().await;
        }
        Ok(())
    }
}

fn digest(key: &PinKey, roll: &ClassRoll) -> crate::domain::pin::KeyedPin {
    let members = roll.written_members();
    let parts = [&roll.sourced_id, &roll.title, &roll.org, &roll.grades, &members];
    key.digest(&parts.map(|part| part.as_bytes()))
}
