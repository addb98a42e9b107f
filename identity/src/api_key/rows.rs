//! The rows of `api_key`.

use jiff::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter,
    QueryOrder, Select,
};

use super::ApiKey;
use crate::database::entity::api_key::{ActiveModel, Column, Entity, Model};
use crate::database::{Connection, DatabaseTransaction, in_time};
use crate::session::{KeyId, SessionKey};
use crate::{AccountId, Fault};

/// Adds a key.
pub(super) async fn insert(
    transaction: &DatabaseTransaction,
    hash: &SessionKey,
    key: &ApiKey,
) -> Result<(), Fault> {
    let scope = serde_json::to_string(&key.scope)
        .map_err(|error| Fault::broken_by("a key's scope cannot be written", error))?;
    let row = ActiveModel {
        hash: Set(hash.as_bytes().to_vec()),
        public_id: Set(key.id.as_str().to_owned()),
        account_id: Set(key.account.as_bytes().to_vec()),
        name: Set(key.name.clone()),
        scope: Set(scope),
        created_at: Set(key.created_at.as_millisecond()),
        expires_at: Set(key.expires_at.as_millisecond()),
        last_used_at: Set(None),
        revoked_at: Set(None),
    };
    Entity::insert(row)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

/// The key with this hash, if it is good at `now`.
pub(super) async fn find(
    db: &impl ConnectionTrait,
    hash: &SessionKey,
    now: Timestamp,
) -> Result<Option<ApiKey>, Fault> {
    let row = are_good(now).filter(Column::Hash.eq(hash.as_bytes().to_vec()));
    in_time(row.one(db)).await?.map(read).transpose()
}

/// The keys that are good at `now`, the oldest first.
pub(super) async fn good(
    db: &impl ConnectionTrait,
    whose: Option<AccountId>,
    now: Timestamp,
) -> Result<Vec<ApiKey>, Fault> {
    let mut rows = are_good(now).order_by_asc(Column::CreatedAt);
    if let Some(account) = whose {
        rows = rows.filter(Column::AccountId.eq(account.as_bytes().to_vec()));
    }
    in_time(rows.all(db)).await?.into_iter().map(read).collect()
}

fn are_good(now: Timestamp) -> Select<Entity> {
    Entity::find()
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now.as_millisecond()))
}

/// A key by its public name, good or not.
pub(super) async fn named(
    transaction: &DatabaseTransaction,
    id: &KeyId,
) -> Result<Option<Model>, Fault> {
    let row = Entity::find().filter(Column::PublicId.eq(id.as_str()));
    in_time(row.one(transaction)).await
}

/// The keys of an account that were not revoked yet, expired ones too.
pub(super) async fn unrevoked(
    transaction: &DatabaseTransaction,
    account: AccountId,
) -> Result<Vec<Model>, Fault> {
    let rows = Entity::find()
        .filter(Column::AccountId.eq(account.as_bytes().to_vec()))
        .filter(Column::RevokedAt.is_null());
    in_time(rows.all(transaction)).await
}

/// The keys that were revoked and whose sessions have still to be ended: of one account, or of all. "After the beginning
/// of time" and not "is there", for which not every database uses an index.
pub(super) async fn revoked(
    db: &impl ConnectionTrait,
    whose: Option<AccountId>,
) -> Result<Vec<SessionKey>, Fault> {
    let mut rows = Entity::find().filter(Column::RevokedAt.gt(i64::MIN));
    if let Some(account) = whose {
        rows = rows.filter(Column::AccountId.eq(account.as_bytes().to_vec()));
    }
    let rows = in_time(rows.all(db)).await?;
    rows.iter().map(hash).collect()
}

/// Marks a key as revoked. From here on nobody makes its session anew.
pub(super) async fn mark(
    transaction: &DatabaseTransaction,
    hash: &SessionKey,
    at: Timestamp,
) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(at.as_millisecond()))
        .filter(Column::Hash.eq(hash.as_bytes().to_vec()))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Forgets a key whose session has ended.
pub(super) async fn forget(
    transaction: &DatabaseTransaction,
    hash: &SessionKey,
) -> Result<(), Fault> {
    Entity::delete_by_id(hash.as_bytes().to_vec())
        .exec(transaction)
        .await?;
    Ok(())
}

/// Notes a use, outside the line of writers: nothing depends on it.
pub(super) async fn used(
    writes: &Connection,
    hash: &SessionKey,
    at: Timestamp,
) -> Result<(), Fault> {
    let at = at.as_millisecond();
    let note = Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(at))
        .filter(Column::Hash.eq(hash.as_bytes().to_vec()))
        .filter(Column::LastUsedAt.is_null().or(Column::LastUsedAt.lt(at)));
    in_time(note.exec(writes)).await?;
    Ok(())
}

/// The name of the key's session.
pub(super) fn hash(row: &Model) -> Result<SessionKey, Fault> {
    SessionKey::from_bytes(&row.hash).ok_or_else(|| damaged("hash"))
}

/// The key in a row.
pub(super) fn read(row: Model) -> Result<ApiKey, Fault> {
    Ok(ApiKey {
        id: KeyId::parse(&row.public_id).ok_or_else(|| damaged("id"))?,
        account: AccountId::from_bytes(&row.account_id).ok_or_else(|| damaged("account"))?,
        name: row.name,
        scope: serde_json::from_str(&row.scope).map_err(|_| damaged("scope"))?,
        created_at: time(row.created_at)?,
        expires_at: time(row.expires_at)?,
        last_used_at: row.last_used_at.map(time).transpose()?,
    })
}

fn time(milliseconds: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| damaged("time"))
}

fn damaged(what: &str) -> Fault {
    Fault::broken(format!(
        "an API key's {what} in the database cannot be read"
    ))
}
