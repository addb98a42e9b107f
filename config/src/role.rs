//! Roles: words that rules ask for and upstreams are told.
//!
//! Owns what may be one, for the file, for accounts and for whatever is typed. Must not know who has which.

use std::fmt;

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
    /// The role of those who may administer Doorward itself.
    pub const ADMIN: &str = "admin";

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

    /// [`Role::ADMIN`].
    #[must_use]
    pub fn admin() -> Self {
        Self(Self::ADMIN.to_owned())
    }

    /// The role of an account where nobody said another.
    pub(crate) fn user() -> Self {
        Self("user".to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_what_is_none() {
        for text in ["admin", "a", "site-1_x", &"r".repeat(32)] {
            assert_eq!(Role::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "Admin",
            "a,b",
            "a b",
            "a:b",
            "a.b",
            "a/b",
            "ä",
            "a\0",
            &"r".repeat(33),
        ] {
            assert_eq!(Role::parse(text), Err(NotARole), "{text:?}");
        }
    }
}
