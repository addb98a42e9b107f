//! An account: what is known of one person.
//!
//! Owns [`Account`] and how it is put together from its rows. Must not know who asks.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::database::entity::{account, account_role};
use crate::password::{PasswordHash, Person};
use crate::role::ADMIN;
use crate::session::Rights;
use crate::{AccountId, Fault};

/// One person's account, as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id, which never changes.
    pub id: AccountId,
    /// Raised by one with every change.
    pub version: u64,
    /// As the person wrote it; without one the person is known by the e-mail.
    pub username: Option<String>,
    /// As the person wrote it, verified or not.
    pub email: String,
    /// Whether the address was proven to be the person's.
    pub email_verified: bool,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
    /// If it was said.
    pub date_of_birth: Option<Date>,
    /// Sorted.
    pub roles: Vec<String>,
    /// Whether the person may sign in.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when the person is asked for a second factor; absent: they are not.
    pub two_factor_since: Option<Timestamp>,
    /// Absent: nobody can sign in with a password.
    pub(crate) password_hash: Option<PasswordHash>,
}

impl Account {
    /// What the upstream is told as the user: the username, or the e-mail where there is none.
    #[must_use]
    pub fn user(&self) -> &str {
        self.username.as_deref().unwrap_or(&self.email)
    }

    /// The address, if it was proven.
    #[must_use]
    pub fn verified_email(&self) -> Option<&str> {
        self.email_verified.then_some(self.email.as_str())
    }

    /// First and last name; may be empty.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
            .trim()
            .to_owned()
    }

    /// What its sessions may do, and under which names.
    #[must_use]
    pub fn rights(&self) -> Rights {
        Rights {
            user: self.user().to_owned(),
            email: self.verified_email().map(str::to_owned),
            name: self.name(),
            roles: self.roles.clone(),
            generation: self.version,
        }
    }

    /// Whether it may administer, now.
    #[must_use]
    pub fn is_working_admin(&self) -> bool {
        self.enabled && self.has_role(ADMIN)
    }

    /// Whether it has this role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|had| had == role)
    }

    /// Whether somebody can sign in to it with a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.password_hash.is_some()
    }

    /// Whether signing in takes a second factor.
    #[must_use]
    pub fn mfa_enabled(&self) -> bool {
        self.two_factor_since.is_some()
    }

    pub(crate) fn person(&self) -> Person<'_> {
        Person {
            username: self.username.as_deref().unwrap_or_default(),
            email: &self.email,
            first_name: &self.first_name,
            last_name: &self.last_name,
        }
    }

    /// # Errors
    /// [`Fault::Broken`] when the row is damaged.
    pub(crate) fn read(
        row: account::Model,
        roles: Vec<account_role::Model>,
    ) -> Result<Self, Fault> {
        let mut roles: Vec<String> = roles.into_iter().map(|row| row.role).collect();
        roles.sort_unstable();
        Ok(Self {
            id: AccountId::from_bytes(&row.id).ok_or_else(|| damaged("id"))?,
            version: u64::try_from(row.version).map_err(|_| damaged("version"))?,
            username: row.username,
            email: row.email,
            email_verified: row.email_verified_at.is_some(),
            first_name: row.first_name,
            last_name: row.last_name,
            date_of_birth: row
                .date_of_birth
                .map(|date| date.parse().map_err(|_| damaged("date_of_birth")))
                .transpose()?,
            roles,
            enabled: row.enabled,
            created_at: time(row.created_at)?,
            two_factor_since: row.two_factor_at.map(time).transpose()?,
            password_hash: row.password_hash.map(PasswordHash::stored),
        })
    }
}

fn time(milliseconds: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| damaged("time"))
}

fn damaged(what: &str) -> Fault {
    Fault::broken(format!(
        "an account's {what} in the database cannot be read"
    ))
}
