//! Leaving: what happens between the signal and the end.
//!
//! Owns the wait. Connections are closed after their answer, `/readyz` says so, and the process ends when nothing is
//! open any more, or when `server.drain` is over. pingora's own way would cut idle connections at once and then
//! sleep its whole grace period. When another process has taken over, idle connections are waited for, too: whoever
//! asks once more is told to come back, and then meets the new one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::draining::Draining;
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::upgrade::Failed;

/// How often it is looked whether anything is still open.
const LOOK: Duration = Duration::from_millis(20);

/// How long connections with many requests at once may take to hear that we leave, once nothing is asked any more.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long idle connections may take to ask once more, when another process serves already.
const IDLE: Duration = Duration::from_secs(5);

/// Waits for SIGTERM or SIGINT, or for another process to take over, then for what is open.
pub struct Stop {
    /// How long at most.
    pub drain: Duration,
    /// Has connections closed after their answer.
    pub draining: Arc<Draining>,
    /// Says that we leave.
    pub readiness: Arc<Readiness>,
    /// Counts what is open.
    pub metrics: Arc<Metrics>,
    /// Why this process must not go on.
    pub failed: Arc<Failed>,
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
        let word = tokio::select! {
            _ = terminate.recv() => "stopping",
            _ = interrupt.recv() => "stopping",
            () = self.draining.relieved() => "another process has taken over; finishing what is open",
            _ = self.failed.wait() => return ShutdownSignal::FastShutdown,
        };
        self.draining.begin();
        self.readiness.drain();
        tracing::info!(open = self.metrics.in_flight(), "{word}");
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
        let (patience, left): (_, fn(&Draining) -> usize) = if self.draining.is_relieved() {
            (IDLE, Draining::connections)
        } else {
            (FAREWELL, Draining::shared)
        };
        let end = end.min(Instant::now() + patience);
        while left(&self.draining) > 0 && Instant::now() < end {
            tokio::time::sleep(LOOK).await;
        }
    }
}
