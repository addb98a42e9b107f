//! What goes with a change besides sessions: codes that were mailed before it are void, and the person is told of what
//! only they should do.

use super::Edit;
use crate::account::Account;
use crate::audit::By;
use crate::codes;
use crate::database::DatabaseTransaction;
use crate::mail::{self, Asked, Content, Letter, Recipient, Turned};
use crate::{EmailAddress, Fault, Identity};

/// In the transaction of the change; `before` is the account as it was.
pub(super) async fn tell(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    (before, edit): (&Account, Edit<'_>),
    by: By<'_>,
) -> Result<(), Fault> {
    if edit.voids_codes() {
        let address = EmailAddress::parse(&before.email)
            .map_err(|error| Fault::broken_by("an account's address is none", error))?;
        codes::void(transaction, before.id, address.canonical()).await?;
    }
    // An operator who deletes an account knows whom to tell.
    let by_command = matches!((edit, by), (Edit::Delete, By::Command));
    let Some(content) = edit.notice(before).filter(|_| !by_command) else {
        return Ok(());
    };
    let letter = Letter {
        to: Recipient::Address(before.email.clone()),
        content,
        asked: match by {
            By::Client(client) => Some(Asked::from(client)),
            By::Command => None,
        },
    };
    mail::push(identity, transaction, &letter).await
}

impl Edit<'_> {
    fn voids_codes(self) -> bool {
        match self {
            Self::Disable
            | Self::Delete
            | Self::SetPassword(_)
            | Self::ChangePassword(..)
            | Self::RecoverPassword(..)
            | Self::VerifyEmail(_)
            | Self::Email(..) => true,
            Self::Enable
            | Self::Grant(_)
            | Self::Revoke(_)
            | Self::Details(_)
            | Self::TurnOnTwoFactor(_)
            | Self::TurnOffTwoFactor(_)
            | Self::ResetTwoFactor => false,
        }
    }

    /// What to say to the address that the account had. An address that nobody proved may be a stranger's: it is told
    /// nothing, so that nobody can make us write to them.
    fn notice(self, before: &Account) -> Option<Content> {
        match self {
            Self::SetPassword(_) | Self::ChangePassword(..)
                if before.email_verified && before.has_password() =>
            {
                Some(Content::PasswordChanged)
            }
            // Whoever did that has just proven the address.
            Self::RecoverPassword(..) => Some(Content::PasswordChanged),
            Self::Email(new, _) if before.email_verified => Some(Content::EmailChanged {
                new: new.as_str().to_owned(),
            }),
            Self::TurnOnTwoFactor(_) if before.email_verified => {
                Some(Content::TwoFactor(Turned::On))
            }
            Self::Delete if before.email_verified => Some(Content::AccountDeleted),
            Self::TurnOffTwoFactor(_) | Self::ResetTwoFactor if before.email_verified => {
                Some(Content::TwoFactor(Turned::Off))
            }
            _ => None,
        }
    }
}
