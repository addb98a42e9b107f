use std::time::Duration;

use tokio::time::{advance, pause};

use super::*;

const HEADER: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

/// How long more may be waited, and for what.
fn left(pace: &Pace) -> Option<(Duration, Late)> {
    let (until, late) = pace.wait()?;
    Some((until.duration_since(Instant::now()), late))
}

/// Reads `bytes` that come after `after`, as a reader would that is there all the time; `false` when it gives up.
async fn read(pace: &Pace, bytes: u64, after: Duration) -> bool {
    let (patience, _) = left(pace).unwrap();
    if patience < after {
        return false;
    }
    advance(after).await;
    pace.came(bytes);
    true
}

/// Reads the same again and again, for `lasting`; for how long that went well.
async fn trickle(pace: &Pace, bytes: u64, every: Duration, lasting: Duration) -> Duration {
    let start = Instant::now();
    while start.elapsed() < lasting && read(pace, bytes, every).await {}
    start.elapsed()
}

fn body() -> Pace {
    let pace = Pace::new(HEADER);
    pace.came(100);
    pace.head_is_in(Body::Coming);
    pace
}

#[tokio::test]
async fn a_head_has_one_deadline_from_its_first_byte() {
    pause();
    let pace = Pace::new(HEADER);
    assert_eq!(left(&pace), Some((HEADER, Late::Silent)));
    assert!(read(&pace, 1, 9 * SECOND).await);
    assert_eq!(left(&pace), Some((HEADER, Late::Head)));
    for second in 1..=10 {
        assert!(read(&pace, 1, SECOND).await);
        let less = HEADER.saturating_sub(second * SECOND);
        assert_eq!(left(&pace), Some((less, Late::Head)));
    }
    assert!(!read(&pace, 1, SECOND).await);
}

#[tokio::test]
async fn between_requests_there_is_more_time() {
    pause();
    let pace = Pace::new(HEADER);
    assert_eq!(left(&pace), Some((HEADER, Late::Silent)));
    pace.came(100);
    pace.head_is_in(Body::None);
    assert_eq!(left(&pace), None, "an answer may take as long as it likes");
    pace.next();
    assert_eq!(left(&pace), Some((IDLE, Late::Silent)));
    assert!(read(&pace, 1, 50 * SECOND).await);
    assert_eq!(left(&pace), Some((HEADER, Late::Head)));
}

#[tokio::test]
async fn a_body_that_drips_is_given_up() {
    pause();
    for (bytes, every) in [(1, SECOND), (1, 29 * SECOND), (499, SECOND), (0, SECOND)] {
        let took = trickle(&body(), bytes, every, 300 * SECOND).await;
        assert!(
            took <= PATIENCE && took + every > PATIENCE,
            "{bytes} bytes every {every:?}: {took:?}"
        );
    }
    // Having been quick once does not last.
    let pace = body();
    pace.came(1_000_000);
    assert!(trickle(&pace, 1, SECOND, 300 * SECOND).await <= PATIENCE);
}

#[tokio::test]
async fn a_body_that_flows_is_not() {
    pause();
    for (bytes, every) in [
        (510, SECOND),
        (15_000, 29 * SECOND),
        (60, SECOND / 10),
        (1_000_000, SECOND),
    ] {
        let hour = 3600 * SECOND;
        assert!(
            trickle(&body(), bytes, every, hour).await >= hour,
            "{bytes} bytes every {every:?}"
        );
    }
}

#[tokio::test]
async fn who_is_not_listened_to_is_not_slow() {
    pause();
    // The reader looked, then went away with an upstream that takes nothing, and looks again: nothing, or a byte.
    for bytes in [0, 1] {
        let pace = body();
        assert_eq!(left(&pace), Some((PATIENCE, Late::Body)));
        advance(300 * SECOND).await;
        pace.came(bytes);
        assert_eq!(left(&pace), Some((PATIENCE, Late::Body)));
    }
    let pace = body();
    assert_eq!(left(&pace), Some((PATIENCE, Late::Body)));
    advance(300 * SECOND).await;
    assert_eq!(left(&pace), Some((PATIENCE, Late::Body)));
    assert!(trickle(&pace, 1, SECOND, 300 * SECOND).await <= PATIENCE);
}

#[tokio::test]
async fn what_is_no_body_may_be_silent() {
    pause();
    let pace = body();
    assert!(left(&pace).is_some());
    pace.body_is_in();
    assert_eq!(left(&pace), None);
    pace.came(1);
    assert_eq!(left(&pace), None);
}

#[tokio::test]
async fn what_is_answered_before_it_is_read_is_no_request() {
    pause();
    let pace = Pace::new(HEADER);
    pace.came(100);
    assert!(!pace.is_unread(), "nothing was said yet");
    pace.said();
    assert!(pace.is_unread());
    assert_eq!(left(&pace), None);
    let pace = Pace::new(HEADER);
    pace.came(100);
    pace.head_is_in(Body::None);
    pace.said();
    assert!(!pace.is_unread());
}
