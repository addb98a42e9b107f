//! Refusals for programs: `application/problem+json` (RFC 9457).
//!
//! Owns the shape. Must not know who asks.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;

/// The `type` of a refusal for want of a second factor: part of the outside contract.
pub const TWO_FACTOR_REQUIRED: &str = "urn:doorward:problem/two-factor-required";

/// A problem whose title is the status' own phrase.
pub(crate) fn response(status: StatusCode, detail: Option<&str>) -> Response {
    let mut body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
    });
    if let (Some(object), Some(detail)) = (body.as_object_mut(), detail) {
        object.insert("detail".to_owned(), detail.into());
    }
    (
        status,
        [(CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response()
}
