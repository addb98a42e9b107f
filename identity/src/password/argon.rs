//! Argon2id (RFC 9106) and the PHC string that a hash is kept as.

use std::fmt;

use argon2::password_hash::phc;
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use doorward_config::Hashing;
use subtle::ConstantTimeEq;

use crate::Fault;

/// Bytes of salt and of hash: the recommendation of RFC 9106 §4 is 16 and 32.
pub(super) const SALT: usize = 16;
const OUTPUT: usize = 32;
/// The most memory that a stored hash may ask for: 4 GiB. Beyond it the row is taken for damage.
const MOST_MEMORY_KIB: u32 = 4 * 1024 * 1024;

/// A hashed password as a PHC string, parameters and salt included.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A string that was stored before.
    pub(crate) fn stored(phc: String) -> Self {
        Self(phc)
    }

    /// The string to store.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash([hidden])")
    }
}

/// The parameters that the configuration asks for.
///
/// # Errors
/// [`Fault::Broken`] when they contradict RFC 9106 §3.1; the configuration has checked them before.
pub(super) fn parameters(hashing: Hashing) -> Result<Params, Fault> {
    Params::new(
        hashing.memory_kib,
        hashing.iterations,
        hashing.lanes,
        Some(OUTPUT),
    )
    .map_err(|error| Fault::broken_by("these costs of a password hash are impossible", error))
}

/// Working memory for one hash at a time, kept between hashes.
#[derive(Default)]
pub(super) struct Workplace {
    memory: Vec<Block>,
    hashes: u64,
}

impl Workplace {
    /// Hashes `password` as a new one.
    ///
    /// # Errors
    /// [`Fault::Broken`] for what argon2 refuses.
    pub(super) fn hash(
        &mut self,
        password: &[u8],
        salt: [u8; SALT],
        params: &Params,
    ) -> Result<PasswordHash, Fault> {
        let mut output = [0; OUTPUT];
        self.run(password, &salt, params, &mut output)?;
        let write = || -> Result<String, argon2::password_hash::Error> {
            let hash = phc::PasswordHash {
                algorithm: ARGON2ID_IDENT,
                version: Some(Version::V0x13.into()),
                params: phc::ParamsString::try_from(params)?,
                salt: Some(phc::Salt::new(&salt)?),
                hash: Some(phc::Output::new(&output)?),
            };
            Ok(hash.to_string())
        };
        write()
            .map(PasswordHash)
            .map_err(|error| Fault::broken_by("a password hash cannot be written", error))
    }

    /// Hashes `password` the way `stored` was hashed, and compares in constant time.
    ///
    /// # Errors
    /// [`Fault::Broken`] when `stored` is no argon2id hash.
    pub(super) fn matches(
        &mut self,
        password: &[u8],
        stored: &PasswordHash,
    ) -> Result<Match, Fault> {
        let known = Known::read(stored)?;
        let mut output = [0; phc::Output::MAX_LENGTH];
        let expected = known.output.as_bytes();
        let output = output
            .get_mut(..expected.len())
            .ok_or_else(|| Fault::broken("a stored password hash is too long"))?;
        self.run(password, known.salt.as_ref(), &known.params, output)?;
        if bool::from(output.ct_eq(expected)) {
            Ok(Match::Yes(known.params))
        } else {
            Ok(Match::No)
        }
    }

    /// How many hashes were computed since this was last asked.
    pub(super) fn take_hashes(&mut self) -> u64 {
        std::mem::take(&mut self.hashes)
    }

    /// Costs what [`Workplace::matches`] costs, for nobody.
    ///
    /// # Errors
    /// As [`Workplace::hash`].
    pub(super) fn pretend(&mut self, password: &[u8], params: &Params) -> Result<(), Fault> {
        let mut output = [0; OUTPUT];
        self.run(password, &[0; SALT], params, &mut output)?;
        std::hint::black_box(output);
        Ok(())
    }

    fn run(
        &mut self,
        password: &[u8],
        salt: &[u8],
        params: &Params,
        output: &mut [u8],
    ) -> Result<(), Fault> {
        let blocks = params.block_count();
        if self.memory.len() != blocks {
            self.memory = vec![Block::default(); blocks];
        }
        self.hashes += 1;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
            .hash_password_into_with_memory(password, salt, output, self.memory.as_mut_slice())
            .map_err(|error| Fault::broken_by("a password cannot be hashed", error))
    }
}

/// Whether a password was the right one.
pub(super) enum Match {
    /// It was, hashed with these parameters.
    Yes(Params),
    /// It was not.
    No,
}

/// Whether a hash with parameters `known` is cheaper to guess than one with `wanted`.
pub(super) fn is_weaker(known: &Params, wanted: &Params) -> bool {
    known.m_cost() < wanted.m_cost()
        || known.t_cost() < wanted.t_cost()
        || known.output_len().unwrap_or(OUTPUT) < OUTPUT
}

struct Known {
    params: Params,
    salt: phc::Salt,
    output: phc::Output,
}

impl Known {
    fn read(stored: &PasswordHash) -> Result<Self, Fault> {
        let unreadable = || Fault::broken("a stored password hash cannot be read");
        let hash = phc::PasswordHash::new(&stored.0)
            .map_err(|error| Fault::broken_by("a stored password hash cannot be read", error))?;
        let params = Params::try_from(&hash)
            .map_err(|error| Fault::broken_by("a stored password hash cannot be read", error))?;
        let is_ours = hash.algorithm == ARGON2ID_IDENT
            && hash.version == Some(Version::V0x13.into())
            && params.m_cost() <= MOST_MEMORY_KIB;
        match (hash.salt, hash.hash) {
            (Some(salt), Some(output)) if is_ours => Ok(Self {
                params,
                salt,
                output,
            }),
            _ => Err(unreadable()),
        }
    }
}
