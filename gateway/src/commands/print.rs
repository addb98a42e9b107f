//! What a command prints when it is done.
//!
//! Owns tables and JSON. Must not know what is in them; but some of it was typed by strangers, so nothing reaches the
//! terminal that it would take as an order.

use std::io::{self, ErrorKind, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::exit::Trouble;

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl From<bool> for Format {
    /// What the flag `--json` says.
    fn from(json: bool) -> Self {
        if json { Self::Json } else { Self::Table }
    }
}

/// Prints `text`. A reader that has seen enough is no trouble.
pub fn say(text: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Trouble::refused(format!(
            "error: it is done, but nothing can be printed: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Prints `value` for programs.
pub fn json(value: &impl Serialize) -> Result<(), Trouble> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Trouble::refused(format!("error: this cannot be JSON: {error}")))?;
    say(&format!("{text}\n"))
}

/// A moment in UTC, to the minute.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// The rows below their headings, columns as wide as their widest cell.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = std::iter::once(headings.map(str::to_owned))
        .chain(
            rows.iter()
                .map(|row| row.each_ref().map(|cell| plain(cell))),
        )
        .collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    });
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let padding = width.saturating_sub(cell.chars().count()) + 2;
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', padding));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `text` with control characters and those that turn the direction of writing spelled out.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["anna".to_owned(), "anna@example.com".to_owned()],
            ["bö".to_owned(), String::new()],
        ];
        assert_eq!(
            table(["NAME", "EMAIL"], &rows),
            "NAME  EMAIL\nanna  anna@example.com\nbö\n"
        );
    }

    #[test]
    fn the_terminal_takes_no_orders() {
        assert_eq!(
            plain("a\u{1b}[2Jb\n\u{202e}c"),
            "a\\u{1b}[2Jb\\u{a}\\u{202e}c"
        );
        assert_eq!(plain("Jürgen 李"), "Jürgen 李");
    }
}
