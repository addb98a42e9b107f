//! The second factor of an account: turned on with a code, turned off by the person or by an operator.

use sea_orm::EntityTrait;

use super::{Changed, Edit, bring_in_line, change, write};
use crate::accounts;
use crate::audit::By;
use crate::database::DatabaseTransaction;
use crate::database::entity::two_factor;
use crate::flow::FlowToken;
use crate::session::SessionKey;
use crate::two_factor::{self as factor, CodeHash, Spent, spend_enrolment};
use crate::{AccountId, Client, Fault, Identity};

/// What turns it on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TurningOn<'a> {
    pub(crate) token: &'a FlowToken,
    /// As typed.
    pub(crate) code: &'a str,
    pub(crate) codes: &'a [CodeHash],
    pub(crate) client: &'a Client,
}

/// What came of it.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedOn {
    Done,
    /// The code is not the app's.
    Wrong,
    /// There is nothing to confirm (any more).
    Gone,
}

/// Turns it on: the code is spent, the secret counts, the recovery codes are there, all in one step.
///
/// # Errors
/// As [`super::enable`].
pub(crate) async fn turn_on_two_factor(
    identity: &Identity,
    id: AccountId,
    wish: TurningOn<'_>,
) -> Result<TurnedOn, Fault> {
    let transaction = identity.database.write().await?;
    match confirm(identity, &transaction, id, wish).await? {
        TurnedOn::Done => {}
        other => {
            transaction.rollback().await?;
            return Ok(other);
        }
    }
    let what = (id, Edit::TurnOnTwoFactor(identity.clock.now()));
    let by = By::Client(wish.client);
    let changed = write(identity, &transaction, what, by).await?;
    transaction.commit().await?;
    bring_in_line(identity, &changed, what, by).await?;
    Ok(TurnedOn::Done)
}

async fn confirm(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    id: AccountId,
    wish: TurningOn<'_>,
) -> Result<TurnedOn, Fault> {
    let account = accounts::find(transaction, id).await?;
    let is_ready = account.is_some_and(|account| account.enabled && !account.mfa_enabled());
    let row = factor::find(transaction, id).await?;
    let row = row.filter(|row| is_ready && factor::is_open(identity, row, wish.token));
    let Some(row) = row else {
        return Ok(TurnedOn::Gone);
    };
    match spend_enrolment(identity, transaction, &row, wish.code).await? {
        Spent::Right(_) => {}
        Spent::Not(_) => return Ok(TurnedOn::Wrong),
    }
    factor::replace_codes(transaction, id, wish.codes).await?;
    Ok(TurnedOn::Done)
}

/// Turns it off for somebody who has proven again who they are; every session but `own` ends.
///
/// # Errors
/// As [`super::enable`].
pub(crate) async fn turn_off_two_factor(
    identity: &Identity,
    id: AccountId,
    own: &SessionKey,
    client: &Client,
) -> Result<Changed, Fault> {
    change(
        identity,
        id,
        Edit::TurnOffTwoFactor(own),
        By::Client(client),
    )
    .await
}

/// Turns it off by an operator's word, for somebody who has lost the app and the recovery codes, and ends every
/// session of the account.
///
/// # Errors
/// As [`super::enable`].
pub async fn reset_two_factor(
    identity: &Identity,
    id: AccountId,
    by: By<'_>,
) -> Result<Changed, Fault> {
    change(identity, id, Edit::ResetTwoFactor, by).await
}

/// Forgets the secret and the codes.
pub(super) async fn forget(transaction: &DatabaseTransaction, id: AccountId) -> Result<(), Fault> {
    factor::forget_codes(transaction, id).await?;
    two_factor::Entity::delete_by_id(id.as_bytes().to_vec())
        .exec(transaction)
        .await?;
    Ok(())
}
