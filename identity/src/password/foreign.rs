//! Password hashes of other programs: compared as they are, and replaced by ours at the next good sign-in.
//!
//! Owns their spellings and the most that each may cost: about a second of one processor and 128 MiB. What would cost
//! more is never stored, so nobody can keep the threads busy by trying passwords on it.

mod field;
mod read;
#[cfg(test)]
mod tests;

use pbkdf2::{Algorithm, Params, pbkdf2_hmac_with_params};
use sha_crypt::{PasswordVerifier, ShaCrypt, password_hash};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use crate::Fault;

/// Bytes that bcrypt looks at; what comes after them it never saw.
const BCRYPT_LENGTH: usize = 72;
/// Longest output of the functions below, in bytes.
const LONGEST: usize = 64;

/// A hash that is not argon2, taken apart as far as it has to be.
pub(super) enum Foreign {
    /// `$2b$12$…`
    Bcrypt(String),
    /// PBKDF2 (RFC 8018 §5.2) as Werkzeug, passlib and Authelia write it.
    Pbkdf2(Digest, u32, Derived),
    /// scrypt (RFC 7914), as the same write it.
    Scrypt(scrypt::Params, Derived),
    /// `$5$…` and `$6$…`, as in `/etc/shadow`.
    ShaCrypt(String),
}

/// What PBKDF2 is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

/// A key derived from a password, and the salt that it was derived with.
pub(super) struct Derived {
    salt: Vec<u8>,
    key: Vec<u8>,
}

/// Whether a password is the one that was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// It is.
    Whole,
    /// It begins as that one did, which is all that the hash can tell. Nothing is known of the rest, so it must not
    /// become the password.
    Beginning,
    No,
}

impl Match {
    fn whole_if(same: bool) -> Self {
        if same { Self::Whole } else { Self::No }
    }
}

impl Foreign {
    /// Hashes `password` the way this was hashed, and compares in constant time.
    ///
    /// # Errors
    /// [`Fault::Broken`] when a function refuses, which reading has ruled out.
    pub(super) fn compare(&self, password: &[u8]) -> Result<Match, Fault> {
        match self {
            Self::Bcrypt(text) => match bcrypt::verify(password, text) {
                Ok(true) if password.len() > BCRYPT_LENGTH => Ok(Match::Beginning),
                Ok(same) => Ok(Match::whole_if(same)),
                Err(error) => Err(uncomputable(error)),
            },
            Self::Pbkdf2(digest, rounds, derived) => {
                derived.compare(|salt, key| pbkdf2(*digest, *rounds, (password, salt), key))
            }
            Self::Scrypt(params, derived) => derived.compare(|salt, key| {
                scrypt::scrypt(password, salt, params, key).map_err(uncomputable)
            }),
            Self::ShaCrypt(text) => {
                match ShaCrypt::default().verify_password(password, text.as_str()) {
                    Ok(()) => Ok(Match::Whole),
                    Err(password_hash::Error::PasswordInvalid) => Ok(Match::No),
                    Err(error) => Err(uncomputable(error)),
                }
            }
        }
    }
}

impl Derived {
    fn compare(
        &self,
        derive: impl FnOnce(&[u8], &mut [u8]) -> Result<(), Fault>,
    ) -> Result<Match, Fault> {
        let mut key = [0; LONGEST];
        let key = key
            .get_mut(..self.key.len())
            .ok_or_else(|| Fault::broken("a stored password hash is too long"))?;
        derive(&self.salt, key)?;
        Ok(Match::whole_if(bool::from((*key).ct_eq(&self.key))))
    }
}

fn pbkdf2(
    digest: Digest,
    rounds: u32,
    (password, salt): (&[u8], &[u8]),
    key: &mut [u8],
) -> Result<(), Fault> {
    let algorithm = match digest {
        Digest::Sha1 => {
            pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, rounds, key);
            return Ok(());
        }
        Digest::Sha256 => Algorithm::Pbkdf2Sha256,
        Digest::Sha512 => Algorithm::Pbkdf2Sha512,
    };
    let params = Params::new(rounds).map_err(uncomputable)?;
    pbkdf2_hmac_with_params(password, salt, algorithm, params, key);
    Ok(())
}

fn uncomputable(error: impl std::fmt::Display) -> Fault {
    Fault::broken(format!(
        "a stored password hash cannot be computed again: {error}"
    ))
}
