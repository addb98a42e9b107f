//! The pages that the gateway itself answers with: refusals, unknown sites, upstreams that are away.
//!
//! Owns their words and look. A page is rendered once, when the configuration is loaded, as a [`Plate`] with two holes;
//! a request only copies it and fills the holes with escaped text. Pages for hosts where the portal is not served
//! carry their stylesheet inside; hence each has its own policy, [`Plate::headers`].
//! Must not know why a request was refused.

use std::sync::LazyLock;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use crate::assets::STYLE;
use crate::frame::Frame;
use crate::onward::Link;

mod words;

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 400: the address could be read in two ways.
    BadRequest,
    /// 403: no rule lets this person, or a stranger, in.
    Forbidden,
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 408: the rest of the request did not come in time.
    TooSlow,
    /// 413: the body.
    TooLarge,
    /// 421: no site has this host.
    UnknownSite,
    /// 429.
    TooMany,
    /// 431.
    HeadersTooLarge,
    /// 500.
    Internal,
    /// 502: the upstream cannot be reached or does not make sense.
    BadGateway,
    /// 503: a store cannot be asked, or we are full.
    Unavailable,
    /// 504: the upstream took too long.
    Timeout,
}

impl Kind {
    /// Every kind, in the order of their statuses.
    pub const ALL: [Self; 13] = [
        Self::BadRequest,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooSlow,
        Self::TooLarge,
        Self::UnknownSite,
        Self::TooMany,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::BadGateway,
        Self::Unavailable,
        Self::Timeout,
    ];

    /// The status that the page goes with.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnknownSite => StatusCode::MISDIRECTED_REQUEST,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BadGateway => StatusCode::BAD_GATEWAY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

impl Kind {
    /// Whether the page may appear where nothing of the portal is served: the host is unknown, or was not looked at yet.
    fn is_on_its_own(self) -> bool {
        matches!(
            self,
            Self::BadRequest | Self::UnknownSite | Self::HeadersTooLarge
        )
    }
}

/// A finished page with holes for a name and a request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plate {
    kind: Kind,
    to_stranger: Vec<Piece>,
    to_person: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Person,
    RequestId,
}

#[derive(Template)]
#[template(path = "dead_end.html")]
struct Page {
    frame: Frame,
    /// The stylesheet, if it has to be inside.
    inside: Option<&'static str>,
    text: &'static str,
    /// What follows the person's name, where the page says it.
    aside: Option<&'static str>,
    person: &'static str,
    links: Vec<Link>,
    request_id: &'static str,
}

/// Stand-ins for what is not known yet: private-use characters, which no title keeps.
const PERSON: &str = "\u{f8f0}";
const REQUEST_ID: &str = "\u{f8f1}";

impl Plate {
    /// Makes the page. `title` is the operator's, `portal` the portal's path.
    ///
    /// # Errors
    /// The template could not be filled, which is a defect.
    pub fn render(kind: Kind, title: &str, portal: &str) -> Result<Self, askama::Error> {
        let plain = |text: &str| text.replace(PERSON, "").replace(REQUEST_ID, "");
        let (title, portal) = (plain(title), plain(portal));
        let cut = |words: words::Words| -> Result<Vec<Piece>, askama::Error> {
            let page = Page {
                frame: Frame::of(&title, &portal, words.heading),
                inside: kind.is_on_its_own().then_some(STYLE),
                text: words.text,
                aside: words.aside,
                person: PERSON,
                links: words
                    .onward
                    .iter()
                    .map(|onward| onward.link(&portal))
                    .collect(),
                request_id: REQUEST_ID,
            };
            Ok(pieces(&page.render()?))
        };
        Ok(Self {
            kind,
            to_stranger: cut(words::to_stranger(kind))?,
            to_person: cut(words::to_person(kind))?,
        })
    }

    /// The page for one request: HTML in UTF-8. Both texts are escaped here.
    #[must_use]
    pub fn fill(&self, person: Option<&str>, request_id: &str) -> String {
        let (pieces, person) = match person {
            Some(person) => (&self.to_person, escape(person)),
            None => (&self.to_stranger, String::new()),
        };
        let request_id = escape(request_id);
        let parts = pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Person => &person,
            Piece::RequestId => &request_id,
        });
        parts.collect()
    }

    /// The headers that go with the page, its content type included. The policy allows its stylesheet and nothing else.
    #[must_use]
    pub fn headers(&self) -> &'static [(HeaderName, HeaderValue)] {
        if self.kind.is_on_its_own() {
            &INSIDE
        } else {
            &LINKED
        }
    }

    /// What the page is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

static LINKED: LazyLock<Vec<(HeaderName, HeaderValue)>> = LazyLock::new(|| headers("'self'"));

static INSIDE: LazyLock<Vec<(HeaderName, HeaderValue)>> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    headers(&format!("'sha256-{hash}'"))
});

fn headers(style: &str) -> Vec<(HeaderName, HeaderValue)> {
    let policy = format!(
        "default-src 'none'; style-src {style}; img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; \
         base-uri 'none'"
    );
    // Our own text is always a valid header; without one nothing at all may load.
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    ));
    vec![
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        ),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ]
}

fn pieces(page: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (at, part) in page.split(PERSON).enumerate() {
        if at > 0 {
            pieces.push(Piece::Person);
        }
        for (at, text) in part.split(REQUEST_ID).enumerate() {
            if at > 0 {
                pieces.push(Piece::RequestId);
            }
            pieces.push(Piece::Text(text.to_owned()));
        }
    }
    pieces
}

/// Text as HTML text or attribute value.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
