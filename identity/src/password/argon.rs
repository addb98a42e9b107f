//! Argon2 (RFC 9106) and the PHC string that a hash is kept as. New ones are argon2id; those of other programs may be
//! of its older kinds.

use argon2::password_hash::phc;
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use doorward_config::Hashing;
use subtle::ConstantTimeEq;

use super::stored::{PasswordHash, Unusable};
use crate::Fault;

/// Bytes of salt and of hash: the recommendation of RFC 9106 §4 is 16 and 32.
pub(super) const SALT: usize = 16;
const OUTPUT: usize = 32;
/// The most memory that a stored hash may ask for: 4 GiB. Beyond it the row is taken for damage.
const MOST_MEMORY_KIB: u32 = 4 * 1024 * 1024;
/// Fewest bytes of a hash that is believed.
const LEAST_OUTPUT: usize = 16;
/// The most memory that a hash of another program may ask for, in KiB: 1 GiB.
const FOREIGN_MEMORY_KIB: u32 = 1024 * 1024;
/// The most work: memory in KiB times passes. Two GiB filled take about a second.
const FOREIGN_WORK: u64 = 2 * 1024 * 1024;

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

/// Why nothing was hashed.
#[derive(Debug)]
pub(super) enum Unhashed {
    /// There is no memory for it now.
    NoMemory,
    /// It cannot be.
    Broken(Fault),
}

impl From<Fault> for Unhashed {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
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
    /// [`Unhashed`]: no memory, or what argon2 refuses.
    pub(super) fn hash(
        &mut self,
        password: &[u8],
        salt: [u8; SALT],
        params: &Params,
    ) -> Result<PasswordHash, Unhashed> {
        let mut output = [0; OUTPUT];
        let recipe = Recipe::ours(params);
        self.run(password, &salt, &recipe, &mut output)?;
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
            .map(PasswordHash::stored)
            .map_err(|error| Fault::broken_by("a password hash cannot be written", error).into())
    }

    /// Whether `password`, hashed the way `known` was, is the same; compared in constant time.
    ///
    /// # Errors
    /// As [`Workplace::hash`].
    pub(super) fn matches(&mut self, password: &[u8], known: &Known) -> Result<bool, Unhashed> {
        let mut output = [0; phc::Output::MAX_LENGTH];
        let expected = known.output.as_bytes();
        let output = output
            .get_mut(..expected.len())
            .ok_or_else(|| Fault::broken("a stored password hash is too long"))?;
        self.run(password, known.salt.as_ref(), &known.recipe, output)?;
        Ok(bool::from(output.ct_eq(expected)))
    }

    /// Another hash was computed elsewhere.
    pub(super) fn count_foreign(&mut self) {
        self.hashes += 1;
    }

    /// How many hashes were computed since this was last asked.
    pub(super) fn take_hashes(&mut self) -> u64 {
        std::mem::take(&mut self.hashes)
    }

    /// Costs what [`Workplace::matches`] costs, for nobody.
    ///
    /// # Errors
    /// As [`Workplace::hash`].
    pub(super) fn pretend(&mut self, password: &[u8], params: &Params) -> Result<(), Unhashed> {
        let mut output = [0; OUTPUT];
        self.run(password, &[0; SALT], &Recipe::ours(params), &mut output)?;
        std::hint::black_box(output);
        Ok(())
    }

    fn run(
        &mut self,
        password: &[u8],
        salt: &[u8],
        recipe: &Recipe,
        output: &mut [u8],
    ) -> Result<(), Unhashed> {
        let blocks = recipe.params.block_count();
        if self.memory.len() != blocks {
            // Never both at once.
            self.memory = Vec::new();
            self.memory
                .try_reserve_exact(blocks)
                .map_err(|_| Unhashed::NoMemory)?;
            self.memory.resize(blocks, Block::default());
        }
        self.hashes += 1;
        Argon2::new(recipe.algorithm, recipe.version, recipe.params.clone())
            .hash_password_into_with_memory(password, salt, output, self.memory.as_mut_slice())
            .map_err(|error| Fault::broken_by("a password cannot be hashed", error).into())
    }
}

/// How a hash is made.
struct Recipe {
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl Recipe {
    fn ours(params: &Params) -> Self {
        Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params: params.clone(),
        }
    }

    fn work(&self) -> u64 {
        work(&self.params)
    }
}

fn work(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

/// A stored argon2 hash, taken apart.
pub(super) struct Known {
    recipe: Recipe,
    salt: phc::Salt,
    output: phc::Output,
}

impl Known {
    /// Reads a PHC string that begins with `$argon2`.
    ///
    /// # Errors
    /// [`Unusable::Damaged`] when it is none, or could not be computed.
    pub(super) fn read(text: &str) -> Result<Self, Unusable> {
        let damaged = Unusable::Damaged("argon2");
        let hash = phc::PasswordHash::new(text).map_err(|_| damaged)?;
        let params = Params::try_from(&hash).map_err(|_| damaged)?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| damaged)?;
        // The version before there was a field for it.
        let version = hash.version.unwrap_or(Version::V0x10.into());
        let version = Version::try_from(version).map_err(|_| damaged)?;
        match (hash.salt, hash.hash) {
            (Some(salt), Some(output))
                if params.m_cost() <= MOST_MEMORY_KIB && output.len() >= LEAST_OUTPUT =>
            {
                Ok(Self {
                    recipe: Recipe {
                        algorithm,
                        version,
                        params,
                    },
                    salt,
                    output,
                })
            }
            _ => Err(damaged),
        }
    }

    /// Whether it is easier to guess from than one with parameters `wanted`, or of an older kind.
    pub(super) fn is_weaker(&self, wanted: &Params) -> bool {
        let Recipe {
            algorithm,
            version,
            params,
        } = &self.recipe;
        *algorithm != Algorithm::Argon2id
            || *version != Version::V0x13
            || params.m_cost() < wanted.m_cost()
            || params.t_cost() < wanted.t_cost()
            || self.output.len() < OUTPUT
    }

    /// Whether another program's hash may ask for that much. What costs no more than `ours` may in any case.
    pub(super) fn is_bearable(&self, ours: &Params) -> bool {
        let memory = FOREIGN_MEMORY_KIB.max(ours.m_cost());
        self.recipe.params.m_cost() <= memory && self.recipe.work() <= FOREIGN_WORK.max(work(ours))
    }
}
