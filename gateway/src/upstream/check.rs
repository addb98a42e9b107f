//! Asking servers whether they are well.
//!
//! Owns the question and what counts as a yes. What follows from the answer is the endpoint's to know.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use doorward_config::HealthCheck;
use futures_util::future::join_all;
use http::Uri;
use pingora_core::connectors::http::Connector;
use pingora_core::protocols::http::client::HttpSession;
use pingora_error::{Error, ErrorType, OrErr};
use pingora_http::RequestHeader;
use tokio::time::MissedTickBehavior;

use super::Timeouts;
use super::endpoint::Endpoint;
use super::server::Server;
use crate::websocket::Asked;

/// No answer is waited for longer, however seldom it is asked.
const LONGEST: Duration = Duration::from_secs(10);

/// How the question introduces itself.
const NAME: &str = concat!("doorward/", env!("CARGO_PKG_VERSION"), " (health check)");

/// What asks. Each question has a connection of its own, so that an upstream that accepts none is found out.
pub(super) struct Asker(Connector<()>);

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asker")
    }
}

/// Asks every address of a server, at once and then again and again, for ever.
pub(super) async fn watch(server: Arc<Server>, check: HealthCheck, asker: Arc<Asker>) {
    server.asked().await;
    let mut ticks = tokio::time::interval(check.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let endpoints = server.endpoints();
        join_all(
            endpoints
                .iter()
                .map(|endpoint| asker.look(endpoint, &check)),
        )
        .await;
    }
}

impl Asker {
    pub(super) fn new() -> Self {
        Self(Connector::new(None))
    }

    async fn look(&self, endpoint: &Endpoint, check: &HealthCheck) {
        let limit = check.interval.min(LONGEST);
        match tokio::time::timeout(limit, self.ask(endpoint, &check.path, limit)).await {
            Ok(Ok(())) => endpoint.passed(),
            Ok(Err(error)) => endpoint.failed(&error),
            Err(_) => endpoint.failed(&format_args!("no answer to {} in {limit:?}", check.path)),
        }
    }

    async fn ask(
        &self,
        endpoint: &Endpoint,
        path: &str,
        limit: Duration,
    ) -> pingora_error::Result<()> {
        let mut peer = endpoint.peer(Timeouts {
            connect: limit,
            silence: Some(limit),
            websocket: Asked::No,
        });
        // A connection for more than one request would be kept for the next.
        peer.options.max_h2_streams = 1;
        let (mut session, _) = self.0.get_http_session(&peer).await?;
        let request = question(endpoint, path, matches!(session, HttpSession::H2(_)))?;
        session.write_request_header(Box::new(request)).await?;
        session.finish_request_body().await?;
        session.set_read_timeout(Some(limit));
        session.read_response_header().await?;
        let status = session.response_header().map(|answer| answer.status);
        match status {
            Some(status) if status.is_success() || status.is_redirection() => Ok(()),
            Some(status) => Error::e_explain(
                ErrorType::HTTPStatus(status.as_u16()),
                format!("{path} answered {status}"),
            ),
            None => Error::e_explain(ErrorType::InvalidHTTPHeader, "an answer without a head"),
        }
    }
}

/// HTTP/2 has the host in the target.
fn question(endpoint: &Endpoint, path: &str, is_h2: bool) -> pingora_error::Result<RequestHeader> {
    let way = endpoint.way();
    let mut request = RequestHeader::build("GET", path.as_bytes(), Some(3))?;
    if is_h2 {
        let uri = Uri::builder()
            .scheme(way.scheme())
            .authority(way.authority())
            .path_and_query(path)
            .build()
            .or_err(ErrorType::InternalError, "a health check's address")?;
        request.set_version(http::Version::HTTP_2);
        request.set_uri(uri);
    } else {
        request.insert_header("Host", way.authority())?;
        request.insert_header("Connection", "close")?;
    }
    request.insert_header("User-Agent", NAME)?;
    request.insert_header("Accept", "*/*")?;
    Ok(request)
}
