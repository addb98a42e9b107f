//! Where a person goes after a form: the `to` field, judged anew at every use.
//!
//! Owns the rule that we only ever send somebody to a path of the origin they are already on.
//! Must not know who is asking, nor what lies behind the path.

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::origin::Origin;

/// Longer addresses are not worth carrying through a form and a header.
const LONGEST: usize = 4096;

/// How often an address may have been encoded; whatever is still encoded then is not decoded by anyone.
const LAYERS: usize = 4;

/// A path on the visitor's own origin, outside the portal: safe as a `Location`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct To(String);

impl To {
    /// The start page, where everything dubious leads.
    pub(crate) fn home() -> Self {
        Self("/".to_owned())
    }

    /// Judges what a form or an address carried. Anything but a path-absolute address, or an absolute one
    /// on `origin`, or a page of the portal itself, becomes `/`.
    pub(crate) fn parse(raw: &str, origin: Option<&Origin>, portal: &str) -> Self {
        accept(raw, origin, portal).map_or_else(Self::home, Self)
    }

    /// The path, with query and fragment if it has them.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// For the end of a link to another form: `?to=…`, or nothing.
    pub(crate) fn query(&self) -> String {
        if self.is_home() {
            return String::new();
        }
        format!("?to={}", utf8_percent_encode(&self.0, NON_ALPHANUMERIC))
    }

    /// Whether there is nothing to remember.
    pub(crate) fn is_home(&self) -> bool {
        self.0 == "/"
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn accept(raw: &str, origin: Option<&Origin>, portal: &str) -> Option<String> {
    // Browsers drop tabs and line ends from addresses, trim blanks and read `\` as `/`: nothing honest has them.
    let dubious = |c: char| c == '\\' || c.is_control() || c.is_whitespace();
    if raw.len() > LONGEST || raw.contains(dubious) {
        return None;
    }
    let url = if raw.starts_with('/') && !raw.starts_with("//") {
        // Only the path is used, so any base will do.
        let base = Url::parse("http://path.invalid").ok()?;
        let url = base.join(raw).ok()?;
        (url.origin() == base.origin()).then_some(url)?
    } else {
        let ours = origin?.url();
        let (scheme, rest) = raw.split_once("://")?;
        if !scheme.eq_ignore_ascii_case(ours.scheme()) || rest.starts_with('/') {
            return None;
        }
        let url = Url::parse(raw).ok()?;
        (url.origin() == ours.origin()).then_some(url)?
    };
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let path = url.path();
    if leads_away(path) || is_in_portal(path, portal) {
        return None;
    }
    Some(url[url::Position::BeforePath..].to_owned())
}

/// Whether the path, as written or as some later program may decode it, could be read as another host.
fn leads_away(path: &str) -> bool {
    let mut spelling = path.as_bytes().to_vec();
    for _ in 0..LAYERS {
        let second_slash = spelling.starts_with(b"//") || spelling.starts_with(b"/\\");
        if second_slash || spelling.iter().any(|b| *b == b'\\' || b.is_ascii_control()) {
            return true;
        }
        let decoded: Vec<u8> = percent_encoding::percent_decode(&spelling).collect();
        if decoded == spelling {
            return false;
        }
        spelling = decoded;
    }
    true
}

/// Going back to a portal page after signing in is a circle.
fn is_in_portal(path: &str, portal: &str) -> bool {
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    decoded
        .strip_prefix(portal.as_bytes())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests;
