//! Where an admitted request goes.
//!
//! Owns the ways to an upstream: a Unix socket, or an address whose name is looked up again and again beside the
//! requests. A peer is made from an [`Admission`] only. Must not know rules or people.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use doorward_protected::Root;
use pingora_core::upstreams::peer::HttpPeer;
use tokio::net::UnixListener;
use tokio::sync::watch;

use crate::admit::Admission;
use crate::first_word::FirstWord;
use crate::websocket::Asked;

/// How long the addresses of a name are used before they are looked up again.
const NAME_TTL: Duration = Duration::from_secs(30);

/// How soon a name that could not be looked up is tried again.
const NAME_RETRY: Duration = Duration::from_secs(2);

/// Idle connections are given up before the file origin gives them up (after two minutes).
const IDLE: Duration = Duration::from_mins(1);

/// Keeps connections for WebSockets apart from the others.
const WEBSOCKETS: u64 = 1;

/// One way to one upstream.
#[derive(Debug)]
pub enum Upstream {
    /// A Unix socket: somebody else's, the file origin's or the pages'.
    Socket(PathBuf),
    /// A host and port.
    Host(Arc<Addresses>),
    /// There is nothing behind this site.
    Nothing,
}

/// The addresses of one name, as last looked up.
#[derive(Debug)]
pub struct Addresses {
    name: String,
    port: u16,
    /// Replaced as a whole beside the requests; empty until the first answer.
    found: ArcSwap<Vec<SocketAddr>>,
    turn: AtomicUsize,
}

/// Why there is no peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPeer {
    /// The site has no upstream.
    Nothing,
    /// The upstream's name has no address.
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
    /// The peer for an admitted request. Without an admission there is none.
    ///
    /// # Errors
    /// There is nowhere to go.
    pub fn peer(&self, _: &Admission, timeouts: Timeouts) -> Result<Box<HttpPeer>, NoPeer> {
        let mut peer = match self {
            Self::Socket(path) => {
                let path = path.to_str().ok_or(NoPeer::BadPath)?;
                HttpPeer::new_uds(path, false, String::new()).map_err(|_| NoPeer::BadPath)?
            }
            Self::Host(addresses) => HttpPeer::new(
                addresses.next().ok_or(NoPeer::NoAddress)?,
                false,
                String::new(),
            ),
            Self::Nothing => return Err(NoPeer::Nothing),
        };
        peer.options.connection_timeout = Some(timeouts.connect);
        peer.options.total_connection_timeout = Some(timeouts.connect);
        peer.options.read_timeout = timeouts.silence;
        peer.options.write_timeout = timeouts.silence;
        peer.options.idle_timeout = Some(IDLE);
        if timeouts.websocket == Asked::WebSocket {
            // A pool of its own: connections made otherwise lose a first word now and then.
            peer.group_key = WEBSOCKETS;
            peer.options.custom_l4 = Some(Arc::new(FirstWord {
                limit: timeouts.connect,
            }));
        }
        Ok(Box::new(peer))
    }
}

impl Addresses {
    fn next(&self) -> Option<SocketAddr> {
        let found = self.found.load();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        found.get(turn.checked_rem(found.len())?).copied()
    }

    async fn look_up(&self) -> Duration {
        match tokio::net::lookup_host((self.name.as_str(), self.port)).await {
            Ok(found) => {
                self.found.store(Arc::new(found.collect()));
                NAME_TTL
            }
            Err(error) => {
                // The old addresses are better than none.
                tracing::warn!(name = self.name, %error, "an upstream's name cannot be looked up");
                NAME_RETRY
            }
        }
    }
}

/// Opens upstreams: starts looking up names, and serves folders on sockets of their own.
pub struct Upstreams {
    folder: PathBuf,
    runtime: tokio::runtime::Handle,
    stop: watch::Receiver<bool>,
    served: Mutex<usize>,
}

impl Upstreams {
    /// Sockets go into `folder`; what runs beside the requests runs on `runtime`, until `stop` says true.
    #[must_use]
    pub fn new(
        folder: &Path,
        runtime: tokio::runtime::Handle,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            runtime,
            stop,
            served: Mutex::new(0),
        }
    }

    /// Opens one.
    ///
    /// # Errors
    /// A folder cannot be opened, or no socket can be made for it.
    pub fn open(&self, configured: &doorward_config::Upstream) -> anyhow::Result<Arc<Upstream>> {
        Ok(Arc::new(match configured {
            doorward_config::Upstream::Http { host, port } => {
                Upstream::Host(self.resolve(host, *port))
            }
            doorward_config::Upstream::Unix(path) => Upstream::Socket(path.clone()),
            doorward_config::Upstream::Files(folder) => Upstream::Socket(self.serve(folder)?),
            doorward_config::Upstream::None => Upstream::Nothing,
        }))
    }

    fn resolve(&self, name: &str, port: u16) -> Arc<Addresses> {
        let literal = name
            .parse()
            .ok()
            .map(|address| SocketAddr::new(address, port));
        let addresses = Arc::new(Addresses {
            name: name.to_owned(),
            port,
            found: ArcSwap::from_pointee(literal.into_iter().collect()),
            turn: AtomicUsize::new(0),
        });
        if literal.is_none() {
            let weak = Arc::downgrade(&addresses);
            self.runtime.spawn(async move {
                while let Some(addresses) = weak.upgrade() {
                    let pause = addresses.look_up().await;
                    drop(addresses);
                    tokio::time::sleep(pause).await;
                }
            });
        }
        addresses
    }

    fn serve(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        use anyhow::Context;
        let root = Root::open(folder)
            .with_context(|| format!("the folder {} cannot be served", folder.display()))?;
        let number = {
            let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
            *served += 1;
            *served
        };
        let socket = self.folder.join(format!("files-{number}.sock"));
        let _in_runtime = self.runtime.enter();
        let listener = UnixListener::bind(&socket)
            .with_context(|| format!("no socket can be made at {}", socket.display()))?;
        let mut stop = self.stop.clone();
        self.runtime.spawn(async move {
            let stopped = async move {
                // An error means that whoever could say stop is gone.
                let _ = stop.wait_for(|stop| *stop).await;
            };
            doorward_protected::serve(listener, root, stopped).await;
        });
        Ok(socket)
    }
}
