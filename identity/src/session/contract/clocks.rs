//! When the clock of one process is wrong, it must not take sessions out of the reach of the others.

use super::*;
use crate::ManualClock;
use crate::session::{Ended, Sessions};
use crate::tally::Uncounted;

/// The door to a store, as a process whose clock shows something of its own.
pub(super) fn sessions(store: &Arc<dyn SessionStore>, clock: ManualClock) -> Sessions {
    Sessions::new(
        Arc::clone(store),
        Arc::new(clock),
        Arc::new(SystemRandom),
        Arc::new(Uncounted),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_by_one_clock_is_still_found_by_whoever_ends_all() {
    everywhere(async |on| {
        let (key, record) = (key(), record(account()));
        on.store.insert(&key, &record).await.unwrap();
        let fast = sessions(&on.other, ManualClock::at(record.ends_at));
        let right = sessions(&on.store, ManualClock::at(now()));
        let listed = fast.list(record.account, Duration::MAX).await.unwrap();
        assert_eq!(listed, []);

        let changed = fast.rewrite_account(record.account, &rights(2)).await;
        assert_eq!(changed.unwrap(), 1);
        let found = right.find(&key, Duration::MAX).await.unwrap().unwrap();
        assert_eq!(found.record.generation, 2);

        let ended = fast
            .revoke_account(record.account, None, Ended::Disabled)
            .await;
        assert_eq!(ended.unwrap(), 1);
        assert_eq!(right.find(&key, Duration::MAX).await.unwrap(), None);
    })
    .await;
}
