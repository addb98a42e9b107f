//! JSON Lines: one object a line.

use std::io::BufRead;

use super::format::{Entry, Unreadable};
use super::lines::{Line, Lines};
use super::row::Row;

/// The rows; empty lines are none.
pub(super) fn rows(input: impl BufRead) -> impl Iterator<Item = Result<Entry, Unreadable>> {
    Lines::of(input)
        .filter(|line| !matches!(line, Ok(Line { text: Ok(text), .. }) if text.trim().is_empty()))
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

fn read(text: &str) -> Result<Row, String> {
    if text.trim_start().starts_with('[') {
        return Err("one object a line, not a list of them".to_owned());
    }
    serde_json::from_str(text).map_err(|error| {
        let text = error.to_string();
        // Its own count of lines starts with each of ours.
        let words = text.split(" at line ").next().unwrap_or_default();
        match error.column() {
            0 => words.to_owned(),
            column => format!("{words} (column {column})"),
        }
    })
}
