//! What a page could not do, and how that is told.
//!
//! Owns the list of failures with their statuses, and the layer that dresses each as a page (or, below `api/`, as
//! problem+json, RFC 9457). Must not know which page failed.

use std::error::Error as _;

use askama::Template as _;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use doorward_identity::Fault;
use http::header::{ALLOW, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use crate::Ui;
use crate::form::Unread;
use crate::notice::{self, Notice};
use crate::problem;

/// How long to wait before asking again for what a store could not give, in seconds.
const RETRY_AWAY: HeaderValue = HeaderValue::from_static("5");

/// Something that ends a request before its page is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No page lives here.
    NotFound,
    /// The page has no such verb.
    WrongMethod,
    /// The form was not read.
    Unread(Unread),
    /// The form was sent from another site.
    Foreign,
    /// The form was sent to a host where nobody signs in.
    NotHere,
    /// This host is signed in for elsewhere, and cannot be come back to.
    NoWayBack,
    /// The account page was fetched by a program on the page's own origin.
    NotNavigated,
    /// Nobody may register here, or only who was invited.
    Closed,
    /// The invitation does not work.
    Uninvited,
    /// A store cannot be asked.
    Away,
    /// Our mistake.
    Broken,
}

impl Failure {
    /// The status that says so.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unread(unread) => unread.status(),
            Self::Foreign
            | Self::NotHere
            | Self::NoWayBack
            | Self::NotNavigated
            | Self::Closed
            | Self::Uninvited => StatusCode::FORBIDDEN,
            Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

impl From<Fault> for Failure {
    /// Logs the whole chain; the person sees none of it.
    fn from(fault: Fault) -> Self {
        let mut chain = fault.to_string();
        let mut source = fault.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        match fault {
            Fault::StoreAway { .. } | Fault::Unfollowed { .. } => {
                tracing::warn!(chain, "a page could not be made: a store is away");
                Self::Away
            }
            Fault::Broken { .. } => {
                tracing::error!(chain, "a page could not be made");
                Self::Broken
            }
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a template could not be filled");
        Self::Broken
    }
}

impl IntoResponse for Failure {
    /// A bare response; [`dress`] puts the words on it.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives every bare failure its page.
pub(crate) async fn dress(State(ui): State<Ui>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let id = notice::request_id(request.headers());
    let response = next.run(request).await;
    let failure = match response.extensions().get::<Failure>() {
        Some(failure) => *failure,
        None if response.status() == StatusCode::METHOD_NOT_ALLOWED => Failure::WrongMethod,
        None => return response,
    };
    let mut dressed = if path.starts_with("/api/") {
        problem::response(failure.status(), None)
    } else {
        match Notice::of(failure, &(ui.live)(), id).render() {
            Ok(page) => (failure.status(), Html(page)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a template could not be filled");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    };
    if let Some(allow) = response.headers().get(ALLOW) {
        dressed.headers_mut().insert(ALLOW, allow.clone());
    }
    if failure == Failure::Away {
        dressed.headers_mut().insert(RETRY_AFTER, RETRY_AWAY);
    }
    dressed
}
