//! Changing accounts.
//!
//! Every change goes the same way: the account's rows in one transaction, its version raised by one; **then** its
//! sessions, ended or given the new rights; then the audit trail. A session opened meanwhile compares versions before
//! its token is given out. What is left undone between the first two is remembered, and done by any process later: by a
//! gateway within seconds of the store's return.
//!
//! The last enabled admin can be neither disabled, deleted nor robbed of the role: the setup link would open again.

mod add;
mod follow;
mod leftovers;
mod password;
mod profile;
mod second_factor;
mod tell;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::account::Account;
use crate::accounts::{self, Columns};
use crate::api_key;
use crate::audit::{By, Event};
use crate::database::DatabaseTransaction;
use crate::form::Details;
use crate::password::PasswordHash;
use crate::role::{ADMIN, Role};
use crate::session::{Ended, SessionKey};
use crate::{AccountId, EmailAddress, Fault, Identity};

use follow::{Before, follow, note};

pub use crate::form::Profile;
pub use add::{Added, Addition, add};
pub(crate) use follow::catch_up;
pub use leftovers::{LOOK, Leftovers};
pub use password::{ChangedPassword, PasswordChange, SetPassword, change_password, set_password};
pub use profile::{Edited, edit_profile};
pub use second_factor::reset_two_factor;
pub(crate) use second_factor::{TurnedOn, TurningOn, turn_off_two_factor, turn_on_two_factor};

/// What came of a change by an operator.
#[must_use]
#[derive(Debug)]
pub enum Changed {
    /// The account is as asked now. (A deleted one: as it was before.)
    Done(Account),
    /// It was so before.
    Already(Account),
    /// There is no such account.
    NotFound,
    /// Nobody could administer any more: nothing was changed.
    LastAdmin,
}

/// Lets the account be used again.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked: nothing is changed. [`Fault::Unfollowed`] when the account is
/// as asked and its sessions are not yet.
pub async fn enable(identity: &Identity, account: AccountId, by: By<'_>) -> Result<Changed, Fault> {
    change(identity, account, Edit::Enable, by).await
}

/// Ends every session of the account and lets nobody sign in to it.
///
/// # Errors
/// As [`enable`].
pub async fn disable(
    identity: &Identity,
    account: AccountId,
    by: By<'_>,
) -> Result<Changed, Fault> {
    change(identity, account, Edit::Disable, by).await
}

/// Gives the account a role; its sessions have it at once.
///
/// # Errors
/// As [`enable`].
pub async fn grant_role(
    identity: &Identity,
    account: AccountId,
    role: &Role,
    by: By<'_>,
) -> Result<Changed, Fault> {
    change(identity, account, Edit::Grant(role), by).await
}

/// Takes a role from the account, and from its sessions at once.
///
/// # Errors
/// As [`enable`].
pub async fn revoke_role(
    identity: &Identity,
    account: AccountId,
    role: &Role,
    by: By<'_>,
) -> Result<Changed, Fault> {
    change(identity, account, Edit::Revoke(role), by).await
}

/// Ends every session of the account and forgets it. What it did stays in the audit trail.
///
/// # Errors
/// As [`enable`].
pub async fn delete(identity: &Identity, account: AccountId, by: By<'_>) -> Result<Changed, Fault> {
    change(identity, account, Edit::Delete, by).await
}

