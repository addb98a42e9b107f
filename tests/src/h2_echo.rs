//! A site that speaks HTTP/2: remembers every request, and answers by the last word of the path as gRPC servers do.
//!
//! | last word | answer |
//! |---|---|
//! | `Unary` | the body as it came, and trailers |
//! | `Stream` | the body again for each [`H2Echo::release`], three times, and trailers |
//! | `Nothing` | trailers only |
//! | `missing` | 404 |
//! | anything else | 200, a body of some length, no trailers |

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::until;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct H2Seen {
    /// The method.
    pub method: String,
    /// Scheme, authority and path.
    pub uri: String,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Which connection it came on.
    pub connection: usize,
}

struct Shared {
    seen: Mutex<Vec<H2Seen>>,
    released: Semaphore,
    /// Held once by each request that is not answered to its end.
    open: Arc<()>,
}

/// An HTTP/2 upstream that remembers.
pub struct H2Echo {
    address: SocketAddr,
    shared: Arc<Shared>,
    tls: Option<TlsAcceptor>,
    /// Takes connections; aborted, it drops them all.
    taking: Mutex<AbortHandle>,
}

impl H2Echo {
    /// Starts one in the clear, without upgrade (h2c by prior knowledge).
    pub async fn start() -> Self {
        Self::listen(None).await
    }

    /// Starts one behind TLS.
    pub async fn with_tls(config: Arc<ServerConfig>) -> Self {
        Self::listen(Some(TlsAcceptor::from(config))).await
    }

    async fn listen(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            released: Semaphore::new(0),
            open: Arc::default(),
        });
        let taking = Mutex::new(take(listener, Arc::clone(&shared), tls.clone()));
        Self {
            address,
            shared,
            tls,
            taking,
        }
    }

    /// Dies: takes no more connections and drops those it has.
    pub async fn kill(&self) {
        self.taking.lock().expect("unpoisoned").abort();
        until("the upstream is gone", Duration::from_secs(5), async || {
            let connecting = tokio::net::TcpStream::connect(self.address);
            connecting.await.is_err().then_some(())
        })
        .await;
    }

    /// Takes connections again, after [`H2Echo::kill`].
    pub async fn revive(&self) {
        let bound = TcpListener::bind(self.address).await;
        let listener = bound.expect("its port is still free");
        let taking = take(listener, Arc::clone(&self.shared), self.tls.clone());
        *self.taking.lock().expect("unpoisoned") = taking;
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far.
    #[must_use]
    pub fn seen(&self) -> Vec<H2Seen> {
        self.shared.seen.lock().expect("unpoisoned").clone()
    }

    /// The last request. Panics when there was none.
    #[must_use]
    pub fn last(&self) -> H2Seen {
        self.seen().pop().expect("the upstream saw a request")
    }

    /// How many requests are not answered to their end.
    #[must_use]
    pub fn open(&self) -> usize {
        Arc::strong_count(&self.shared.open) - 1
    }

    /// Lets one `Stream` say its next piece.
    pub fn release(&self) {
        self.shared.released.add_permits(1);
    }
}

/// Takes connections, until it is aborted.
fn take(listener: TcpListener, shared: Arc<Shared>, tls: Option<TlsAcceptor>) -> AbortHandle {
    let taking = tokio::spawn(async move {
        let mut conversations = JoinSet::new();
        let mut connection = 0;
        while let Ok((stream, _)) = listener.accept().await {
            connection += 1;
            let (shared, tls) = (Arc::clone(&shared), tls.clone());
            conversations.spawn(async move {
                match tls {
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            converse(stream, shared, connection).await;
                        }
                    }
                    None => converse(stream, shared, connection).await,
                }
            });
        }
    });
    taking.abort_handle()
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: Arc<Shared>,
    connection: usize,
) {
    let Ok(mut requests) = h2::server::handshake(stream).await else {
        return;
    };
    let mut answers = JoinSet::new();
    while let Some(Ok((request, answer))) = requests.accept().await {
        let shared = Arc::clone(&shared);
        answers.spawn(async move {
            // A request that breaks off has nobody to be told.
            let _ = respond(request, answer, &shared, connection).await;
        });
    }
}

async fn respond(
    request: Request<RecvStream>,
    mut answer: SendResponse<Bytes>,
    shared: &Shared,
    connection: usize,
) -> Result<(), h2::Error> {
    let _open = Arc::clone(&shared.open);
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    let word = head.uri.path().rsplit('/').next().unwrap_or_default();
    let word = word.to_owned();
    shared.seen.lock().expect("unpoisoned").push(H2Seen {
        method: head.method.to_string(),
        uri: head.uri.to_string(),
        headers: head.headers,
        body: body.clone(),
        connection,
    });
    let status = if word == "missing" { 404 } else { 200 };
    let grpc = Response::builder()
        .status(status)
        .header("content-type", "application/grpc");
    match word.as_str() {
        "Nothing" => {
            let head = grpc.header("grpc-status", "12").body(()).expect("a head");
            answer.send_response(head, true)?;
        }
        "Unary" => {
            let mut out = answer.send_response(grpc.body(()).expect("a head"), false)?;
            out.send_data(body, false)?;
            out.send_trailers(trailers())?;
        }
        "Stream" => {
            let mut out = answer.send_response(grpc.body(()).expect("a head"), false)?;
            for _ in 0..3 {
                tokio::select! {
                    permit = shared.released.acquire() => permit.expect("never closed").forget(),
                    _ = std::future::poll_fn(|cx| out.poll_reset(cx)) => return Ok(()),
                }
                out.send_data(body.clone(), false)?;
            }
            out.send_trailers(trailers())?;
        }
        _ => {
            let head = Response::builder().status(status).body(());
            let out = answer.send_response(head.expect("a head"), false)?;
            send(out, Bytes::from(vec![b'x'; 100_000])).await?;
        }
    }
    Ok(())
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert("grpc-message", HeaderValue::from_static("well done"));
    trailers
}

async fn read(mut body: RecvStream) -> Result<Bytes, h2::Error> {
    let mut all = BytesMut::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

/// As much at a time as the other side takes.
async fn send(mut out: SendStream<Bytes>, mut data: Bytes) -> Result<(), h2::Error> {
    while !data.is_empty() {
        out.reserve_capacity(data.len());
        let Some(room) = std::future::poll_fn(|cx| out.poll_capacity(cx)).await else {
            return Ok(());
        };
        let piece = data.split_to(room?.min(data.len()));
        out.send_data(piece, data.is_empty())?;
    }
    Ok(())
}
