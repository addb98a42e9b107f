//! What a session is made of.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Family, Grant, SessionKey, Token};
use crate::AccountId;

/// A session as the store keeps it. `last_seen` is kept beside it, because that changes all the time
/// and nobody needs to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose session it is.
    pub account: AccountId,
    /// What the upstream is told as the user: the username, or the e-mail where there is none.
    pub user: String,
    /// The e-mail, only if it is verified.
    pub email: Option<String>,
    /// The name for people to read; may be empty.
    pub name: String,
    /// Roles, sorted.
    pub roles: Vec<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it ends whatever happens.
    pub ends_at: Timestamp,
    /// Whether "stay signed in" was asked for; then no idle end applies.
    pub remembered: Remembered,
    /// How it was proven.
    pub amr: Vec<Amr>,
    /// When it was proven.
    pub auth_time: Timestamp,
    /// The browser's `User-Agent`, bounded.
    pub device: String,
    /// Where it was opened from.
    pub address: IpAddr,
    /// The account's version that the rights above were taken from; rewrites only ever raise it.
    pub generation: u64,
    /// What an API key gives; absent in the session of a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Box<Grant>>,
    /// Which sessions it ends with; absent, it is alone, or the first of its sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Box<Family>>,
}

/// Whether "stay signed in" was ticked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remembered {
    /// The session lives for `session.remember` and survives the browser.
    Yes,
    /// The session lives for `session.absolute` at most, and ends when idle.
    No,
}

/// How a person was authenticated (RFC 8176).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Amr {
    /// A password.
    #[serde(rename = "pwd")]
    Password,
    /// A one-time code from an authenticator app, or a recovery code.
    #[serde(rename = "otp")]
    OneTimeCode,
    /// An API key. (Not registered: a program's secret is none of the methods there.)
    #[serde(rename = "key")]
    ApiKey,
}

impl Amr {
    /// The registered value, as in a token's `amr` claim.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::OneTimeCode => "otp",
            Self::ApiKey => "key",
        }
    }
}

/// What a session is opened with.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Whose it will be.
    pub account: AccountId,
    /// What it may do, and under which names.
    pub rights: Rights,
    /// How long it lives at most.
    pub life: Duration,
    /// Whether it outlives the browser.
    pub remembered: Remembered,
    /// How it was proven.
    pub amr: Vec<Amr>,
    /// When, if that was before now.
    pub auth_time: Option<Timestamp>,
    /// The sign-in that it goes on, if it is not one of its own.
    pub family: Option<Family>,
    /// The browser's `User-Agent`.
    pub device: String,
    /// Where it is opened from.
    pub address: IpAddr,
}

/// The part of a record that follows the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// What the upstream is told as the user.
    pub user: String,
    /// The e-mail, only if verified.
    pub email: Option<String>,
    /// The name for people to read.
    pub name: String,
    /// Roles.
    pub roles: Vec<String>,
    /// The account's version these were read at.
    pub generation: u64,
}

impl Rights {
    /// Puts these rights into a record. Says no when the record already has the same or newer ones.
    pub(super) fn apply_to(&self, record: &mut Record) -> Applied {
        if record.generation >= self.generation {
            return Applied::AlreadyNewer;
        }
        let mut roles = self.roles.clone();
        roles.sort_unstable();
        record.user.clone_from(&self.user);
        record.email.clone_from(&self.email);
        record.name.clone_from(&self.name);
        record.roles = roles;
        record.generation = self.generation;
        Applied::Yes
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    Yes,
    AlreadyNewer,
}

/// A session that was just opened: the only moment the token exists outside the browser.
#[derive(Clone, Debug)]
pub struct Opened {
    /// For the cookie.
    pub token: Token,
    /// Its name in the stores.
    pub key: SessionKey,
    /// What was stored.
    pub record: Record,
}

/// A session as the store answered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The record.
    pub record: Record,
    /// When it was last used, to about a minute.
    pub last_seen: Timestamp,
}

impl Snapshot {
    /// When this session ends if it is not used again: the idle end unless remembered, never after `ends_at`.
    #[must_use]
    pub fn ends(&self, idle: Duration) -> Timestamp {
        match self.record.remembered {
            Remembered::Yes => self.record.ends_at,
            Remembered::No => self
                .last_seen
                .checked_add(idle)
                .map_or(self.record.ends_at, |idle_end| {
                    idle_end.min(self.record.ends_at)
                }),
        }
    }
}

/// Why a session ended; a closed set, for counters and the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The person signed out.
    Logout,
    /// Someone ended it: the person from another device, or an operator.
    Revoked,
    /// A new sign-in in the same browser took its place.
    Replaced,
    /// The account was disabled.
    Disabled,
    /// The account was deleted.
    Deleted,
    /// The password changed.
    PasswordChanged,
    /// Its time was over, idle or absolute.
    Expired,
}

impl Ended {
    /// Every variant, for metrics that start at zero.
    pub const ALL: [Self; 7] = [
        Self::Logout,
        Self::Revoked,
        Self::Replaced,
        Self::Disabled,
        Self::Deleted,
        Self::PasswordChanged,
        Self::Expired,
    ];

    /// The word in metrics and audit events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
            Self::PasswordChanged => "password_changed",
            Self::Expired => "expired",
        }
    }
}
