//! A service that stops listening when its sockets are another's, while what it has open goes on.

use std::sync::Arc;

use async_trait::async_trait;
use pingora_core::server::{ListenFds, ShutdownWatch};
use pingora_core::services::{Service, ServiceReadyNotifier, ServiceWithDependents};
use tokio::sync::watch;

use crate::draining::Draining;

/// `S`, told to shut down when another process has taken over, too.
pub struct StandDown<S> {
    service: S,
    draining: Arc<Draining>,
}

impl<S> StandDown<S> {
    /// `draining` says when.
    #[must_use]
    pub fn new(service: S, draining: Arc<Draining>) -> Self {
        Self { service, draining }
    }
}

#[async_trait]
impl<S: Service> ServiceWithDependents for StandDown<S> {
    async fn start_service(
        &mut self,
        fds: Option<ListenFds>,
        mut shutdown: ShutdownWatch,
        listeners: usize,
        ready: ServiceReadyNotifier,
    ) {
        ready.notify_ready();
        let (close, closed) = watch::channel(false);
        let draining = Arc::clone(&self.draining);
        let over = async move {
            tokio::select! {
                // An error means that whoever could say it is gone.
                _ = shutdown.wait_for(|shutdown| *shutdown) => {}
                () = draining.relieved() => {}
            }
            close.send_replace(true);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = self.service.start_service(fds, closed, listeners) => {}
            () = over => {}
        }
    }

    fn name(&self) -> &str {
        self.service.name()
    }

    fn threads(&self) -> Option<usize> {
        self.service.threads()
    }
}
