//! The time, as an argument: nothing in this crate asks the machine for it behind the caller's back.
//!
//! Owns the [`Clock`] trait, the real clock and the one that tests set. Must not know what is timed.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// Says what time it is.
pub trait Clock: Send + Sync {
    /// Now, in UTC. It may be earlier than it was before: clocks are put right.
    fn now(&self) -> Timestamp;

    /// Now, in UTC, for what must not last longer because somebody puts the clock back. It is never earlier than the
    /// time that has passed since the process began says.
    fn steady(&self) -> Timestamp {
        self.now()
    }

    /// All of it at once.
    fn read(&self) -> Reading {
        Reading {
            now: self.now(),
            steady: self.steady(),
            instant: Instant::now(),
        }
    }
}

/// What the clocks said at one moment. Looking costs more than what is done with it, so that a request looks once, and
/// reckons from there.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// [`Clock::now`].
    pub now: Timestamp,
    /// [`Clock::steady`].
    pub steady: Timestamp,
    /// Never goes back.
    pub instant: Instant,
}

impl Reading {
    /// What they say now, unless somebody put the clock meanwhile: for as long as a request takes.
    #[must_use]
    pub fn go_on(self) -> Self {
        let instant = Instant::now();
        let passed = instant.saturating_duration_since(self.instant);
        let later = |then: Timestamp| then.checked_add(passed).unwrap_or(then);
        Self {
            now: later(self.now),
            steady: later(self.steady),
            instant,
        }
    }
}

/// When this process first asked, by the clock and by what cannot be put back.
static START: LazyLock<(Timestamp, Instant)> =
    LazyLock::new(|| (SystemClock.now(), Instant::now()));

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Clock that everybody else is handed"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn steady(&self) -> Timestamp {
        self.read().steady
    }

    fn read(&self) -> Reading {
        let (start, began) = *START;
        let (now, instant) = (self.now(), Instant::now());
        // Past the end of time the clock is as good as any.
        let passed = SignedDuration::try_from(instant.saturating_duration_since(began));
        let least = passed.and_then(|passed| start.checked_add(passed));
        Reading {
            now,
            steady: least.map_or(now, |least| now.max(least)),
            instant,
        }
    }
}

/// A clock that stands still until it is told otherwise: for tests.
#[derive(Debug)]
pub struct ManualClock {
    milliseconds: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `now`, to the millisecond.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            milliseconds: AtomicI64::new(now.as_millisecond()),
        }
    }

    /// Shows `now` from here on; it may lie in the past.
    pub fn set(&self, now: Timestamp) {
        self.milliseconds
            .store(now.as_millisecond(), Ordering::SeqCst);
    }

    /// Moves on by `by`, which may be negative.
    pub fn advance(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.milliseconds.fetch_add(by, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self {
            milliseconds: AtomicI64::new(1_767_225_600_000),
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let milliseconds = self.milliseconds.load(Ordering::SeqCst);
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_stands_still_until_moved() {
        let clock = ManualClock::default();
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00Z");
        clock.advance(SignedDuration::from_secs(61));
        assert_eq!(clock.now().to_string(), "2026-01-01T00:01:01Z");
        clock.advance(SignedDuration::from_secs(-1));
        assert_eq!(clock.now().to_string(), "2026-01-01T00:01:00Z");
    }

    #[test]
    fn system_clock_is_past_the_year_this_was_written() {
        assert!(SystemClock.now() > ManualClock::default().now());
    }

    #[test]
    fn a_reading_goes_on_by_what_has_passed() {
        let clock = ManualClock::default();
        let before = clock.read();
        clock.advance(SignedDuration::from_hours(-1));
        let after = before.go_on();
        let passed = after.instant.duration_since(before.instant);
        let passed = SignedDuration::try_from(passed).unwrap();
        assert_eq!(after.now, before.now + passed);
        assert_eq!(after.steady, before.steady + passed);
        assert!(passed < SignedDuration::from_secs(60));
    }

    #[test]
    fn steady_time_goes_on_with_the_clock() {
        let before = SystemClock.now();
        let steady = SystemClock.steady();
        assert!(steady >= before && SystemClock.steady() >= steady);
        assert!(steady.duration_since(before) < SignedDuration::from_secs(60));
    }
}
