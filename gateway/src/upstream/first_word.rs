//! A connection for a WebSocket whose first word is not lost.
//!
//! pingora 0.9.1 passes the end of the request's (empty) body to the upstream half of the proxy through a channel,
//! and reads the upstream's answer beside it, in no order. An upstream that answers 101 before the channel was looked
//! at has the end of that body taken for the end of the WebSocket, which closes it: one in a hundred on a busy
//! machine. Here the first read after each write lets everything else go first: the one that matters follows the
//! request's head, and beneath TLS there were others before. To be removed when pingora orders the two.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::connectors::L4Connect;
use pingora_core::protocols::l4::socket::SocketAddr;
use pingora_core::protocols::l4::stream::Stream;
use pingora_core::protocols::l4::virt::{VirtualSockOpt, VirtualSocket, VirtualSocketStream};
use pingora_error::{Error, ErrorType, OrErr, Result};
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Connects so that the first read after a write waits its turn.
#[derive(Debug)]
pub struct FirstWord {
    /// How long a connection may take.
    pub limit: Duration,
}

#[async_trait]
impl L4Connect for FirstWord {
    async fn connect(&self, address: &SocketAddr) -> Result<Stream> {
        let connected = tokio::time::timeout(self.limit, connect(address)).await;
        let socket = connected
            .or_err(ErrorType::ConnectTimedout, "connecting for a WebSocket")?
            .map_err(|error| {
                Error::because(whose(&error), "connecting for a WebSocket", error).into_up()
            })?;
        Ok(VirtualSocketStream::new(socket).into())
    }
}

/// Whether it is the other side's fault that there is no connection, or our own lack of file descriptors.
fn whose(error: &io::Error) -> ErrorType {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE) => ErrorType::InternalError,
        Some(_) | None => ErrorType::ConnectError,
    }
}

async fn connect(address: &SocketAddr) -> io::Result<Box<dyn VirtualSocket>> {
    match address {
        SocketAddr::Inet(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(Patient::new(stream)))
        }
        SocketAddr::Unix(address) => {
            let path = address
                .as_pathname()
                .ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
            Ok(Box::new(Patient::new(UnixStream::connect(path).await?)))
        }
    }
}

#[derive(Debug)]
struct Patient<S> {
    stream: S,
    turn: Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Something was written since the last read: whatever else is ready goes first.
    Others,
    Ours,
}

impl<S> Patient<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            turn: Turn::Others,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if std::mem::replace(&mut self.turn, Turn::Ours) == Turn::Others {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.turn = Turn::Others;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> VirtualSocket for Patient<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + Sync + std::fmt::Debug,
{
    /// Set when it was connected; keep-alive is left to whoever speaks through it.
    fn set_socket_option(&self, _: VirtualSockOpt) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Whether what else was ready went before the read.
    async fn waits<S: AsyncRead + AsyncWrite + Unpin>(near: &mut Patient<S>) -> bool {
        let mut buf = [0; 3];
        let waited = tokio::select! {
            biased;
            read = near.read_exact(&mut buf) => { read.unwrap(); return false }
            () = std::future::ready(()) => true,
        };
        near.read_exact(&mut buf).await.unwrap();
        waited
    }

    #[tokio::test]
    async fn what_is_ready_already_goes_before_the_first_read_after_each_write() {
        let (mut far, near) = tokio::io::duplex(64);
        let mut near = Patient::new(near);
        for _ in 0..2 {
            far.write_all(b"101...").await.unwrap();
            near.write_all(b"GET").await.unwrap();
            assert!(waits(&mut near).await, "the read after a write went first");
            assert!(!waits(&mut near).await, "nothing was written since");
        }
    }
}
