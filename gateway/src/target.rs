//! One canonical request target: the spelling that the rules match and the upstream is sent.
//!
//! Owns how a target is spelled and which ones are refused as ambiguous. Must not know which
//! site is asked, nor what its rules say.
//!
//! A target is read once. Percent-encoded unreserved characters are decoded and hex digits
//! upper-cased (RFC 3986, section 6.2.2); whatever two programs could still read differently
//! is refused, never repaired. `Strict` and `Relaxed` differ in three spellings only: `;`,
//! `//` and `%2F`, which `Relaxed` lets through (and which `policy` then reads both ways).

mod escape;

pub(crate) use escape::hex_pair;

use std::borrow::Cow;

use doorward_config::PathStyle;
use http::header::HOST;
use pingora_http::RequestHeader;
use pingora_http::authority::{RawTargetAuthority, raw_target_authority};
use thiserror::Error;

/// Longest target in bytes, query included.
pub const LIMIT: usize = 8 * 1024;

/// Why a target is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Fault {
    /// Longer than [`LIMIT`].
    #[error("the target is longer than 8 KiB")]
    TooLong,
    /// `*`, an authority or anything else that is no path.
    #[error("the target is no path")]
    NoPath,
    /// An absolute target whose host is not that of `Host`.
    #[error("the target names another host than the Host header")]
    OtherHost,
    /// A byte outside ASCII.
    #[error("bytes outside ASCII must be percent-encoded")]
    NotAscii,
    /// A control character or a space, plain or encoded; encoded spaces are fine.
    #[error("control characters are never part of a target")]
    Control,
    /// `#`
    #[error("a fragment is never sent")]
    Fragment,
    /// `\` or `%5C`
    #[error("a backslash can be read as a slash")]
    Backslash,
    /// `.` or `..`, however written.
    #[error("dot segments are refused, not resolved")]
    DotSegment,
    /// `%` without two hexadecimal digits.
    #[error("a percent sign must be followed by two hexadecimal digits")]
    Escape,
    /// Would mean something else if it were decoded twice.
    #[error("encoded twice")]
    EncodedTwice,
    /// A longer UTF-8 spelling of a character than the one there is.
    #[error("overlong UTF-8")]
    Overlong,
    /// `;`, in strict paths.
    #[error("path parameters are read differently by different programs")]
    Parameter,
    /// `//`, in strict paths.
    #[error("an empty segment is dropped by some programs")]
    EmptySegment,
    /// `%2F`, in strict paths.
    #[error("an encoded slash is read as a slash by some programs")]
    EncodedSlash,
    /// The rest of a request line that was no request line.
    #[error("the request line has more than three parts")]
    RequestLine,
}

impl Fault {
    /// The word for logs: short, and a closed set.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NoPath => "no_path",
            Self::OtherHost => "other_host",
            Self::NotAscii => "not_ascii",
            Self::Control => "control",
            Self::Fragment => "fragment",
            Self::Backslash => "backslash",
            Self::DotSegment => "dot_segment",
            Self::Escape => "escape",
            Self::EncodedTwice => "encoded_twice",
            Self::Overlong => "overlong",
            Self::Parameter => "parameter",
            Self::EmptySegment => "empty_segment",
            Self::EncodedSlash => "encoded_slash",
            Self::RequestLine => "request_line",
        }
    }
}

/// A canonical target: path-absolute, ASCII, without fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target<'a>(Cow<'a, str>);

impl Target<'_> {
    /// Path and query, as the upstream is sent them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path, which the rules match.
    #[must_use]
    pub fn path(&self) -> &str {
        path_of(&self.0)
    }
}

