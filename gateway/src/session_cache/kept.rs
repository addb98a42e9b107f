//! What is remembered of a session's record: what requests need, in half the room.

use doorward_identity::AccountId;
use doorward_identity::assertion::Subject;
use doorward_identity::session::{Amr, Family, Record, Remembered};
use jiff::Timestamp;

use crate::headers::Named;
use crate::policy::{Person, Reach};

/// A record without what only lists of devices show.
pub(super) struct Kept {
    pub(super) account: AccountId,
    user: Box<str>,
    email: Option<Box<str>>,
    name: Box<str>,
    roles: Box<[String]>,
    amr: Box<[Amr]>,
    /// Milliseconds since 1970 UTC, as all moments here.
    auth_time: i64,
    pub(super) ends_at: i64,
    pub(super) family: Option<Box<Family>>,
    pub(super) remembered: Remembered,
}

impl Kept {
    pub(super) fn new(record: Record) -> Self {
        let mut roles = record.roles;
        for role in &mut roles {
            role.shrink_to_fit();
        }
        Self {
            account: record.account,
            user: record.user.into(),
            email: record.email.map(Into::into),
            name: record.name.into(),
            roles: roles.into(),
            amr: record.amr.into(),
            auth_time: record.auth_time.as_millisecond(),
            ends_at: record.ends_at.as_millisecond(),
            family: record.family,
            remembered: record.remembered,
        }
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// As the rules see them.
    pub(super) fn person<'a>(&'a self, reach: Reach<'a>) -> Person<'a> {
        Person {
            user: &self.user,
            verified_email: self.email.as_deref(),
            roles: &self.roles,
            amr: &self.amr,
            reach,
        }
    }

    /// As upstreams are told.
    pub(super) fn named(&self) -> Named<'_> {
        Named {
            account: self.account,
            user: &self.user,
            email: self.email.as_deref(),
            name: &self.name,
            roles: &self.roles,
        }
    }

    /// As assertions speak of them.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            account: self.account,
            user: &self.user,
            email: self.email.as_deref(),
            roles: &self.roles,
            amr: &self.amr,
            auth_time: Timestamp::from_millisecond(self.auth_time).unwrap_or_default(),
        }
    }

    /// What it points to, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let roles = self
            .roles
            .iter()
            .map(|role| size_of::<String>() + role.capacity());
        let family = self.family.as_ref().map_or(0, |family| family.bytes());
        self.user.len()
            + self.email.as_ref().map_or(0, |email| email.len())
            + self.name.len()
            + roles.sum::<usize>()
            + self.amr.len()
            + family
    }
}
