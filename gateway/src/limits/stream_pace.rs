//! How slowly the body of one request among several on a connection may come.
//!
//! Owns that deadline. Who reads it cannot be seen here, only what was read: so it is twice as patient as the pace of
//! a connection with one request, and says nothing any more once the upstream answers.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::Body;
use super::pace::{PATIENCE, WORTH};

/// How long may pass for each time that [`WORTH`] bytes came.
const LIMIT: Duration = PATIENCE.saturating_mul(2);

/// The pace of one request.
#[derive(Debug, Default)]
pub struct StreamPace {
    body: Mutex<Option<Coming>>,
    changed: Notify,
}

#[derive(Debug)]
struct Coming {
    until: Instant,
    bytes: u64,
}

impl Coming {
    fn new() -> Self {
        Self {
            until: Instant::now() + LIMIT,
            bytes: 0,
        }
    }
}

impl StreamPace {
    /// The head is there.
    pub fn head_is_in(&self, body: Body) {
        match body {
            Body::None => {}
            Body::Coming => {
                *self.body() = Some(Coming::new());
                self.changed.notify_one();
            }
        }
    }

    /// So many bytes of the body came.
    pub fn came(&self, bytes: u64) {
        let mut body = self.body();
        if let Some(coming) = body.as_mut() {
            coming.bytes += bytes;
            if coming.bytes >= WORTH {
                *coming = Coming::new();
            }
        }
    }

    /// The body is there, or does not matter any more.
    pub fn body_is_in(&self) {
        *self.body() = None;
    }

    /// Waits until the body is too late.
    pub async fn over(&self) {
        loop {
            let until = self.body().as_ref().map(|coming| coming.until);
            match until {
                None => self.changed.notified().await,
                Some(until) if until <= Instant::now() => return,
                Some(until) => sleep_until(until).await,
            }
        }
    }

    fn body(&self) -> MutexGuard<'_, Option<Coming>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, pause, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Whether it is over within `limit`.
    async fn is_over(pace: &StreamPace, limit: Duration) -> bool {
        timeout(limit, pace.over()).await.is_ok()
    }

    #[tokio::test]
    async fn a_body_that_drips_is_waited_for_so_long_and_no_longer() {
        pause();
        let pace = StreamPace::default();
        pace.head_is_in(Body::Coming);
        for _ in 0..59 {
            advance(SECOND).await;
            pace.came(1);
        }
        assert!(!is_over(&pace, SECOND / 2).await);
        assert!(is_over(&pace, SECOND).await);
    }

    #[tokio::test]
    async fn one_that_flows_is_waited_for() {
        pause();
        let pace = StreamPace::default();
        pace.head_is_in(Body::Coming);
        for _ in 0..600 {
            advance(SECOND).await;
            pace.came(500);
        }
        assert!(!is_over(&pace, 29 * SECOND).await);
    }

    #[tokio::test]
    async fn what_has_no_body_or_has_it_all_is_not_timed() {
        pause();
        let pace = StreamPace::default();
        pace.head_is_in(Body::None);
        assert!(!is_over(&pace, 3600 * SECOND).await);
        pace.head_is_in(Body::Coming);
        pace.body_is_in();
        assert!(!is_over(&pace, 3600 * SECOND).await);
    }
}
