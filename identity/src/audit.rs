//! The audit trail: what happened to accounts, in the order it happened.
//!
//! Owns the events, their names and the table they are kept in; each also goes to the log at target `audit`. Rows are
//! only ever added. Must never be told a password, a token, or what was typed where a name was expected.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::database::entity::audit;
use crate::database::{Database, DatabaseTransaction, in_time};
use crate::role::Role;
use crate::session::{Ended, KeyId};
use crate::{AccountId, Client, Clock, Fault};

/// One thing that happened. Its name is a promise to those who search for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Somebody signed in.
    SignInSuccess,
    /// Somebody was refused.
    SignInFailure(Failure),
    /// Somebody made an account for themselves.
    RegisterSuccess,
    /// Somebody tried to make an account with this one's address.
    RegisterAddressTaken,
    /// A code was mailed to prove the address of an account.
    EmailCodeSent,
    /// The address of an account was proven.
    EmailVerified,
    /// The person wants another address, and was mailed a code there.
    EmailChangeAsked,
    /// The account has another address.
    EmailChanged,
    /// A mailed code was wrong.
    MailedCodeWrong(CodeFor),
    /// Somebody who forgot a password asked for a code; whose it is was not looked up.
    RecoveryAsked,
    /// The code or link was right.
    RecoveryProven,
    /// A forgotten password was replaced.
    RecoverySuccess,
    /// The first admin was made with the setup link.
    SetupUsed,
    /// An operator invited somebody.
    InviteMade,
    /// Somebody made an account with an invitation.
    InviteUsed,
    /// An operator made an account.
    AccountAdded,
    /// An operator brought an account from another program.
    AccountImported,
    /// An account may be used again.
    AccountEnabled,
    /// An account may not be used any more.
    AccountDisabled,
    /// An operator lifted the waiting times of an account.
    AccountUnlocked,
    /// An account is gone.
    AccountDeleted,
    /// An account has a role that it had not.
    RoleGranted(Role),
    /// An account lost a role.
    RoleRevoked(Role),
    /// The person changed the password.
    PasswordChanged,
    /// An operator set the password.
    PasswordSet,
    /// The person could not say the password so far.
    PasswordChangeRefused,
    /// The person's own details changed.
    ProfileUpdated,
    /// An operator turned the keys that sign tokens.
    KeysRotated,
    /// A refresh token came a second time, and its session was ended.
    RefreshTokenReused,
    /// A session ended before its time.
    SessionEnded(Ended),
    /// The password was right, and the second factor was asked for.
    CodeAsked,
    /// Somebody who was signed in showed the second factor as well.
    SteppedUp,
    /// Somebody who was signed in came to another host, this one.
    HostReached(Box<str>),
    /// The person turned the second factor on.
    TwoFactorEnabled,
    /// The person turned the second factor off.
    TwoFactorDisabled,
    /// An operator turned the second factor off.
    TwoFactorReset,
    /// The person has new recovery codes; the old ones are void.
    RecoveryCodesMade,
    /// A recovery code took the place of the app.
    RecoveryCodeUsed,
    /// The person could not prove again who they are, before something that matters.
    ProofRefused,
    /// There is a new API key.
    ApiKeyMade(KeyId),
    /// An API key is good no more.
    ApiKeyRevoked(KeyId),
}

/// What a mailed code was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeFor {
    /// To prove the address of a new account.
    VerifyEmail,
    /// To replace a forgotten password.
    Recovery,
    /// To prove the new address of an account.
    EmailChange,
}

impl CodeFor {
    /// The word in the trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::Recovery => "recovery",
            Self::EmailChange => "email_change",
        }
    }
}

/// Why somebody was refused. Only the audit trail knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nobody has that name.
    UnknownName,
    /// The password is wrong.
    WrongPassword,
    /// The account has none.
    NoPassword,
    /// The account is disabled.
    Disabled,
    /// The account changed while the person signed in.
    Changed,
    /// The password was right, and the code is not.
    WrongCode,
    /// The password was right, and the code was used before.
    UsedCode,
}

impl Failure {
    /// The word in the trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownName => "unknown_name",
            Self::WrongPassword => "wrong_password",
            Self::NoPassword => "no_password",
            Self::Disabled => "disabled",
            Self::Changed => "changed",
            Self::WrongCode => "wrong_code",
            Self::UsedCode => "used_code",
        }
    }
}

