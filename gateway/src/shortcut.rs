//! The short way: a request without a body, by HTTP/1.1 or 2, to an upstream in plain HTTP/1.1.
//!
//! Owns passing it on and its answer back with pingora's sessions alone, in the phases of [`crate::gate`]. What pingora's
//! proxy can besides (bodies, upgrades, other protocols, another attempt) is the long way: what does not fit here goes
//! there, and so does what failed before anything was answered and may be tried again.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use pingora_core::protocols::http::v1::client::HttpSession;
use pingora_core::protocols::http::{HttpTask, ServerSession};
use pingora_error::{Error, ErrorSource, ErrorType, Result};
use pingora_http::{RequestHeader, ResponseHeader};

use crate::context::Context;
use crate::gate::{Gate, refuse};
use crate::refusal::Refusal;
use crate::{forward, headers};

/// How long a client may take to read the rest of what breaks off.
const PARTING: Duration = Duration::from_secs(1);

/// Which way a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The short one: it is answered.
    Short,
    /// Nothing was answered. It goes the long one.
    Long,
}

/// How an upstream's answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// All of it was read, and nothing else.
    Whole,
    /// The client's answer was over before it.
    InPart,
}

/// Passes an admitted request on and its answer back, if this can be done here.
///
/// # Errors
/// It failed, and would on the long way; or the client has left.
pub async fn take(gate: &Gate, session: &mut ServerSession, context: &mut Context) -> Result<Way> {
    if !is_plain(session.req_header()) {
        return Ok(Way::Long);
    }
    let mut line = match forward::line(session.req_header(), gate.listener, context).await {
        Ok(Some(line)) => line,
        Ok(None) => return Ok(Way::Long),
        Err(error) => return again(forward::not_connected(context, error.into_up())),
    };
    if !line.used {
        context.attempts.reached();
    }
    let told = headers::copy(session.req_header(), |headers| gate.tell(headers, context));
    let Ok((request, told)) = told else {
        return refuse(context, Refusal::Internal);
    };
    told?;
    let sent = line.http.write_request_header(Box::new(request)).await;
    let read = match sent {
        Ok(_) => pass_back(gate, session, context, &mut line.http).await,
        Err(mut error) => {
            error.set_retry(line.used && *error.etype() == ErrorType::WriteError);
            Err(error.into_up())
        }
    };
    let mut error = match read {
        Ok(Read::Whole) => {
            line.keep().await;
            return Ok(Way::Short);
        }
        Ok(Read::InPart) => return Ok(Way::Short),
        Err(error) => error.more_context(format!("Peer: {line}")),
    };
    let begun = session.response_written();
    let answered = begun.is_some_and(|answer| !answer.status.is_informational());
    // A connection that was closed just before it was used again is nobody's fault.
    error.retry.decide_reuse(line.used && !answered);
    drop(line);
    if answered && *error.esource() == ErrorSource::Upstream {
        Box::pin(send_rest(session)).await;
    }
    again(error)
}

/// What has to be tried again is, on the long way.
fn again(error: Box<Error>) -> Result<Way> {
    if error.retry() {
        tracing::debug!(%error, "the upstream is asked again");
        Ok(Way::Long)
    } else {
        Err(error)
    }
}

/// Whether a request is no more than its head, and its head says nothing of the connection but whether it stays open.
pub fn fits(session: &mut ServerSession) -> bool {
    let request = session.req_header();
    matches!(request.method, Method::GET | Method::HEAD)
        && matches!(request.version, Version::HTTP_11 | Version::HTTP_2)
        && says_no_more(&request.headers)
        // Last: what is asked first settles how a body is read.
        && session.is_body_empty()
}

/// Whether a target is a path and a query.
fn is_plain(request: &RequestHeader) -> bool {
    request.raw_path().starts_with(b"/") && request.uri.authority().is_none()
}

/// No field here is one by which a request says more than a request, to whoever is next. `Close` is what
/// `Connection: close` would take out; `TE`, which browsers send with HTTP/2, is not passed on.
fn says_no_more(headers: &HeaderMap) -> bool {
    headers.iter().all(|(name, value)| match name.as_str() {
        "connection" => {
            let value = value.as_bytes();
            value.eq_ignore_ascii_case(b"keep-alive") || value.eq_ignore_ascii_case(b"close")
        }
        "close" | "content-length" | "expect" | "http2-settings" | "keep-alive"
        | "proxy-connection" | "trailer" | "transfer-encoding" | "upgrade" => false,
        _ => true,
    })
}

