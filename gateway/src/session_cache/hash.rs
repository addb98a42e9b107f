//! A hash for keys that are hashes already.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Takes eight bytes of a session key as its hash, mixed with a seed of this process so that nobody can choose
/// tokens that fall into one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByKey {
    seed: u64,
}

impl ByKey {
    pub(super) fn new() -> Self {
        Self {
            seed: RandomState::new().build_hasher().finish() | 1,
        }
    }
}

impl BuildHasher for ByKey {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher {
            seed: self.seed,
            hash: self.seed,
        }
    }
}

pub(super) struct KeyHasher {
    seed: u64,
    hash: u64,
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            let word = u64::from_ne_bytes(*first) ^ self.seed;
            self.hash = (self.hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            self.hash ^= self.hash >> 32;
        }
    }

    /// The length prefix of a byte array says nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.hash
    }
}
