//! A refusal as it goes over the wire.
//!
//! Owns headers and bodies of our own answers. Must not know the words of the pages.

use bytes::Bytes;
use doorward_login_ui::TWO_FACTOR_REQUIRED;
use doorward_login_ui::dead_end::{Kind, Plate};
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use pingora_error::Result;
use pingora_http::ResponseHeader;
use serde_json::{Value, json};
use thiserror::Error;

use super::Refusal;
use crate::stranger::{Answer, Step};
use crate::wish::Format;

/// What may be tried instead of a method that is never passed on.
const METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
/// For a program whose token is good, but not for this (RFC 6750, section 3.1).
const INSUFFICIENT_SCOPE: HeaderValue =
    HeaderValue::from_static(r#"Bearer realm="doorward", error="insufficient_scope""#);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Every page that we answer with, ready but for a name and a request id.
#[derive(Debug, Clone)]
pub struct Plates(Vec<Plate>);

/// A page's template could not be filled.
#[derive(Debug, Error)]
#[error("the page for {kind:?} cannot be drawn: {why}")]
pub struct Undrawn {
    kind: Kind,
    why: String,
}

impl Plates {
    /// Draws them all, once for a configuration. `portal` is the path of the built-in pages.
    ///
    /// # Errors
    /// A template could not be filled, which is a defect.
    pub fn draw(title: &str, portal: &str) -> Result<Self, Undrawn> {
        let draw = |kind| {
            Plate::render(kind, title, portal).map_err(|error| Undrawn {
                kind,
                why: error.to_string(),
            })
        };
        let plates: Result<_, _> = Kind::ALL.into_iter().map(draw).collect();
        plates.map(Self)
    }

    fn of(&self, kind: Kind) -> Option<&Plate> {
        self.0.iter().find(|plate| plate.kind() == kind)
    }
}

/// What the answer depends on besides the refusal.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What the client can use.
    pub format: Format,
    /// Whoever is signed in, by the name the upstream would be told.
    pub person: Option<&'a str>,
    /// The name of this request in our logs.
    pub request_id: &'a str,
}

/// An answer of our own. `Content-Length` is set; to `HEAD` the body must not be sent.
#[derive(Debug)]
pub struct Reply {
    /// Status and headers.
    pub header: ResponseHeader,
    /// The body.
    pub body: Bytes,
}

impl Refusal {
    /// The answer to a client. Allocates a page, so it is no way to answer a flood.
    ///
    /// # Errors
    /// A header is none, which is a defect.
    pub fn reply(&self, plates: &Plates, asked: &Asked<'_>) -> Result<Reply> {
        let status = self.status();
        let mut header = ResponseHeader::build(status, Some(12))?;
        let body = match self {
            Self::NotSignedIn(Answer::Redirect { location, .. })
            | Self::SecondFactorNeeded(Step::Redirect { location, .. })
            | Self::Elsewhere { location }
            | Self::InTheClear { location } => {
                header.insert_header(LOCATION, location.as_str())?;
                header.insert_header(CACHE_CONTROL, NO_STORE)?;
                String::new()
            }
            Self::NotSignedIn(Answer::Unauthorized { login_url, bearer }) => {
                header.insert_header(WWW_AUTHENTICATE, bearer.challenge())?;
                let login_url = json!({ "login_url": login_url });
                self.problem(&mut header, asked.request_id, login_url)?
            }
            Self::SecondFactorNeeded(Step::Forbidden { code_url }) => {
                let more = json!({ "type": TWO_FACTOR_REQUIRED, "code_url": code_url });
                self.problem(&mut header, asked.request_id, more)?
            }
            Self::BeyondKey => {
                header.insert_header(WWW_AUTHENTICATE, INSUFFICIENT_SCOPE)?;
                self.problem(&mut header, asked.request_id, json!({}))?
            }
            _ => match (asked.format, plates.of(self.kind())) {
                (Format::Page, Some(plate)) => {
                    for (name, value) in plate.headers() {
                        header.insert_header(name, value.clone())?;
                    }
                    plate.fill(asked.person, asked.request_id)
                }
                (Format::Page | Format::Problem, _) => self.problem(
                    &mut header,
                    asked.request_id,
                    self.who_may_not(asked.person),
                )?,
            },
        };
        if status == StatusCode::METHOD_NOT_ALLOWED {
            header.insert_header(ALLOW, METHODS)?;
        }
        if let Some(wait) = self.retry_after() {
            header.insert_header(RETRY_AFTER, HeaderValue::from(wait.as_secs()))?;
        }
        header.insert_header(CONTENT_LENGTH, HeaderValue::from(body.len()))?;
        let body = Bytes::from(body);
        Ok(Reply { header, body })
    }

    /// Programs are told too who they are taken for.
    fn who_may_not(&self, person: Option<&str>) -> Value {
        match (self, person) {
            (Self::Forbidden, Some(person)) => {
                json!({ "detail": format!("{person} is signed in, and may not do this") })
            }
            _ => json!({}),
        }
    }

    /// A problem (RFC 9457) with `more` in it.
    fn problem(
        &self,
        header: &mut ResponseHeader,
        request_id: &str,
        more: Value,
    ) -> Result<String> {
        header.insert_header(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        )?;
        header.insert_header(CACHE_CONTROL, NO_STORE)?;
        header.insert_header(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))?;
        let status = self.status();
        let mut problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "request_id": request_id,
        });
        if let Value::Object(members) = &mut problem {
            members.extend(
                self.detail()
                    .map(|detail| ("detail".to_owned(), detail.into())),
            );
            if let Value::Object(more) = more {
                members.extend(more);
            }
        }
        Ok(problem.to_string())
    }
}
