//! A name for each request: on error pages, in the logs, and told to the upstream.
//!
//! Short enough to be read out, unlike any other of this process and, nearly always, of any process.

use std::sync::atomic::{AtomicU64, Ordering};

use arrayvec::ArrayString;
use doorward_identity::Random;

/// Crockford's Base32 digits: no I, L, O, U, which are misread.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Digits of a name; 60 bits.
const LENGTH: usize = 12;

/// The name of a request.
pub type RequestId = ArrayString<LENGTH>;

/// Gives out names.
#[derive(Debug)]
pub struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    /// Begins at a place of its own.
    #[must_use]
    pub fn new(random: &dyn Random) -> Self {
        let mut seed = [0; 8];
        random.fill(&mut seed);
        Self {
            next: AtomicU64::new(u64::from_ne_bytes(seed)),
        }
    }

    /// The next name.
    #[must_use]
    pub fn next(&self) -> RequestId {
        // SplitMix64: every input has its own output, and neighbours look nothing alike. No secret.
        let mut x = self
            .next
            .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^= x >> 31;
        let mut name = RequestId::new();
        for at in 0..LENGTH {
            let digit = usize::try_from(x >> (5 * at) & 31).unwrap_or(0);
            name.push(char::from(DIGITS.get(digit).copied().unwrap_or(b'0')));
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use doorward_identity::SystemRandom;

    use super::*;

    #[test]
    fn names_are_short_and_all_different() {
        let ids = RequestIds::new(&SystemRandom);
        let names: HashSet<RequestId> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(names.len(), 10_000);
        assert!(names.iter().all(|name| name.len() == 12 && name.is_ascii()));
    }
}
