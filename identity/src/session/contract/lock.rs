//! While another process keeps the file locked: people are answered in time, and what is over is over.

use super::backends::sqlite;
use super::clocks::sessions;
use super::*;
use crate::session::Ended;
use crate::{Fault, ManualClock};

/// Longer than the deadline, shorter than the engine's own wait for the lock.
const IN_TIME: Duration = Duration::from_millis(2500);

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_the_lock_longer_than_a_request_can() {
    let on = sqlite().await;
    let (live, idle) = (key(), key());
    let usual = Record {
        remembered: Remembered::No,
        ..record(account())
    };
    on.store.insert(&live, &usual).await.unwrap();
    on.store.insert(&idle, &usual).await.unwrap();
    on.store
        .touch(&live, later(100), usual.ends_at)
        .await
        .unwrap();
    let hour = Duration::from_hours(1);
    let sessions = sessions(&on.store, ManualClock::at(later(3650)));
    let writer = on.writer().await;

    let start = Instant::now();
    assert!(sessions.find(&live, hour).await.unwrap().is_some());
    assert_eq!(
        sessions.find(&idle, hour).await.unwrap(),
        None,
        "it is over"
    );
    assert!(start.elapsed() < IN_TIME, "took {:?}", start.elapsed());

    let start = Instant::now();
    let away = |answer: Result<(), Fault>| matches!(answer, Err(Fault::StoreAway { .. }));
    let revoked = sessions.revoke(&live, Ended::Logout).await;
    assert!(away(revoked.map(|_| ())), "it may still be live");
    assert!(start.elapsed() < IN_TIME, "took {:?}", start.elapsed());
    let start = Instant::now();
    assert!(away(on.store.insert(&key(), &usual).await));
    assert!(start.elapsed() < IN_TIME, "took {:?}", start.elapsed());

    writer.rollback().await.unwrap();
    let start = Instant::now();
    while sessions.revoke(&live, Ended::Logout).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(10), "never again");
    }
    assert_eq!(sessions.find(&live, hour).await.unwrap(), None);
}