impl Event {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignInSuccess => "sign_in.success",
            Self::SignInFailure(_) => "sign_in.failure",
            Self::RegisterSuccess => "register.success",
            Self::RegisterAddressTaken => "register.address_taken",
            Self::EmailCodeSent => "email.code_sent",
            Self::EmailVerified => "email.verified",
            Self::EmailChangeAsked => "email.change_asked",
            Self::EmailChanged => "email.changed",
            Self::MailedCodeWrong(_) => "code.wrong",
            Self::RecoveryAsked => "recovery.asked",
            Self::RecoveryProven => "recovery.proven",
            Self::RecoverySuccess => "recovery.success",
            Self::SetupUsed => "setup.used",
            Self::InviteMade => "invite.made",
            Self::InviteUsed => "invite.used",
            Self::AccountAdded => "account.added",
            Self::AccountImported => "account.imported",
            Self::AccountEnabled => "account.enabled",
            Self::AccountDisabled => "account.disabled",
            Self::AccountUnlocked => "account.unlocked",
            Self::AccountDeleted => "account.deleted",
            Self::RoleGranted(_) => "role.granted",
            Self::RoleRevoked(_) => "role.revoked",
            Self::PasswordChanged => "password.changed",
            Self::PasswordSet => "password.set",
            Self::PasswordChangeRefused => "password.change_refused",
            Self::ProfileUpdated => "profile.updated",
            Self::KeysRotated => "keys.rotated",
            Self::RefreshTokenReused => "token.reused",
            Self::SessionEnded(_) => "session.ended",
            Self::CodeAsked => "sign_in.code_asked",
            Self::SteppedUp => "sign_in.stepped_up",
            Self::HostReached(_) => "sign_in.host",
            Self::TwoFactorEnabled => "two_factor.enabled",
            Self::TwoFactorDisabled => "two_factor.disabled",
            Self::TwoFactorReset => "two_factor.reset",
            Self::RecoveryCodesMade => "two_factor.recovery_codes_made",
            Self::RecoveryCodeUsed => "two_factor.recovery_code_used",
            Self::ProofRefused => "account.proof_refused",
            Self::ApiKeyMade(_) => "api_key.made",
            Self::ApiKeyRevoked(_) => "api_key.revoked",
        }
    }

    /// Which role or key, where, or why.
    #[must_use]
    pub fn detail(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::SignInFailure(failure) => Some(Cow::Borrowed(failure.as_str())),
            Self::RoleGranted(role) | Self::RoleRevoked(role) => Some(Cow::Borrowed(role.as_str())),
            Self::MailedCodeWrong(purpose) => Some(Cow::Borrowed(purpose.as_str())),
            Self::SessionEnded(reason) => Some(Cow::Borrowed(reason.as_str())),
            Self::ApiKeyMade(id) | Self::ApiKeyRevoked(id) => Some(Cow::Borrowed(id.as_str())),
            Self::HostReached(host) => Some(Cow::Borrowed(host)),
            _ => None,
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// Somebody through the pages.
    Client(&'a Client),
    /// Somebody who may run commands on the machine.
    Command,
}

/// An event as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the trail; grows.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// [`Event::name`].
    pub event: String,
    /// [`Event::detail`].
    pub detail: Option<String>,
    /// Whom it is about.
    pub account: Option<AccountId>,
    /// From where; absent for commands.
    pub address: Option<IpAddr>,
    /// In which request; absent for commands.
    pub request_id: Option<String>,
}

/// Keeps the trail.
#[derive(Clone)]
pub struct Audit {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl Audit {
    pub(crate) fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// Adds an event about `account`, if it is known whom it is about.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when it cannot be kept. It is in the log all the same.
    pub async fn record(
        &self,
        event: &Event,
        account: Option<AccountId>,
        by: By<'_>,
    ) -> Result<(), Fault> {
        let transaction = self.database.write().await?;
        self.record_in(&transaction, event, account, by).await?;
        Ok(transaction.commit().await?)
    }

