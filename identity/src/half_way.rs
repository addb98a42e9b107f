//! Sign-ins that are half-way: the password was right, the second factor is still to be shown.
//!
//! Owns the rows that remember them for ten minutes and five codes. Whoever is half-way has no session and no right
//! anywhere; all that the browser holds is a token with which a code may be tried. Any change of the account ends it.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, QueryFilter};

use crate::account::Account;
use crate::database::entity::login_flow::{ActiveModel, Column, Entity};
use crate::database::{DatabaseTransaction, in_time};
use crate::flow::FlowToken;
use crate::session::Remembered;
use crate::{AccountId, Fault, Identity};

/// How long there is to show the second factor.
const LIFE: Duration = Duration::from_mins(10);
/// How many codes may be tried.
const TRIES: i32 = 5;

/// Where somebody stopped.
#[derive(Debug)]
pub(crate) struct HalfWay {
    pub(crate) account: Account,
    pub(crate) remembered: Remembered,
}

/// Remembers that the first factor of `account`, as it was then, was right.
pub(crate) async fn begin(
    identity: &Identity,
    account: &Account,
    remembered: Remembered,
) -> Result<FlowToken, Fault> {
    let token = FlowToken::generate(&*identity.random);
    let version = i64::try_from(account.version)
        .map_err(|error| Fault::broken_by("too many changes", error))?;
    let expires_at = identity
        .clock
        .now()
        .checked_add(LIFE)
        .map_err(|error| Fault::broken_by("the clock is at its end", error))?;
    let row = ActiveModel {
        hash: Set(token.key().to_vec()),
        account_id: Set(account.id.as_bytes().to_vec()),
        version: Set(version),
        remembered: Set(remembered == Remembered::Yes),
        tries: Set(0),
        expires_at: Set(expires_at.as_millisecond()),
    };
    let transaction = identity.database.write().await?;
    Entity::insert(row)
        .exec_without_returning(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(token)
}

/// Where the holder of `token` stopped; `None` if that is over, or the account is not what it was.
pub(crate) async fn find(identity: &Identity, token: &FlowToken) -> Result<Option<HalfWay>, Fault> {
    let now = identity.clock.now().as_millisecond();
    let row = Entity::find_by_id(token.key().to_vec())
        .filter(Column::ExpiresAt.gt(now))
        .filter(Column::Tries.lt(TRIES));
    let Some(row) = in_time(row.one(identity.database.reads())).await? else {
        return Ok(None);
    };
    let id = AccountId::from_bytes(&row.account_id)
        .ok_or_else(|| Fault::broken("login_flow names no account"))?;
    let account = identity.accounts.find(id).await?.filter(|account| {
        account.enabled
            && account.mfa_enabled()
            && i64::try_from(account.version) == Ok(row.version)
    });
    let remembered = if row.remembered {
        Remembered::Yes
    } else {
        Remembered::No
    };
    Ok(account.map(|account| HalfWay {
        account,
        remembered,
    }))
}

/// Takes one of the tries, if there is one left.
pub(crate) async fn take_try(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    token: &FlowToken,
) -> Result<bool, Fault> {
    let counted = Entity::update_many()
        .col_expr(Column::Tries, Expr::col(Column::Tries).add(1))
        .filter(Column::Hash.eq(token.key().to_vec()))
        .filter(Column::ExpiresAt.gt(identity.clock.now().as_millisecond()))
        .filter(Column::Tries.lt(TRIES))
        .exec(transaction)
        .await?;
    Ok(counted.rows_affected == 1)
}

/// It led to a session, and is over.
pub(crate) async fn end(transaction: &DatabaseTransaction, token: &FlowToken) -> Result<(), Fault> {
    Entity::delete_by_id(token.key().to_vec())
        .exec(transaction)
        .await?;
    Ok(())
}

/// Forgets those whose time is over.
pub(crate) async fn prune(identity: &Identity) -> Result<(), Fault> {
    let now = identity.clock.now();
    identity
        .database
        .forget_over::<Entity>(Column::ExpiresAt, now)
        .await
}
