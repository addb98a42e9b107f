//! Mail that waits: rows of `outbox`, and who has one in hand.

use std::time::Duration;

use jiff::Timestamp;
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::Letter;
use crate::database::entity::outbox::{self, Column, Entity};
use crate::database::{DatabaseTransaction, in_time};
use crate::secret::Purpose;
use crate::{Fault, Identity};

/// How long something is tried that is of use for ever.
const LONGEST: Duration = Duration::from_hours(72);
/// Whoever has mail in hand and says nothing for so long is taken for dead.
pub(super) const LEASE: Duration = Duration::from_mins(1);
/// How much one process has in hand at once.
const BATCH: u64 = 8;

/// Puts a letter into the outbox, with what it is about.
pub(crate) async fn push(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    letter: &Letter,
) -> Result<(), Fault> {
    let now = identity.clock.now();
    let longest = now
        .checked_add(LONGEST)
        .map_err(|error| Fault::broken_by("the clock is at its end", error))?
        .as_millisecond();
    let id = new_id(identity, now);
    let plain = serde_json::to_vec(letter)
        .map_err(|error| Fault::broken_by("a letter cannot be written down", error))?;
    let row = outbox::ActiveModel {
        sealed: Set(identity
            .secret
            .seal(Purpose::Outbox, id.as_bytes(), &plain)?),
        id: Set(id.as_bytes().to_vec()),
        kind: Set(letter.content.kind().as_str().to_owned()),
        created_at: Set(now.as_millisecond()),
        expires_at: Set(std::cmp::min(
            letter.content.until().unwrap_or(longest),
            longest,
        )),
        tries: Set(0),
        next_try_at: Set(now.as_millisecond()),
        claim: Set(None),
    };
    Entity::insert(row)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

fn new_id(identity: &Identity, now: Timestamp) -> Uuid {
    crate::AccountId::new(now, &*identity.random).as_uuid()
}

/// Mail that somebody set out to deliver.
pub(super) struct InHand {
    pub(super) id: Uuid,
    pub(super) kind: String,
    /// What it says, or why that cannot be read.
    pub(super) letter: Result<Letter, Fault>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// How often somebody set out, this time included.
    pub(super) tries: u32,
    claim: Vec<u8>,
}

/// How much mail waits.
pub(super) async fn count(identity: &Identity) -> Result<u64, Fault> {
    in_time(Entity::find().count(identity.database.reads())).await
}

/// Takes what is due in hand, so that no other process does.
pub(super) async fn take(identity: &Identity) -> Result<Vec<InHand>, Fault> {
    let now = identity.clock.now();
    let due = || Entity::find().filter(Column::NextTryAt.lte(now.as_millisecond()));
    // Looking costs nothing; the turn to write is only asked for when there is something.
    if in_time(due().one(identity.database.reads()))
        .await?
        .is_none()
    {
        return Ok(Vec::new());
    }
    let mut claim = vec![0; 16];
    identity.random.fill(&mut claim);
    let transaction = identity.database.write().await?;
    let rows = due()
        .order_by_asc(Column::NextTryAt)
        .limit(BATCH)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(&transaction)
        .await?;
    Entity::update_many()
        .col_expr(Column::Claim, Expr::value(claim.clone()))
        .col_expr(Column::Tries, Expr::col(Column::Tries).add(1))
        .col_expr(Column::NextTryAt, Expr::value(after(now, LEASE)))
        .filter(Column::Id.is_in(rows.iter().map(|row| row.id.clone())))
        .exec(&transaction)
        .await?;
    transaction.commit().await?;
    rows.into_iter()
        .map(|row| read(identity, row, &claim))
        .collect()
}

fn read(identity: &Identity, row: outbox::Model, claim: &[u8]) -> Result<InHand, Fault> {
    let damaged = || Fault::broken("a row of the outbox cannot be read");
    let time = |at| Timestamp::from_millisecond(at).map_err(|_| damaged());
    let id = Uuid::from_slice(&row.id).map_err(|_| damaged())?;
    let letter = identity
        .secret
        .open_sealed(Purpose::Outbox, id.as_bytes(), &row.sealed)
        .and_then(|plain| {
            serde_json::from_slice(&plain)
                .map_err(|error| Fault::broken_by("a letter cannot be read", error))
        });
    Ok(InHand {
        id,
        kind: row.kind,
        letter,
        created_at: time(row.created_at)?,
        expires_at: time(row.expires_at)?,
        tries: u32::try_from(row.tries).map_err(|_| damaged())? + 1,
        claim: claim.to_vec(),
    })
}

/// Keeps others from taking over for another lease.
pub(super) async fn keep(identity: &Identity, mail: &[InHand]) -> Result<(), Fault> {
    let Some(first) = mail.first() else {
        return Ok(());
    };
    put_off(identity, &first.claim, None, LEASE).await
}

/// It is delivered, or never will be.
pub(super) async fn done(identity: &Identity, mail: &InHand) -> Result<(), Fault> {
    let transaction = identity.database.write().await?;
    Entity::delete_many()
        .filter(Column::Id.eq(mail.id.as_bytes().to_vec()))
        .filter(Column::Claim.eq(mail.claim.clone()))
        .exec(&transaction)
        .await?;
    Ok(transaction.commit().await?)
}

/// It is to be tried again after a while, by anybody.
pub(super) async fn later(identity: &Identity, mail: &InHand, wait: Duration) -> Result<(), Fault> {
    put_off(identity, &mail.claim, Some(mail.id), wait).await
}

async fn put_off(
    identity: &Identity,
    claim: &[u8],
    only: Option<Uuid>,
    wait: Duration,
) -> Result<(), Fault> {
    let next = after(identity.clock.now(), wait);
    let mut update = Entity::update_many()
        .col_expr(Column::NextTryAt, Expr::value(next))
        .filter(Column::Claim.eq(claim.to_vec()));
    if let Some(id) = only {
        // The claim is given up: what is still in hand is not put off along with it.
        update = update
            .col_expr(Column::Claim, Expr::value(Option::<Vec<u8>>::None))
            .filter(Column::Id.eq(id.as_bytes().to_vec()));
    }
    let transaction = identity.database.write().await?;
    update.exec(&transaction).await?;
    Ok(transaction.commit().await?)
}

fn after(now: Timestamp, wait: Duration) -> i64 {
    let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    now.as_millisecond().saturating_add(wait)
}
