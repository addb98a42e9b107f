//! Lines for programs: one JSON object each.
//!
//! Owns their form. Must not know why a line is written. Fields are written where they are found, into the line itself:
//! there is one of these for each request.

use std::fmt::{self, Debug, Write};
use std::sync::Arc;

use doorward_identity::Clock;
use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::access::{Fields, Name, Plain, name};
use crate::moment::Moment;

/// `{"timestamp":"2026-01-31T12:00:00.000000Z","level":"INFO","message":"…","key":"value","target":"…"}`
pub(super) struct Json(pub(super) Arc<dyn Clock>);

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut object = Object::new(&mut to, self.0.now(), *metadata.level());
        event.record(&mut object);
        object.end(metadata.target())
    }
}

/// A line in the making.
pub(super) struct Object<'a, W> {
    to: &'a mut W,
    written: fmt::Result,
}

impl<'a, W: Write> Object<'a, W> {
    /// Begins it.
    pub(super) fn new(to: &'a mut W, now: Timestamp, level: Level) -> Self {
        let mut object = Self {
            written: to.write_str("{\"timestamp\":\""),
            to,
        };
        object.add(|to| {
            Moment(now).write(to)?;
            to.write_str("\",\"level\":\"")?;
            to.write_str(level.as_str())?;
            to.write_char('"')
        });
        object
    }

    /// Ends it.
    pub(super) fn end(mut self, target: &str) -> fmt::Result {
        self.text(name!("target"), target);
        self.written?;
        self.to.write_str("}\n")
    }

    fn add(&mut self, write: impl FnOnce(&mut W) -> fmt::Result) {
        self.written = self.written.and_then(|()| write(self.to));
    }

    fn write(&mut self, name: &str, value: impl FnOnce(&mut W) -> fmt::Result) {
        self.add(|to| {
            // Names are ours, and need no escapes.
            to.write_str(",\"")?;
            to.write_str(name)?;
            to.write_str("\":")?;
            value(to)
        });
    }
}

impl<W: Write> Fields for Object<'_, W> {
    fn text(&mut self, name: Name, value: &str) {
        self.add(|to| {
            to.write_str(name.quoted)?;
            Escaped(to).write_str(value)?;
            to.write_char('"')
        });
    }

    fn number(&mut self, name: Name, value: &impl Plain) {
        self.add(|to| {
            to.write_str(name.quoted.strip_suffix('"').unwrap_or_default())?;
            value.write(to)
        });
    }

    fn word(&mut self, name: Name, value: &impl Plain) {
        self.add(|to| {
            to.write_str(name.quoted)?;
            value.write(to)?;
            to.write_char('"')
        });
    }
}

impl<W: Write> Visit for Object<'_, W> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field.name(), |to| quote(to, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field.name(), |to| value.write(to));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field.name(), |to| write!(to, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field.name(), |to| write!(to, "{value}"));
    }

    /// What is no number in JSON is nothing.
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.write(field.name(), |to| {
            if value.is_finite() {
                write!(to, "{value:?}")
            } else {
                to.write_str("null")
            }
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field.name(), |to| {
            to.write_char('"')?;
            write!(Escaped(to), "{value:?}")?;
            to.write_char('"')
        });
    }
}

fn quote(to: &mut impl Write, text: &str) -> fmt::Result {
    to.write_char('"')?;
    Escaped(to).write_str(text)?;
    to.write_char('"')
}

/// The inside of a JSON string (RFC 8259, section 7). DEL and the C1 controls are escaped too: some terminals obey them.
struct Escaped<'a, W>(&'a mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if is_plain(text.as_bytes()) {
            return self.0.write_str(text);
        }
        let mut rest = text;
        while let Some(at) = rest.bytes().position(begins_special) {
            let (plain, special) = rest.split_at(at);
            self.0.write_str(plain)?;
            let mut characters = special.chars();
            match characters.next() {
                Some(c @ ('"' | '\\')) => write!(self.0, "\\{c}")?,
                Some('\n') => self.0.write_str("\\n")?,
                Some('\r') => self.0.write_str("\\r")?,
                Some('\t') => self.0.write_str("\\t")?,
                Some(c) if c.is_control() => write!(self.0, "\\u{:04x}", u32::from(c))?,
                Some(c) => self.0.write_char(c)?,
                None => {}
            }
            rest = characters.as_str();
        }
        self.0.write_str(rest)
    }
}

/// Whether nothing has to be escaped, as in nearly every text. Looked at in blocks, which processors do at once.
fn is_plain(text: &[u8]) -> bool {
    let special = |block: &[u8]| {
        let each = block.iter().map(|byte| begins_special(*byte));
        each.fold(false, |seen, special| seen | special)
    };
    !text.chunks(32).any(special)
}

/// Whether a character that may have to be escaped begins here; `0xC2` begins the C1 controls, and others.
fn begins_special(byte: u8) -> bool {
    byte < b' ' || matches!(byte, b'"' | b'\\' | 0x7F | 0xC2)
}
