//! Chance, as an argument.
//!
//! Owns the [`Random`] trait and the operating system's source. Must not know what is drawn.

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes`. Comes back only when all of them are drawn.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::disallowed_methods,
        clippy::panic,
        reason = "this is the Random that everybody else is handed; without it no token may be made, \
                  and an error that each caller had to pass on could be dropped by one of them"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system gave no random bytes: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let mut one = [0; 32];
        let mut two = [0; 32];
        SystemRandom.fill(&mut one);
        SystemRandom.fill(&mut two);
        assert_ne!(one, two);
    }
}
