//! Lines for people at a terminal.
//!
//! Owns their order and colours. Must not know why a line is written. What others sent is among the values, so no
//! character of theirs may end a line or be an order to the terminal.

use std::fmt::{self, Debug, Write};
use std::sync::Arc;

use doorward_identity::Clock;
use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::Colour;
use super::access::{self, Fields, Name, Plain};

/// Fields of the access line that are said at its beginning, in this order.
const FIRST: [&str; 7] = [
    "status",
    "method",
    "host",
    "path",
    "duration_ms",
    "client",
    "decision",
];
/// Said by the time of the line already.
const LEFT_OUT: &str = "started";

/// `2026-01-31 12:00:00.000Z INFO  what happened  key=value`
#[derive(Clone)]
pub(super) struct Text {
    clock: Arc<dyn Clock>,
    colour: Colour,
}

/// What an event says: its message, and the rest by name.
#[derive(Default)]
pub(super) struct Said {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl<S, N> FormatEvent<S, N> for Text
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
        let mut said = Said::default();
        event.record(&mut said);
        let metadata = event.metadata();
        self.line(
            &mut to,
            self.clock.now(),
            (metadata.target(), *metadata.level()),
            &said,
        )
    }
}

impl Text {
    /// Lines by this clock; no colour is painted where `NO_COLOR` asks for none.
    pub(super) fn new(clock: Arc<dyn Clock>, colour: Colour) -> Self {
        let colour = match std::env::var_os("NO_COLOR") {
            None => colour,
            Some(_) => Colour::Never,
        };
        Self { clock, colour }
    }

    /// A whole line.
    pub(super) fn line(
        &self,
        to: &mut impl Write,
        now: Timestamp,
        (target, level): (&str, Level),
        said: &Said,
    ) -> fmt::Result {
        let now = now.strftime("%Y-%m-%d %H:%M:%S%.3fZ");
        self.painted(to, DIM, &now.to_string())?;
        match target {
            access::TARGET => self.access(to, said)?,
            "audit" => self.painted(to, BOLD, " audit")?,
            _ => {
                to.write_char(' ')?;
                self.painted(to, paint_of(level), level.as_str())?;
            }
        }
        if !said.message.is_empty() {
            write!(to, " {}", said.message)?;
        }
        for (name, value) in &said.fields {
            let first = target == access::TARGET && FIRST.contains(name);
            if !first && *name != LEFT_OUT {
                to.write_char(' ')?;
                self.painted(to, DIM, &format!("{name}={value}"))?;
            }
        }
        to.write_char('\n')
    }

    /// ` 200 GET app.example /reports/q3.pdf 1.5 ms 192.0.2.7 allow`
    fn access(&self, to: &mut impl Write, said: &Said) -> fmt::Result {
        for name in FIRST {
            let Some(value) = said.value(name) else {
                continue;
            };
            to.write_char(' ')?;
            match name {
                "status" => self.painted(to, paint_of_status(value), value)?,
                "duration_ms" => write!(to, "{value} ms")?,
                _ => to.write_str(value)?,
            }
        }
        Ok(())
    }

    fn painted(&self, to: &mut impl Write, paint: &str, text: &str) -> fmt::Result {
        match self.colour {
            Colour::Some => write!(to, "\u{1b}[{paint}m{text}\u{1b}[0m"),
            Colour::Never => to.write_str(text),
        }
    }
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

fn paint_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => RED,
        Level::WARN => YELLOW,
        Level::INFO => GREEN,
        _ => DIM,
    }
}

fn paint_of_status(status: &str) -> &'static str {
    match status.as_bytes().first() {
        Some(b'2') => GREEN,
        Some(b'3') => CYAN,
        Some(b'4') => YELLOW,
        _ => RED,
    }
}

impl Said {
    fn value(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Fields for Said {
    fn text(&mut self, name: Name, value: &str) {
        self.fields.push((name.plain, quoted(value)));
    }

    fn number(&mut self, name: Name, value: &impl Plain) {
        let mut text = String::new();
        // Into memory: it cannot fail.
        let _ = value.write(&mut text);
        self.fields.push((name.plain, text));
    }

    fn word(&mut self, name: Name, value: &impl Plain) {
        self.number(name, value);
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.push((field.name(), quoted(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Only a value that cannot write itself fails here; then as much as it wrote is kept.
        let _ = write!(text, "{value:?}");
        match field.name() {
            "message" => self.message = shown(&text),
            name => self.fields.push((name, shown(&text))),
        }
    }
}

/// A text of somebody else's: in quotes unless it is one plain word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '=');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("{text:?}")
    }
}

/// The text with every control character spelled out.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}
