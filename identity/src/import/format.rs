//! The formats that accounts come in, and how they are told apart.

use std::io::{self, BufRead};
use std::path::Path;

use super::row::Row;
use super::table::Table;
use super::{authelia, htpasswd, json_lines};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table whose first line names the columns.
    Csv,
    /// One JSON object a line, its fields called as the columns.
    JsonLines,
    /// Authelia's `users.yml`.
    Authelia,
    /// `name:hash`, as Apache and nginx read it.
    Htpasswd,
}

/// One row and where it begins.
pub(super) struct Entry {
    /// Counted from 1.
    pub(super) line: u64,
    /// The row, or why it is none.
    pub(super) row: Result<Row, String>,
}

/// Nothing more can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Where, counted from 1, if that is known.
    pub line: Option<u64>,
    /// Why.
    pub reason: String,
}

impl Unreadable {
    pub(super) fn at(line: u64, reason: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            reason: reason.into(),
        }
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self {
            line: None,
            reason: error.to_string(),
        }
    }
}

/// The rows of a file, one after the other; the first thing that stops the reading is the last.
pub(super) type Rows<'a> = Box<dyn Iterator<Item = Result<Entry, Unreadable>> + 'a>;

impl Format {
    /// Tells the format by the file's name, or else by how it begins.
    #[must_use]
    pub fn detect(name: Option<&Path>, head: &[u8]) -> Option<Self> {
        name.and_then(by_name).or_else(|| by_content(head))
    }

    pub(super) fn rows<'a>(self, input: impl BufRead + 'a) -> Result<Rows<'a>, Unreadable> {
        Ok(match self {
            Self::Csv => Box::new(Table::open(input)?),
            Self::JsonLines => Box::new(json_lines::rows(input)),
            Self::Authelia => Box::new(authelia::rows(input)?),
            Self::Htpasswd => Box::new(htpasswd::rows(input)),
        })
    }
}

fn by_name(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let ending = name.rsplit('.').next()?;
    match ending {
        "csv" => Some(Format::Csv),
        "jsonl" | "ndjson" | "json" => Some(Format::JsonLines),
        "yml" | "yaml" => Some(Format::Authelia),
        "htpasswd" => Some(Format::Htpasswd),
        _ => None,
    }
}

fn by_content(head: &[u8]) -> Option<Format> {
    let text = String::from_utf8_lossy(head);
    let first = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))?;
    if first.starts_with('{') {
        Some(Format::JsonLines)
    } else if first == "---" || first.starts_with("users:") {
        Some(Format::Authelia)
    } else if first.contains(',') || first.eq_ignore_ascii_case("email") {
        Some(Format::Csv)
    } else {
        first.contains(':').then_some(Format::Htpasswd)
    }
}