/// Passes the answer back, part by part. A head waits for what comes along with it: the library writes both at once.
async fn pass_back(
    gate: &Gate,
    session: &mut ServerSession,
    context: &mut Context,
    upstream: &mut HttpSession,
) -> Result<Read> {
    loop {
        let mut part = hear(session, upstream).await?;
        let end = part.is_end();
        if let HttpTask::Header(answer, _) = &mut part {
            begin(gate, session, context, (answer, end))?;
        }
        let over = session.response_duplex_vec(vec![part]).await?;
        if end {
            return Ok(Read::Whole);
        }
        if over {
            return Ok(Read::InPart);
        }
    }
}

/// Sends what waits to be written of an answer that breaks off.
async fn send_rest(session: &mut ServerSession) {
    // The library's way to say so; the failure is known already.
    let failed = HttpTask::Failed(Error::new(ErrorType::ConnectionClosed));
    let rest = vec![HttpTask::Body(None, false), failed];
    let sent = session.response_duplex_vec(rest);
    let _ = tokio::time::timeout(PARTING, sent).await;
}

/// The next part of the answer, unless the client leaves before.
async fn hear(session: &mut ServerSession, upstream: &mut HttpSession) -> Result<HttpTask> {
    tokio::select! {
        biased;
        task = part(upstream) => task.map_err(Error::into_up),
        gone = session.read_body_or_idle(true) => match gone {
            Err(error) => Err(error.into_down()),
            Ok(_) => Error::e_explain(ErrorType::InternalError, "a body where there is none"),
        },
    }
}

/// The next part. What the library makes of a head has each name twice.
async fn part(upstream: &mut HttpSession) -> Result<HttpTask> {
    let heard = upstream.resp_header();
    if heard.is_some_and(|answer| !answer.status.is_informational()) {
        return upstream.read_response_task().await;
    }
    upstream.read_response().await?;
    let Some(answer) = upstream.resp_header() else {
        return Error::e_explain(ErrorType::InternalError, "a head that was read is gone");
    };
    let answer = Box::new(headers::answer(answer)?);
    Ok(HttpTask::Header(answer, upstream.is_body_done()))
}

/// Makes the head of an answer what the client gets.
fn begin(
    gate: &Gate,
    session: &mut ServerSession,
    context: &mut Context,
    (answer, end): (&mut ResponseHeader, bool),
) -> Result<()> {
    gate.answered(answer, context)?;
    if has_no_end(&session.req_header().method, answer) && !end {
        // Its end is not that of the connection, so that the client's stays open.
        answer.set_version(Version::HTTP_11);
        answer.insert_header(TRANSFER_ENCODING, HeaderValue::from_static("chunked"))?;
    }
    gate.mend(session, answer, context)
}

/// Whether an answer has a body that ends with the connection.
fn has_no_end(method: &Method, answer: &ResponseHeader) -> bool {
    method != Method::HEAD
        && !matches!(
            answer.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        )
        && !answer.status.is_informational()
        && !answer.headers.contains_key(TRANSFER_ENCODING)
        && !answer.headers.contains_key(CONTENT_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_says_more_goes_the_long_way() {
        for (name, value, expected) in [
            ("accept", "*/*", true),
            ("connection", "keep-alive", true),
            ("connection", "Close", true),
            ("connection", "", false),
            ("connection", "x-hop", false),
            ("connection", "keep-alive, x-hop", false),
            ("connection", "upgrade", false),
            ("upgrade", "websocket", false),
            ("upgrade-insecure-requests", "1", true),
            ("te", "trailers", true),
            ("trailer", "x-late", false),
            ("expect", "100-continue", false),
            ("content-length", "0", false),
            ("transfer-encoding", "chunked", false),
            ("close", "x", false),
            ("keep-alive", "timeout=5", false),
            ("proxy-connection", "keep-alive", false),
            ("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append("host", HeaderValue::from_static("app.test"));
            headers.append(name, HeaderValue::from_static(value));
            assert_eq!(says_no_more(&headers), expected, "{name}: {value}");
        }
        let mut headers = HeaderMap::new();
        headers.append("connection", HeaderValue::from_static("keep-alive"));
        headers.append("connection", HeaderValue::from_static("x-hop"));
        assert!(!says_no_more(&headers));
    }

    #[test]
    fn what_ends_with_the_connection() {
        let has_no_end = |method: Method, status: u16, fields: &[(&'static str, &'static str)]| {
            let mut answer = ResponseHeader::build(status, None).unwrap();
            for (name, value) in fields {
                answer.insert_header(*name, *value).unwrap();
            }
            super::has_no_end(&method, &answer)
        };
        assert!(has_no_end(Method::GET, 200, &[]));
        assert!(!has_no_end(Method::HEAD, 200, &[]));
        for status in [103, 204, 304] {
            assert!(!has_no_end(Method::GET, status, &[]), "{status}");
        }
        assert!(!has_no_end(Method::GET, 200, &[("Content-Length", "5")]));
        let chunked = [("Transfer-Encoding", "chunked")];
        assert!(!has_no_end(Method::GET, 200, &chunked));
    }
}
