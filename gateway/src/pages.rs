//! The built-in pages as an upstream: an axum router on a Unix socket of our own.
//!
//! Pages hash passwords, ask the database and render; none of that may happen on a thread that proxies.

use std::path::{Path, PathBuf};

use anyhow::Context;
use axum::Router;
use tokio::net::UnixListener;
use tokio::sync::watch;

/// Where the pages are served, for a process whose sockets are in `folder`.
#[must_use]
pub fn socket(folder: &Path) -> PathBuf {
    folder.join("pages.sock")
}

/// Serves `router` on [`socket`], on `runtime`, until `stop` says true.
///
/// # Errors
/// The socket cannot be made.
pub fn serve(
    router: Router,
    folder: &Path,
    runtime: &tokio::runtime::Handle,
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let socket = socket(folder);
    let _in_runtime = runtime.enter();
    let listener = UnixListener::bind(&socket)
        .with_context(|| format!("no socket can be made at {}", socket.display()))?;
    runtime.spawn(async move {
        let stopped = async move {
            // An error means that whoever could say stop is gone.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        if let Err(error) = axum::serve(listener, router)
            .with_graceful_shutdown(stopped)
            .await
        {
            tracing::error!(%error, "the pages are no longer served");
        }
    });
    Ok(())
}
