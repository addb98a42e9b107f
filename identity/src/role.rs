//! Roles: words that rules ask for and upstreams are told.

use std::fmt;

use doorward_config::Live;

use crate::Fault;

/// The role of those who may administer Doorward itself.
pub const ADMIN: &str = "admin";

/// Longest role, in characters.
const LENGTH: usize = 32;

/// A role: 1 to 32 of `a-z`, `0-9`, `_` and `-`, so that a list of them can be joined by any separator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(String);

/// The text is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is 1 to 32 of a-z, 0-9, _ and -")]
pub struct NotARole;

impl Role {
    /// Reads a role.
    ///
    /// # Errors
    /// [`NotARole`], which says what a role is.
    pub fn parse(text: &str) -> Result<Self, NotARole> {
        let fits = (1..=LENGTH).contains(&text.len());
        if fits
            && text
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotARole)
        }
    }

    /// [`ADMIN`].
    #[must_use]
    pub fn admin() -> Self {
        Self(ADMIN.to_owned())
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The roles that a new account starts with, each once.
///
/// # Errors
/// [`Fault::Broken`] when the configuration holds something else; it is checked when it is loaded.
pub(crate) fn defaults(live: &Live) -> Result<Vec<Role>, Fault> {
    let mut roles = live
        .registration
        .default_roles
        .iter()
        .map(|role| Role::parse(role))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            Fault::broken_by("registration.default_roles holds something else", error)
        })?;
    roles.sort_unstable();
    roles.dedup();
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_what_is_none() {
        for text in ["admin", "a", "site-1_x", &"r".repeat(32)] {
            assert_eq!(Role::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "Admin", "a,b", "a b", "ä", "a\0", &"r".repeat(33)] {
            assert_eq!(Role::parse(text), Err(NotARole), "{text:?}");
        }
    }
}
