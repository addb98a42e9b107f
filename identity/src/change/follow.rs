//! Bringing sessions in line with an account that changed.
//!
//! Sessions may be in another store, so an account and its sessions cannot change in one step. What is still to be
//! done is therefore written down together with the change, and crossed out when it is done. If the process dies in
//! between or the store of sessions is away, it is done later: by every gateway that runs, which [keeps
//! looking](super::leftovers), and by any process that [catches up](catch_up) when it begins.

use std::time::Duration;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use crate::account::Account;
use crate::database::entity::account_follow;
use crate::database::{DatabaseTransaction, in_time};
use crate::session::{Ended, SessionKey};
use crate::{AccountId, Fault, Identity};

/// Sessions are not spared for being idle when they have to end.
const HOWEVER_IDLE: Duration = Duration::MAX;

/// What a change means for sessions that were opened before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// They get the new rights.
    GoOn,
    /// They end.
    End(Ended),
}

/// Writes down, in the transaction of the change that led to `version`, what is to be done to sessions.
pub(super) async fn note(
    transaction: &DatabaseTransaction,
    account: AccountId,
    version: u64,
    before: Before,
) -> Result<(), Fault> {
    use account_follow::Column;
    let version =
        i64::try_from(version).map_err(|error| Fault::broken_by("too many changes", error))?;
    let (end_before, reason) = match before {
        Before::GoOn => (0, None),
        Before::End(reason) => (version, Some(reason.as_str().to_owned())),
    };
    // Of an earlier change that nobody has followed yet, its ends stay to be done.
    let mut also = OnConflict::column(Column::AccountId);
    also.value(Column::Version, Expr::value(version));
    if reason.is_some() {
        also.value(Column::EndBefore, Expr::value(end_before))
            .value(Column::Reason, Expr::value(reason.clone()));
    }
    let row = account_follow::ActiveModel {
        account_id: Set(account.as_bytes().to_vec()),
        version: Set(version),
        end_before: Set(end_before),
        reason: Set(reason),
    };
    account_follow::Entity::insert(row)
        .on_conflict(also)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

/// Does to the sessions of an account what is to be done, and crosses it out. `spare` lives on in any case.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked; then it stays to be done.
pub(super) async fn follow(
    identity: &Identity,
    id: AccountId,
    spare: Option<&SessionKey>,
) -> Result<(), Fault> {
    let noted = account_follow::Entity::find_by_id(id.as_bytes().to_vec());
    let noted = in_time(noted.one(identity.database.reads())).await?;
    match identity.accounts.find(id).await? {
        None => {
            identity
                .sessions
                .revoke_account(id, None, Ended::Deleted)
                .await?;
        }
        Some(account) if !account.enabled => {
            identity
                .sessions
                .revoke_account(id, None, Ended::Disabled)
                .await?;
        }
        Some(account) => {
            if let Some(noted) = &noted {
                end_older(identity, &account, noted, spare).await?;
            }
            identity
                .sessions
                .rewrite_account(id, &account.rights())
                .await?;
        }
    }
    match noted {
        Some(noted) => cross_out(identity, noted).await,
        None => Ok(()),
    }
}

async fn end_older(
    identity: &Identity,
    account: &Account,
    noted: &account_follow::Model,
    spare: Option<&SessionKey>,
) -> Result<(), Fault> {
    let end_before = u64::try_from(noted.end_before).unwrap_or(u64::MAX);
    let known = Ended::ALL
        .into_iter()
        .find(|reason| noted.reason.as_deref() == Some(reason.as_str()));
    for (key, snapshot) in identity.sessions.list(account.id, HOWEVER_IDLE).await? {
        if snapshot.record.generation < end_before && spare != Some(&key) {
            identity
                .sessions
                .revoke(&key, known.unwrap_or(Ended::Revoked))
                .await?;
        }
    }
    Ok(())
}

/// Unless another change has come meanwhile: that one is followed by whoever made it.
async fn cross_out(identity: &Identity, noted: account_follow::Model) -> Result<(), Fault> {
    use account_follow::Column;
    let transaction = identity.database.write().await?;
    account_follow::Entity::delete_many()
        .filter(Column::AccountId.eq(noted.account_id))
        .filter(Column::Version.eq(noted.version))
        .exec(&transaction)
        .await?;
    Ok(transaction.commit().await?)
}

/// The sessions of an account are not in line with it since the change that led to `version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) account: AccountId,
    version: i64,
}

/// What is undone now.
pub(super) async fn left(identity: &Identity) -> Result<Vec<Left>, Fault> {
    let rows = in_time(account_follow::Entity::find().all(identity.database.reads())).await?;
    let read = |row: account_follow::Model| {
        let account = AccountId::from_bytes(&row.account_id)
            .ok_or_else(|| Fault::broken("account_follow names no account"))?;
        Ok(Left {
            account,
            version: row.version,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Does what other processes left undone, at once: a gateway that runs has [`Leftovers`](super::Leftovers) instead.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked; then it stays to be done.
pub(crate) async fn catch_up(identity: &Identity) -> Result<(), Fault> {
    for left in left(identity).await? {
        follow(identity, left.account, None).await?;
    }
    Ok(())
}
