//! Where a person goes after a form: the `to` field, judged anew at every use.
//!
//! Owns the rule that we only ever send somebody to a path of the origin they are already on; or, from the portal's
//! own host, to one of a host that it signs people in for. Must not know who is asking, nor what lies behind the path.

use std::fmt;

use doorward_config::Live;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::origin::Origin;

/// Longer addresses are not worth carrying through a form and a header.
const LONGEST: usize = 4096;

/// How often an address may have been encoded; whatever is still encoded then is not decoded by anyone.
const LAYERS: usize = 4;

/// A path on the visitor's own origin, outside the portal; or an address of a host that the portal signs people in for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct To {
    text: String,
    elsewhere: Option<Elsewhere>,
}

/// Another host, and where on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    /// `https://app.example.com`.
    pub(crate) origin: String,
    /// Path, query and fragment, outside the portal.
    path: String,
}

impl Elsewhere {
    /// The page of that host which gives the browser a session there; with a ticket, if there is one already.
    pub(crate) fn handover(&self, portal: &str, ticket: Option<&str>) -> String {
        let path = utf8_percent_encode(&self.path, NON_ALPHANUMERIC);
        let ticket = ticket.map_or_else(String::new, |ticket| format!("t={ticket}&"));
        format!("{}{portal}/handover?{ticket}to={path}", self.origin)
    }
}

impl To {
    /// The start page, where everything dubious leads.
    pub(crate) fn home() -> Self {
        Self::here("/".to_owned())
    }

    fn here(text: String) -> Self {
        Self {
            text,
            elsewhere: None,
        }
    }

    /// Judges what a form or an address carried. Anything but a path-absolute address, or an absolute one
    /// on `origin`, or a page of the portal itself, becomes `/`.
    pub(crate) fn parse(raw: &str, origin: Option<&Origin>, portal: &str) -> Self {
        accept(raw, origin, portal).map_or_else(Self::home, Self::here)
    }

    /// As [`To::parse`], on the host of `portal.url`: there it may also be an address of a host that is signed in for.
    pub(crate) fn parse_on_portal(raw: &str, origin: Option<&Origin>, live: &Live) -> Self {
        let portal = &live.portal.path;
        match accept_elsewhere(raw, live) {
            Some(elsewhere) => Self {
                text: format!("{}{}", elsewhere.origin, elsewhere.path),
                elsewhere: Some(elsewhere),
            },
            None => Self::parse(raw, origin, portal),
        }
    }

    /// The other host, if it is one.
    pub(crate) fn elsewhere(&self) -> Option<&Elsewhere> {
        self.elsewhere.as_ref()
    }

    /// What a form carries: the path, or all of the address.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Where a link, or the answer to a link, leads.
    pub(crate) fn way(&self, portal: &str) -> String {
        match &self.elsewhere {
            None => self.text.clone(),
            Some(elsewhere) => elsewhere.handover(portal, None),
        }
    }

    /// Where the answer to a form leads: never to another host at once, because browsers hold what follows a form to
    /// the page's `form-action`.
    pub(crate) fn way_after_form(&self, portal: &str) -> String {
        match &self.elsewhere {
            None => self.text.clone(),
            Some(_) => format!("{portal}/leave{}", self.query()),
        }
    }

    /// For the end of a link to another form: `?to=…`, or nothing.
    pub(crate) fn query(&self) -> String {
        if self.is_home() {
            return String::new();
        }
        format!("?to={}", utf8_percent_encode(&self.text, NON_ALPHANUMERIC))
    }

    /// Whether there is nothing to remember.
    pub(crate) fn is_home(&self) -> bool {
        self.text == "/"
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn accept(raw: &str, origin: Option<&Origin>, portal: &str) -> Option<String> {
    let url = if raw.starts_with('/') && !raw.starts_with("//") {
        // Only the path is used, so any base will do.
        let base = Url::parse("http://path.invalid").ok()?;
        let url = is_plain(raw).then(|| base.join(raw))?.ok()?;
        (url.origin() == base.origin()).then_some(url)?
    } else {
        let url = absolute(raw)?;
        (url.origin() == origin?.url().origin()).then_some(url)?
    };
    path(&url, portal).map(str::to_owned)
}

fn accept_elsewhere(raw: &str, live: &Live) -> Option<Elsewhere> {
    let url = absolute(raw)?;
    if !live.leads_to(&url) {
        return None;
    }
    Some(Elsewhere {
        path: path(&url, &live.portal.path)?.to_owned(),
        origin: url.origin().ascii_serialization(),
    })
}

/// Whether nothing in it is read in more than one way: browsers drop tabs and line ends from addresses, trim blanks and
/// read `\` as `/`. Nothing honest has them.
fn is_plain(raw: &str) -> bool {
    let dubious = |c: char| c == '\\' || c.is_control() || c.is_whitespace();
    raw.len() <= LONGEST && !raw.contains(dubious)
}

/// An address with a scheme of the web and a host.
fn absolute(raw: &str) -> Option<Url> {
    let (scheme, rest) = raw.split_once("://")?;
    let of_web = ["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    if !is_plain(raw) || !of_web || rest.starts_with('/') {
        return None;
    }
    Url::parse(raw).ok()
}

/// Path, query and fragment, if that is all and none of it leads astray.
fn path<'a>(url: &'a Url, portal: &str) -> Option<&'a str> {
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    if leads_away(url.path()) || is_in_portal(url.path(), portal) {
        return None;
    }
    Some(&url[url::Position::BeforePath..])
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
