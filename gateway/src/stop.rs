//! Leaving: what happens between the signal and the end.
//!
//! Owns the wait. Connections are closed after their answer, `/readyz` says so, and the process ends when nothing is
//! open any more, or when `server.drain` is over. pingora's own way would cut idle connections at once and then
//! sleep its whole grace period.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::door::Draining;
use crate::metrics::Metrics;
use crate::readiness::Readiness;

/// How often it is looked whether anything is still open.
const LOOK: Duration = Duration::from_millis(20);

/// How long connections with many requests at once may take to hear that we leave, once nothing is asked any more.
const FAREWELL: Duration = Duration::from_secs(1);

/// Waits for SIGTERM or SIGINT, then for what is open.
pub struct Stop {
    /// How long at most.
    pub drain: Duration,
    /// Has connections closed after their answer.
    pub draining: Arc<Draining>,
    /// Says that we leave.
    pub readiness: Arc<Readiness>,
    /// Counts what is open.
    pub metrics: Arc<Metrics>,
}

#[async_trait]
impl ShutdownSignalWatch for Stop {
    async fn recv(&self) -> ShutdownSignal {
        let (Ok(mut terminate), Ok(mut interrupt)) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) else {
            tracing::error!("signals cannot be heard; stopping");
            return ShutdownSignal::FastShutdown;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        self.draining.begin();
        self.readiness.drain();
        tracing::info!(open = self.metrics.in_flight(), "stopping");
        tokio::select! {
            () = self.nothing_open() => {}
            // Who asks twice does not want to wait.
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // Not pingora's graceful way: what could be waited for has been.
        ShutdownSignal::FastShutdown
    }
}

impl Stop {
    async fn nothing_open(&self) {
        let end = Instant::now() + self.drain;
        while self.metrics.in_flight() > 0 {
            if Instant::now() >= end {
                tracing::warn!(
                    open = self.metrics.in_flight(),
                    "not everything ended in time"
                );
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        let end = end.min(Instant::now() + FAREWELL);
        while self.draining.shared() > 0 && Instant::now() < end {
            tokio::time::sleep(LOOK).await;
        }
    }
}
