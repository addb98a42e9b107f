//! Answers with a file: 200, 206, 304, and the redirect to a folder's slash.
//!
//! Must not decide whether; that was done before. `Cache-Control` is left to the gateway.

use crate::body::{Body, Piece};
use crate::facts::Facts;
use crate::find::Opened;
use crate::range::Span;
use crate::types::content_type;
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};

/// 200: all of it.
pub(crate) fn whole(opened: Opened) -> Response<Body> {
    let last = opened.facts.size.checked_sub(1);
    let span = last.map(|last| Piece::Span(Span { first: 0, last }));
    let mut response = sent(StatusCode::OK, &opened, opened.facts.size);
    *response.body_mut() = Body::of(opened.file, span);
    response
}

/// 206: one span as it is, several as `multipart/byteranges` (RFC 9110 §14.6).
pub(crate) fn parts(opened: Opened, spans: &[Span]) -> Response<Body> {
    let content_type = content_type(&opened.path);
    let (pieces, type_header, range_header) = if let [span] = spans {
        (
            vec![Piece::Span(*span)],
            content_type,
            Some(content_range(*span, &opened.facts)),
        )
    } else {
        let boundary = boundary(&opened.facts);
        let multipart = format!("multipart/byteranges; boundary={boundary}");
        (
            multipart_pieces(spans, &opened.facts, &content_type, &boundary),
            text(&multipart),
            None,
        )
    };
    let length = pieces.iter().map(Piece::len).sum();
    let mut response = sent(StatusCode::PARTIAL_CONTENT, &opened, length);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, type_header);
    if let Some(range) = range_header {
        headers.insert(CONTENT_RANGE, text(&range));
    }
    *response.body_mut() = Body::of(opened.file, pieces);
    response
}

/// 304: the client has it already (RFC 9110 §15.4.5).
pub(crate) fn unchanged(facts: &Facts) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    validators(response.headers_mut(), facts);
    response
}

/// 308 to the same address with a slash, so that the links on the page count from the folder.
pub(crate) fn with_slash(uri: &Uri) -> Response<Body> {
    let mut location = format!("{}/", uri.path());
    if let Some(query) = uri.query() {
        location.push('?');
        location.push_str(query);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    let headers = response.headers_mut();
    headers.insert(LOCATION, text(&location));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    response
}

fn sent(status: StatusCode, opened: &Opened, length: u64) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    validators(headers, &opened.facts);
    headers.insert(CONTENT_TYPE, content_type(&opened.path));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn validators(headers: &mut HeaderMap, facts: &Facts) {
    headers.insert(ETAG, text(&facts.etag));
    if let Some(modified) = facts.modified {
        headers.insert(LAST_MODIFIED, text(&httpdate::fmt_http_date(modified)));
    }
}

fn content_range(span: Span, facts: &Facts) -> String {
    format!("bytes {}-{}/{}", span.first, span.last, facts.size)
}

/// Between the parts. Taken from the validators: the same request gets the same bytes.
fn boundary(facts: &Facts) -> String {
    format!("doorward-{}", facts.etag.trim_matches('"'))
}

fn multipart_pieces(
    spans: &[Span],
    facts: &Facts,
    content_type: &HeaderValue,
    boundary: &str,
) -> Vec<Piece> {
    let content_type = content_type.to_str().unwrap_or("application/octet-stream");
    let mut pieces = Vec::with_capacity(spans.len() * 2 + 1);
    for span in spans {
        let range = content_range(*span, facts);
        let head = format!(
            "\r\n--{boundary}\r\n{CONTENT_TYPE}: {content_type}\r\n{CONTENT_RANGE}: {range}\r\n\r\n"
        );
        pieces.push(Piece::Text(Bytes::from(head)));
        pieces.push(Piece::Span(*span));
    }
    pieces.push(Piece::Text(Bytes::from(format!("\r\n--{boundary}--\r\n"))));
    pieces
}

/// A header value from text that was made here or came in as a header, hence is one.
fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}
