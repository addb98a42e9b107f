//! Tokens that were found good, so that a signature is checked once and not with every request.
//!
//! Owns what is remembered, and until when it counts: until the token is over, or the keys were read again, which they
//! are every few seconds. Must not know sessions: whether one is live is asked for each request all the same.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Checked, LONGEST, NotGood, check};
use crate::keys::Keys;

/// How many, at most: ten megabytes. Further ones are checked each time.
const MOST: usize = 65_536;

/// Seconds between two times that those which are over are thrown out.
const PERIOD: i64 = 10;

/// Nothing but a signature of ours gets in here, so nobody can fill it with garbage.
#[derive(Default)]
pub struct KnownTokens {
    tokens: papaya::HashMap<[u8; 32], Known>,
    /// When the old ones were last thrown out, in seconds since 1970 UTC.
    cleared: AtomicI64,
}

struct Known {
    checked: Checked,
    /// By which it was good: after a rotation the key may be gone. Not kept alive: they are secrets.
    keys: Weak<Keys>,
}

impl KnownTokens {
    /// As [`check`], but quicker the second time.
    ///
    /// # Errors
    /// As there.
    pub fn check(
        &self,
        keys: &Arc<Keys>,
        issuer: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Checked, NotGood> {
        if token.len() > LONGEST {
            return Err(NotGood);
        }
        let name = name(issuer, token);
        if let Some(known) = self.tokens.pin().get(&name)
            && std::ptr::eq(known.keys.as_ptr(), Arc::as_ptr(keys))
        {
            return known.checked.holding(now);
        }
        let checked = check(keys, issuer, token, now)?;
        self.note(name, checked, keys, now);
        Ok(checked)
    }

    fn note(&self, name: [u8; 32], checked: Checked, keys: &Arc<Keys>, now: Timestamp) {
        if self.tokens.len() >= MOST {
            self.clear_old(now);
        }
        let tokens = self.tokens.pin();
        if tokens.len() < MOST || tokens.contains_key(&name) {
            let keys = Arc::downgrade(keys);
            tokens.insert(name, Known { checked, keys });
        }
    }

    /// By one caller only, and not with every request when all of them are good.
    fn clear_old(&self, now: Timestamp) {
        let cleared = self.cleared.load(Ordering::Relaxed);
        let second = now.as_second();
        // A clock that was set back clears at once.
        if (0..PERIOD).contains(&second.saturating_sub(cleared)) {
            return;
        }
        let mine =
            self.cleared
                .compare_exchange(cleared, second, Ordering::Relaxed, Ordering::Relaxed);
        if mine.is_ok() {
            let tokens = self.tokens.pin();
            tokens.retain(|_, known| {
                known.keys.strong_count() > 0 && known.checked.holding(now).is_ok()
            });
        }
    }
}

/// What a token is known by: itself, and for whom it was checked. A list of these opens nothing.
fn name(issuer: &str, token: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(issuer)
        .chain_update([0])
        .chain_update(token)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::tests::{Desk, HERE};
    use super::*;
    use crate::Clock;

    const THERE: &str = "https://other.example.com";

    fn again(known: &KnownTokens, desk: &Desk, issuer: &str, token: &str) -> bool {
        let keys = desk.room.identity.keys.now();
        let checked = known.check(&keys, issuer, token, desk.room.clock.now());
        let fresh = desk.check_at(token, issuer);
        assert_eq!(checked, fresh, "memory says what the signature says");
        checked.is_ok()
    }

    #[tokio::test]
    async fn good_until_it_is_over_and_nowhere_else() {
        let (desk, known) = (Desk::new().await, KnownTokens::default());
        let token = desk.mint();
        for _ in 0..2 {
            assert!(again(&known, &desk, HERE, &token));
            assert!(!again(&known, &desk, THERE, &token));
            assert!(!again(&known, &desk, HERE, &token[1..]));
        }
        assert_eq!(known.tokens.len(), 1, "what is not good is not remembered");
        desk.room.clock.advance(SignedDuration::from_mins(14));
        assert!(again(&known, &desk, HERE, &token));
        desk.room.clock.advance(SignedDuration::from_secs(66));
        for _ in 0..2 {
            assert!(!again(&known, &desk, HERE, &token));
        }
    }

    #[tokio::test]
    async fn other_keys_judge_anew() {
        let (desk, known) = (Desk::new().await, KnownTokens::default());
        let token = desk.mint();
        assert!(again(&known, &desk, HERE, &token));
        let other = Desk::new().await;
        let keys = other.room.identity.keys.now();
        let now = desk.room.clock.now();
        assert!(known.check(&keys, HERE, &token, now).is_err());
        assert!(again(&known, &desk, HERE, &token));
    }

    #[tokio::test]
    async fn what_is_over_makes_room() {
        let (desk, known) = (Desk::new().await, KnownTokens::default());
        assert!(again(&known, &desk, HERE, &desk.mint()));
        desk.room.clock.advance(SignedDuration::from_mins(16));
        known.clear_old(desk.room.clock.now());
        assert_eq!(known.tokens.len(), 0);
    }
}
