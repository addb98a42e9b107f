//! A connection whose client is not waited for longer than its pace allows.
//!
//! Owns the alarm: it rings only while somebody reads and nothing is there. Must not know HTTP: how long is waited,
//! and what is said then, is its [`Watch`]'s to know.

use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::protocols::raw_connect::ProxyDigest;
use pingora_core::protocols::tls::{SslDigest, TlsRef};
use pingora_core::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    Stream, TimingDigest, UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Late, Pace};

/// Who knows how long a connection may be silent.
pub trait Watch: Debug + Send + Sync + Unpin + 'static {
    /// These bytes came.
    fn came(&mut self, bytes: &[u8]);

    /// Something is said to the client.
    fn said(&mut self);

    /// Nothing is there to be read: until when that may be so, and what the client is late with afterwards.
    fn wait(&mut self) -> Option<(Instant, Late)>;

    /// The client was too late.
    fn end(&mut self, late: Late);

    /// What is said to one that was too late, when nobody else is there yet to answer.
    fn last_word(&self, late: Late) -> &'static [u8];
}

/// To a head that did not come in time (RFC 9110, section 15.5.9).
const TOO_SLOW: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

impl Watch for Arc<Pace> {
    fn came(&mut self, bytes: &[u8]) {
        Pace::came(self, bytes.len() as u64);
    }

    fn said(&mut self) {
        Pace::said(self);
    }

    fn wait(&mut self) -> Option<(Instant, Late)> {
        Pace::wait(self)
    }

    fn end(&mut self, late: Late) {
        Pace::end(self, late);
    }

    fn last_word(&self, late: Late) -> &'static [u8] {
        match late {
            Late::Head => TOO_SLOW,
            Late::Body | Late::Silent => b"",
        }
    }
}

/// Nobody watches: somebody further out does.
#[derive(Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn came(&mut self, _: &[u8]) {}

    fn said(&mut self) {}

    fn wait(&mut self) -> Option<(Instant, Late)> {
        None
    }

    fn end(&mut self, _: Late) {}

    fn last_word(&self, _: Late) -> &'static [u8] {
        b""
    }
}

/// A connection with an alarm.
#[derive(Debug)]
pub struct Timed<W> {
    stream: Stream,
    watch: W,
    alarm: Option<Pin<Box<Sleep>>>,
    over: bool,
}

impl<W: Watch> Timed<W> {
    /// Times `stream`.
    #[must_use]
    pub fn new(stream: Stream, watch: W) -> Self {
        Self {
            stream,
            watch,
            alarm: None,
            over: false,
        }
    }

    /// Waits for the alarm, set to `until`; then says so.
    fn poll_late(
        &mut self,
        cx: &mut Context<'_>,
        (until, late): (Instant, Late),
    ) -> Poll<io::Result<()>> {
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        // What is waited for moves on with each request; an alarm that rings too early is set again then, which costs less
        // than setting it each time.
        if alarm.deadline() > until {
            alarm.as_mut().reset(until);
        }
        ready!(alarm.as_mut().poll(cx));
        if alarm.deadline() < until {
            alarm.as_mut().reset(until);
            ready!(alarm.as_mut().poll(cx));
        }
        // Whoever reads a body can answer, and notes what became of the request.
        if late == Late::Body {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.answer(late, cx);
        // An error here would be one more line in pingora's log for each slow client.
        self.over = true;
        self.watch.end(late);
        Poll::Pending
    }

    /// Answers as far as that takes no time.
    fn answer(&mut self, late: Late, cx: &mut Context<'_>) {
        let word = self.watch.last_word(late);
        if word.is_empty() {
            return;
        }
        let mut stream = Pin::new(&mut self.stream);
        if let Poll::Ready(Ok(_)) = stream.as_mut().poll_write(cx, word) {
            let _ = stream.poll_flush(cx);
        }
    }
}

impl<W: Watch> AsyncRead for Timed<W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.over {
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, buf) else {
            return match self.watch.wait() {
                Some(deadline) => self.poll_late(cx, deadline),
                None => Poll::Pending,
            };
        };
        if let Some(came) = buf.filled().get(before..)
            && !came.is_empty()
        {
            self.watch.came(came);
        }
        Poll::Ready(read)
    }
}

impl<W: Watch> AsyncWrite for Timed<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.watch.said();
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[async_trait]
impl<W: Watch> Shutdown for Timed<W> {
    async fn shutdown(&mut self) {
        self.stream.shutdown().await;
    }
}

impl<W: Watch> UniqueID for Timed<W> {
    fn id(&self) -> UniqueIDType {
        self.stream.id()
    }
}

impl<W: Watch> Ssl for Timed<W> {
    fn get_ssl(&self) -> Option<&TlsRef> {
        self.stream.get_ssl()
    }

    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.stream.get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.stream.selected_alpn_proto()
    }
}

impl<W: Watch> GetTimingDigest for Timed<W> {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.stream.get_timing_digest()
    }

    fn get_read_pending_time(&self) -> Duration {
        self.stream.get_read_pending_time()
    }

    fn get_write_pending_time(&self) -> Duration {
        self.stream.get_write_pending_time()
    }
}

impl<W: Watch> GetProxyDigest for Timed<W> {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.stream.get_proxy_digest()
    }

    fn set_proxy_digest(&mut self, digest: ProxyDigest) {
        self.stream.set_proxy_digest(digest);
    }
}

impl<W: Watch> GetSocketDigest for Timed<W> {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.stream.get_socket_digest()
    }

    fn set_socket_digest(&mut self, digest: SocketDigest) {
        self.stream.set_socket_digest(digest);
    }
}

/// Not supported: looking at bytes without taking them would not be timed.
impl<W: Watch> Peek for Timed<W> {}

#[cfg(test)]
mod tests;
