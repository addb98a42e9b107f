//! Revoking keys: the row first, so that nobody makes the session anew, then the session.
//!
//! A row that is marked and still there says that its session may live: whoever prunes ends it.

use super::{ApiKey, KeyId, rows};
use crate::audit::{By, Event};
use crate::database::DatabaseTransaction;
use crate::database::entity::api_key::{Column, Entity};
use crate::session::SessionKey;
use crate::{AccountId, Fault, Identity};

/// What came of revoking a key.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// It is good nowhere any more, and open connections that it made are closed.
    Done(Box<ApiKey>),
    /// There is none with that id, or it is somebody else's.
    NotFound,
}

/// Revokes a key: one of `whose`, if that is said.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked. The key may be revoked and its session not yet ended: repeat it.
pub async fn revoke(
    identity: &Identity,
    id: &KeyId,
    whose: Option<AccountId>,
    by: By<'_>,
) -> Result<Revoked, Fault> {
    let transaction = identity.database.write().await?;
    let Some(row) = rows::named(&transaction, id).await? else {
        transaction.rollback().await?;
        return Ok(Revoked::NotFound);
    };
    let (hash, was_good) = (rows::hash(&row)?, row.revoked_at.is_none());
    let key = rows::read(row)?;
    if whose.is_some_and(|account| account != key.account) {
        transaction.rollback().await?;
        return Ok(Revoked::NotFound);
    }
    if was_good {
        mark(identity, &transaction, &hash, &key, by).await?;
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    finish(identity, &hash).await?;
    Ok(Revoked::Done(Box::new(key)))
}

/// Revokes every key of an account, if the transaction is committed. [`finish_of`] is to follow.
pub(crate) async fn revoke_all_in(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    account: AccountId,
    by: By<'_>,
) -> Result<(), Fault> {
    for row in rows::unrevoked(transaction, account).await? {
        let hash = rows::hash(&row)?;
        mark(identity, transaction, &hash, &rows::read(row)?, by).await?;
    }
    Ok(())
}

async fn mark(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    hash: &SessionKey,
    key: &ApiKey,
    by: By<'_>,
) -> Result<(), Fault> {
    rows::mark(transaction, hash, identity.clock.now()).await?;
    let event = Event::ApiKeyRevoked(key.id.clone());
    let audit = &identity.audit;
    audit
        .record_in(transaction, &event, Some(key.account), by)
        .await
}

async fn finish(identity: &Identity, hash: &SessionKey) -> Result<(), Fault> {
    identity.sessions.withdraw(hash).await?;
    let transaction = identity.database.write().await?;
    rows::forget(&transaction, hash).await?;
    Ok(transaction.commit().await?)
}

/// Ends what was revoked: of one account, or of all.
pub(crate) async fn finish_of(identity: &Identity, whose: Option<AccountId>) -> Result<(), Fault> {
    for hash in rows::revoked(identity.database.reads(), whose).await? {
        finish(identity, &hash).await?;
    }
    Ok(())
}

/// Ends what other processes left revoked, and forgets the keys whose time is over.
pub(crate) async fn prune(identity: &Identity) -> Result<(), Fault> {
    finish_of(identity, None).await?;
    let now = identity.clock.now();
    identity
        .database
        .forget_over::<Entity>(Column::ExpiresAt, now)
        .await
}
