//! Access lines: one for each request, so they go into the log without an event, fields one by one, that is looked
//! through by whoever listens.
//!
//! Owns the way there, and whether it is taken: `RUST_LOG` counts for them as for any line. Must not know what they say.

use std::fmt::{self, Write};
use std::sync::{Arc, OnceLock};

use doorward_identity::Clock;
use tracing::Level;

use super::json::Object;
use super::lines::Lines;
use super::text::{Said, Text};
use crate::record::AccessRecord;

/// Where the access lines of this process go.
static LOG: OnceLock<AccessLog> = OnceLock::new();

/// What takes the fields of a line, in their order.
pub(crate) trait Fields {
    /// Any text.
    fn text(&mut self, name: Name, value: &str);
    /// What needs no escapes, and is a number to programs.
    fn number(&mut self, name: Name, value: &impl Plain);
    /// What needs no escapes, and is a text.
    fn word(&mut self, name: Name, value: &impl Plain);
}

/// The name of a field, put together for each form of a line when the program is built.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    /// `status`
    pub(crate) plain: &'static str,
    /// `,"status":"`
    pub(crate) quoted: &'static str,
}

/// A [`Name`].
macro_rules! name {
    ($name:literal) => {
        $crate::logging::Name {
            plain: $name,
            quoted: concat!(",\"", $name, "\":\""),
        }
    };
}
pub(crate) use name;

/// What writes itself without the standard library's formatting, which costs more than what it formats.
pub(crate) trait Plain {
    /// Writes it.
    fn write(&self, to: &mut impl Write) -> fmt::Result;
}

impl Plain for u64 {
    fn write(&self, to: &mut impl Write) -> fmt::Result {
        to.write_str(itoa::Buffer::new().format(*self))
    }
}

/// The way of access lines into the log.
pub(super) struct AccessLog {
    pub(super) form: Form,
    pub(super) lines: Lines,
}

pub(super) enum Form {
    Json(Arc<dyn Clock>),
    Text(Text),
}

impl AccessLog {
    /// Writes a line.
    pub(super) fn write(&self, record: &AccessRecord<'_>) {
        self.lines.append(|line| match &self.form {
            Form::Json(_) => {
                let mut object = Object::new(line, record.ended, Level::INFO);
                record.tell(&mut object);
                object.end(TARGET)
            }
            Form::Text(text) => {
                let mut said = Said::default();
                record.tell(&mut said);
                text.line(line, record.ended, (TARGET, Level::INFO), &said)
            }
        });
    }
}

/// What `RUST_LOG` calls these lines.
pub(super) const TARGET: &str = "access";

/// From here on access lines go there.
pub(super) fn start(log: AccessLog) {
    // Whoever was first has the subscriber too.
    let _ = LOG.set(log);
}

/// Writes the line of a request, if there is a log and these are wanted.
pub(crate) fn write(record: &AccessRecord<'_>) {
    if let Some(log) = LOG.get()
        && tracing::enabled!(target: TARGET, Level::INFO)
    {
        log.write(record);
    }
}
