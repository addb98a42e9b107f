//! What a row must be to become an account.

use doorward_config::{Live, UsernameRule};
use jiff::Timestamp;

use super::row::Row;
use crate::accounts::{Draft, Newcomer};
use crate::form::{Problems, Profile};
use crate::role::{self, Role};
use crate::{AccountId, Identity};

/// Checks rows, one after the other.
pub(super) struct Check<'a> {
    identity: &'a Identity,
    now: Timestamp,
    default_roles: Vec<Role>,
    domain: Option<&'a str>,
    number: u32,
}

impl<'a> Check<'a> {
    /// Those without an address are taken to have one of their username at `domain`.
    pub(super) fn new(identity: &'a Identity, live: &Live, domain: Option<&'a str>) -> Self {
        Self {
            identity,
            now: identity.clock.now(),
            default_roles: role::defaults(live),
            domain,
            number: 0,
        }
    }

    /// # Errors
    /// Everything that is wrong with the row, each with its column.
    pub(super) fn check(&mut self, row: &Row) -> Result<Newcomer, Vec<String>> {
        self.number = self.number.wrapping_add(1);
        let mut problems = Problems::default();
        let username = problems.username(&row.username, UsernameRule::Optional);
        let email = match self.domain {
            Some(domain) if row.email.is_empty() && !row.username.is_empty() => {
                problems.email(&format!("{}@{domain}", row.username))
            }
            _ => problems.email(&row.email),
        };
        let profile = Profile {
            first_name: &row.first_name,
            last_name: &row.last_name,
            date_of_birth: &row.date_of_birth,
        };
        let details = problems.profile(profile, self.now);
        let mut reasons: Vec<_> = problems
            .into_vec()
            .into_iter()
            .map(|problem| format!("{}: {}", problem.field.as_str(), problem.text))
            .collect();
        let mut note = |column: &str, error: &dyn ToString| {
            reasons.push(format!("{column}: {}.", error.to_string()));
        };
        let password_hash = match row.password_hash.as_str() {
            "" => None,
            text => self
                .identity
                .passwords
                .take_over(text)
                .map_err(|error| note("password_hash", &error))
                .ok(),
        };
        let roles = self
            .roles(row)
            .map_err(|error| note("roles", &error))
            .unwrap_or_default();
        match (email, details) {
            (Some(email), Some(details)) if reasons.is_empty() => Ok(Newcomer {
                draft: Draft {
                    id: AccountId::numbered(self.now, self.number, &*self.identity.random),
                    username,
                    email,
                    email_verified_at: row.email_verified.then_some(self.now),
                    details,
                    password_hash,
                    roles,
                    created_at: self.now,
                },
                disabled: row.disabled,
            }),
            _ => Err(reasons),
        }
    }

    /// # Errors
    /// The first that is no role, by its name: it may be one of many.
    fn roles(&self, row: &Row) -> Result<Vec<Role>, String> {
        let Some(roles) = &row.roles else {
            return Ok(self.default_roles.clone());
        };
        let mut roles = roles
            .iter()
            .map(|role| Role::parse(role).map_err(|why| format!("`{role}` is not a role: {why}")))
            .collect::<Result<Vec<_>, _>>()?;
        roles.sort_unstable();
        roles.dedup();
        Ok(roles)
    }
}
