//! The admin listener: `/metrics`, `/livez`, `/readyz`, and nothing else.
//!
//! Owns what those addresses answer. Must not know anything about people or sites. It is a pingora service like the
//! proxy, so that its socket can be handed over with the others.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Response, StatusCode};
use pingora_core::apps::http_app::ServeHttp;
use pingora_core::protocols::http::ServerSession;
use pingora_core::services::listening::Service;

use crate::metrics::{self, Metrics};
use crate::readiness::{Readiness, Ready};

/// Answers on the admin listener.
pub struct Admin {
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
}

/// The admin listener as a service, still without an address.
#[must_use]
pub fn service(metrics: Arc<Metrics>, readiness: Arc<Readiness>) -> Service<Admin> {
    Service::new("admin".to_owned(), Admin { metrics, readiness })
}

#[async_trait]
impl ServeHttp for Admin {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        let request = session.req_header();
        let target = String::from_utf8_lossy(request.raw_path());
        self.answer(&request.method, &target)
    }
}

impl Admin {
    fn answer(&self, method: &Method, target: &str) -> Response<Vec<u8>> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let page = match path {
            "/metrics" => self.metrics(),
            "/livez" => Page::text(StatusCode::OK, "ok\n"),
            "/readyz" => self.readyz(query),
            _ => Page::text(
                StatusCode::NOT_FOUND,
                "not found; there are /metrics, /livez and /readyz\n",
            ),
        };
        match *method {
            Method::GET => page.response(),
            Method::HEAD => page.head(),
            _ if page.status == StatusCode::NOT_FOUND => page.response(),
            _ => {
                let mut refused =
                    Page::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n").response();
                let allowed = HeaderValue::from_static("GET, HEAD");
                refused.headers_mut().insert(ALLOW, allowed);
                refused
            }
        }
    }

    fn metrics(&self) -> Page {
        match self.metrics.exposition() {
            Ok(body) => Page {
                status: StatusCode::OK,
                content_type: metrics::CONTENT_TYPE,
                body,
            },
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be written");
                Page::text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the metrics cannot be written, see the log\n",
                )
            }
        }
    }

    fn readyz(&self, query: &str) -> Page {
        let (status, word) = match self.readiness.ready() {
            Ready::Yes => (StatusCode::OK, "ok\n"),
            Ready::No => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        };
        let verbose = query
            .split('&')
            .any(|pair| pair.split('=').next() == Some("verbose"));
        let mut text = String::new();
        if verbose {
            text = self.readiness.lines();
        }
        text.push_str(word);
        Page::text(status, &text)
    }
}

struct Page {
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Page {
    fn text(status: StatusCode, text: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: text.as_bytes().to_vec(),
        }
    }

    fn response(self) -> Response<Vec<u8>> {
        let length = HeaderValue::from(self.body.len());
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CONTENT_LENGTH, length);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
        response
    }

    /// The same head, its length included, without the body (RFC 9110 §9.3.2).
    fn head(self) -> Response<Vec<u8>> {
        let mut response = self.response();
        response.body_mut().clear();
        response
    }
}
