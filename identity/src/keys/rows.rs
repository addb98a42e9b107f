//! The keys in the database: made by whoever comes first, turned by whoever comes when it is time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::EncodingKey;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use sha2::{Digest, Sha256};

use super::{KEPT, Key, KeyRing, Keys, Listed, PUBLISHED_BEFORE, State, TURN, ring};
use crate::audit::{By, Event};
use crate::database::entity::signing_key::{ActiveModel, Column, Entity, Model};
use crate::database::{Database, DatabaseTransaction, in_time};
use crate::secret::{Purpose, ServerSecret};
use crate::{Fault, Identity};

/// Reads the keys; makes them if there are none.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked, [`Fault::Broken`] when a key cannot be read.
pub(crate) async fn open(
    database: &Database,
    secret: &ServerSecret,
    now: Timestamp,
) -> Result<KeyRing, Fault> {
    let mut keys = load(database.reads(), secret).await?;
    if !keys.iter().any(|key| key.state == State::Current) {
        let transaction = database.write().await?;
        // Somebody else may have been quicker.
        if load(&transaction, secret).await?.is_empty() {
            for state in [State::Current, State::Next] {
                insert(&transaction, secret, (state, now)).await?;
            }
        }
        keys = load(&transaction, secret).await?;
        transaction.commit().await?;
    }
    Ok(KeyRing::new(Keys::of(&keys)?))
}

/// Turns the keys if it is time, and takes in what other processes did.
///
/// # Errors
/// As [`open`].
pub async fn catch_up(identity: &Identity) -> Result<(), Fault> {
    let now = identity.clock.now();
    let keys = load(identity.database.reads(), &identity.secret).await?;
    let is_due = |key: &Key| key.state == State::Current && is_over(key.since, TURN, now);
    if keys.iter().any(is_due) {
        let transaction = identity.database.write().await?;
        let keys = load(&transaction, &identity.secret).await?;
        if keys.iter().any(is_due) {
            turn(identity, &transaction, &keys).await?;
        }
        transaction.commit().await?;
        return take_in(identity).await;
    }
    identity.keys.replace(Keys::of(&keys)?);
    Ok(())
}

/// What came of turning the keys.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// The next one signs.
    Done,
    /// The next one is too young: some gateway may not know it yet.
    TooSoon {
        /// How long until every gateway does; longer than [`PUBLISHED_BEFORE`] where somebody's clock goes ahead.
        wait: Duration,
    },
}

/// Turns the keys now: the next one signs from now on.
///
/// # Errors
/// As [`open`].
pub async fn rotate(identity: &Identity, by: By<'_>) -> Result<Rotated, Fault> {
    let now = identity.clock.now();
    let transaction = identity.database.write().await?;
    let keys = load(&transaction, &identity.secret).await?;
    let next = keys.iter().find(|key| key.state == State::Next);
    if let Some(next) = next.filter(|next| !is_over(next.since, PUBLISHED_BEFORE, now)) {
        let age = now.duration_since(next.since);
        let wait = SignedDuration::try_from(PUBLISHED_BEFORE).map(|least| least - age);
        let wait = wait.ok().and_then(|wait| Duration::try_from(wait).ok());
        let wait = wait.unwrap_or(PUBLISHED_BEFORE);
        transaction.rollback().await?;
        return Ok(Rotated::TooSoon { wait });
    }
    turn(identity, &transaction, &keys).await?;
    identity
        .audit
        .record_in(&transaction, &Event::KeysRotated, None, by)
        .await?;
    transaction.commit().await?;
    take_in(identity).await?;
    Ok(Rotated::Done)
}

/// The keys, the next one first.
///
/// # Errors
/// As [`open`].
pub async fn list(identity: &Identity) -> Result<Vec<Listed>, Fault> {
    let keys = load(identity.database.reads(), &identity.secret).await?;
    let listed = keys.into_iter().map(|key| Listed {
        kid: key.kid,
        state: key.state,
        since: key.since,
    });
    Ok(listed.collect())
}

async fn take_in(identity: &Identity) -> Result<(), Fault> {
    let keys = load(identity.database.reads(), &identity.secret).await?;
    identity.keys.replace(Keys::of(&keys)?);
    Ok(())
}

async fn turn(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    keys: &[Key],
) -> Result<(), Fault> {
    let now = identity.clock.now();
    for key in keys {
        match key.state {
            State::Previous if is_over(key.since, KEPT, now) => {
                Entity::delete_by_id(key.kid.clone())
                    .exec(transaction)
                    .await?;
            }
            State::Previous => {}
            State::Current => become_(transaction, &key.kid, (State::Previous, now)).await?,
            State::Next => become_(transaction, &key.kid, (State::Current, now)).await?,
        }
    }
    insert(transaction, &identity.secret, (State::Next, now)).await
}

async fn become_(
    transaction: &DatabaseTransaction,
    kid: &str,
    (state, since): (State, Timestamp),
) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Since, Expr::value(since.as_millisecond()))
        .filter(Column::Kid.eq(kid))
        .exec(transaction)
        .await?;
    Ok(())
}

fn is_over(since: Timestamp, life: std::time::Duration, now: Timestamp) -> bool {
    since.checked_add(life).is_ok_and(|end| end <= now)
}

async fn insert(
    transaction: &DatabaseTransaction,
    secret: &ServerSecret,
    (state, since): (State, Timestamp),
) -> Result<(), Fault> {
    let (pkcs8, point) = ring::generate()?;
    let kid = name(&point);
    let row = ActiveModel {
        sealed: Set(secret.seal(Purpose::SigningKey, kid.as_bytes(), &pkcs8)?),
        kid: Set(kid),
        state: Set(state.as_str().to_owned()),
        since: Set(since.as_millisecond()),
        point: Set(point),
    };
    Entity::insert(row)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

/// The beginning of the public half's SHA-256: nobody has to keep count.
fn name(point: &[u8]) -> String {
    let hash: [u8; 32] = Sha256::digest(point).into();
    let start = hash
        .first_chunk()
        .map_or(0, |start| u64::from_be_bytes(*start));
    format!("{start:016x}")
}

async fn load(db: &impl ConnectionTrait, secret: &ServerSecret) -> Result<Vec<Key>, Fault> {
    let rows = in_time(Entity::find().order_by_desc(Column::Since).all(db)).await?;
    let mut keys = rows
        .into_iter()
        .map(|row| read(row, secret))
        .collect::<Result<Vec<_>, _>>()?;
    keys.sort_by_key(|key| key.state);
    Ok(keys)
}

fn read(row: Model, secret: &ServerSecret) -> Result<Key, Fault> {
    let damaged = || Fault::broken("a row of signing_key cannot be read");
    let pkcs8 = secret.open_sealed(Purpose::SigningKey, row.kid.as_bytes(), &row.sealed)?;
    Ok(Key {
        state: State::parse(&row.state).ok_or_else(damaged)?,
        since: Timestamp::from_millisecond(row.since).map_err(|_| damaged())?,
        private: EncodingKey::from_ec_der(&pkcs8),
        point: row.point,
        kid: row.kid,
    })
}