/// What is to be different.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Edit<'a> {
    Enable,
    Disable,
    Grant(&'a Role),
    Revoke(&'a Role),
    Delete,
    /// Set by an operator.
    SetPassword(&'a PasswordHash),
    /// Changed by the person, in this session.
    ChangePassword(&'a PasswordHash, &'a SessionKey),
    Details(&'a Details),
    /// Proven by a code, at this time.
    VerifyEmail(Timestamp),
    /// Chosen by somebody who forgot the old one and proved the address, at this time.
    RecoverPassword(&'a PasswordHash, Timestamp),
    /// Changed by the person, and when it was proven, if it was.
    Email(&'a EmailAddress, Option<Timestamp>),
    /// Confirmed by a code, at this time.
    TurnOnTwoFactor(Timestamp),
    /// By the person, in this session.
    TurnOffTwoFactor(&'a SessionKey),
    /// By an operator.
    ResetTwoFactor,
}

impl Edit<'_> {
    fn is_done(self, account: &Account) -> bool {
        match self {
            Self::Enable => account.enabled,
            Self::Disable => !account.enabled,
            Self::Grant(role) => account.has_role(role.as_str()),
            Self::Revoke(role) => !account.has_role(role.as_str()),
            Self::TurnOnTwoFactor(_) => account.mfa_enabled(),
            Self::TurnOffTwoFactor(_) | Self::ResetTwoFactor => !account.mfa_enabled(),
            Self::VerifyEmail(_) => account.email_verified,
            Self::Delete
            | Self::SetPassword(_)
            | Self::ChangePassword(..)
            | Self::RecoverPassword(..)
            | Self::Email(..)
            | Self::Details(_) => false,
        }
    }

    fn unmakes_admin(self) -> bool {
        match self {
            Self::Disable | Self::Delete => true,
            Self::Revoke(role) => role.as_str() == ADMIN,
            _ => false,
        }
    }

    async fn write(self, transaction: &DatabaseTransaction, id: AccountId) -> Result<(), Fault> {
        let columns = match self {
            Self::Delete => return accounts::delete(transaction, id).await,
            Self::Enable => Columns::Enabled,
            Self::Disable => Columns::Disabled,
            Self::SetPassword(hash) | Self::ChangePassword(hash, _) => Columns::Password(hash),
            Self::Details(details) => Columns::Details(details),
            Self::VerifyEmail(at) => Columns::Verified(at),
            Self::RecoverPassword(hash, at) => Columns::Recovered(hash, at),
            Self::Email(address, at) => Columns::Email(address, at),
            Self::TurnOnTwoFactor(at) => Columns::TwoFactor(Some(at)),
            Self::TurnOffTwoFactor(_) | Self::ResetTwoFactor => {
                second_factor::forget(transaction, id).await?;
                Columns::TwoFactor(None)
            }
            Self::Grant(role) => {
                accounts::add_role(transaction, id, role).await?;
                Columns::None
            }
            Self::Revoke(role) => {
                accounts::remove_role(transaction, id, role).await?;
                Columns::None
            }
        };
        accounts::update(transaction, id, columns).await
    }

    /// What becomes of the sessions there are.
    fn before(self) -> Before {
        match self {
            Self::Disable => Before::End(Ended::Disabled),
            Self::Delete => Before::End(Ended::Deleted),
            Self::SetPassword(_) | Self::ChangePassword(..) | Self::RecoverPassword(..) => {
                Before::End(Ended::PasswordChanged)
            }
            // They may have shown a factor that the account has no more.
            Self::TurnOffTwoFactor(_) | Self::ResetTwoFactor => Before::End(Ended::Revoked),
            Self::Enable
            | Self::Grant(_)
            | Self::Revoke(_)
            | Self::VerifyEmail(_)
            | Self::Email(..)
            | Self::TurnOnTwoFactor(_)
            | Self::Details(_) => Before::GoOn,
        }
    }

    /// Whether API keys from before are good no more: somebody else may have had the account, and made them.
    fn revokes_keys(self) -> bool {
        matches!(self, Self::RecoverPassword(..))
    }

    /// The one session that does not end.
    fn spares(&self) -> Option<&SessionKey> {
        match self {
            Self::ChangePassword(_, own) | Self::TurnOffTwoFactor(own) => Some(own),
            _ => None,
        }
    }

    fn event(self) -> Event {
        match self {
            Self::Enable => Event::AccountEnabled,
            Self::Disable => Event::AccountDisabled,
            Self::Grant(role) => Event::RoleGranted(role.clone()),
            Self::Revoke(role) => Event::RoleRevoked(role.clone()),
            Self::Delete => Event::AccountDeleted,
            Self::SetPassword(_) => Event::PasswordSet,
            Self::ChangePassword(..) => Event::PasswordChanged,
            Self::Details(_) => Event::ProfileUpdated,
            Self::VerifyEmail(_) => Event::EmailVerified,
            Self::RecoverPassword(..) => Event::RecoverySuccess,
            Self::Email(..) => Event::EmailChanged,
            Self::TurnOnTwoFactor(_) => Event::TwoFactorEnabled,
            Self::TurnOffTwoFactor(_) => Event::TwoFactorDisabled,
            Self::ResetTwoFactor => Event::TwoFactorReset,
        }
    }
}

async fn change(
    identity: &Identity,
    account: AccountId,
    edit: Edit<'_>,
    by: By<'_>,
) -> Result<Changed, Fault> {
    let transaction = identity.database.write().await?;
    let changed = write(identity, &transaction, (account, edit), by).await?;
    match &changed {
        Changed::Done(_) => transaction.commit().await?,
        Changed::Already(_) | Changed::NotFound | Changed::LastAdmin => {
            transaction.rollback().await?;
        }
    }
    bring_in_line(identity, &changed, (account, edit), by).await?;
    Ok(changed)
}

/// The first half: the account's rows, in a transaction that the caller commits if it is [`Changed::Done`].
pub(crate) async fn write(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    (id, edit): (AccountId, Edit<'_>),
    by: By<'_>,
) -> Result<Changed, Fault> {
    let Some(before) = accounts::find(transaction, id).await? else {
        return Ok(Changed::NotFound);
    };
    if edit.is_done(&before) {
        return Ok(Changed::Already(before));
    }
    let was_admin = before.is_working_admin();
    if was_admin
        && edit.unmakes_admin()
        && accounts::count_admins(transaction, Some(id)).await? == 0
    {
        return Ok(Changed::LastAdmin);
    }
    edit.write(transaction, id).await?;
    note(transaction, id, before.version + 1, edit.before()).await?;
    tell::tell(identity, transaction, (&before, edit), by).await?;
    if edit.revokes_keys() {
        api_key::revoke_all_in(identity, transaction, id, by).await?;
    }
    let after = accounts::find(transaction, id).await?;
    Ok(Changed::Done(after.unwrap_or(before)))
}

/// The second half, once the first is committed: the sessions, then the audit trail.
pub(crate) async fn bring_in_line(
    identity: &Identity,
    changed: &Changed,
    (account, edit): (AccountId, Edit<'_>),
    by: By<'_>,
) -> Result<(), Fault> {
    match changed {
        Changed::Done(_) => {
            let followed = sessions(identity, account, edit).await;
            // It is done, whatever becomes of the sessions for now.
            let event = edit.event();
            identity.audit.record(&event, Some(account), by).await?;
            followed
        }
        Changed::Already(_) | Changed::NotFound => follow(identity, account, edit.spares())
            .await
            .map_err(Fault::unfollowed),
        Changed::LastAdmin => Ok(()),
    }
}

async fn sessions(identity: &Identity, account: AccountId, edit: Edit<'_>) -> Result<(), Fault> {
    let followed = follow(identity, account, edit.spares()).await;
    followed.map_err(Fault::unfollowed)?;
    if edit.revokes_keys() {
        let finished = api_key::finish_of(identity, Some(account)).await;
        finished.map_err(Fault::unfollowed)?;
    }
    Ok(())
}
