//! Everything that the gateway answers by itself instead of an upstream.
//!
//! Owns the list, with one row of status, counter and page each. Must not know how it came to
//! that; the words of the pages are `doorward_login_ui`'s, the bytes `refusal::reply`'s.
//!
//! The client sees a bland page and a request id; `Display` is for the log.

mod reply;

use std::time::Duration;

use doorward_login_ui::dead_end::Kind;
use http::StatusCode;
use thiserror::Error;

pub use reply::{Asked, Plates, Reply, Undrawn};

use crate::stranger::{Answer, Step};
use crate::{host, target};

/// Why a request is not passed on, or not answered by its upstream.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[must_use]
pub enum Refusal {
    /// No site has this host.
    #[error("no site has this host")]
    UnknownSite,
    /// The host is none, or there are several.
    #[error("host: {0}")]
    Host(#[from] host::Fault),
    /// The target is ambiguous, malformed or too long.
    #[error("target: {0}")]
    Target(#[from] target::Fault),
    /// The path has two readings under different rules.
    #[error("the path has two readings under different rules")]
    Unclear,
    /// The request is malformed in some other way.
    #[error("malformed request: {0}")]
    Malformed(&'static str),
    /// `TRACE` or `CONNECT`.
    #[error("method is never passed on")]
    Method,
    /// A method that nobody knows.
    #[error("unknown method")]
    UnknownMethod,
    /// More or longer headers than `limits` allows.
    #[error("headers too large")]
    HeadersTooLarge,
    /// A body over the site's limit.
    #[error("body too large")]
    BodyTooLarge,
    /// The rest of the request takes too long to come.
    #[error("the client was too slow")]
    TooSlow,
    /// Somebody has to sign in.
    #[error("not signed in")]
    NotSignedIn(Answer),
    /// The answer is at another address of this host.
    #[error("the answer is elsewhere")]
    Elsewhere {
        /// Path and query.
        location: String,
    },
    /// It came in the clear, and is answered over TLS only.
    #[error("sent to https")]
    InTheClear {
        /// Where it is answered.
        location: String,
    },
    /// The rules refuse this person, or everybody.
    #[error("refused by the rules")]
    Forbidden,
    /// The API key is not for this.
    #[error("the API key is not for this")]
    BeyondKey,
    /// The rule asks for a second factor that the session has not.
    #[error("a second factor is needed")]
    SecondFactorNeeded(Step),
    /// The request that another proxy asks about carries a header that it would not be passed on with here.
    #[error("a header that clients may not send")]
    ForgedHeader,
    /// A page of somebody else's opens a WebSocket.
    #[error("WebSocket opened by a foreign origin")]
    ForeignOrigin,
    /// A store cannot be asked, so nobody knows who this is.
    #[error("a store is away")]
    StoreAway,
    /// The site has no upstream: other proxies only ask about it.
    #[error("the site has no upstream")]
    NoUpstream,
    /// The upstream cannot be reached, or what it says makes no sense.
    #[error("bad upstream")]
    BadGateway,
    /// The upstream took too long.
    #[error("the upstream took too long")]
    GatewayTimeout,
    /// Too many connections or requests from this address.
    #[error("too many from this address")]
    TooMany,
    /// Too much at once for this process, or it is about to stop.
    #[error("too busy")]
    Busy,
    /// A defect of ours.
    #[error("internal error")]
    Internal,
}

/// Short, so that a row of the table is a line.
type S = StatusCode;

/// One row of the table.
struct Row(StatusCode, &'static str, Kind);

impl Refusal {
    /// Every `reason` there is, for metrics that start at zero.
    pub const REASONS: [&'static str; 26] = [
        "unknown_site",
        "bad_host",
        "bad_target",
        "target_too_long",
        "unclear_path",
        "malformed",
        "method_not_allowed",
        "unknown_method",
        "headers_too_large",
        "body_too_large",
        "too_slow",
        "not_signed_in",
        "elsewhere",
        "in_the_clear",
        "forbidden",
        "beyond_key",
        "second_factor_needed",
        "forged_header",
        "foreign_origin",
        "store_away",
        "no_upstream",
        "bad_gateway",
        "gateway_timeout",
        "too_many",
        "busy",
        "internal",
    ];

    fn row(&self) -> Row {
        match self {
            Self::UnknownSite => Row(S::MISDIRECTED_REQUEST, "unknown_site", Kind::UnknownSite),
            Self::Host(_) => Row(S::BAD_REQUEST, "bad_host", Kind::BadRequest),
            Self::Target(target::Fault::TooLong) => {
                Row(S::URI_TOO_LONG, "target_too_long", Kind::TooLarge)
            }
            Self::Target(_) => Row(S::BAD_REQUEST, "bad_target", Kind::BadRequest),
            Self::Unclear => Row(S::BAD_REQUEST, "unclear_path", Kind::BadRequest),
            Self::Malformed(_) => Row(S::BAD_REQUEST, "malformed", Kind::BadRequest),
            Self::Method => Row(
                S::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                Kind::MethodNotAllowed,
            ),
            Self::UnknownMethod => {
                Row(S::NOT_IMPLEMENTED, "unknown_method", Kind::MethodNotAllowed)
            }
            Self::HeadersTooLarge => Row(
                S::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers_too_large",
                Kind::HeadersTooLarge,
            ),
            Self::BodyTooLarge => Row(S::PAYLOAD_TOO_LARGE, "body_too_large", Kind::TooLarge),
            Self::TooSlow => Row(S::REQUEST_TIMEOUT, "too_slow", Kind::TooSlow),
            Self::NotSignedIn(answer) => Row(answer.status(), "not_signed_in", Kind::Forbidden),
            Self::Elsewhere { .. } => Row(StatusCode::FOUND, "elsewhere", Kind::NotFound),
            Self::InTheClear { .. } => Row(S::PERMANENT_REDIRECT, "in_the_clear", Kind::NotFound),
            Self::Forbidden => Row(S::FORBIDDEN, "forbidden", Kind::Forbidden),
            Self::BeyondKey => Row(S::FORBIDDEN, "beyond_key", Kind::Forbidden),
            Self::SecondFactorNeeded(step) => {
                Row(step.status(), "second_factor_needed", Kind::Forbidden)
            }
            Self::ForgedHeader => Row(S::FORBIDDEN, "forged_header", Kind::Forbidden),
            Self::ForeignOrigin => Row(S::FORBIDDEN, "foreign_origin", Kind::Forbidden),
            Self::StoreAway => Row(S::SERVICE_UNAVAILABLE, "store_away", Kind::Unavailable),
            Self::NoUpstream => Row(S::NOT_FOUND, "no_upstream", Kind::NotFound),
            Self::BadGateway => Row(S::BAD_GATEWAY, "bad_gateway", Kind::BadGateway),
            Self::GatewayTimeout => Row(S::GATEWAY_TIMEOUT, "gateway_timeout", Kind::Timeout),
            Self::TooMany => Row(S::TOO_MANY_REQUESTS, "too_many", Kind::TooMany),
            Self::Busy => Row(S::SERVICE_UNAVAILABLE, "busy", Kind::Unavailable),
            Self::Internal => Row(S::INTERNAL_SERVER_ERROR, "internal", Kind::Internal),
        }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.row().0
    }

    /// The `reason` of `doorward_requests_refused_total`; one of [`Self::REASONS`].
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.row().1
    }

    /// Which page goes with it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.row().2
    }

    /// When to try again (RFC 9110, section 10.2.3), for what passes by itself.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::StoreAway | Self::Busy => Some(Duration::from_secs(5)),
            Self::TooMany => Some(Duration::from_secs(10)),
            Self::UnknownSite
            | Self::Host(_)
            | Self::Target(_)
            | Self::Unclear
            | Self::Malformed(_)
            | Self::Method
            | Self::UnknownMethod
            | Self::HeadersTooLarge
            | Self::BodyTooLarge
            | Self::TooSlow
            | Self::NotSignedIn(_)
            | Self::Elsewhere { .. }
            | Self::InTheClear { .. }
            | Self::Forbidden
            | Self::BeyondKey
            | Self::SecondFactorNeeded(_)
            | Self::ForgedHeader
            | Self::ForeignOrigin
            | Self::NoUpstream
            | Self::BadGateway
            | Self::GatewayTimeout
            | Self::Internal => None,
        }
    }

    /// What a program is told besides the status: nothing that it did not send itself.
    fn detail(&self) -> Option<String> {
        match self {
            Self::Host(fault) => Some(fault.to_string()),
            Self::Target(fault) => Some(fault.to_string()),
            Self::Unclear
            | Self::Malformed(_)
            | Self::BeyondKey
            | Self::SecondFactorNeeded(_)
            | Self::ForgedHeader
            | Self::ForeignOrigin => Some(self.to_string()),
            Self::UnknownSite
            | Self::Method
            | Self::UnknownMethod
            | Self::HeadersTooLarge
            | Self::BodyTooLarge
            | Self::TooSlow
            | Self::NotSignedIn(_)
            | Self::Elsewhere { .. }
            | Self::InTheClear { .. }
            | Self::Forbidden
            | Self::StoreAway
            | Self::NoUpstream
            | Self::BadGateway
            | Self::GatewayTimeout
            | Self::TooMany
            | Self::Busy
            | Self::Internal => None,
        }
    }
}

impl Answer {
    /// The status that goes with it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Redirect { status, .. } => *status,
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
        }
    }
}

impl Step {
    /// The status that goes with it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Redirect { status, .. } => *status,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
        }
    }
}

#[cfg(test)]
mod tests;
