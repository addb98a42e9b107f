//! API keys: how programs get in, in the name of a person and never further than that person.
//!
//! Owns their rows, their secrets and how one is made, listed and revoked. The row is the truth. A key that is in use is
//! also a session, named by the hash of its secret and [made from the row](ApiKeys::find) when it is first used: so
//! what follows sessions (memory, the watch, revocation, rights) follows keys as well. `docs/decisions/0017` says why.
//! Must not know HTTP.

mod find;
mod issue;
mod revoke;
mod rows;
mod secret;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::{AccountId, Fault, Identity};

pub use crate::session::{KeyId, Scope};
pub use find::{ApiKeys, Looked};
pub use issue::{Issued, LONGEST_LIFE, MOST, NewKey, SHORTEST_LIFE, USUAL_LIFE, Unfit};
pub use issue::{issue_for, issue_own};
pub use revoke::{Revoked, revoke};
pub(crate) use revoke::{finish_of, prune, revoke_all_in};
pub use secret::KeySecret;

/// A key, without what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name in commands.
    pub id: KeyId,
    /// Whose it is.
    pub account: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// Where it is good.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was last used, to about a minute; absent: never.
    pub last_used_at: Option<Timestamp>,
}

/// The keys that are good, the oldest first: of one account, or of all.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked, [`Fault::Broken`] when a row is damaged.
pub async fn list(identity: &Identity, whose: Option<AccountId>) -> Result<Vec<ApiKey>, Fault> {
    let now = identity.clock.now();
    rows::good(identity.database.reads(), whose, now).await
}
