//! The site behind the gateway: remembers the exact bytes of every request, and answers by the last word of the path.
//!
//! | last word | answer |
//! |---|---|
//! | `ws` | 101, echoes every message |
//! | `events` | an event stream of what [`Echo::tell`] says |
//! | `hold` | nothing until [`Echo::release`] |
//! | `break` | closes without an answer |
//! | `garbage` | bytes that are no HTTP |
//! | `big?N` | N bytes of a known pattern |
//! | `cookie` | tries to set cookies, the gateway's own among them · `cached` says how it may be cached |
//! | `missing` | 404 |
//! | `healthz` | 200, or 503 after [`Echo::fall_ill`] |
//! | anything else | 200, the body is the request's own head |

mod seen;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{broadcast, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

pub use seen::Seen;

use crate::until;
use crate::wire::find;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

struct Shared {
    /// By number: there may be tens of thousands, and whoever looks for one keeps all others waiting.
    seen: Mutex<BTreeMap<u64, Seen>>,
    held: watch::Sender<u64>,
    events: broadcast::Sender<String>,
    ill: AtomicBool,
}

/// An upstream that remembers.
pub struct Echo {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Takes connections; aborted, it drops them all.
    taking: Mutex<AbortHandle>,
}

impl Echo {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            held: watch::Sender::new(0),
            events: broadcast::Sender::new(64),
            ill: AtomicBool::new(false),
        });
        let taking = Mutex::new(take(listener, Arc::clone(&shared), None));
        Self {
            address,
            shared,
            taking,
        }
    }

    /// Dies: takes no more connections and drops those it has.
    pub async fn kill(&self) {
        self.taking.lock().expect("unpoisoned").abort();
        let refused = || async {
            let connecting = tokio::net::TcpStream::connect(self.address);
            connecting.await.is_err().then_some(())
        };
        until("the upstream is gone", Duration::from_secs(5), refused).await;
    }

    /// Takes connections again, after [`Echo::kill`].
    pub async fn revive(&self) {
        let bound = TcpListener::bind(self.address).await;
        let listener = bound.expect("its port is still free");
        let taking = take(listener, Arc::clone(&self.shared), None);
        *self.taking.lock().expect("unpoisoned") = taking;
    }

    /// Listens behind TLS as well; where.
    pub async fn also_with_tls(&self, config: Arc<ServerConfig>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let tls = Some(TlsAcceptor::from(config));
        take(listener, Arc::clone(&self.shared), tls);
        address
    }

    /// Listens on a Unix socket as well.
    pub fn also_on(&self, path: &std::path::Path) {
        let listener = UnixListener::bind(path).expect("a socket path");
        let for_all = Arc::clone(&self.shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&for_all)));
            }
        });
    }

    /// From now on it says at `healthz` that it is not well.
    pub fn fall_ill(&self) {
        self.shared.ill.store(true, Ordering::Relaxed);
    }

    /// From now on it says at `healthz` that it is well again.
    pub fn recover(&self) {
        self.shared.ill.store(false, Ordering::Relaxed);
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        let all = self.shared.seen.lock().expect("unpoisoned");
        all.values().cloned().collect()
    }

    /// How many requests have arrived so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.seen.lock().expect("unpoisoned").len()
    }

    /// The last request. Panics when there was none.
    #[must_use]
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("the upstream saw a request")
    }

    /// Sends an event to everybody who listens to `events`; how many that were.
    #[must_use]
    pub fn tell(&self, event: &str) -> usize {
        self.shared.events.send(event.into()).unwrap_or(0)
    }

    /// Lets every request that waits at `hold` now be answered.
    pub fn release(&self) {
        self.shared.held.send_modify(|count| *count += 1);
    }

    /// The byte at an offset of a `big` body.
    #[must_use]
    pub fn pattern(offset: usize) -> u8 {
        (offset % 251).to_le_bytes()[0]
    }
}

/// Takes connections, until it is aborted.
fn take(listener: TcpListener, shared: Arc<Shared>, tls: Option<TlsAcceptor>) -> AbortHandle {
    let taking = tokio::spawn(async move {
        let mut conversations = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let (shared, tls) = (Arc::clone(&shared), tls.clone());
            conversations.spawn(async move {
                match tls {
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            converse(stream, shared).await;
                        }
                    }
                    None => converse(stream, shared).await,
                }
            });
            while conversations.try_join_next().is_some() {}
        }
    });
    taking.abort_handle()
}

