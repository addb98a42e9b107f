//! What libraries say through the `log` crate, pingora above all.
//!
//! Owns the way from there into our log. Must not know what they speak of; but pingora quotes request lines, and a
//! query can hold a secret, so whatever follows a `?` is cut away.

use std::borrow::Cow;
use std::fmt::Write;

use log::{Level, LevelFilter, Log, Metadata, Record, SetLoggerError};

/// Takes what libraries say from here on, warnings and worse.
pub(super) fn install() -> Result<(), SetLoggerError> {
    log::set_logger(&Bridge)?;
    log::set_max_level(LevelFilter::Warn);
    Ok(())
}

/// What pingora takes for errors, and is none: a client that leaves early; an idle connection to an upstream that
/// another request took first.
const NOISE: [&str; 2] = ["H2 handshake error", "failed to acquire reusable stream"];

struct Bridge;

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut said = String::new();
        if write!(said, "{}", record.args()).is_err() {
            return;
        }
        let said = without_queries(&said);
        let library = record.target();
        if is_noise(record.target(), &said) {
            tracing::debug!(target: "library", library, "{said}");
        } else if record.level() == Level::Error {
            tracing::error!(target: "library", library, "{said}");
        } else {
            tracing::warn!(target: "library", library, "{said}");
        }
    }

    fn flush(&self) {}
}

/// Whether any stranger can cause it, as often as he likes. What rustls says of the other end of a handshake is in the
/// error of whoever shook hands.
pub(super) fn is_noise(library: &str, said: &str) -> bool {
    library.starts_with("rustls::") || NOISE.iter().any(|words| said.starts_with(words))
}

/// Cuts from each `?` to the next blank or comma.
pub(super) fn without_queries(said: &str) -> Cow<'_, str> {
    if !said.contains('?') {
        return Cow::Borrowed(said);
    }
    let mut kept = String::with_capacity(said.len());
    let mut rest = said;
    while let Some((before, query)) = rest.split_once('?') {
        kept.push_str(before);
        kept.push('?');
        let end = query
            .find(|c: char| c.is_whitespace() || c == ',')
            .unwrap_or(query.len());
        if end > 0 {
            kept.push('…');
        }
        rest = query.get(end..).unwrap_or_default();
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}
