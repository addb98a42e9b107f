//! Sessions in the SQL database.
//!
//! Every change that somebody must hear of is written together with a row of `session_change`, numbered by
//! `session_clock`. The lock of that one clock row is held until the transaction ends, so the numbers become visible
//! in their order and without gaps, whichever process writes. It is also the turn to write anything else.

pub mod entity;
pub mod migration;
mod watch;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter,
    QuerySelect,
};
use tokio::sync::mpsc;

use super::record::Applied;
use super::store::STORE_DEADLINE;
use super::{
    Confirmed, Event, Mark, Record, Rewritten, Rights, SessionKey, SessionStore, Snapshot,
};
use crate::database::{Connection, DatabaseTransaction};
use crate::{AccountId, Fault, StoreName, patience};
use entity::{session, session_change, session_clock};

/// How many change rows are kept. A watcher that is further behind drops everything instead.
const CHANGES_KEPT: i64 = 10_000;

/// The connections a store of sessions needs. Reading and listening have their own, so that a writer who
/// waits for the lock never stands before them.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    /// For what is asked while a request waits.
    pub(crate) reads: Connection,
    /// For changes.
    pub(crate) writes: Connection,
    /// For the watch alone.
    pub(crate) watch: Connection,
}

impl Connections {
    /// Begins a transaction in which nobody else changes anything, in this process or another. `SQLite` sees to that
    /// by itself; elsewhere it is the lock of the clock's row. What is read after it shows what the one before wrote,
    /// because every statement of a transaction sees all that is committed by then (READ COMMITTED).
    ///
    /// # Errors
    /// What the engine said, for one that the turn did not come in time.
    pub(crate) async fn take_turn(&self) -> Result<DatabaseTransaction, DbErr> {
        let txn = self.writes.begin_writing().await?;
        if txn.get_database_backend() != DbBackend::Sqlite {
            let clock = session_clock::Entity::find_by_id(session_clock::ONLY).lock_exclusive();
            if clock.one(&txn).await?.is_none() {
                return Err(DbErr::RecordNotFound("the row of session_clock".to_owned()));
            }
        }
        Ok(txn)
    }
}

/// Sessions in SQL.
#[derive(Clone, Debug)]
pub struct SqlSessions {
    connections: Connections,
}

impl SqlSessions {
    /// Sessions in the database behind these connections, whose migrations have run.
    #[must_use]
    pub(crate) fn new(connections: Connections) -> Self {
        Self { connections }
    }

    /// Waits for the turn to write no longer than a person can: another process may have it.
    async fn begin(&self) -> Result<DatabaseTransaction, Fault> {
        in_time(self.connections.take_turn()).await
    }
}