/// The path of a path-and-query.
#[must_use]
pub fn path_of(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

/// Reads a target as it came (pingora's `raw_path()`).
///
/// # Errors
/// Why it is refused.
pub fn canonical(raw: &[u8], style: PathStyle) -> Result<Target<'_>, Fault> {
    if raw.len() > LIMIT {
        return Err(Fault::TooLong);
    }
    let text = plain(raw)?;
    let target = without_authority(text)?;
    let path = path_of(target);
    let query = target.get(path.len()..).unwrap_or("");
    if path.is_empty() {
        // `http://host?q`: the path is `/` (RFC 9112, section 3.2.1).
        return Ok(Target(Cow::Owned(format!("/{query}"))));
    }
    let canonical = escape::decode_unreserved(path)?;
    accept(&canonical, style)?;
    Ok(Target(match canonical {
        Cow::Borrowed(_) => Cow::Borrowed(target),
        Cow::Owned(path) => Cow::Owned(path + query),
    }))
}

/// Brings a request's target to its canonical spelling, in place; afterwards `raw_path()` is
/// canonical, origin-form, and [`path_of`] it is what the rules match.
///
/// # Errors
/// Why it is refused; then nothing was changed.
pub fn canonicalise(request: &mut RequestHeader, style: PathStyle) -> Result<(), Fault> {
    let raw = request.raw_path();
    let target = canonical(raw, style)?;
    if let RawTargetAuthority::Absolute { authority, .. } = raw_target_authority(raw) {
        let host = request.headers.get(HOST).map(http::HeaderValue::as_bytes);
        if host != Some(authority) {
            return Err(Fault::OtherHost);
        }
    }
    if target.as_str().as_bytes() == raw {
        return Ok(());
    }
    let rewritten = target.0.into_owned();
    request
        .set_raw_path(rewritten.as_bytes())
        .map_err(|_| Fault::NoPath)
}

/// The canonical path of a request that went through [`canonicalise`].
#[must_use]
pub fn path(request: &RequestHeader) -> &str {
    path_of(target(request))
}

/// The canonical path and query of a request that went through [`canonicalise`].
#[must_use]
pub fn target(request: &RequestHeader) -> &str {
    // Canonical is ASCII; anything else never got here, and an empty path matches no rule.
    std::str::from_utf8(request.raw_path()).unwrap_or("")
}

/// The text, if every byte is printable ASCII and none begins a fragment.
fn plain(raw: &[u8]) -> Result<&str, Fault> {
    for byte in raw {
        match byte {
            b'#' => return Err(Fault::Fragment),
            0x21..=0x7E => {}
            0x80.. => return Err(Fault::NotAscii),
            _ => return Err(Fault::Control),
        }
    }
    std::str::from_utf8(raw).map_err(|_| Fault::NotAscii)
}

/// Path and query of an origin-form or absolute target; the path may be empty.
fn without_authority(text: &str) -> Result<&str, Fault> {
    if text.starts_with('/') {
        return Ok(text);
    }
    match raw_target_authority(text.as_bytes()) {
        RawTargetAuthority::Absolute {
            scheme,
            path_and_query,
            ..
        } if scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https") => {
            std::str::from_utf8(path_and_query).map_err(|_| Fault::NotAscii)
        }
        RawTargetAuthority::Absolute { .. }
        | RawTargetAuthority::None
        | RawTargetAuthority::AmbiguousAuthority => Err(Fault::NoPath),
    }
}

/// Judges a path whose unreserved characters are decoded.
fn accept(path: &str, style: PathStyle) -> Result<(), Fault> {
    if path.contains('\\') {
        return Err(Fault::Backslash);
    }
    if path.contains('%') {
        escape::accept(path, style)?;
        refuse_rest_of_line(path)?;
    }
    if style == PathStyle::Strict {
        if path.contains(';') {
            return Err(Fault::Parameter);
        }
        if path.contains("//") {
            return Err(Fault::EmptySegment);
        }
    }
    if escape::has_dot_segment(path) {
        return Err(Fault::DotSegment);
    }
    Ok(())
}

/// pingora escapes an illegal request line and reads it again, so that
/// `GET /a HTTP/1.1 /b HTTP/1.1` arrives as one long path.
fn refuse_rest_of_line(path: &str) -> Result<(), Fault> {
    for (at, mark) in path.match_indices("%20HTTP/") {
        let version = path.as_bytes().get(at.saturating_add(mark.len()));
        if version.is_some_and(u8::is_ascii_digit) {
            return Err(Fault::RequestLine);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
