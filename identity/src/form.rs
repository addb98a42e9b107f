//! What was typed into a form that makes or changes an account, and what is wrong with it.
//!
//! Owns the fields, their checks and the words beside them. Must not know how a form looks.

use doorward_config::{PasswordPolicy, Registration, UsernameRule};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use unicode_normalization::UnicodeNormalization;

use crate::invite::Invitation;
use crate::name::{EmailAddress, NameFault, Username};
use crate::password::{Password, Person, judge};

/// Longest first or last name, in characters.
const PERSON_NAME: usize = 100;
/// Nobody who signs in was born before.
const FIRST_YEAR: i16 = 1900;

/// A field of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// `username`
    Username,
    /// `email`
    Email,
    /// `password`
    Password,
    /// `first_name`
    FirstName,
    /// `last_name`
    LastName,
    /// `date_of_birth`
    DateOfBirth,
}

impl Field {
    /// Its name in forms and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::Password => "password",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::DateOfBirth => "date_of_birth",
        }
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which field.
    pub field: Field,
    /// What to say beside it: a sentence for the person.
    pub text: String,
}

impl Problem {
    pub(crate) fn new(field: Field, text: impl Into<String>) -> Self {
        Self {
            field,
            text: text.into(),
        }
    }

    /// Somebody else has that username.
    pub(crate) fn username_taken() -> Self {
        Self::new(Field::Username, "This username is taken.")
    }

    /// Somebody else has that address.
    pub(crate) fn email_taken() -> Self {
        Self::new(
            Field::Email,
            "There is already an account with this address.",
        )
    }
}

/// Collects what is wrong while fields are read one after the other.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// The value, or a note of what is wrong with it.
    pub(crate) fn take<T, E: ToString>(&mut self, field: Field, read: Result<T, E>) -> Option<T> {
        read.map_err(|fault| self.0.push(Problem::new(field, fault.to_string())))
            .ok()
    }

    /// The username; `None` is fine only where it is optional.
    pub(crate) fn username(&mut self, typed: &str, rule: UsernameRule) -> Option<Username> {
        match Username::parse(typed) {
            Err(NameFault::Empty) if rule == UsernameRule::Optional => None,
            read => self.take(Field::Username, read),
        }
    }

    /// A username that a stranger may take.
    pub(crate) fn free_username(&mut self, typed: &str, rules: &Registration) -> Option<Username> {
        let name = self.username(typed, rules.username)?;
        if rules
            .reserved_names
            .iter()
            .any(|reserved| name.resembles(reserved))
        {
            self.0.push(Problem::username_taken());
            return None;
        }
        Some(name)
    }

    pub(crate) fn email(&mut self, typed: &str) -> Option<EmailAddress> {
        self.take(Field::Email, EmailAddress::parse(typed))
    }

    /// An address that a stranger may come with.
    pub(crate) fn free_email(&mut self, typed: &str, rules: &Registration) -> Option<EmailAddress> {
        let address = self.email(typed)?;
        let domain = address.canonical().rsplit('@').next().unwrap_or_default();
        let allowed = &rules.allowed_domains;
        if allowed.is_empty() || allowed.iter().any(|allowed| allowed == domain) {
            return Some(address);
        }
        let domains = allowed.join(", ");
        let text = format!("Only addresses at {domains} can have an account here.");
        self.0.push(Problem::new(Field::Email, text));
        None
    }

    /// The address of somebody who was invited: whatever domains are allowed, it is that one.
    pub(crate) fn invited_email(
        &mut self,
        typed: &str,
        invitation: &Invitation,
    ) -> Option<EmailAddress> {
        let address = self.email(typed)?;
        if address.canonical() == invitation.address.canonical() {
            return Some(address);
        }
        self.0.push(invitation.another_address());
        None
    }

    pub(crate) fn password(
        &mut self,
        typed: &str,
        person: Person<'_>,
        policy: PasswordPolicy,
    ) -> Option<Password> {
        self.take(Field::Password, judge(typed, person, policy))
    }

    pub(crate) fn profile(&mut self, typed: Profile<'_>, now: Timestamp) -> Option<Details> {
        let first_name = self.take(Field::FirstName, person_name(typed.first_name));
        let last_name = self.take(Field::LastName, person_name(typed.last_name));
        let date_of_birth = self.take(Field::DateOfBirth, birth(typed.date_of_birth, now));
        Some(Details {
            first_name: first_name?,
            last_name: last_name?,
            date_of_birth: date_of_birth?,
        })
    }

    /// Everything that was noted.
    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

/// What a person may say about themselves, as typed; empty is not said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Profile<'a> {
    /// First name.
    pub first_name: &'a str,
    /// Last name.
    pub last_name: &'a str,
    /// `YYYY-MM-DD`.
    pub date_of_birth: &'a str,
}

/// What a person says about themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Details {
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) date_of_birth: Option<Date>,
}

fn person_name(typed: &str) -> Result<String, &'static str> {
    let name: String = typed.trim().nfc().collect();
    if name.chars().count() > PERSON_NAME {
        return Err("At most 100 characters.");
    }
    // A plain space is the one kind of white space that names have.
    if name.chars().any(|c| c != ' ' && crate::name::is_unseen(c)) {
        return Err("Letters and spaces only.");
    }
    Ok(name)
}

fn birth(typed: &str, now: Timestamp) -> Result<Option<Date>, &'static str> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let date = Date::strptime("%Y-%m-%d", typed).map_err(|_| "A date like 1990-12-31.")?;
    let today = now.to_zoned(TimeZone::UTC).date();
    if date >= today || date.year() < FIRST_YEAR {
        return Err("A day in the past.");
    }
    Ok(Some(date))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, ManualClock};

    #[test]
    fn dates_of_birth() {
        let now = ManualClock::default().now();
        assert_eq!(birth("", now), Ok(None));
        assert_eq!(
            birth(" 1990-02-28 ", now).unwrap().unwrap().to_string(),
            "1990-02-28"
        );
        assert!(birth("2025-12-31", now).is_ok());
        for typed in [
            "2026-01-01",
            "2027-05-05",
            "1899-12-31",
            "1990-02-30",
            "28.02.1990",
            "1990-2-3x",
            "yesterday",
        ] {
            assert!(birth(typed, now).is_err(), "{typed}");
        }
    }

    #[test]
    fn names_of_people() {
        for typed in ["", "Anna", "Anna Maria", "O'Brien-Ōe", "李"] {
            assert_eq!(person_name(typed).unwrap(), typed);
        }
        assert_eq!(person_name("  Anna ").unwrap(), "Anna");
        for typed in ["a\nb", "a\u{202e}b", "a\0"] {
            assert!(person_name(typed).is_err(), "{typed:?}");
        }
        assert!(person_name(&"x".repeat(101)).is_err());
    }
}
