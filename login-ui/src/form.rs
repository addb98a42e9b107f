//! What a person sent: the fields of an `application/x-www-form-urlencoded` body or of a query.
//!
//! Owns the limits on it and what is refused unread. Must not know what the fields mean.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use percent_encoding::percent_decode;
use tokio::time::timeout;

use crate::Ui;
use crate::failure::Failure;

/// Longest body that is read, in bytes.
const LIMIT: usize = 64 * 1024;

/// How long the sender may take for all of it.
const DEADLINE: Duration = Duration::from_secs(15);

/// How much more is taken and thrown away, so that the sender gets to read the refusal.
const OVERFLOW: usize = 4 * 1024 * 1024;

/// Fields by name. A missing field reads as empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl FromRequest<Ui> for Fields {
    type Rejection = Failure;

    /// Reads the form that a request brings, or says why it is not taken.
    async fn from_request(request: Request, _: &Ui) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        Ok(Self::read(&parts.headers, body).await?)
    }
}

/// Why a body was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Longer than the limit.
    TooLarge,
    /// Not a form, or compressed.
    WrongType,
    /// Not there in time.
    TooSlow,
    /// Broken off, not UTF-8, or one field twice.
    Malformed,
}

impl Unread {
    /// The status that says so.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WrongType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Malformed => StatusCode::BAD_REQUEST,
        }
    }
}

impl Fields {
    /// All of them, in their order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether the form had such a field at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Reads a form of at most 64 KiB that arrives within 15 seconds.
    async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Unread> {
        let bytes = bytes(headers, body).await?;
        match headers.get(CONTENT_TYPE) {
            Some(kind) if is_form(kind.as_bytes()) => Self::parse(&bytes),
            None if bytes.is_empty() => Ok(Self::default()),
            _ => Err(Unread::WrongType),
        }
    }

    /// Reads the part of an address after `?`, by the same rules.
    pub(crate) fn of_query(query: Option<&str>) -> Result<Self, Unread> {
        Self::parse(query.unwrap_or("").as_bytes())
    }

    /// The field's value, empty if it was not sent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    fn parse(bytes: &[u8]) -> Result<Self, Unread> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let name = decode(halves.next().unwrap_or(&[]))?;
            let value = decode(halves.next().unwrap_or(&[]))?;
            // Two programs may disagree on which of two counts, so neither does.
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(Unread::Malformed);
            }
            fields.push((name, value));
        }
        Ok(Self(fields))
    }
}

/// Reads a body of at most 64 KiB that arrives within 15 seconds, and is not compressed.
pub(crate) async fn bytes(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Unread> {
    let bytes = take(body).await?;
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Unread::WrongType);
    }
    Ok(bytes)
}

/// Takes in a body of at most 64 KiB that arrives within 15 seconds.
pub(crate) async fn take(body: Body) -> Result<Vec<u8>, Unread> {
    timeout(DEADLINE, collect(body))
        .await
        .map_err(|_| Unread::TooSlow)?
}

fn is_form(kind: &[u8]) -> bool {
    kind.split(|b| *b == b';').next().is_some_and(|kind| {
        kind.trim_ascii()
            .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

/// Strict, because two passwords that differ only in broken bytes must not become the same.
fn decode(part: &[u8]) -> Result<String, Unread> {
    let spaced: Vec<u8> = part
        .iter()
        .map(|b| if *b == b'+' { b' ' } else { *b })
        .collect();
    let bytes: Cow<'_, [u8]> = percent_decode(&spaced).into();
    String::from_utf8(bytes.into_owned()).map_err(|_| Unread::Malformed)
}

async fn collect(mut body: Body) -> Result<Vec<u8>, Unread> {
    let mut kept = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Malformed)?.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        if seen <= LIMIT {
            kept.extend_from_slice(&data);
        } else if seen > LIMIT + OVERFLOW {
            break;
        }
    }
    if seen > LIMIT {
        Err(Unread::TooLarge)
    } else {
        Ok(kept)
    }
}

#[cfg(test)]
mod tests;