    /// As [`Audit::record`], together with what happened: in the log a moment before it did.
    pub(crate) async fn record_in(
        &self,
        transaction: &DatabaseTransaction,
        event: &Event,
        account: Option<AccountId>,
        by: By<'_>,
    ) -> Result<(), Fault> {
        let (address, request_id) = match by {
            By::Client(client) => (
                Some(client.address.to_string()),
                Some(client.request_id.clone()),
            ),
            By::Command => (None, None),
        };
        let detail = event.detail();
        tracing::info!(
            target: "audit",
            event = event.name(),
            detail = detail.as_deref(),
            account = account.map(tracing::field::display),
            address = address.as_deref(),
            request_id = request_id.as_deref(),
            by = if address.is_some() { "client" } else { "command" },
        );
        let row = audit::ActiveModel {
            at: Set(self.clock.now().as_millisecond()),
            event: Set(event.name().to_owned()),
            detail: Set(detail.map(Cow::into_owned)),
            account_id: Set(account.map(|id| id.as_bytes().to_vec())),
            address: Set(address),
            request_id: Set(request_id),
            ..Default::default()
        };
        audit::Entity::insert(row)
            .exec_without_returning(transaction)
            .await?;
        Ok(())
    }

    /// Adds what a command did to each of many accounts, in the transaction that does it. The log has one line for all.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when it cannot be kept.
    pub(crate) async fn add_all(
        &self,
        transaction: &DatabaseTransaction,
        event: &Event,
        accounts: &[AccountId],
    ) -> Result<(), Fault> {
        if accounts.is_empty() {
            return Ok(());
        }
        tracing::info!(
            target: "audit",
            event = event.name(),
            accounts = accounts.len(),
            by = "command",
        );
        let rows = accounts.iter().map(|id| audit::ActiveModel {
            at: Set(self.clock.now().as_millisecond()),
            event: Set(event.name().to_owned()),
            detail: Set(event.detail().map(Cow::into_owned)),
            account_id: Set(Some(id.as_bytes().to_vec())),
            address: Set(None),
            request_id: Set(None),
            ..Default::default()
        });
        audit::Entity::insert_many(rows)
            .exec_without_returning(transaction)
            .await?;
        Ok(())
    }

    /// The newest `count` events about an account, the newest first.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the database cannot be asked, [`Fault::Broken`] when a row is damaged.
    pub async fn list(&self, account: AccountId, count: u64) -> Result<Vec<Entry>, Fault> {
        let rows = audit::Entity::find()
            .filter(audit::Column::AccountId.eq(account.as_bytes().to_vec()))
            .order_by_desc(audit::Column::Id)
            .limit(count)
            .all(self.database.reads());
        in_time(rows).await?.into_iter().map(read).collect()
    }
}

/// Which part of the trail is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stretch {
    /// Only what is about this account.
    pub account: Option<AccountId>,
    /// Only what came after the entry with this id.
    pub after: i64,
}

impl Audit {
    /// At most `count` entries, the oldest first, from the beginning of the stretch.
    ///
    /// # Errors
    /// As [`Audit::list`].
    pub async fn page(&self, stretch: Stretch, count: u64) -> Result<Vec<Entry>, Fault> {
        let rows = stretch
            .rows()
            .order_by_asc(audit::Column::Id)
            .limit(count)
            .all(self.database.reads());
        in_time(rows).await?.into_iter().map(read).collect()
    }

    /// The newest `count` entries, the oldest first.
    ///
    /// # Errors
    /// As [`Audit::list`].
    pub async fn tail(&self, stretch: Stretch, count: u64) -> Result<Vec<Entry>, Fault> {
        let rows = stretch
            .rows()
            .order_by_desc(audit::Column::Id)
            .limit(count)
            .all(self.database.reads());
        in_time(rows).await?.into_iter().rev().map(read).collect()
    }
}

impl Stretch {
    fn rows(self) -> sea_orm::Select<audit::Entity> {
        let rows = audit::Entity::find().filter(audit::Column::Id.gt(self.after));
        match self.account {
            Some(id) => rows.filter(audit::Column::AccountId.eq(id.as_bytes().to_vec())),
            None => rows,
        }
    }
}

fn read(row: audit::Model) -> Result<Entry, Fault> {
    let damaged = || {
        Fault::broken(format!(
            "event {} of the audit trail cannot be read",
            row.id
        ))
    };
    Ok(Entry {
        id: row.id,
        at: Timestamp::from_millisecond(row.at).map_err(|_| damaged())?,
        account: row
            .account_id
            .as_deref()
            .map(|id| AccountId::from_bytes(id).ok_or_else(damaged))
            .transpose()?,
        address: row
            .address
            .as_deref()
            .map(|address| address.parse().map_err(|_| damaged()))
            .transpose()?,
        event: row.event,
        detail: row.detail,
        request_id: row.request_id,
    })
}
