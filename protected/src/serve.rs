//! Connections: accepting them, keeping them within bounds, ending them.
//!
//! Must not know files.

use crate::origin::respond;
use crate::patience::Patient;
use crate::root::Root;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

/// Longest wait for the next request on a connection, its head included.
const HEAD: Duration = Duration::from_mins(2);
/// Longest wait for a peer that takes nothing of an answer. A browser asks for the rest by `Range`.
const STALL: Duration = Duration::from_mins(5);
/// Wait after a failed accept, which as a rule means that no descriptors are left.
const RECOVER: Duration = Duration::from_millis(100);
/// Bytes that a connection may hold in each direction.
const BUFFER: usize = 128 * 1024;
/// More than the gateway lets through, with those that it adds.
const MAX_HEADERS: usize = 512;

/// Serves `root` to whoever connects to `listener`, until `stop` ends. Then no connection is accepted any
/// more, and the returned future ends when the requests under way are answered; dropping it cuts them off.
///
/// Answers GET and HEAD with conditional and range requests (RFC 9110), over HTTP/1.1 (RFC 9112).
/// Must run inside a tokio runtime with time and IO enabled; reading files uses its blocking threads.
pub async fn serve(listener: UnixListener, root: Root, stop: impl Future<Output = ()> + Send) {
    let root = Arc::new(root);
    let closing = watch::Sender::new(());
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(ended) = connections.join_next() => note(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&root), closing.subscribe()));
                }
                Err(error) => {
                    tracing::error!(%error, "cannot accept a connection to the file origin");
                    tokio::time::sleep(RECOVER).await;
                }
            },
        }
    }
    drop(listener);
    closing.send_replace(());
    while let Some(ended) = connections.join_next().await {
        note(ended);
    }
}

async fn connection(stream: UnixStream, root: Arc<Root>, mut closing: watch::Receiver<()>) {
    let service = service_fn(move |request| {
        let root = Arc::clone(&root);
        async move { Ok::<_, Infallible>(respond(root, &parts(request)).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(MAX_HEADERS)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Patient::new(stream, STALL)), service);
    let mut served = pin!(served);
    let outcome = tokio::select! {
        outcome = served.as_mut() => outcome,
        _ = closing.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        // A peer that goes away in the middle is daily business.
        tracing::debug!(%error, "a connection to the file origin ended early");
    }
}

fn parts(request: http::Request<hyper::body::Incoming>) -> http::request::Parts {
    request.into_parts().0
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection to the file origin broke down");
    }
}
