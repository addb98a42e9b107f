//! htpasswd, as Apache and nginx read it: `name:hash`.

use std::io::BufRead;

use super::format::{Entry, Unreadable};
use super::lines::{Line, Lines};
use super::row::Row;

/// The rows; empty lines and comments are none.
pub(super) fn rows(input: impl BufRead) -> impl Iterator<Item = Result<Entry, Unreadable>> {
    Lines::of(input)
        .filter(|line| !matches!(line, Ok(Line { text: Ok(text), .. }) if is_nothing(text)))
        .map(|line| {
            let line = line?;
            Ok(Entry {
                line: line.number,
                row: line
                    .text
                    .map_err(str::to_owned)
                    .and_then(|text| read(&text)),
            })
        })
}

fn is_nothing(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn read(line: &str) -> Result<Row, String> {
    let (name, rest) = line
        .split_once(':')
        .ok_or("a name, a colon and a hash are expected")?;
    let hash = rest.trim();
    let (username, email) = if name.contains('@') {
        ("", name)
    } else {
        (name, "")
    };
    if hash.is_empty() {
        return Err("there is no hash after the name".to_owned());
    }
    Ok(Row {
        username: username.trim().to_owned(),
        email: email.trim().to_owned(),
        password_hash: hash.to_owned(),
        ..Row::default()
    })
}
