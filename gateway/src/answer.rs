//! Answering instead of an upstream: which refusal an error is, and writing it.
//!
//! Owns the mapping from pingora's errors. The list of refusals is [`crate::refusal`]'s.

use std::io;

use http::{Method, StatusCode};
use pingora_core::protocols::http::ServerSession;
use pingora_error::{Error, ErrorSource, ErrorType};
use pingora_proxy::FailToProxy;

use crate::context::Context;
use crate::metrics::Metrics;
use crate::refusal::{Asked, Refusal, Reply};
use crate::{response, wish};

/// What pingora is told when a phase refuses. The reason itself is in the context.
#[must_use]
pub fn stop(refusal: &Refusal) -> Box<Error> {
    Error::explain(
        ErrorType::HTTPStatus(refusal.status().as_u16()),
        refusal.reason(),
    )
}

/// Answers a request that failed, if anybody is there to hear it.
pub async fn fail(
    session: &mut ServerSession,
    error: &Error,
    context: &mut Context,
    metrics: &Metrics,
) -> FailToProxy {
    let refusal = match context.refusal.take().or_else(|| read(error)) {
        Some(refusal) if session.response_written().is_none() => refusal,
        Some(_) => {
            // Half an answer cannot be taken back; closing says that it is no whole one.
            tracing::info!(request_id = &*context.request_id, %error, "an answer was cut off");
            return FailToProxy {
                error_code: 0,
                can_reuse_downstream: false,
            };
        }
        None => {
            return FailToProxy {
                error_code: 0,
                can_reuse_downstream: false,
            };
        }
    };
    metrics.refused(refusal.reason());
    tell(&refusal, error, context);
    let reusable = session.is_body_empty() && refusal.status() != StatusCode::BAD_REQUEST;
    if !reusable {
        // The rest of the body would be read as the next request; and whoever reads a malformed request otherwise
        // sees the next one begin elsewhere.
        session.set_keepalive(None);
    }
    let code = refusal.status().as_u16();
    context.record.status = Some(code);
    if let Err(error) = write(session, &refusal, context).await {
        tracing::debug!(request_id = &*context.request_id, %error, "a refusal was not heard");
        return FailToProxy {
            error_code: code,
            can_reuse_downstream: false,
        };
    }
    FailToProxy {
        error_code: code,
        can_reuse_downstream: reusable,
    }
}

async fn write(
    session: &mut ServerSession,
    refusal: &Refusal,
    context: &Context,
) -> pingora_error::Result<()> {
    let asked = Asked {
        format: wish::format(&session.req_header().headers),
        person: context.known.as_ref().map(|entry| entry.user()),
        request_id: &context.request_id,
    };
    let mut reply = refusal.reply(&context.sites.plates, &asked)?;
    response::tell_hsts(&mut reply.header, context)?;
    if let Some(question) = &context.question {
        question.put(refusal, &mut reply)?;
    }
    send(session, reply).await
}

/// Sends an answer of our own.
///
/// # Errors
/// Nobody is there to hear it.
pub async fn send(session: &mut ServerSession, reply: Reply) -> pingora_error::Result<()> {
    let bodiless = session.req_header().method == Method::HEAD || reply.body.is_empty();
    session
        .write_response_header(Box::new(reply.header))
        .await?;
    if !bodiless {
        session.write_response_body(reply.body, true).await?;
    } else if session.is_http2() {
        // The head alone does not end an answer there, and one without an end is taken for broken.
        session.finish_body().await?;
    }
    Ok(())
}

/// Which refusal an error of pingora's is; `None` when nobody is there any more.
fn read(error: &Error) -> Option<Refusal> {
    use ErrorType::{
        ConnectTimedout, ConnectionClosed, H2Error, HTTPStatus, InvalidHTTPHeader, ReadError,
        ReadTimedout, WriteError, WriteTimedout,
    };
    match (error.esource(), error.etype()) {
        (ErrorSource::Downstream, ReadError) if is_late(error) => Some(Refusal::TooSlow),
        (
            ErrorSource::Downstream,
            ReadError | WriteError | ConnectionClosed | ReadTimedout | WriteTimedout | H2Error,
        ) => None,
        (ErrorSource::Downstream, _) | (_, HTTPStatus(400)) => Some(Refusal::Malformed("request")),
        (ErrorSource::Upstream, ConnectTimedout | ReadTimedout | WriteTimedout) => {
            Some(Refusal::GatewayTimeout)
        }
        (ErrorSource::Upstream, _) => Some(Refusal::BadGateway),
        (_, InvalidHTTPHeader) => Some(Refusal::Malformed("header")),
        (_, _) => Some(Refusal::Internal),
    }
}

/// Whether the rest of a request did not come in time: [`crate::limits`] says so of a body.
fn is_late(error: &Error) -> bool {
    let io: Option<&io::Error> = error.root_cause().downcast_ref();
    io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// The log has the whole chain; the client only the request's name.
fn tell(refusal: &Refusal, error: &Error, context: &Context) {
    let request_id = context.request_id.as_str();
    match refusal {
        Refusal::Internal => tracing::error!(request_id, %error, "a request failed by a defect"),
        Refusal::BadGateway | Refusal::GatewayTimeout => {
            tracing::warn!(request_id, %error, "the upstream did not answer");
        }
        _ => {
            tracing::debug!(request_id, reason = refusal.reason(), detail = %refusal, "a request was refused");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_left_is_not_answered() {
        for gone in [
            ErrorType::ConnectionClosed,
            ErrorType::WriteError,
            ErrorType::H2Error,
        ] {
            assert!(read(&Error::new(gone.clone()).into_down()).is_none());
            assert!(read(&Error::new(gone).into_up()).is_some());
        }
        let malformed = Error::new(ErrorType::InvalidHTTPHeader).into_down();
        assert!(matches!(read(&malformed), Some(Refusal::Malformed(_))));
    }
}
