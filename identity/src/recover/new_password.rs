//! The last step: the password itself.

use std::time::Duration;

use doorward_config::Live;

use super::note;
use crate::account::Account;
use crate::accounts;
use crate::audit::By;
use crate::change::{self, Changed, Edit};
use crate::codes::{self, Purpose, Redeemed};
use crate::flow::FlowToken;
use crate::form::{Problem, Problems};
use crate::password::{Hashed, PasswordHash};
use crate::tally::RecoveryOutcome;
use crate::verify_email::has_address;
use crate::{Client, Fault, Identity};

/// What came of choosing a password.
#[must_use]
#[derive(Debug)]
pub enum NewPassword {
    /// It is the password. Every session has ended and every code is void; nobody is signed in.
    Done,
    /// The old one stays: this is wrong with the new one (422). The permit still works.
    Invalid(Vec<Problem>),
    /// The permit is used or over: begin again.
    Gone,
    /// Too much to do (503). The permit still works.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

/// Sets the password of whoever was permitted to, and uses the permit up.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked. The password may be set then, and sessions still live: they are
/// ended as soon as that is possible.
pub async fn set_password(
    identity: &Identity,
    live: &Live,
    (permit, password): (&FlowToken, &str),
    client: &Client,
) -> Result<NewPassword, Fault> {
    let done = set(identity, live, (permit, password), client).await;
    note(
        identity,
        match &done {
            Ok(NewPassword::Done) => RecoveryOutcome::Success,
            Ok(NewPassword::Invalid(_)) => RecoveryOutcome::Invalid,
            Ok(NewPassword::Gone) => RecoveryOutcome::Gone,
            Ok(NewPassword::Busy { .. }) => RecoveryOutcome::Busy,
            Err(_) => RecoveryOutcome::Error,
        },
    );
    done
}

async fn set(
    identity: &Identity,
    live: &Live,
    (permit, typed): (&FlowToken, &str),
    client: &Client,
) -> Result<NewPassword, Fault> {
    let Some(account) = find_owner(identity, permit).await? else {
        return Ok(NewPassword::Gone);
    };
    let mut problems = Problems::default();
    let Some(password) = problems.password(typed, account.person(), live.password) else {
        return Ok(NewPassword::Invalid(problems.into_vec()));
    };
    let hash = match identity.passwords.hash(password).await? {
        Hashed::Done(hash) => hash,
        Hashed::Busy { retry_after } => return Ok(NewPassword::Busy { retry_after }),
    };
    write(identity, permit, &hash, client).await
}

/// Whose password may be set. Nobody's, if the account is not what it was when the code was right.
async fn find_owner(identity: &Identity, permit: &FlowToken) -> Result<Option<Account>, Fault> {
    let right = codes::look(identity, (Purpose::SetPassword, permit.key())).await?;
    let Some((id, address)) = right.and_then(|right| Some((right.account?, right.address))) else {
        return Ok(None);
    };
    let found = identity.accounts.find(id).await?;
    Ok(found.filter(|account| account.enabled && has_address(account, &address)))
}

async fn write(
    identity: &Identity,
    permit: &FlowToken,
    hash: &PasswordHash,
    client: &Client,
) -> Result<NewPassword, Fault> {
    let by = By::Client(client);
    let transaction = identity.database.write().await?;
    let redeemed = codes::redeem_permit(identity, &transaction, permit.key()).await?;
    let Redeemed::Right(right) = redeemed else {
        transaction.rollback().await?;
        return Ok(NewPassword::Gone);
    };
    let found = match right.account {
        Some(id) => accounts::find(&transaction, id).await?,
        None => None,
    };
    let owner = found.filter(|account| account.enabled && has_address(account, &right.address));
    let Some(owner) = owner else {
        transaction.commit().await?;
        return Ok(NewPassword::Gone);
    };
    let edit = (owner.id, Edit::RecoverPassword(hash, identity.clock.now()));
    let changed = change::write(identity, &transaction, edit, by).await?;
    transaction.commit().await?;
    change::bring_in_line(identity, &changed, edit, by).await?;
    Ok(match changed {
        Changed::Done(_) | Changed::Already(_) => NewPassword::Done,
        Changed::NotFound | Changed::LastAdmin => NewPassword::Gone,
    })
}
