//! Refusals for programs: `application/problem+json` (RFC 9457).
//!
//! Owns the shape. Must not know who asks.

use axum::response::{IntoResponse, Response};
use doorward_identity::register::Problem as Judged;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::answer::Wait;

/// The `type` of a refusal for want of a second factor: part of the outside contract.
pub const TWO_FACTOR_REQUIRED: &str = "urn:doorward:problem/two-factor-required";

/// A refusal that programs tell from others by its `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The password was right, and a code is needed too.
    TwoFactorRequired,
    /// The password was right, and the address is to be confirmed first.
    VerificationRequired,
}

impl Kind {
    fn uri(self) -> &'static str {
        match self {
            Self::TwoFactorRequired => TWO_FACTOR_REQUIRED,
            Self::VerificationRequired => "urn:doorward:problem/verification-required",
        }
    }
}

/// What `WWW-Authenticate` says (RFC 6750 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// There was no token.
    Nothing,
    /// There was one, and it is not good.
    BadToken,
}

/// A problem whose title is the status' own phrase.
pub(crate) fn response(status: StatusCode, detail: Option<&str>) -> Response {
    let mut problem = about("about:blank", status);
    if let Some(detail) = detail {
        set(&mut problem, "detail", detail.into());
    }
    answer(status, &problem)
}

/// A problem of a kind of its own. A 401 comes with a challenge.
pub(crate) fn of(kind: Kind, status: StatusCode, detail: &str) -> Response {
    let mut problem = about(kind.uri(), status);
    set(&mut problem, "detail", detail.into());
    let response = answer(status, &problem);
    if status == StatusCode::UNAUTHORIZED {
        challenged(Challenge::Nothing, response)
    } else {
        response
    }
}

/// 401.
pub(crate) fn unauthorized(challenge: Challenge, detail: &str) -> Response {
    challenged(challenge, response(StatusCode::UNAUTHORIZED, Some(detail)))
}

fn challenged(challenge: Challenge, mut response: Response) -> Response {
    let value = match challenge {
        Challenge::Nothing => r#"Bearer realm="doorward""#,
        Challenge::BadToken => r#"Bearer realm="doorward", error="invalid_token""#,
    };
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static(value));
    response
}

/// 422: what is wrong with each member, or without a name with the whole.
pub(crate) fn invalid<'a>(wrong: impl IntoIterator<Item = (&'a str, &'a str)>) -> Response {
    answer(StatusCode::UNPROCESSABLE_ENTITY, &wrong_members(wrong))
}

/// As [`invalid`], for what was judged wrong.
pub(crate) fn judged(wrong: &[Judged]) -> Response {
    invalid(members(wrong))
}

/// Which member is wrong, and why.
pub(crate) fn members(wrong: &[Judged]) -> impl Iterator<Item = (&str, &str)> {
    wrong.iter().map(|one| (one.field.as_str(), &*one.text))
}

/// As [`invalid`], with another member for the next try.
pub(crate) fn invalid_with<'a>(
    wrong: impl IntoIterator<Item = (&'a str, &'a str)>,
    (name, value): (&str, &str),
) -> Response {
    let mut problem = wrong_members(wrong);
    set(&mut problem, name, value.into());
    answer(StatusCode::UNPROCESSABLE_ENTITY, &problem)
}

fn wrong_members<'a>(wrong: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    let errors: Vec<Value> = wrong
        .into_iter()
        .map(|(member, detail)| json!({ "pointer": pointer(member), "detail": detail }))
        .collect();
    let mut problem = about("about:blank", StatusCode::UNPROCESSABLE_ENTITY);
    set(&mut problem, "errors", errors.into());
    problem
}

/// RFC 6901: the empty one points at the whole.
fn pointer(member: &str) -> String {
    if member.is_empty() {
        String::new()
    } else {
        format!("/{member}")
    }
}

/// 429 or 503, with `Retry-After`.
pub(crate) fn wait(wait: Wait) -> Response {
    wait.on(response(wait.status(), Some(&wait.words())))
}

fn about(kind: &str, status: StatusCode) -> Value {
    json!({
        "type": kind,
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
    })
}

fn set(problem: &mut Value, name: &str, value: Value) {
    if let Some(object) = problem.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

fn answer(status: StatusCode, problem: &Value) -> Response {
    (
        status,
        [(CONTENT_TYPE, "application/problem+json")],
        problem.to_string(),
    )
        .into_response()
}
