//! What somebody gets who would have to sign in first, or show a second factor.
//!
//! Owns the choice between a page and an answer for programs, and where the page leads back to.
//! Must not know why it is needed.

use doorward_config::OnUnauthenticated;
use http::header::REFERER;
use http::{HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pingora_http::RequestHeader;

use crate::host::Host;
use crate::origin;
use crate::scheme::Scheme;
use crate::target;
use crate::websocket::{self, Asked};
use crate::wish::{self, FetchMode, Html};

/// Everything but unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Longer addresses are not worth carrying through a header and a form.
const LONGEST: usize = 4096;

/// What `Authorization` had to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearer {
    /// No bearer token.
    None,
    /// One that is not good.
    Bad,
}

/// A request by a stranger.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The request, its target canonical.
    pub request: &'a RequestHeader,
    /// The scheme and host the browser is on.
    pub scheme: Scheme,
    /// The host that the site was found by.
    pub host: &'a Host<'a>,
    /// Where the built-in pages live, without a slash at its end.
    pub portal: &'a str,
    /// What the site says.
    pub on_unauthenticated: OnUnauthenticated,
    /// What `Authorization` had to show.
    pub bearer: Bearer,
}

/// What a stranger gets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Answer {
    /// To the login page.
    Redirect {
        /// 302 for a request that may be made again, else 303: never 307, which repeats a body.
        status: StatusCode,
        /// Path and query of the login page.
        location: String,
    },
    /// 401, for programs.
    Unauthorized {
        /// Path and query of the login page.
        login_url: String,
        /// For the challenge.
        bearer: Bearer,
    },
}

/// What somebody gets who is signed in without the second factor that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// To the page that asks for a code.
    Redirect {
        /// 302 or 303, as in [`Answer::Redirect`].
        status: StatusCode,
        /// Path and query of that page.
        location: String,
    },
    /// 403, for programs: signing in as they did would not help.
    Forbidden {
        /// Path and query of that page.
        code_url: String,
    },
}

impl Bearer {
    /// `WWW-Authenticate` (RFC 6750, section 3): no error for whoever had no token.
    #[must_use]
    pub fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::None => r#"Bearer realm="doorward""#,
            Self::Bad => r#"Bearer realm="doorward", error="invalid_token""#,
        })
    }
}

enum Way {
    Page,
    Program,
}

/// Decides what a stranger gets. The first that applies: what the site says; a bad token; a
/// WebSocket; what the browser says; what the headers of a script say.
pub fn answer(asking: &Asking<'_>) -> Answer {
    match way(asking) {
        Way::Page => Answer::Redirect {
            status: redirect(&asking.request.method),
            location: address(asking.portal, "login", &page_asked_for(asking)),
        },
        Way::Program => Answer::Unauthorized {
            login_url: address(asking.portal, "login", &page_of_script(asking)),
            bearer: asking.bearer,
        },
    }
}

/// Decides what somebody gets whose session has shown a password only, by the same order.
pub fn second_factor(asking: &Asking<'_>) -> Step {
    match way(asking) {
        Way::Page => Step::Redirect {
            status: redirect(&asking.request.method),
            location: address(asking.portal, "login/code", &page_asked_for(asking)),
        },
        Way::Program => Step::Forbidden {
            code_url: address(asking.portal, "login/code", &page_of_script(asking)),
        },
    }
}

fn redirect(method: &Method) -> StatusCode {
    match *method {
        Method::GET | Method::HEAD => StatusCode::FOUND,
        _ => StatusCode::SEE_OTHER,
    }
}

fn way(asking: &Asking<'_>) -> Way {
    let headers = &asking.request.headers;
    match asking.on_unauthenticated {
        OnUnauthenticated::Redirect => return Way::Page,
        OnUnauthenticated::Unauthorized => return Way::Program,
        OnUnauthenticated::Auto => {}
    }
    if asking.bearer == Bearer::Bad || websocket::asked(headers) == Asked::WebSocket {
        return Way::Program;
    }
    match wish::fetch_mode(headers) {
        FetchMode::Navigate => Way::Page,
        FetchMode::Other => Way::Program,
        FetchMode::Unsaid if headers.contains_key("x-requested-with") => Way::Program,
        FetchMode::Unsaid => match wish::html(headers) {
            Html::NotNamed => Way::Program,
            Html::Wanted | Html::Unsaid => Way::Page,
        },
    }
}

/// The address of a built-in page that leads back to `to`.
pub(crate) fn address(portal: &str, page: &str, to: &str) -> String {
    format!("{portal}/{page}?to={}", utf8_percent_encode(to, RESERVED))
}

/// A script was refused; the page it belongs to is what a person wants to see again.
fn page_of_script(asking: &Asking<'_>) -> String {
    page_before(asking).unwrap_or_else(|| page_asked_for(asking))
}

/// What is asked for, or where a form that was sent stands.
fn page_asked_for(asking: &Asking<'_>) -> String {
    let page = match asking.request.method {
        Method::GET | Method::HEAD => {
            returnable(target::target(asking.request), asking.portal).map(str::to_owned)
        }
        _ => page_before(asking),
    };
    page.unwrap_or_else(|| "/".to_owned())
}

/// The page that the request comes from, if it is one of this origin.
fn page_before(asking: &Asking<'_>) -> Option<String> {
    let mut referers = asking.request.headers.get_all(REFERER).iter();
    let referer = referers.next()?;
    if referers.next().is_some() {
        return None;
    }
    let path = origin::own_path(referer.as_bytes(), asking.scheme, asking.host)?;
    let page = target::canonical(path, doorward_config::PathStyle::Relaxed).ok()?;
    returnable(page.as_str(), asking.portal).map(str::to_owned)
}

/// A page to come back to: on this host whoever reads it, and none of the portal's own.
fn returnable<'a>(page: &'a str, portal: &str) -> Option<&'a str> {
    let path = target::path_of(page);
    let below = path.strip_prefix(portal);
    let in_portal = below.is_some_and(|below| below.is_empty() || below.starts_with('/'));
    let elsewhere = !page.starts_with('/') || page.starts_with("//");
    (!in_portal && !elsewhere && page.len() <= LONGEST).then_some(page)
}

#[cfg(test)]
mod tests;
