//! Makes connections, as pingora's proxy makes them.

use std::fmt;

use pingora_core::connectors::TransportConnector;
use pingora_core::protocols::Stream;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_error::Result;

/// Makes connections. It keeps none.
pub(super) struct Dialer(TransportConnector);

impl Dialer {
    /// A new connection to `peer`.
    ///
    /// # Errors
    /// There is none.
    pub(super) async fn connect(&self, peer: &HttpPeer) -> Result<Stream> {
        self.0.new_stream(peer).await
    }
}

impl Default for Dialer {
    fn default() -> Self {
        Self(TransportConnector::new(None))
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}
