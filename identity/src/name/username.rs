//! Usernames.

use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

use super::NameFault;
use super::fold::{canonical, check_scripts, is_foreign_letter, is_unseen};

/// Longest username, in characters, as shown and as compared.
const LENGTH: usize = 64;

/// A username: never holds an `@`, so it can never be somebody's e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    shown: String,
    canonical: String,
}

impl Username {
    /// Reads what was typed; white space around it does not count.
    ///
    /// # Errors
    /// [`NameFault`]: its text says what to change.
    pub fn parse(typed: &str) -> Result<Self, NameFault> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(NameFault::Empty);
        }
        // Four bytes a character at most: nothing longer needs to be looked at.
        if typed.len() > LENGTH * 4 {
            return Err(NameFault::UsernameTooLong);
        }
        if typed.chars().any(is_unseen) {
            return Err(NameFault::UsernameCharacter);
        }
        let shown: String = typed.nfkc().collect();
        let canonical = canonical(&shown);
        for form in [&shown, &canonical] {
            if form.chars().count() > LENGTH {
                return Err(NameFault::UsernameTooLong);
            }
            check_characters(form)?;
            check_scripts(form)?;
        }
        Ok(Self { shown, canonical })
    }

    /// As the person wrote it, in NFKC.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// As it is compared and kept unique.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Whether it is `other` or could be taken for it (UTS #39 §4), whatever the case.
    #[must_use]
    pub fn resembles(&self, other: &str) -> bool {
        let other = canonical(other.trim());
        skeleton(&self.canonical).eq(skeleton(&other))
    }
}

fn check_characters(name: &str) -> Result<(), NameFault> {
    let begins_well = name.chars().next().is_some_and(char::is_alphanumeric);
    if begins_well && name.chars().all(may_stand) {
        Ok(())
    } else {
        Err(NameFault::UsernameCharacter)
    }
}

fn may_stand(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || is_foreign_letter(c)
}
