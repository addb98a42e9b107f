//! What stands behind the entrance.

use pingora_core::protocols::Stream;
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::ShutdownWatch;

/// Serves requests.
pub trait Serve: Send + Sync + 'static {
    /// Serves one. Gives its connection back if another one may come on it.
    fn serve(
        &self,
        session: Box<ServerSession>,
        shutdown: &ShutdownWatch,
    ) -> impl Future<Output = Option<Stream>> + Send;
}
