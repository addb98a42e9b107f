//! Around every request of a connection that has many at once (HTTP/2).
//!
//! Owns what pingora's HTTP/2 may take from a client, and that each request is counted and timed by itself: one that
//! is cut off leaves the others alone. Must not know what is asked.

use std::sync::Arc;

use async_trait::async_trait;
use doorward_config::Limits;
use pingora_core::apps::{HttpServerApp, ReusedHttpStream};
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v2::server::{H2Options, default_h2_options};
use pingora_core::server::ShutdownWatch;

use super::multiplex::{Multiplex, STREAMS};
use super::{IDLE, PACE, Serve, StreamPace, Tempo};
use crate::door;
use crate::metrics::Metrics;
use crate::refusal::Refusal;

/// What a client may send of one request's body before somebody has read it, and of all.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 512 * 1024;

/// What of an answer is kept for a client that does not read.
const SEND_BUFFER: usize = 64 * 1024;

/// Requests that were reset before anybody looked at them (CVE-2023-44487), and those whose reset by us the client has
/// not seen yet; after that the connection ends.
const PENDING_RESETS: usize = 20;
const OWN_RESETS: usize = 100;

/// What counts for each header besides its name and value (RFC 9113, section 10.5.1).
const PER_HEADER: u64 = 32;

/// The application, for the requests of one connection.
pub(super) struct Streams<A> {
    pub(super) app: Arc<A>,
    pub(super) multiplex: Arc<Multiplex>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) limits: Limits,
}

#[async_trait]
impl<A> HttpServerApp for Streams<A>
where
    A: Serve,
{
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let _open = self.multiplex.open();
        // A client that does not read would keep an answer, and who makes it, forever.
        session.set_write_timeout(Some(IDLE));
        let pace = Arc::new(StreamPace::default());
        let request = self.app.serve(Box::new(session), shutdown);
        let served = door::around(PACE.scope(Tempo::Stream(Arc::clone(&pace)), request));
        tokio::select! {
            biased;
            _ = served => {}
            // Dropping it resets this request, and no other.
            () = pace.over() => {
                self.metrics.refused(Refusal::TooSlow.reason());
                tracing::debug!("a body was too slow");
            }
        }
        None
    }

    /// From pingora's own, or its limits would vanish.
    fn h2_options(&self) -> Option<H2Options> {
        let headers = u64::try_from(self.limits.header_count).unwrap_or(u64::MAX);
        let list = headers
            .saturating_mul(PER_HEADER)
            .saturating_add(self.limits.header_bytes);
        let mut options = default_h2_options();
        options
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(list).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(PENDING_RESETS)
            .max_local_error_reset_streams(Some(OWN_RESETS))
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buffer_size(SEND_BUFFER);
        Some(options)
    }
}
