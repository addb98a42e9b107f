//! A connection to an upstream, for one request that needs no more than that.
//!
//! Owns where it comes from and where it goes afterwards. What needs TLS, HTTP/2 or a socket has none.

use std::fmt;
use std::sync::Arc;

use pingora_core::protocols::http::v1::client::HttpSession;
use pingora_error::Result;

use super::endpoint::Endpoint;
use super::{Attempts, Pool, Timeouts, Upstream};
use crate::admit::Admission;
use crate::scheme::Scheme;

/// A connection for one request, as HTTP/1.1.
pub struct Line {
    /// What is said there.
    pub http: HttpSession,
    /// Whether it was used before: then the other end may have closed it just now.
    pub used: bool,
    endpoint: Arc<Endpoint>,
    listener: Scheme,
}

impl Upstream {
    /// A connection for an admitted request; `None` where there is only the long way. Without an admission there is none.
    ///
    /// # Errors
    /// No connection could be made.
    pub async fn line(
        &self,
        _: &Admission,
        timeouts: Timeouts,
        attempts: &mut Attempts,
        listener: Scheme,
    ) -> Result<Option<Line>> {
        match self {
            Self::Web(pool) if pool.is_plain() => {
                Line::to(pool, timeouts, attempts, listener).await
            }
            Self::Web(_) | Self::Socket(_) | Self::Files(_) | Self::Nothing => Ok(None),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.address().fmt(f)
    }
}

impl Line {
    async fn to(
        pool: &Pool,
        timeouts: Timeouts,
        attempts: &mut Attempts,
        listener: Scheme,
    ) -> Result<Option<Self>> {
        // Whoever has to wait for a name does that on the long way.
        let Some(endpoint) = pool.choose(attempts) else {
            return Ok(None);
        };
        attempts.begin(Arc::clone(&endpoint));
        let (stream, used) = match endpoint.shelf().take(listener) {
            Some(stream) => (stream, true),
            // In a box: it is large, and most requests have no need of it.
            None => (Box::pin(pool.connect(&endpoint, timeouts)).await?, false),
        };
        let mut http = HttpSession::new(stream);
        http.read_timeout = timeouts.silence;
        http.write_timeout = timeouts.silence;
        Ok(Some(Self {
            http,
            used,
            endpoint,
            listener,
        }))
    }

    /// The answer has been read: keeps the connection for another request, if both ends want that.
    pub async fn keep(mut self) {
        self.http.respect_keepalive();
        if let Some(stream) = self.http.reuse().await {
            self.endpoint.shelf().put(stream, self.listener);
        }
    }
}
