//! What a program sent: a JSON document.

use axum::body::Body;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::form::{self, Unread};

/// Reads a document of at most 64 KiB that arrives within 15 seconds. Members that are not known do not count.
///
/// # Errors
/// Why it was not taken: 400, 408, 413, 415.
pub(super) async fn read<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Failure> {
    let bytes = form::bytes(headers, body).await?;
    let is_json = |kind: &http::HeaderValue| is_json(kind.as_bytes());
    if !headers.get(CONTENT_TYPE).is_some_and(is_json) {
        return Err(Unread::WrongType.into());
    }
    serde_json::from_slice(&bytes).map_err(|_| Unread::Malformed.into())
}

fn is_json(kind: &[u8]) -> bool {
    let kind = kind.split(|byte| *byte == b';').next();
    kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"application/json"))
}