#[async_trait]
impl SessionStore for SqlSessions {
    fn name(&self) -> StoreName {
        StoreName::Database
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<(), Fault> {
        let row = session::ActiveModel {
            key: Set(key.as_bytes().to_vec()),
            account_id: Set(record.account.as_uuid().as_bytes().to_vec()),
            generation: Set(generation(record.generation)?),
            record: Set(write(record)?),
            ends_at: Set(record.ends_at.as_millisecond()),
            last_seen: Set(record.opened_at.as_millisecond()),
        };
        let replace = OnConflict::column(session::Column::Key)
            .update_columns([
                session::Column::AccountId,
                session::Column::Generation,
                session::Column::Record,
                session::Column::EndsAt,
                session::Column::LastSeen,
            ])
            .to_owned();
        let insert = session::Entity::insert(row).on_conflict(replace);
        in_time(insert.exec_without_returning(&self.connections.writes)).await?;
        Ok(())
    }

    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Snapshot>, Fault> {
        let asked =
            session::Entity::find_by_id(key.as_bytes().to_vec()).one(&self.connections.reads);
        let Some(row) = in_time(asked).await? else {
            return Ok(None);
        };
        let (_, snapshot) = read(&row)?;
        Ok(Some(snapshot).filter(|found| now < found.record.ends_at))
    }

    async fn remove(&self, key: &SessionKey) -> Result<Option<Record>, Fault> {
        let txn = self.begin().await?;
        let Some(row) = session::Entity::find_by_id(key.as_bytes().to_vec())
            .one(&txn)
            .await?
        else {
            txn.rollback().await?;
            return Ok(None);
        };
        announce(&txn, &[*key]).await?;
        session::Entity::delete_by_id(key.as_bytes().to_vec())
            .exec(&txn)
            .await?;
        txn.commit().await?;
        // A record that cannot be read is gone all the same; saying so would only stop a sign-out.
        Ok(read(&row).ok().map(|(_, snapshot)| snapshot.record))
    }

    async fn remove_account(
        &self,
        account: AccountId,
        spare: Option<&SessionKey>,
    ) -> Result<Vec<SessionKey>, Fault> {
        let txn = self.begin().await?;
        let keys: Vec<SessionKey> = keys_of(&txn, account)
            .await?
            .into_iter()
            .filter(|key| spare != Some(key))
            .collect();
        announce(&txn, &keys).await?;
        let mut gone = session::Entity::delete_many()
            .filter(session::Column::AccountId.eq(account.as_uuid().as_bytes().to_vec()));
        if let Some(spare) = spare {
            gone = gone.filter(session::Column::Key.ne(spare.as_bytes().to_vec()));
        }
        gone.exec(&txn).await?;
        txn.commit().await?;
        Ok(keys)
    }

    async fn list(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<(SessionKey, Snapshot)>, Fault> {
        let rows = session::Entity::find()
            .filter(session::Column::AccountId.eq(account.as_uuid().as_bytes().to_vec()))
            .filter(session::Column::EndsAt.gt(now.as_millisecond()))
            .all(&self.connections.reads);
        in_time(rows).await?.iter().map(read).collect()
    }

    async fn rewrite(&self, key: &SessionKey, rights: &Rights) -> Result<Rewritten, Fault> {
        let txn = self.begin().await?;
        let Some(row) = session::Entity::find_by_id(key.as_bytes().to_vec())
            .one(&txn)
            .await?
        else {
            txn.rollback().await?;
            return Ok(Rewritten::NotNeeded);
        };
        let (_, Snapshot { mut record, .. }) = read(&row)?;
        if rights.apply_to(&mut record) == Applied::AlreadyNewer {
            txn.rollback().await?;
            return Ok(Rewritten::NotNeeded);
        }
        announce(&txn, &[*key]).await?;
        session::Entity::update_many()
            .col_expr(
                session::Column::Generation,
                Expr::value(generation(record.generation)?),
            )
            .col_expr(session::Column::Record, Expr::value(write(&record)?))
            .filter(session::Column::Key.eq(key.as_bytes().to_vec()))
            .exec(&txn)
            .await?;
        txn.commit().await?;
        Ok(Rewritten::Yes)
    }

    async fn confirm(
        &self,
        key: &SessionKey,
        mark: &Mark,
        record: &Record,
    ) -> Result<Confirmed, Fault> {
        let txn = self.begin().await?;
        let row = session::Entity::find_by_id(key.as_bytes().to_vec())
            .one(&txn)
            .await?;
        let begun = row
            .as_ref()
            .map(read)
            .transpose()?
            .is_some_and(|(_, found)| {
                let grant = found.record.grant.as_deref();
                grant.is_some_and(|grant| grant.unconfirmed.as_ref() == Some(mark))
                    && found.record.generation <= record.generation
            });
        if !begun {
            txn.rollback().await?;
            return Ok(Confirmed::No);
        }
        // Nobody remembers what was no session, so nobody is told.
        session::Entity::update_many()
            .col_expr(
                session::Column::Generation,
                Expr::value(generation(record.generation)?),
            )
            .col_expr(session::Column::Record, Expr::value(write(record)?))
            .filter(session::Column::Key.eq(key.as_bytes().to_vec()))
            .exec(&txn)
            .await?;
        txn.commit().await?;
        Ok(Confirmed::Yes)
    }

    async fn touch(&self, key: &SessionKey, at: Timestamp, _: Timestamp) -> Result<(), Fault> {
        let at = at.as_millisecond();
        session::Entity::update_many()
            .col_expr(session::Column::LastSeen, Expr::value(at))
            .filter(session::Column::Key.eq(key.as_bytes().to_vec()))
            .filter(session::Column::LastSeen.lt(at))
            .exec(&self.connections.writes)
            .await?;
        Ok(())
    }

    async fn prune(&self, now: Timestamp) -> Result<u64, Fault> {
        let txn = self.begin().await?;
        let gone = session::Entity::delete_many()
            .filter(session::Column::EndsAt.lte(now.as_millisecond()))
            .exec(&txn)
            .await?;
        txn.commit().await?;
        Ok(gone.rows_affected)
    }

    async fn watch(&self, to: mpsc::Sender<Event>) {
        watch::watch(&self.connections.watch, to).await;
    }
}

/// Writes one change row a key, in the caller's transaction, and forgets the oldest.
async fn announce(txn: &DatabaseTransaction, keys: &[SessionKey]) -> Result<(), Fault> {
    if keys.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(keys.len())
        .map_err(|source| Fault::broken_by("too many sessions at once", source))?;
    session_clock::Entity::update_many()
        .col_expr(
            session_clock::Column::Seq,
            Expr::col(session_clock::Column::Seq).add(count),
        )
        .exec(txn)
        .await?;
    let last = clock(txn).await?;
    let rows = keys
        .iter()
        .zip(last - count + 1..)
        .map(|(key, seq)| session_change::ActiveModel {
            seq: Set(seq),
            key: Set(key.as_bytes().to_vec()),
        });
    session_change::Entity::insert_many(rows)
        .exec_without_returning(txn)
        .await?;
    session_change::Entity::delete_many()
        .filter(session_change::Column::Seq.lte(last - CHANGES_KEPT))
        .exec(txn)
        .await?;
    Ok(())
}

/// The number of the newest change.
async fn clock(db: &impl ConnectionTrait) -> Result<i64, Fault> {
    let row = session_clock::Entity::find_by_id(session_clock::ONLY)
        .one(db)
        .await?;
    row.map(|row| row.seq)
        .ok_or_else(|| Fault::broken("the table session_clock has lost its row"))
}

async fn keys_of(db: &impl ConnectionTrait, account: AccountId) -> Result<Vec<SessionKey>, Fault> {
    let keys: Vec<Vec<u8>> = session::Entity::find()
        .select_only()
        .column(session::Column::Key)
        .filter(session::Column::AccountId.eq(account.as_uuid().as_bytes().to_vec()))
        .into_tuple()
        .all(db)
        .await?;
    keys.iter().map(|key| key_of(key)).collect()
}

fn key_of(bytes: &[u8]) -> Result<SessionKey, Fault> {
    SessionKey::from_bytes(bytes)
        .ok_or_else(|| Fault::broken("a session's key is not 32 bytes long"))
}

fn generation(generation: u64) -> Result<i64, Fault> {
    i64::try_from(generation)
        .map_err(|source| Fault::broken_by("an account's version is too large", source))
}

fn write(record: &Record) -> Result<String, Fault> {
    serde_json::to_string(record)
        .map_err(|source| Fault::broken_by("a session cannot be written", source))
}

fn read(row: &session::Model) -> Result<(SessionKey, Snapshot), Fault> {
    let record = serde_json::from_str(&row.record)
        .map_err(|source| Fault::broken_by("a stored session cannot be read", source))?;
    let last_seen = Timestamp::from_millisecond(row.last_seen)
        .map_err(|source| Fault::broken_by("a stored session cannot be read", source))?;
    Ok((key_of(&row.key)?, Snapshot { record, last_seen }))
}

/// Gives a query the time a person's request can wait for, and no more.
async fn in_time<T>(query: impl Future<Output = Result<T, sea_orm::DbErr>>) -> Result<T, Fault> {
    in_time_of(STORE_DEADLINE, query).await
}

async fn in_time_of<T>(
    deadline: Duration,
    query: impl Future<Output = Result<T, sea_orm::DbErr>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(patience::deadline(deadline), query).await {
        Ok(answer) => Ok(answer?),
        Err(late) => Err(Fault::away(StoreName::Database, late)),
    }
}
