//! A response body: words and spans of one file, in order, read as fast as the peer takes them.
//!
//! Must not know why. Nothing is read before it is asked for, so a slow peer holds one chunk, not the file.

use crate::range::Span;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use rustix::buffer::spare_capacity;
use rustix::io::{Errno, pread};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes read at once.
pub(crate) const CHUNK: usize = 64 * 1024;

/// One stretch of the body.
#[derive(Debug)]
pub(crate) enum Piece {
    /// To be sent as it is.
    Text(Bytes),
    /// To be read from the file.
    Span(Span),
}

impl Piece {
    /// Bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Span(span) => span.len(),
        }
    }
}

/// Pieces on their way out.
#[derive(Debug, Default)]
pub(crate) struct Body {
    file: Option<Arc<File>>,
    pieces: VecDeque<Piece>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    /// The chunk that was sent last. Once the connection has let go of it, its memory is used again.
    spent: Bytes,
}

impl Body {
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    pub(crate) fn text(text: &'static str) -> Self {
        Self {
            pieces: VecDeque::from([Piece::Text(Bytes::from_static(text.as_bytes()))]),
            ..Self::default()
        }
    }

    /// Pieces of `file`; their spans must have been inside it when its size was asked.
    pub(crate) fn of(file: File, pieces: impl IntoIterator<Item = Piece>) -> Self {
        Self {
            file: Some(Arc::new(file)),
            pieces: pieces.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Starts on the next piece: words are ready at once, a span begins to be read.
    fn advance(&mut self) -> Option<Bytes> {
        match self.pieces.front()? {
            Piece::Text(text) => {
                let text = text.clone();
                self.pieces.pop_front();
                Some(text)
            }
            Piece::Span(span) => {
                let (at, want) = (span.first, chunk(*span));
                let (file, buffer) = (self.file.clone(), self.buffer(want));
                self.reading = Some(spawn_blocking(move || {
                    read(file.as_deref(), at, want, buffer)
                }));
                None
            }
        }
    }

    /// An empty buffer for `want` bytes.
    fn buffer(&mut self, want: usize) -> Vec<u8> {
        let spent = std::mem::take(&mut self.spent);
        if !spent.is_unique() {
            return Vec::with_capacity(want);
        }
        let mut buffer = Vec::from(spent);
        buffer.clear();
        buffer.reserve_exact(want);
        buffer
    }

    /// Books a chunk that has been read.
    fn take(&mut self, chunk: &Bytes) {
        if let Some(Piece::Span(span)) = self.pieces.front_mut() {
            let length = chunk.len() as u64;
            if length < span.len() {
                span.first += length;
            } else {
                self.pieces.pop_front();
            }
        }
        self.spent = chunk.clone();
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.reading.is_none()
            && let Some(text) = self.advance()
        {
            return Poll::Ready(Some(Ok(Frame::data(text))));
        }
        let Some(reading) = self.reading.as_mut() else {
            return Poll::Ready(None);
        };
        let outcome = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        match outcome.map_err(io::Error::other).flatten() {
            Ok(chunk) => {
                self.take(&chunk);
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            Err(error) => {
                // The error makes the connection end short of its length; nothing may follow it.
                tracing::warn!(%error, "a file could not be sent to its end");
                self.pieces.clear();
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.iter().map(Piece::len).sum())
    }
}

/// How much of a span to read next.
fn chunk(span: Span) -> usize {
    usize::try_from(span.len()).map_or(CHUNK, |length| length.min(CHUNK))
}

/// Reads up to `want` bytes, at least one.
///
/// # Errors
/// `UnexpectedEof` when the file has become shorter than it was, or as the system reports.
fn read(file: Option<&File>, at: u64, want: usize, mut buffer: Vec<u8>) -> io::Result<Bytes> {
    let file = file.ok_or(io::ErrorKind::NotFound)?;
    loop {
        match pread(file, spare_capacity(&mut buffer), at) {
            Ok(0) => {
                let what = "the file became shorter while it was sent";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
            }
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // A reused buffer may have room for more than was asked.
    buffer.truncate(want);
    Ok(Bytes::from(buffer))
}

#[cfg(test)]
mod tests;
