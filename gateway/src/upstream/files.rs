//! The file origin of one folder, on a socket of its own, for as long as somebody may ask it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use doorward_protected::Root;
use tokio::net::UnixListener;
use tokio::sync::{oneshot, watch};

/// A folder that is served. Dropped, no more connections are taken, open requests are answered, and the socket goes.
#[derive(Debug)]
pub struct FileOrigin {
    socket: PathBuf,
    _end: oneshot::Sender<()>,
}

impl FileOrigin {
    /// Serves `folder` on `socket`, on `runtime`, until it is dropped or `stop` says true.
    ///
    /// # Errors
    /// The folder cannot be opened, or there can be no such socket.
    pub(super) fn serve(
        folder: &Path,
        socket: PathBuf,
        runtime: &tokio::runtime::Handle,
        mut stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let root = Root::open(folder)
            .with_context(|| format!("the folder {} cannot be served", folder.display()))?;
        let _in_runtime = runtime.enter();
        let listener = UnixListener::bind(&socket)
            .with_context(|| format!("no socket can be made at {}", socket.display()))?;
        let (end, ended) = oneshot::channel::<()>();
        let path = socket.clone();
        runtime.spawn(async move {
            let stopped = async move {
                // An error means that whoever could say so is gone, which says so too.
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => {}
                    _ = ended => {}
                }
            };
            doorward_protected::serve(listener, root, stopped).await;
            if let Err(error) = tokio::fs::remove_file(&path).await {
                tracing::debug!(%error, "a socket of the file origin stays behind");
            }
        });
        Ok(Self { socket, _end: end })
    }

    /// Where it listens.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }
}
