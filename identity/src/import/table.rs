//! CSV (RFC 4180) whose first line names the columns.

use std::io::BufRead;

use csv::{ReaderBuilder, StringRecord};

use super::format::{Entry, Unreadable};
use super::lines::{Line, Lines};
use super::row::{COLUMNS, Row, SELDOM};

/// Longest row with line breaks in it, in bytes.
const LONGEST: usize = 64 * 1024;

/// The rows below the names of the columns.
pub(super) struct Table<R> {
    lines: Lines<R>,
    columns: Vec<&'static str>,
}

impl<R: BufRead> Table<R> {
    /// Reads the names of the columns.
    ///
    /// # Errors
    /// [`Unreadable`] when there are none, or one that is not known: a slip of the pen must not cost people their
    /// roles.
    pub(super) fn open(input: R) -> Result<Self, Unreadable> {
        let mut lines = Lines::of(input);
        let Some(first) = next(&mut lines)? else {
            return Err(Unreadable::at(1, "there is nothing in it"));
        };
        let columns = first
            .text
            .map_err(str::to_owned)
            .and_then(|text| columns(&values(&text)?))
            .map_err(|reason| Unreadable::at(first.number, reason))?;
        Ok(Self { lines, columns })
    }

    fn row(&self, text: &str) -> Result<Row, String> {
        let values = values(text)?;
        if values.len() != self.columns.len() {
            return Err(format!(
                "{} values for {} columns",
                values.len(),
                self.columns.len()
            ));
        }
        let mut row = Row::default();
        for (column, value) in self.columns.iter().zip(&values) {
            row.set(column, value)?;
        }
        Ok(row)
    }
}

/// The next line that is not empty, with those after it that its quotes run on to.
fn next(lines: &mut Lines<impl BufRead>) -> Result<Option<Line>, Unreadable> {
    let Some(mut line) = lines
        .find(|line| !matches!(line, Ok(Line { text: Ok(text), .. }) if text.is_empty()))
        .transpose()?
    else {
        return Ok(None);
    };
    while let Ok(text) = &mut line.text
        && is_open(text)
    {
        let reason = match lines.next().transpose()? {
            None => "a quote is not closed",
            Some(Line { text: Err(why), .. }) => why,
            Some(Line { text: Ok(more), .. }) if text.len() + more.len() < LONGEST => {
                text.push('\n');
                text.push_str(&more);
                continue;
            }
            Some(_) => "a quote is not closed, or the row is too long",
        };
        line.text = Err(reason);
    }
    Ok(Some(line))
}

/// A quote inside of quotes is doubled, so whatever is closed has an even number of them.
fn is_open(text: &str) -> bool {
    !text.matches('"').count().is_multiple_of(2)
}

fn values(text: &str) -> Result<StringRecord, String> {
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .buffer_capacity(text.len().max(1))
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let record = records
        .next()
        .ok_or("there is nothing in it")?
        .map_err(|error| error.to_string())?;
    match records.next() {
        None => Ok(record),
        Some(_) => Err("a line break that is none: lines end with LF or CR LF".to_owned()),
    }
}

fn columns(names: &StringRecord) -> Result<Vec<&'static str>, String> {
    let known = || COLUMNS.into_iter().chain(SELDOM);
    let mut columns = Vec::new();
    for name in names {
        let name = name.trim().to_ascii_lowercase();
        let Some(column) = known().find(|column| *column == name) else {
            let all: Vec<_> = known().collect();
            return Err(format!(
                "there is no column `{name}`; the first line names the columns: {}",
                all.join(",")
            ));
        };
        if columns.contains(&column) {
            return Err(format!("the column {column} is named twice"));
        }
        columns.push(column);
    }
    if columns.contains(&"email") || columns.contains(&"username") {
        Ok(columns)
    } else {
        Err("there is no column email".to_owned())
    }
}

impl<R: BufRead> Iterator for Table<R> {
    type Item = Result<Entry, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match next(&mut self.lines).transpose()? {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        Some(Ok(Entry {
            line: line.number,
            row: line
                .text
                .map_err(str::to_owned)
                .and_then(|text| self.row(&text)),
        }))
    }
}
