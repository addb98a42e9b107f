//! What may become a password. Length and guessability only: no rules about kinds of characters (NIST SP 800-63B-4
//! §3.1.1.2).

use std::collections::HashSet;
use std::sync::LazyLock;

use doorward_config::PasswordPolicy;
use zxcvbn::{Score, zxcvbn};

use super::{Password, TooLong};

/// How much of a password is judged; judging costs more than its length.
const JUDGED_CHARACTERS: usize = 100;
/// Shortest part of a name that counts as one.
const NAME_PART: usize = 3;
/// Fewest characters that must be left when the person's own names are taken out.
const BESIDE_NAMES: usize = 6;
/// The product itself.
const PRODUCT: &str = "doorward";

static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").lines().collect());

/// Whose password it will be: what must not be in it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Person<'a> {
    pub(crate) username: &'a str,
    pub(crate) email: &'a str,
    pub(crate) first_name: &'a str,
    pub(crate) last_name: &'a str,
}

/// Why a text may not become a password. Its words are meant to stand beside the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Weakness {
    #[error("Use at least {0} characters.")]
    Short(usize),
    #[error("This password is too long.")]
    Long,
    #[error("This is one of the most common passwords. Choose another.")]
    Common,
    #[error("Do not build your password from your own names, or from ours.")]
    OwnName,
    #[error("This password is too easy to guess. Add another word or two.")]
    Guessable,
}

/// Takes a new password, or says what is wrong with it.
pub(crate) fn judge(
    typed: &str,
    person: Person<'_>,
    policy: PasswordPolicy,
) -> Result<Password, Weakness> {
    let password = Password::typed(typed).map_err(|TooLong| Weakness::Long)?;
    let text = password.composed.as_str();
    if text.chars().count() < policy.min_length {
        return Err(Weakness::Short(policy.min_length));
    }
    let judged: String = text.chars().take(JUDGED_CHARACTERS).collect();
    let folded = judged.to_lowercase();
    if is_common(&folded) {
        return Err(Weakness::Common);
    }
    let names = name_parts(person);
    if beside(&folded, &names) < BESIDE_NAMES {
        return Err(Weakness::OwnName);
    }
    let own: Vec<&str> = names.iter().map(String::as_str).collect();
    if zxcvbn(&judged, &own).score() < Score::Three {
        return Err(Weakness::Guessable);
    }
    Ok(password)
}

/// One of the commonest, whatever is hung on its end to please a form.
fn is_common(folded: &str) -> bool {
    let stem = folded.trim_end_matches(|c: char| !c.is_alphanumeric());
    COMMON.contains(folded) || COMMON.contains(stem)
}

/// The names and their parts, the product's too, longest first, in lower case.
fn name_parts(person: Person<'_>) -> Vec<String> {
    let Person {
        username,
        email,
        first_name,
        last_name,
    } = person;
    let local = email.split_once('@').map_or(email, |(local, _)| local);
    let whole = [username, email, local, first_name, last_name, PRODUCT];
    let mut parts: Vec<String> = whole
        .iter()
        .flat_map(|name| name.split(|c: char| !c.is_alphanumeric()).chain([*name]))
        .filter(|part| part.chars().count() >= NAME_PART)
        .map(str::to_lowercase)
        .collect();
    parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.len()));
    parts.dedup();
    parts
}

/// How many characters are left without the names.
fn beside(folded: &str, names: &[String]) -> usize {
    let rest = names.iter().fold(folded.to_owned(), |rest, name| {
        rest.replace(name.as_str(), "")
    });
    rest.chars().count()
}
