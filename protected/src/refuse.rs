//! Answers without a file: one enum, one table from its variants to statuses and words.
//!
//! Must not say more than the status does; the reason is in the log.

use crate::body::Body;
use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};

/// Why a request gets no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Neither GET nor HEAD.
    Method,
    /// Nothing there that may be served.
    NotFound,
    /// It is there, but the system does not let us read it.
    Unreadable,
    /// `If-Match` or `If-Unmodified-Since` did not hold.
    Precondition,
    /// No requested range lies in the file of this size.
    Range {
        /// Bytes.
        size: u64,
    },
    /// The whole folder cannot be opened.
    Away,
    /// The system failed.
    Broken,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unreadable => StatusCode::FORBIDDEN,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::Range { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Method => "This address can only be read.\n",
            Self::NotFound => "There is nothing at this address.\n",
            Self::Unreadable => "This file can't be read.\n",
            Self::Precondition => "This file has changed.\n",
            Self::Range { .. } => "This file has no such part.\n",
            Self::Away => "The files are away for a moment. Try again soon.\n",
            Self::Broken => "This file can't be sent right now. Try again soon.\n",
        }
    }

    /// The header that the status asks for (RFC 9110 §10.2.1, §10.2.3, §14.4).
    fn extra(self) -> Option<(http::HeaderName, HeaderValue)> {
        match self {
            Self::Method => Some((ALLOW, HeaderValue::from_static("GET, HEAD"))),
            Self::Away => Some((RETRY_AFTER, HeaderValue::from_static("5"))),
            Self::Range { size } => {
                let value = HeaderValue::from_str(&format!("bytes */{size}")).ok()?;
                Some((CONTENT_RANGE, value))
            }
            Self::NotFound | Self::Unreadable | Self::Precondition | Self::Broken => None,
        }
    }
}

/// The response for a refusal. For HEAD the caller takes its body away.
pub(crate) fn refuse(refusal: Refusal) -> Response<Body> {
    let words = refusal.words();
    let mut response = Response::new(Body::text(words));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from(words.len()));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some((name, value)) = refusal.extra() {
        headers.insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{Refusal, refuse};

    #[test]
    fn each_refusal_has_its_status() {
        for (refusal, status, extra) in [
            (Refusal::Method, 405, Some(("allow", "GET, HEAD"))),
            (Refusal::NotFound, 404, None),
            (Refusal::Unreadable, 403, None),
            (Refusal::Precondition, 412, None),
            (
                Refusal::Range { size: 7 },
                416,
                Some(("content-range", "bytes */7")),
            ),
            (Refusal::Away, 503, Some(("retry-after", "5"))),
            (Refusal::Broken, 500, None),
        ] {
            let response = refuse(refusal);
            assert_eq!(response.status(), status, "{refusal:?}");
            assert_eq!(
                response.headers()["content-type"],
                "text/plain; charset=utf-8"
            );
            if let Some((name, value)) = extra {
                assert_eq!(response.headers()[name], value, "{refusal:?}");
            }
        }
    }
}
