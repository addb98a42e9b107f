//! Where an admitted request goes.
//!
//! Owns the ways to an upstream. A peer is made from an [`Admission`] only. Must not know rules or people.
//!
//! | what | where |
//! |---|---|
//! | opening, and sharing what is open already | `open` |
//! | several servers in turn, and what one request has tried | `pool`, `attempts` |
//! | a server's name and its addresses | `server` |
//! | one address, and whether it is well | `endpoint`, `check` |
//! | what is spoken there | `way`, `authorities`, `first_word` |
//! | connections of the short way, and those that wait to be used again | `line`, `dialer`, `shelf` |
//! | the file origin's socket | `files` |

mod attempts;
mod authorities;
mod check;
mod dialer;
mod endpoint;
mod files;
mod first_word;
mod line;
mod open;
mod pool;
mod server;
mod shelf;
mod way;

use std::path::{Path, PathBuf};
use std::time::Duration;

use pingora_core::upstreams::peer::HttpPeer;

use crate::admit::Admission;
use crate::websocket::Asked;

pub use attempts::{Again, Attempts};
pub use files::FileOrigin;
pub use line::Line;
pub use open::Upstreams;
pub use pool::Pool;

/// One way to one upstream.
#[derive(Debug)]
pub enum Upstream {
    /// A Unix socket: somebody else's, or the pages'.
    Socket(PathBuf),
    /// Our own file origin, which ends with this.
    Files(FileOrigin),
    /// One or more servers.
    Web(Pool),
    /// There is nothing behind this site.
    Nothing,
}

/// Why there is no peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPeer {
    /// The site has no upstream.
    Nothing,
    /// No upstream's name has an address.
    NoAddress,
    /// The socket's path is none.
    BadPath,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the upstream says something; `None` for what may be silent.
    pub silence: Option<Duration>,
    /// Whether the connection will be a WebSocket.
    pub websocket: Asked,
}

impl Upstream {
    /// The peer for an admitted request, another one than in its attempts before. Without an admission there is none.
    ///
    /// # Errors
    /// There is nowhere to go.
    pub async fn peer(
        &self,
        _: &Admission,
        timeouts: Timeouts,
        attempts: &mut Attempts,
    ) -> Result<Box<HttpPeer>, NoPeer> {
        let peer = match self {
            Self::Socket(path) => socket(path, timeouts)?,
            Self::Files(origin) => socket(origin.socket(), timeouts)?,
            Self::Web(pool) => {
                let endpoint = pool.next(attempts, timeouts.connect).await;
                let endpoint = endpoint.ok_or(NoPeer::NoAddress)?;
                let peer = endpoint.peer(timeouts);
                attempts.begin(endpoint);
                peer
            }
            Self::Nothing => return Err(NoPeer::Nothing),
        };
        Ok(Box::new(peer))
    }

    /// Whether there is anywhere else to go after these attempts.
    #[must_use]
    pub fn has_more(&self, attempts: &Attempts) -> bool {
        match self {
            Self::Web(pool) => pool.has_more(attempts),
            Self::Socket(_) | Self::Files(_) | Self::Nothing => false,
        }
    }
}

fn socket(path: &Path, timeouts: Timeouts) -> Result<HttpPeer, NoPeer> {
    let path = path.to_str().ok_or(NoPeer::BadPath)?;
    let mut peer = HttpPeer::new_uds(path, false, String::new()).map_err(|_| NoPeer::BadPath)?;
    way::furnish(&mut peer, timeouts);
    Ok(peer)
}
