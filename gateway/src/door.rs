//! Around every request: what pingora's phases cannot do, because they only run when something moves.
//!
//! Owns the wrapper that closes a connection whose session has ended, idle or not. Must not know rules: [`Pass`] says
//! what still holds.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pingora_core::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream};
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v2::server::H2Options;
use pingora_core::server::ShutdownWatch;
use pingora_proxy::{HttpProxy, ProxyHttp};
use tokio::sync::SetOnce;

use crate::limits;
use crate::pass::{Closed, Pass};

/// A request that ends sooner is never watched: watching costs, and a second is what revocation may take.
const SHORT: Duration = Duration::from_secs(1);

tokio::task_local! {
    static CELL: Arc<Cell>;
}

/// What the phases of one request tell the door around them.
#[derive(Default)]
struct Cell {
    pass: OnceLock<Pass>,
    deadline: OnceLock<Deadline>,
    answered: AtomicBool,
}

#[derive(Clone, Copy)]
struct Deadline(Instant);

/// Leaves the pass of the current request with the door around it. A second one in the same request is not taken.
pub fn leave(pass: Pass) {
    let left = CELL.try_with(|cell| cell.pass.set(pass).is_ok());
    if left != Ok(true) {
        tracing::error!("a request has no door around it; its session's end would not close it");
    }
}

/// Has the door close the current request unless the upstream begins to answer in time. For what may be silent
/// afterwards, so that pingora's own timeout on reads cannot be used.
pub fn answer_within(limit: Duration) {
    let _ = CELL.try_with(|cell| cell.deadline.set(Deadline(Instant::now() + limit)));
}

/// The upstream began to answer.
pub fn answered() {
    let _ = CELL.try_with(|cell| cell.answered.store(true, Ordering::Relaxed));
}

/// Whether this process is leaving.
#[derive(Debug, Default)]
pub struct Draining {
    begun: SetOnce<()>,
    relieved: SetOnce<()>,
    connections: AtomicUsize,
    shared: AtomicUsize,
}

/// A connection that counts until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Draining {
    /// From here on connections are closed after their answer.
    pub fn begin(&self) {
        // The second time changes nothing.
        let _ = self.begun.set(());
    }

    /// Whether [`Draining::begin`] was called.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.begun.initialized()
    }

    /// Waits for [`Draining::begin`].
    pub async fn begun(&self) {
        self.begun.wait().await;
    }

    /// Another process listens now; this one finishes what it has.
    pub fn relieve(&self) {
        // The second time changes nothing.
        let _ = self.relieved.set(());
    }

    /// Whether [`Draining::relieve`] was called.
    #[must_use]
    pub fn is_relieved(&self) -> bool {
        self.relieved.initialized()
    }

    /// Waits for [`Draining::relieve`].
    pub async fn relieved(&self) {
        self.relieved.wait().await;
    }

    /// Counts a connection, whether or not anything is asked on it.
    pub fn count(&self) -> Counted<'_> {
        Counted::new(&self.connections)
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Counts a connection that has to be told before it is closed: its client may be about to ask something more.
    pub fn count_shared(&self) -> Counted<'_> {
        Counted::new(&self.shared)
    }

    /// How many of them there are.
    #[must_use]
    pub fn shared(&self) -> usize {
        self.shared.load(Ordering::Relaxed)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The proxy with a door around each of its requests.
pub struct Door<P> {
    proxy: Arc<HttpProxy<P>>,
}

impl<P> Door<P> {
    /// Puts a door around `proxy`.
    #[must_use]
    pub fn new(proxy: HttpProxy<P>) -> Self {
        Self {
            proxy: Arc::new(proxy),
        }
    }
}

#[async_trait]
impl<P> HttpServerApp for Door<P>
where
    P: ProxyHttp + Send + Sync + 'static,
    P::CTX: Send + Sync,
{
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        limits::begin(&mut session);
        let cell = Arc::new(Cell::default());
        let request = CELL.scope(
            Arc::clone(&cell),
            self.proxy.process_new_http(session, shutdown),
        );
        tokio::select! {
            biased;
            reused = request => reused,
            // Dropping the request closes both of its connections.
            closed = end(&cell) => {
                tracing::info!(reason = closed.as_str(), "an open connection was closed");
                None
            }
        }
    }

    fn h2_options(&self) -> Option<H2Options> {
        self.proxy.h2_options()
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        self.proxy.server_options()
    }

    async fn http_cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}

/// Ends when the request must.
async fn end(cell: &Cell) -> Closed {
    loop {
        pingora_timeout::sleep(SHORT).await;
        if cell.pass.get().is_some() || cell.deadline.get().is_some() {
            break;
        }
    }
    tokio::select! {
        closed = late(cell) => closed,
        closed = over(cell) => closed,
    }
}

async fn late(cell: &Cell) -> Closed {
    if let Some(Deadline(deadline)) = cell.deadline.get() {
        tokio::time::sleep_until((*deadline).into()).await;
        if !cell.answered.load(Ordering::Relaxed) {
            return Closed::NoAnswer;
        }
    }
    std::future::pending().await
}

async fn over(cell: &Cell) -> Closed {
    match cell.pass.get() {
        Some(pass) => pass.until_over().await,
        None => std::future::pending().await,
    }
}
