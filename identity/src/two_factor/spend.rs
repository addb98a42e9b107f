//! Spending a code: it is right, and from then on it is no more.
//!
//! Owns the two conditions that make it so, each part of a statement that writes: of many tries at once, on however
//! many gateways, the database lets one through.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::app::AppKey;
use super::recovery::{self, CodeHash};
use super::typed::Typed;
use crate::audit::Failure;
use crate::database::DatabaseTransaction;
use crate::database::entity::two_factor::{Column, Entity, Model};
use crate::{AccountId, Fault, Identity};

/// What came of it.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spent {
    /// It was right.
    Right(Right),
    /// It was not.
    Not(Failure),
}

/// Which kind of code was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// One of the app.
    App,
    /// A recovery code.
    Recovery,
}

/// Spends a code of an account whose second factor is on.
pub(crate) async fn spend(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    account: AccountId,
    typed: &str,
) -> Result<Spent, Fault> {
    match Typed::parse(typed) {
        Typed::Nonsense => Ok(Spent::Not(Failure::WrongCode)),
        Typed::App(code) => {
            let confirmed = find(transaction, account)
                .await?
                .filter(|row| row.enrolment.is_none());
            match confirmed {
                Some(row) => step(identity, transaction, &row, &code).await,
                None => Ok(Spent::Not(Failure::WrongCode)),
            }
        }
        Typed::Recovery(code) => {
            let code = CodeHash::of(identity, account, &code)?;
            let was_there = recovery::use_up(transaction, account, &code).await?;
            Ok(if was_there {
                Spent::Right(Right::Recovery)
            } else {
                Spent::Not(Failure::WrongCode)
            })
        }
    }
}

/// Spends a code of an app that was not confirmed before, and confirms it.
pub(crate) async fn spend_enrolment(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    row: &Model,
    typed: &str,
) -> Result<Spent, Fault> {
    match Typed::parse(typed) {
        Typed::App(code) => step(identity, transaction, row, &code).await,
        Typed::Recovery(_) | Typed::Nonsense => Ok(Spent::Not(Failure::WrongCode)),
    }
}

pub(crate) async fn find(
    transaction: &DatabaseTransaction,
    account: AccountId,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(account.as_bytes().to_vec())
        .lock_exclusive()
        .one(transaction)
        .await?)
}

async fn step(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    row: &Model,
    code: &str,
) -> Result<Spent, Fault> {
    let account = AccountId::from_bytes(&row.account_id)
        .ok_or_else(|| Fault::broken("two_factor names no account"))?;
    let key = AppKey::open(identity, account, &row.secret)?;
    let Some(step) = key.step_of(code, identity.clock.now())? else {
        return Ok(Spent::Not(Failure::WrongCode));
    };
    // The secret is named as well: another one may have taken its place.
    let written = Entity::update_many()
        .col_expr(Column::LastStep, Expr::value(step))
        .col_expr(Column::Enrolment, Expr::value(None::<Vec<u8>>))
        .filter(Column::AccountId.eq(row.account_id.clone()))
        .filter(Column::Secret.eq(row.secret.clone()))
        .filter(Column::LastStep.lt(step))
        .exec(transaction)
        .await?;
    Ok(if written.rows_affected == 1 {
        Spent::Right(Right::App)
    } else {
        Spent::Not(Failure::UsedCode)
    })
}
