//! The built-in pages as an upstream: an axum router on a Unix socket of our own.
//!
//! Pages hash passwords, ask the database and render; none of that may happen on a thread that proxies.
//!
//! Each configuration has a socket of its own: a request that began under one finds pages of the same one, and the
//! socket goes when nobody holds that configuration any more.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use doorward_config::Live;
use doorward_identity::Identity;
use doorward_login_ui::Ui;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Serves the pages of each configuration.
pub struct Pages {
    identity: Arc<Identity>,
    folder: PathBuf,
    runtime: tokio::runtime::Handle,
    stop: watch::Receiver<bool>,
    opened: AtomicU64,
}

/// The pages of one configuration, until this goes: what is under way then is still answered.
#[derive(Debug)]
pub struct Opened {
    socket: PathBuf,
    _until: Option<DropGuard>,
}

impl Opened {
    /// No pages: for whoever compiles a configuration without serving it.
    #[must_use]
    pub fn nowhere() -> Self {
        Self {
            socket: PathBuf::new(),
            _until: None,
        }
    }

    /// Where they are served.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // Whoever has connected stays so. If it is gone already, so be it.
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl Pages {
    /// Sockets go into `folder`; the pages run on `runtime`, until `stop` says true at the latest.
    #[must_use]
    pub fn new(
        identity: Arc<Identity>,
        folder: &Path,
        runtime: tokio::runtime::Handle,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            identity,
            folder: folder.to_owned(),
            runtime,
            stop,
            opened: AtomicU64::new(0),
        }
    }

    /// Serves the pages of one configuration.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn open(&self, live: &Arc<Live>) -> anyhow::Result<Opened> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let socket = self.folder.join(format!("pages-{number}.sock"));
        let live = Arc::clone(live);
        let router = doorward_login_ui::router(Ui {
            identity: Arc::clone(&self.identity),
            live: Arc::new(move || Arc::clone(&live)),
        });
        let _in_runtime = self.runtime.enter();
        let listener = UnixListener::bind(&socket)
            .with_context(|| format!("no socket can be made at {}", socket.display()))?;
        let until = CancellationToken::new();
        let closed = until.clone().cancelled_owned();
        let mut stop = self.stop.clone();
        self.runtime.spawn(async move {
            let over = async move {
                tokio::select! {
                    () = closed => {}
                    // An error means that whoever could say stop is gone.
                    _ = stop.wait_for(|stop| *stop) => {}
                }
            };
            let served = axum::serve(listener, router).with_graceful_shutdown(over);
            if let Err(error) = served.await {
                tracing::error!(%error, "the pages are no longer served");
            }
        });
        Ok(Opened {
            socket,
            _until: Some(until.drop_guard()),
        })
    }
}
