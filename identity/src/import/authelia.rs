//! Authelia's file of users (`authentication_backend.file`):
//!
//! ```yaml
//! users:
//!   anna:
//!     displayname: Anna Berg
//!     password: $argon2id$…
//!     email: anna@example.com
//!     groups: [admins, dev]
//!     disabled: false
//! ```

use std::io::{BufRead, Read};

use super::format::{Entry, Unreadable};
use super::row::{Row, set_flag};
use super::yaml::{self, Node, Value};

/// Largest file, in bytes: it is read as a whole.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The users, in the order of the file.
///
/// # Errors
/// [`Unreadable`] when it is not such a file.
pub(super) fn rows(
    input: impl BufRead,
) -> Result<impl Iterator<Item = Result<Entry, Unreadable>>, Unreadable> {
    let mut text = String::new();
    let read = input.take(LARGEST + 1).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read > LARGEST) {
        return Err(Unreadable::at(1, "this is larger than 64 MiB"));
    }
    let document = yaml::read(text.trim_start_matches('\u{feff}'))?;
    let Some(Value::Map(users)) = document.get("users").map(|users| &users.value) else {
        return Err(Unreadable::at(
            1,
            "there are no users: expected is `users:`, and below it a name with what belongs to it",
        ));
    };
    let entries: Vec<_> = users
        .iter()
        .map(|(name, user)| {
            Ok(Entry {
                line: name.line,
                row: row(name, user),
            })
        })
        .collect();
    Ok(entries.into_iter())
}

fn row(name: &Node, user: &Node) -> Result<Row, String> {
    let name = name.text().ok_or("the name of a user is a text")?;
    if !matches!(user.value, Value::Map(_)) {
        return Err("nothing is said about this user".to_owned());
    }
    let (first_name, last_name) = names(user)?;
    let mut row = Row {
        username: name.trim().to_owned(),
        email: text(user, "email")?,
        password_hash: text(user, "password")?,
        first_name,
        last_name,
        date_of_birth: text(user, "birthdate")?,
        roles: groups(user)?,
        ..Row::default()
    };
    set_flag(&mut row.disabled, "disabled", &text(user, "disabled")?)?;
    Ok(row)
}

fn text(user: &Node, key: &str) -> Result<String, String> {
    let Some(value) = user.get(key) else {
        return Ok(String::new());
    };
    let text = value.text().ok_or_else(|| format!("{key}: one text."))?;
    Ok(text.trim().to_owned())
}

/// First and last name: as said, else the display name cut at its first blank, so that both together give it again.
fn names(user: &Node) -> Result<(String, String), String> {
    let (given, family) = (text(user, "given_name")?, text(user, "family_name")?);
    if !given.is_empty() || !family.is_empty() {
        return Ok((given, family));
    }
    let shown = text(user, "displayname")?;
    let (first, last) = shown.split_once(' ').unwrap_or((&shown, ""));
    Ok((first.to_owned(), last.trim().to_owned()))
}

/// No word about groups means no word about roles.
fn groups(user: &Node) -> Result<Option<Vec<String>>, String> {
    let wrong = || "groups: a list of names.".to_owned();
    match user.get("groups").map(|groups| &groups.value) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::List(list)) => list
            .iter()
            .map(|group| group.text().map(str::to_owned).ok_or_else(wrong))
            .collect::<Result<_, _>>()
            .map(Some),
        Some(Value::Text(_) | Value::Map(_)) => Err(wrong()),
    }
}
