//! How pages answer: a page, a way on, a new session.
//!
//! Owns the few shapes of an answer, so that none forgets a status or a cookie. Must not know the pages.

use std::borrow::Cow;
use std::time::Duration;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use doorward_identity::flow::{self, FlowToken};
use doorward_identity::session::{Opened, Remembered};
use http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, StatusCode};

use crate::ago;
use crate::cookie::{Jar, Lasts};
use crate::failure::Failure;
use crate::visit::Visit;

/// A page.
pub(crate) fn page(status: StatusCode, page: &impl Template) -> Result<Response, Failure> {
    Ok((status, Html(page.render()?)).into_response())
}

/// Sends the browser on with a GET (303, RFC 9110 §15.4.4). `path` is always one of ours or a judged [`crate::to::To`].
pub(crate) fn see_other(path: &str) -> Result<Response, Failure> {
    let location = HeaderValue::from_str(path).map_err(|_| Failure::Broken)?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}

/// Gives the browser its new session and sends it on.
pub(crate) fn welcome(visit: &Visit, opened: &Opened, path: &str) -> Result<Response, Failure> {
    signed_in(visit, opened, see_other(path)?)
}

/// Gives the browser its new session with this answer. Whatever it was in the middle of is over.
pub(crate) fn signed_in(
    visit: &Visit,
    opened: &Opened,
    mut response: Response,
) -> Result<Response, Failure> {
    let lasts = match opened.record.remembered {
        Remembered::No => Lasts::UntilClosed,
        Remembered::Yes => {
            let left = opened
                .record
                .ends_at
                .duration_since(visit.ui.identity.clock.now());
            Lasts::For(left.try_into().map_err(|_| Failure::Broken)?)
        }
    };
    let cookie = Jar::Session
        .set(visit.scheme, &opened.token.text(), lasts)
        .ok_or(Failure::Broken)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    if visit.flow().is_some() {
        forget_flow(visit, &mut response);
    }
    Ok(response)
}

/// Gives the browser what leads to the next step, and sends it there.
pub(crate) fn next_step(visit: &Visit, flow: &FlowToken, path: &str) -> Result<Response, Failure> {
    let cookie = Jar::Flow
        .set(visit.scheme, &flow.text(), Lasts::For(flow::LIFE))
        .ok_or(Failure::Broken)?;
    let mut response = see_other(path)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// Has the browser forget that it was in the middle of something.
pub(crate) fn forget_flow(visit: &Visit, response: &mut Response) {
    response
        .headers_mut()
        .append(SET_COOKIE, Jar::Flow.clear(visit.scheme));
}

/// Why somebody has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Too many wrong tries.
    Slowed(Duration),
    /// Too many people at once.
    Busy(Duration),
}

impl Wait {
    /// 429 or 503.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Slowed(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The sentence above the form.
    pub(crate) fn words(self) -> Cow<'static, str> {
        let wait = ago::wait(self.seconds());
        match self {
            Self::Slowed(_) => format!("Too many tries. Try again in {wait}.").into(),
            Self::Busy(_) => {
                format!("A lot of people are signing in just now. Try again in {wait}.").into()
            }
        }
    }

    /// The same page with `Retry-After`.
    pub(crate) fn on(self, mut response: Response) -> Response {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(self.seconds()));
        response
    }

    /// Whole seconds, rounded up, at least one.
    fn seconds(self) -> u64 {
        let (Self::Slowed(time) | Self::Busy(time)) = self;
        ago::seconds(time).max(1)
    }
}
