//! Conditional requests (RFC 9110 §13): whether to answer with the file at all, and whether a range still counts.
//!
//! Must not know the disk; works on [`Facts`].

use crate::facts::Facts;
use http::HeaderMap;
use http::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};
use std::time::SystemTime;

/// What the preconditions of a GET or HEAD come to.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Verdict {
    /// Answer with the file.
    Send,
    /// 304: the client has it.
    Unchanged,
    /// 412: the client wanted something else.
    Failed,
}

/// Judges the preconditions in the order of RFC 9110 §13.2.2.
///
/// An unreadable date is ignored, as §13.1.3 and §13.1.4 have it; an unreadable tag matches nothing.
pub(crate) fn judge(headers: &HeaderMap, facts: &Facts) -> Verdict {
    if headers.contains_key(IF_MATCH) {
        if !any_tag(headers, &IF_MATCH, |tag| tag.is_strongly(&facts.etag)) {
            return Verdict::Failed;
        }
    } else if let (Some(modified), Some(since)) =
        (facts.modified, date(headers, &IF_UNMODIFIED_SINCE))
        && modified > since
    {
        return Verdict::Failed;
    }
    if headers.contains_key(IF_NONE_MATCH) {
        if any_tag(headers, &IF_NONE_MATCH, |tag| tag.is_weakly(&facts.etag)) {
            return Verdict::Unchanged;
        }
    } else if let (Some(modified), Some(since)) =
        (facts.modified, date(headers, &IF_MODIFIED_SINCE))
        && modified <= since
    {
        return Verdict::Unchanged;
    }
    Verdict::Send
}

/// Whether a `Range` counts: there is no `If-Range`, or it names the file as it is (§13.1.5).
/// Compared strongly, a date exactly; unreadable ones don't match, so the whole file is sent.
pub(crate) fn range_stands(headers: &HeaderMap, facts: &Facts) -> bool {
    if !headers.contains_key(IF_RANGE) {
        return true;
    }
    let Some(value) = only(headers, &IF_RANGE) else {
        return false;
    };
    match Tag::read(value) {
        Some((tag, rest)) => rest.is_empty() && tag.is_strongly(&facts.etag),
        None => facts.modified.is_some() && facts.modified == httpdate::parse_http_date(value).ok(),
    }
}

/// `*` or an entity tag (RFC 9110 §8.8.3).
enum Tag<'a> {
    Any,
    Strong(&'a str),
    Weak(&'a str),
}

impl<'a> Tag<'a> {
    /// The tag at the beginning of `text`, and what follows it.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let (weak, quoted) = match text.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let close = quoted.strip_prefix('"')?.find('"')? + 2;
        let (opaque, rest) = quoted.split_at_checked(close)?;
        Some((
            if weak {
                Self::Weak(opaque)
            } else {
                Self::Strong(opaque)
            },
            rest,
        ))
    }

    fn is_strongly(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Strong(opaque) => *opaque == etag,
            Self::Weak(_) => false,
        }
    }

    fn is_weakly(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Strong(opaque) | Self::Weak(opaque) => *opaque == etag,
        }
    }
}

/// Whether one of the tags in all lines of this name is right. Reading a line ends where it is malformed.
fn any_tag(headers: &HeaderMap, name: &HeaderName, is_right: impl Fn(&Tag) -> bool) -> bool {
    let lines = headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok());
    for line in lines {
        if line.trim() == "*" {
            return is_right(&Tag::Any);
        }
        let mut rest = skip(line);
        while let Some((tag, after)) = Tag::read(rest) {
            if is_right(&tag) {
                return true;
            }
            rest = skip(after);
        }
    }
    false
}

fn skip(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', ','])
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(only(headers, name)?).ok()
}

/// The value, when there is exactly one and it is readable.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(str::trim),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
