//! What is to be said to whom. The words are found when it is delivered.

use serde::{Deserialize, Serialize};

use super::Asked;
use crate::codes::Issued;

/// A message before it has words.
#[derive(Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) to: Recipient,
    pub(crate) content: Content,
    /// Who asked for it; absent for commands.
    pub(crate) asked: Option<Asked>,
}

/// Who gets it.
#[derive(Serialize, Deserialize)]
pub(crate) enum Recipient {
    /// This address.
    Address(String),
    /// Whoever has an account with this address, at the address as it stands there. Nobody, if nobody may use one:
    /// so that nothing has to be looked up, and nothing can be told, while somebody waits for an answer.
    Owner(String),
}

/// What it says.
#[derive(Serialize, Deserialize)]
pub(crate) enum Content {
    /// The address of a new account is to be proven.
    Verify(Key),
    /// A password may be replaced.
    Recover(Key),
    /// Somebody tried to register with the address of an account.
    AddressTaken,
    /// There is another password.
    PasswordChanged,
    /// There is another address: told to the old one.
    EmailChanged { new: String },
    /// Signing in takes a code now, or does so no more.
    TwoFactor(Turned),
    /// An address is to become that of an account.
    ProveEmail(Key),
    /// A recovery code took the place of the app; so many are left.
    RecoveryCodeUsed { left: u64 },
    /// The person deleted the account.
    AccountDeleted,
    /// Somebody may make an account.
    Invite { token: String, until: i64 },
    /// There is a new API key, which its owner calls so.
    ApiKeyMade { name: String },
    /// Does mail work?
    Test,
}

/// Which way something was turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Turned {
    On,
    Off,
}

/// What lets somebody go on. Times are milliseconds since 1970.
#[derive(Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) code: String,
    pub(crate) link: String,
    pub(crate) until: i64,
}

impl From<Issued> for Key {
    fn from(issued: Issued) -> Self {
        Self {
            code: issued.code.as_str().to_owned(),
            link: issued.link.text(),
            until: issued.expires_at,
        }
    }
}

/// Kinds of messages; a closed set, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailKind {
    /// A code that proves the address of a new account.
    Verify,
    /// A code that lets a password be replaced.
    Recover,
    /// A note that somebody tried to register with a taken address.
    AddressTaken,
    /// A note that the password changed.
    PasswordChanged,
    /// A note that the address changed.
    EmailChanged,
    /// A note that the second factor was turned on or off.
    TwoFactorChanged,
    /// A code that proves the new address of an account.
    ProveEmail,
    /// A note that a recovery code was used.
    RecoveryCodeUsed,
    /// A note that the account is gone.
    AccountDeleted,
    /// An invitation.
    Invite,
    /// A note that there is a new API key.
    ApiKeyMade,
    /// A test.
    Test,
}

impl MailKind {
    /// Every variant, for metrics that start at zero.
    pub const ALL: [Self; 12] = [
        Self::Verify,
        Self::Recover,
        Self::AddressTaken,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::TwoFactorChanged,
        Self::ProveEmail,
        Self::RecoveryCodeUsed,
        Self::AccountDeleted,
        Self::Invite,
        Self::ApiKeyMade,
        Self::Test,
    ];

    /// The word in metrics and file names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Recover => "recover",
            Self::AddressTaken => "address_taken",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
            Self::TwoFactorChanged => "two_factor_changed",
            Self::ProveEmail => "prove_email",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::AccountDeleted => "account_deleted",
            Self::Invite => "invite",
            Self::ApiKeyMade => "api_key_made",
            Self::Test => "test",
        }
    }
}

impl Content {
    pub(crate) fn kind(&self) -> MailKind {
        match self {
            Self::Verify(_) => MailKind::Verify,
            Self::Recover(_) => MailKind::Recover,
            Self::AddressTaken => MailKind::AddressTaken,
            Self::PasswordChanged => MailKind::PasswordChanged,
            Self::EmailChanged { .. } => MailKind::EmailChanged,
            Self::TwoFactor(_) => MailKind::TwoFactorChanged,
            Self::ProveEmail(_) => MailKind::ProveEmail,
            Self::RecoveryCodeUsed { .. } => MailKind::RecoveryCodeUsed,
            Self::AccountDeleted => MailKind::AccountDeleted,
            Self::Invite { .. } => MailKind::Invite,
            Self::ApiKeyMade { .. } => MailKind::ApiKeyMade,
            Self::Test => MailKind::Test,
        }
    }

    /// When it is of no use any more, if ever.
    pub(crate) fn until(&self) -> Option<i64> {
        match self {
            Self::Verify(key) | Self::Recover(key) | Self::ProveEmail(key) => Some(key.until),
            Self::Invite { until, .. } => Some(*until),
            Self::AddressTaken
            | Self::PasswordChanged
            | Self::EmailChanged { .. }
            | Self::TwoFactor(_)
            | Self::RecoveryCodeUsed { .. }
            | Self::AccountDeleted
            | Self::ApiKeyMade { .. }
            | Self::Test => None,
        }
    }
}
