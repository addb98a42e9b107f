//! Whether memory may be believed: only while it is proven that every change is heard of.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// A proof is worth this long. Together with the watch's period it keeps a revocation within a second.
pub(super) const WORTH: Duration = Duration::from_millis(750);

/// How well changes are heard of.
#[derive(Debug)]
pub(super) struct Belief {
    base: Instant,
    /// Milliseconds after `base` of the last proof, plus one; 0 is never.
    proven: AtomicU64,
    /// The store was lost after that proof.
    lost: AtomicBool,
    /// Raised whenever nothing is proven, so that open connections look for themselves.
    doubt: watch::Sender<u64>,
}

/// When changes were last provably heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Not once yet.
    Never,
    /// Up to this moment.
    At(Instant),
}

impl Belief {
    pub(super) fn new() -> Self {
        Self {
            base: Instant::now(),
            proven: AtomicU64::new(0),
            lost: AtomicBool::new(false),
            doubt: watch::Sender::new(0),
        }
    }

    /// Every change up to `as_of` has been heard of.
    pub(super) fn prove(&self, as_of: Instant) {
        let millis = as_of.saturating_duration_since(self.base).as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX - 1);
        self.proven.store(millis + 1, Ordering::Release);
        self.lost.store(false, Ordering::Release);
    }

    /// Nothing is heard any more.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
        self.raise_doubt();
    }

    /// Wakes every open connection, to look for itself.
    pub(super) fn raise_doubt(&self) {
        self.doubt
            .send_modify(|round| *round = round.wrapping_add(1));
    }

    pub(super) fn doubts(&self) -> watch::Receiver<u64> {
        self.doubt.subscribe()
    }

    pub(super) fn is_proven(&self, now: Instant) -> bool {
        !self.lost.load(Ordering::Acquire) && self.within(now, WORTH)
    }

    pub(super) fn within_grace(&self, now: Instant, grace: Duration) -> bool {
        !grace.is_zero() && self.within(now, WORTH.saturating_add(grace))
    }

    pub(super) fn last_proof(&self) -> Proof {
        match self.proven.load(Ordering::Acquire) {
            0 => Proof::Never,
            millis => Proof::At(self.base + Duration::from_millis(millis - 1)),
        }
    }

    fn within(&self, now: Instant, worth: Duration) -> bool {
        match self.last_proof() {
            Proof::Never => false,
            Proof::At(proven) => now.saturating_duration_since(proven) < worth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_believed_before_the_first_proof() {
        let belief = Belief::new();
        assert!(!belief.is_proven(Instant::now()));
        assert!(!belief.within_grace(Instant::now(), Duration::from_mins(1)));
    }

    #[test]
    fn a_proof_is_worth_its_time_and_no_more() {
        let belief = Belief::new();
        let at = Instant::now() + Duration::from_secs(5);
        belief.prove(at);
        let nearly = Duration::from_millis(748);
        assert!(belief.is_proven(at + nearly) && nearly < WORTH);
        assert!(!belief.is_proven(at + WORTH));
    }

    #[test]
    fn a_loss_ends_belief_at_once_and_leaves_the_grace() {
        let belief = Belief::new();
        let now = Instant::now();
        belief.prove(now);
        belief.lose();
        assert!(!belief.is_proven(now));
        let grace = Duration::from_secs(2);
        assert!(belief.within_grace(now + grace, grace));
        assert!(!belief.within_grace(now + grace + WORTH, grace));
        assert!(
            !belief.within_grace(now, Duration::ZERO),
            "no grace unless asked for"
        );
        belief.prove(now);
        assert!(belief.is_proven(now));
    }
}
