//! The lines of a file, none of them longer than a row can be.

use std::io::{self, BufRead, Read};

/// Longest line, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Reads one line after the other.
pub(super) struct Lines<R> {
    input: R,
    number: u64,
}

/// A line with its number, counted from 1. Without its text where it is too long or no text.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) text: Result<String, &'static str>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn of(input: R) -> Self {
        Self { input, number: 0 }
    }

    fn read(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let read = (&mut self.input)
            .take(LONGEST)
            .read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let is_whole = bytes.ends_with(b"\n") || self.input.fill_buf()?.is_empty();
        let text = if is_whole {
            String::from_utf8(bytes)
                .map(|text| tidy(&text, self.number))
                .map_err(|_| "this is not UTF-8 text")
        } else {
            self.input.skip_until(b'\n')?;
            Err("this line is too long")
        };
        Ok(Some(Line {
            number: self.number,
            text,
        }))
    }
}

/// Without its end, and the first one without a byte order mark.
fn tidy(text: &str, number: u64) -> String {
    let text = match number {
        1 => text.strip_prefix('\u{feff}').unwrap_or(text),
        _ => text,
    };
    text.trim_end_matches(['\n', '\r']).to_owned()
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
