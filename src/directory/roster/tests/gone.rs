//! The end of those whom no roster lists any more.

use std::time::Duration;

use super::*;
use crate::domain::clock::TimeZone;

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn who_has_been_withdrawn_for_long_is_erased_and_comes_back_as_somebody_new() {
    for house in houses().await {
        house.import(class(4), YES).await.unwrap();
        let (longest, later) = (house.by_card("4403").await.unwrap(), house.by_card("4402").await.unwrap());
        house.clock.advance(DAY);
        house.import(class(3), YES).await.unwrap();
        house.clock.advance(DAY * 300);
        house.import(class(2), YES).await.unwrap();
        house.clock.advance(DAY * 101);
        assert_eq!(house.erase_withdrawn_before(DAY * 402).await, 0);
        assert_eq!(house.erase_withdrawn_before(DAY * 400).await, 1);
        assert_eq!(house.erase_withdrawn_before(DAY * 400).await, 0);
        assert!(house.db.patrons().by_id(longest.patron.id).await.unwrap().is_none());
        assert!(house.by_card("4403").await.is_none());
        assert_eq!(house.by_card("4402").await.unwrap().patron.id, later.patron.id);

        // Runs in which she stood are taken back, to the first: she is in none of them.
        house.merge().undo(&house.source, None, false).await.unwrap();
        house.merge().undo(&house.source, None, false).await.unwrap();
        assert!(house.by_card("4403").await.is_none() && house.by_card("4402").await.is_some());
        house.import(class(4), YES).await.unwrap();
        assert_ne!(house.by_card("4403").await.unwrap().patron.id, longest.patron.id);
        assert!(house.db.audit().verify().await.unwrap().breaks.is_empty());
    }
}

#[tokio::test]
async fn who_returned_is_not_erased_for_having_been_away() {
    for house in houses().await {
        house.import(class(4), YES).await.unwrap();
        house.import(class(3), YES).await.unwrap();
        house.clock.advance(DAY * 500);
        house.import(class(4), YES).await.unwrap();
        assert_eq!(house.erase_withdrawn_before(DAY * 400).await, 0);
    }
}

#[tokio::test]
async fn nobody_is_erased_while_an_import_may_have_read_them_already() {
    for house in houses().await {
        house.import(class(4), YES).await.unwrap();
        house.import(class(3), YES).await.unwrap();
        house.clock.advance(DAY * 500);
        let gone = house.by_card("4403").await.unwrap().patron;
        let staged = house.merge().stage(&house.source, "tonight", fixture::delivery(class(4)), YES).await.unwrap();
        assert_eq!(house.erase_withdrawn_before(DAY * 400).await, 0);
        let people = house.db.people();
        let events = people.events_of([gone.id]).await.unwrap();
        let mut tx = house.db.begin().await.unwrap();
        let refused = people.erase(&mut tx, gone.id, &house.source, &events, &TimeZone::utc()).await.unwrap_err();
        assert!(refused.to_string().contains("under way"), "{refused}");
        drop(tx);
        house.merge().abandon(&staged).await;
        assert_eq!(house.erase_withdrawn_before(DAY * 400).await, 1);
    }
}

impl House {
    /// Whoever has been away for at least so long.
    async fn erase_withdrawn_before(&self, away: Duration) -> u64 {
        let now = self.clock.now();
        let erased = self.db.people().erase_long_withdrawn(now - away, now, &TimeZone::utc()).await.unwrap();
        erased.people
    }
}
