//! The server's own secret: what is encrypted at rest, and what is hashed so that a stolen database tells nothing.
//!
//! Owns the file, the keys derived from it (one for each [`Purpose`]) and the proof that it is the file this database
//! was made with. Must not know what the bytes mean that it is given.

mod file;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::database::entity::server_secret;
use crate::database::{Database, in_time};
use crate::{Fault, Random};

/// Bytes of the secret and of every key and hash made with it.
const LENGTH: usize = 32;
/// Bytes of a nonce: long enough to be drawn at random for every message (draft-irtf-cfrg-xchacha-03 §2.1).
const NONCE: usize = 24;

/// What a key is for. Each has a key of its own: what was made for one means nothing to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Recognises the secret.
    Check,
    /// Hashes mailed codes.
    OneTimeCode,
    /// Hides mail that waits to be sent.
    Outbox,
    /// Hides the secrets of authenticator apps.
    AuthenticatorApp,
    /// Hashes recovery codes.
    RecoveryCode,
    /// Hashes invitations.
    Invite,
    /// Hides the keys that sign tokens.
    SigningKey,
    /// Hashes refresh tokens.
    RefreshToken,
    /// Hashes tickets from one host to another.
    Ticket,
}

impl Purpose {
    /// Part of the key: never change one that was in use.
    fn label(self) -> &'static str {
        match self {
            Self::Check => "doorward/1/check",
            Self::OneTimeCode => "doorward/1/one-time-code",
            Self::Outbox => "doorward/1/outbox",
            Self::AuthenticatorApp => "doorward/1/authenticator-app",
            Self::RecoveryCode => "doorward/1/recovery-code",
            Self::Invite => "doorward/1/invite",
            Self::SigningKey => "doorward/1/signing-key",
            Self::RefreshToken => "doorward/1/refresh-token",
            Self::Ticket => "doorward/1/ticket",
        }
    }
}

/// 256 bits that only the gateways know. Cloning shares them.
#[derive(Clone)]
pub(crate) struct ServerSecret {
    bytes: Arc<Zeroizing<[u8; LENGTH]>>,
    random: Arc<dyn Random>,
}

impl ServerSecret {
    /// Reads the file, or makes it (0600) if there is none. Several processes may do so at once.
    ///
    /// # Errors
    /// [`Fault::Broken`] when it cannot be read or made, or is not one.
    pub(crate) async fn load_or_make(path: &Path, random: Arc<dyn Random>) -> Result<Self, Fault> {
        let mut fresh = Zeroizing::new([0; LENGTH]);
        random.fill(fresh.as_mut_slice());
        let bytes = file::load_or_make(path.to_owned(), fresh).await?;
        Ok(Self::of(bytes, random))
    }

    /// Reads the file, or makes it if there is none and this database never had one.
    ///
    /// # Errors
    /// [`Fault::Broken`] when it is not the secret that the database was made with; [`Fault::StoreAway`] when the
    /// database cannot be asked.
    pub(crate) async fn open(
        database: &Database,
        path: &Path,
        random: Arc<dyn Random>,
    ) -> Result<Self, Fault> {
        let secret = match known(database).await? {
            Some(_) => Self::of(file::load(path.to_owned()).await?, random),
            None => Self::load_or_make(path, random).await?,
        };
        let check = secret.mac(Purpose::Check, &[])?;
        let first = match known(database).await? {
            Some(first) => first,
            None => remember(database, &check).await?,
        };
        if bool::from(check.as_slice().ct_eq(&first)) {
            return Ok(secret);
        }
        Err(Fault::broken(format!(
            "{} is not the secret that this database was made with: put the right file there (gateways on one \
             database share one file), or the database that belongs to it",
            path.display()
        )))
    }

    fn of(bytes: Zeroizing<[u8; LENGTH]>, random: Arc<dyn Random>) -> Self {
        Self {
            bytes: Arc::new(bytes),
            random,
        }
    }

    /// Encrypts `plain` (XChaCha20-Poly1305). It opens only with the same purpose and the same `aad`: what it belongs
    /// to, so that nobody can swap two rows. 40 bytes longer than `plain`.
    ///
    /// # Errors
    /// [`Fault::Broken`] beyond 256 GiB.
    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0; NONCE];
        self.random.fill(&mut nonce);
        let sealed = self
            .cipher(purpose)?
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad })
            .map_err(|_| Fault::broken("this is too long to be encrypted"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed for this purpose with this `aad`.
    ///
    /// # Errors
    /// [`Fault::Broken`] when it was not, or was changed since.
    pub(crate) fn open_sealed(
        &self,
        purpose: Purpose,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let damaged =
            || Fault::broken("what was encrypted cannot be read with the server's secret");
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or_else(damaged)?;
        self.cipher(purpose)?
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad })
            .map(Zeroizing::new)
            .map_err(|_| damaged())
    }

    /// HMAC-SHA-256 (RFC 2104) of the parts, each told apart from the next.
    ///
    /// # Errors
    /// [`Fault::Broken`] when there is no key, which cannot be.
    pub(crate) fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> Result<[u8; LENGTH], Fault> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key(purpose)?.as_slice())
            .map_err(|error| Fault::broken_by("a key has the wrong length", error))?;
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac.finalize().into_bytes().into())
    }

    fn cipher(&self, purpose: Purpose) -> Result<XChaCha20Poly1305, Fault> {
        XChaCha20Poly1305::new_from_slice(self.key(purpose)?.as_slice())
            .map_err(|error| Fault::broken_by("a key has the wrong length", error))
    }

    /// HKDF-SHA-256 (RFC 5869): extracted anew each time, which costs less than keeping keys in memory is worth.
    fn key(&self, purpose: Purpose) -> Result<Zeroizing<[u8; LENGTH]>, Fault> {
        let mut key = Zeroizing::new([0; LENGTH]);
        Hkdf::<Sha256>::new(None, self.bytes.as_slice())
            .expand(purpose.label().as_bytes(), key.as_mut_slice())
            .map_err(|error| Fault::broken_by("a key cannot be derived", error))?;
        Ok(key)
    }
}

impl fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSecret([hidden])")
    }
}

async fn known(database: &Database) -> Result<Option<Vec<u8>>, Fault> {
    let only = server_secret::Entity::find_by_id(server_secret::ONLY);
    let row = in_time(only.one(database.reads())).await?;
    Ok(row.map(|row| row.check_value))
}

/// The first one to come decides; gives what it left.
async fn remember(database: &Database, check: &[u8]) -> Result<Vec<u8>, Fault> {
    let row = server_secret::ActiveModel {
        id: Set(server_secret::ONLY),
        check_value: Set(check.to_vec()),
    };
    let transaction = database.write().await?;
    server_secret::Entity::insert(row)
        .on_conflict(
            OnConflict::column(server_secret::Column::Id)
                .do_nothing_on([server_secret::Column::Id])
                .to_owned(),
        )
        .exec_without_returning(&transaction)
        .await?;
    let first = server_secret::Entity::find_by_id(server_secret::ONLY)
        .one(&transaction)
        .await?;
    transaction.commit().await?;
    first
        .map(|row| row.check_value)
        .ok_or_else(|| Fault::broken("what was just written to server_secret is not there"))
}
