//! Settings as TOML, and what is secret in them hidden.

use std::fmt::Write as _;

use toml::de::DeValue;

use super::{Block, Origins};
use crate::problem::{Place, names_password};

/// Where the places stand, if the values leave room.
const COLUMN: usize = 48;

pub(super) fn print(blocks: &[Block], origins: Origins) -> String {
    let mut text = String::new();
    for block in blocks {
        if !text.is_empty() {
            text.push('\n');
        }
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{}", block.heading);
        for setting in &block.settings {
            let line = format!("{} = {}", setting.key, setting.value);
            let _ = match origins {
                Origins::Hidden => writeln!(text, "{line}"),
                Origins::Shown => {
                    writeln!(text, "{line:<COLUMN$}  # {}", places(&setting.places))
                }
            };
        }
        if !block.unset.is_empty() {
            let _ = writeln!(text, "# not set: {}", block.unset.join(", "));
        }
    }
    text
}

fn places(places: &[Place]) -> String {
    let words: Vec<String> = places.iter().map(place).collect();
    words.join(", ").replace(char::is_control, "?")
}

fn place(place: &Place) -> String {
    match place {
        Place::File {
            path,
            position: Some(position),
        } => format!("{}:{}", path.display(), position.line),
        Place::File { .. } | Place::Variable(_) | Place::Argument(_) => place.to_string(),
        Place::Nowhere => "default".to_owned(),
    }
}

/// The value of a key.
pub(super) fn value(key: &str, value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) if names_password(key) => quoted("[hidden]"),
        DeValue::String(text) => quoted(&without_password(key, text)),
        DeValue::Array(list) => {
            let items: Vec<_> = list
                .iter()
                .map(|item| self::value(key, item.get_ref()))
                .collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) if table.is_empty() => "{}".to_owned(),
        DeValue::Table(table) => {
            let items: Vec<_> = table
                .iter()
                .map(|(key, value)| {
                    format!(
                        "{key} = {}",
                        self::value(key.get_ref(), value.get_ref()),
                        key = key.get_ref()
                    )
                })
                .collect();
            format!("{{ {} }}", items.join(", "))
        }
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// An address without the password in it. A name alone is one only where mail is sent: elsewhere somebody may have
/// put a password in its place.
fn without_password(key: &str, text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    // On a Unix socket user and password stand behind the path.
    if let (true, Some((path, _))) = (scheme.ends_with("unix"), rest.split_once('?')) {
        return format!("{scheme}://{path}?hidden");
    }
    let Some((credentials, place)) = rest.rsplit_once('@') else {
        return text.to_owned();
    };
    match credentials.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:hidden@{place}"),
        None if key == "smtp" => text.to_owned(),
        None => format!("{scheme}://hidden@{place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_in_addresses_are_hidden() {
        for (key, text, expected) in [
            (
                "url",
                "redis://:geheim@cache:6379/0",
                "redis://:hidden@cache:6379/0",
            ),
            (
                "url",
                "redis://anna:ge@heim@cache",
                "redis://anna:hidden@cache",
            ),
            ("url", "redis://geheim@cache", "redis://hidden@cache"),
            ("url", "unix:///run/r?pass=geheim", "unix:///run/r?hidden"),
            ("url", "sqlite:data/doorward.db", "sqlite:data/doorward.db"),
            ("smtp", "smtps://anna@mail:465", "smtps://anna@mail:465"),
            (
                "smtp",
                "smtps://anna:geheim@mail",
                "smtps://anna:hidden@mail",
            ),
            ("upstream", "http://[::1]:80", "http://[::1]:80"),
        ] {
            assert_eq!(without_password(key, text), expected);
        }
    }
}