/// Answers the requests of one connection, one after the other.
async fn converse(stream: impl Stream, shared: Arc<Shared>) {
    let mut stream = stream;
    let mut buffer = Vec::new();
    while let Ok(Some(seen)) =
        seen::read(&mut stream, &mut buffer, |seen| note(&shared, seen)).await
    {
        if seen.word() == "ws" {
            let _ = web_socket(stream, buffer, &seen).await;
            return;
        }
        if !matches!(answer(&mut stream, &seen, &shared).await, Ok(true)) {
            return;
        }
    }
}

/// Keeps a request (once when its head is there, again when its body is).
fn note(shared: &Shared, seen: &Seen) {
    let mut all = shared.seen.lock().expect("unpoisoned");
    all.insert(seen.number(), seen.clone());
}

/// Answers; `false` when the connection is not to be used again.
async fn answer(stream: &mut impl Stream, seen: &Seen, shared: &Shared) -> io::Result<bool> {
    match seen.word() {
        "events" => return events(stream, shared).await,
        "break" => return Ok(false),
        "garbage" => {
            stream.write_all(b"this is no HTTP at all\r\n\r\n").await?;
            return Ok(false);
        }
        "hold" => {
            let mut held = shared.held.subscribe();
            // Nobody reads while waiting, so look for the other side's leaving too.
            let mut byte = [0];
            tokio::select! {
                _ = held.changed() => {}
                _ = stream.read(&mut byte) => return Ok(false),
            }
        }
        "big" => return big(stream, seen).await,
        _ => {}
    }
    let (status, extra) = match seen.word() {
        "missing" => ("404 Not Found", ""),
        "healthz" if shared.ill.load(Ordering::Relaxed) => ("503 Service Unavailable", ""),
        "cookie" => (
            "200 OK",
            "Set-Cookie: doorward=stolen; Path=/\r\nSet-Cookie: __Host-doorward=stolen; Path=/; Secure\r\nSet-Cookie: theirs=1; Path=/\r\n",
        ),
        "cached" => ("200 OK", "Cache-Control: public, max-age=60\r\n"),
        _ => ("200 OK", ""),
    };
    let head = seen.raw();
    let length = head.len();
    let reply = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n{extra}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(reply.as_bytes()).await?;
    if seen.method() != "HEAD" {
        stream.write_all(head).await?;
    }
    stream.flush().await?;
    Ok(true)
}

async fn big(stream: &mut impl Stream, seen: &Seen) -> io::Result<bool> {
    let size: usize = seen.query().parse().unwrap_or(0);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    // Whole periods of the pattern, so that every block begins alike.
    let block: Vec<u8> = (0..251 * 1024).map(Echo::pattern).collect();
    let mut left = size;
    while left > 0 {
        let take = left.min(block.len());
        stream.write_all(&block[..take]).await?;
        left -= take;
    }
    stream.flush().await?;
    Ok(true)
}

async fn events(stream: &mut impl Stream, shared: &Shared) -> io::Result<bool> {
    let mut events = shared.events.subscribe();
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await?;
    let mut byte = [0];
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            _ = stream.read(&mut byte) => return Ok(false),
        };
        let Ok(event) = event else { return Ok(false) };
        let text = format!("data: {event}\n\n");
        let chunk = format!("{:x}\r\n{text}\r\n", text.len());
        stream.write_all(chunk.as_bytes()).await?;
        stream.flush().await?;
    }
}

async fn web_socket(
    mut stream: impl Stream,
    buffer: Vec<u8>,
    seen: &Seen,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let keys = seen.all("sec-websocket-key");
    let Some(key) = keys.first() else {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            .await?;
        return Ok(());
    };
    let accept = derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut socket = WebSocketStream::from_partially_read(stream, buffer, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        if message.is_close() {
            break;
        }
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// Where the head in `buffer` ends.
fn head_end(buffer: &[u8]) -> Option<usize> {
    find(buffer, b"\r\n\r\n").map(|at| at + 4)
}
