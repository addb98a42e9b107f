//! Where log lines go and how they look.
//!
//! Owns the subscriber, its filter and the bridge from the `log` crate. Must not know what is logged. Three kinds of
//! line are told apart by their target: `access` (one a request), `audit` (what mattered) and all others, the
//! program's own. `RUST_LOG` raises or lowers any of them.

mod access;
mod bridge;
mod json;
mod lines;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use doorward_config::LogFormat;
use doorward_identity::Clock;
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::{MakeWriter, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

pub(crate) use access::{Fields, Name, Plain, name, write as access};
pub use lines::Lines;

use access::{AccessLog, Form};
use text::Text;

/// The rest of the program at `info`; libraries that speak of every connection only when something is wrong.
const FILTER: &str = "info,sqlx=warn,sea_orm=warn,sea_orm_migration=warn,redis=warn,hyper=warn";
/// A command answers on its own; its log is for what went wrong.
const COMMAND_FILTER: &str = "warn";

/// The log of a serving gateway: lines on standard output, in `format`, written by a thread of their own.
/// What comes back must be kept until the end, so that the last lines are written.
///
/// # Errors
/// If there is a log already, or `RUST_LOG` cannot be read, or no thread can be had.
pub fn start(format: LogFormat, clock: Arc<dyn Clock>) -> Result<Lines, LogError> {
    let terminal = io::stdout().is_terminal();
    let lines = Lines::new(io::stdout())?;
    let filter = filter(FILTER)?;
    let text = |colour| Text::new(Arc::clone(&clock), colour);
    let form = match (format, terminal) {
        (LogFormat::Json, _) | (LogFormat::Auto, false) => Form::Json(clock),
        (LogFormat::Text, false) => Form::Text(text(Colour::Never)),
        (LogFormat::Text | LogFormat::Auto, true) => Form::Text(text(Colour::Some)),
    };
    let dispatch = match &form {
        Form::Json(clock) => json(filter, Arc::clone(clock), lines.clone()),
        Form::Text(text) => self::text(filter, text.clone(), lines.clone()),
    };
    tracing::dispatcher::set_global_default(dispatch)?;
    bridge::install()?;
    access::start(AccessLog {
        form,
        lines: lines.clone(),
    });
    Ok(lines)
}

/// The log of a command: what went wrong, in text, on standard error.
///
/// # Errors
/// If there is a log already, or `RUST_LOG` cannot be read.
pub fn start_command(clock: Arc<dyn Clock>) -> Result<(), LogError> {
    let colour = if io::stderr().is_terminal() {
        Colour::Some
    } else {
        Colour::Never
    };
    let form = Text::new(clock, colour);
    let dispatch = text(filter(COMMAND_FILTER)?, form, io::stderr);
    tracing::dispatcher::set_global_default(dispatch)?;
    Ok(bridge::install()?)
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operator's filter is not one.
    #[error("RUST_LOG cannot be read: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// There is one already.
    #[error("there is a log already: {0}")]
    Taken(#[from] tracing::dispatcher::SetGlobalDefaultError),
    /// Libraries have one already.
    #[error("libraries have a log already: {0}")]
    LibrariesTaken(#[from] log::SetLoggerError),
    /// There is nobody to write the lines.
    #[error("no thread for the log: {0}")]
    Thread(#[from] io::Error),
}

/// Whether levels are told apart by colour as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Some,
    Never,
}

fn filter(default: &str) -> Result<EnvFilter, LogError> {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    // A later directive replaces an earlier one for the same target.
    Ok(EnvFilter::try_new(format!("{default},{wanted}"))?)
}

fn json<W>(filter: EnvFilter, clock: Arc<dyn Clock>, writer: W) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = layer().event_format(json::Json(clock)).with_writer(writer);
    dispatch(registry().with(filter).with(lines))
}

fn text<W>(filter: EnvFilter, form: Text, writer: W) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = layer().event_format(form).with_writer(writer);
    dispatch(registry().with(filter).with(lines))
}

fn dispatch(subscriber: impl Subscriber + Send + Sync + 'static) -> Dispatch {
    Dispatch::new(subscriber)
}

impl Write for &Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}
