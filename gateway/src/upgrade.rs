//! From one process to the next without a closed door: the listening sockets go over, and only when the new process
//! serves does the old one stop listening.
//!
//! Owns what the two say to each other. The old one offers its sockets on a Unix socket in its own folder; whoever
//! takes them and does not come to serve has changed nothing. Must not know what is served.

mod offer;
mod pid_file;
mod stand_down;
mod taken;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::server::{ListenFds, ShutdownWatch};
use pingora_core::services::{ServiceReadyNotifier, ServiceWithDependents};
use tokio::sync::SetOnce;

pub use offer::Offer;
pub use pid_file::PidFile;
pub use stand_down::StandDown;
pub use taken::{Taken, take};

/// The name of the socket in a process's own folder.
const SOCKET: &str = "upgrade.sock";

/// How long the other side may take to say its next word.
const PATIENCE: Duration = Duration::from_secs(5);

/// The new process serves.
const SERVING: u8 = b'S';

/// The old one has heard it, and does not listen any more.
const YOURS: u8 = b'Y';

fn socket(run_dir: &Path) -> PathBuf {
    run_dir.join(SOCKET)
}

/// Comes last of all services: when it starts, the others listen.
pub struct Arrival {
    arriving: Option<Arriving>,
    failed: Arc<Failed>,
}

/// Why this process does not go on: the one before it does.
pub type Failed = SetOnce<String>;

/// What is done once everything is served.
pub struct Arriving {
    /// The process before, if there is one.
    pub taken: Option<Taken>,
    /// The sockets, for the one after.
    pub offer: Offer,
    /// Where it is found.
    pub pid_file: Arc<PidFile>,
}

impl Arriving {
    /// Tells the process before, then may be found by the next.
    fn arrive(self) -> anyhow::Result<()> {
        if let Some(taken) = self.taken {
            taken.relieve()?;
            tracing::info!("took over from the process before");
        }
        self.offer.hold()?;
        self.pid_file.write()?;
        Ok(())
    }
}

impl Arrival {
    /// Whatever goes wrong is left in `failed`.
    #[must_use]
    pub fn new(arriving: Arriving, failed: Arc<Failed>) -> Self {
        Self {
            arriving: Some(arriving),
            failed,
        }
    }
}

#[async_trait]
impl ServiceWithDependents for Arrival {
    async fn start_service(
        &mut self,
        _: Option<ListenFds>,
        _: ShutdownWatch,
        _: usize,
        ready: ServiceReadyNotifier,
    ) {
        if let Some(arriving) = self.arriving.take() {
            // The other process is waited for.
            let arrived = tokio::task::spawn_blocking(move || arriving.arrive()).await;
            let outcome = arrived.map_err(anyhow::Error::from).flatten();
            if let Err(error) = outcome {
                // It fails once; a second word would change nothing.
                let _ = self.failed.set(format!("{error:#}"));
            }
        }
        ready.notify_ready();
    }

    fn name(&self) -> &'static str {
        "arrival"
    }

    fn threads(&self) -> Option<usize> {
        Some(1)
    }
}
