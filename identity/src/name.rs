//! What people are called: usernames and e-mail addresses, as shown and as compared.
//!
//! Owns the one rule by which two spellings are the same name. Must not know where names are stored: the unique
//! index on the canonical form is the database's.

mod email;
mod fold;
#[cfg(test)]
mod tests;
mod username;

pub use email::EmailAddress;
pub(crate) use fold::is_unseen;
pub use username::Username;

/// What somebody calls themselves when they sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Login {
    Email(EmailAddress),
    Username(Username),
    /// Neither: nobody can be called that. Lower case, for counting tries.
    Nobody(String),
}

impl Login {
    /// With an `@` it can only be an address, without one only a username.
    pub(crate) fn parse(typed: &str) -> Self {
        let named = if typed.contains('@') {
            EmailAddress::parse(typed).map(Self::Email)
        } else {
            Username::parse(typed).map(Self::Username)
        };
        named.unwrap_or_else(|_| Self::Nobody(typed.trim().to_lowercase()))
    }

    /// The same for all spellings of one name.
    pub(crate) fn canonical(&self) -> &str {
        match self {
            Self::Email(email) => email.canonical(),
            Self::Username(name) => name.canonical(),
            Self::Nobody(text) => text,
        }
    }
}

/// Why a text is no name. Its words are meant to stand beside the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// Nothing was typed.
    #[error("This is needed.")]
    Empty,
    /// A username over 64 characters.
    #[error("At most 64 characters.")]
    UsernameTooLong,
    /// A character that usernames do not have.
    #[error(
        "Letters, digits, dots, hyphens and underscores only, the first one a letter or digit."
    )]
    UsernameCharacter,
    /// Letters of scripts that are not written together.
    #[error("Letters of one script only.")]
    MixedScripts,
    /// Looks like a Latin name without being one.
    #[error("This could be mistaken for another name.")]
    Lookalike,
    /// No e-mail address.
    #[error("This is not an e-mail address.")]
    NotAnAddress,
    /// An address over 254 bytes, or a local part over 64 (RFC 5321 §4.5.3.1).
    #[error("This address is too long.")]
    AddressTooLong,
}
