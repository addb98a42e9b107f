//! One connection to a server: bytes out, answers in. The only HTTP client of the stories, because every other one
//! tidies up what the stories want to send untidy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Pipe, within};

/// No story waits longer than this for a piece of an answer unless it says so.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer's head, and its body once that was read.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header lines in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, transfer coding removed.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Every value of a header.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        let name = name.to_ascii_lowercase();
        let same = self.headers.iter().filter(|(have, _)| *have == name);
        same.map(|(_, value)| value.as_str()).collect()
    }

    /// `Location`, or an empty text.
    #[must_use]
    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn parse(head: &[u8]) -> Self {
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(':'));
        Self {
            status: status.unwrap_or_else(|| panic!("not a status line: {line:?}")),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: Vec::new(),
        }
    }
}

/// How much of the current body is still to come.
enum Framing {
    Nothing,
    Length(usize),
    Chunked,
    UntilClose,
}

/// One connection.
pub struct Wire {
    stream: Pipe,
    buffer: Vec<u8>,
    framing: Framing,
}

impl Wire {
    /// Connects.
    pub async fn to(address: SocketAddr) -> Self {
        let wire = Self::try_to(address).await;
        wire.unwrap_or_else(|error| panic!("connecting to {address}: {error}"))
    }

    /// Connects, if somebody listens.
    pub(crate) async fn try_to(address: SocketAddr) -> std::io::Result<Self> {
        let stream = within("connecting", PATIENCE, Pipe::plain(address)).await?;
        Ok(Self::on(stream))
    }

    /// Connects over TLS, to `host` there.
    pub async fn secure(address: SocketAddr, host: &str, trust: Arc<ClientConfig>) -> Self {
        let (stream, _) = Self::to(address).await.into_parts();
        let stream = within("a handshake", PATIENCE, stream.encrypt(host, trust)).await;
        Self::on(stream.unwrap_or_else(|error| panic!("a handshake with {address}: {error}")))
    }

    /// Goes on with a connection.
    #[must_use]
    pub fn on(stream: Pipe) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            framing: Framing::Nothing,
        }
    }

    /// Writes bytes; a peer that has already closed is no surprise.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = within("writing", PATIENCE, self.stream.write_all(bytes)).await;
    }

    /// Reads more into the buffer; `false` at the end of the stream.
    async fn fill(&mut self) -> bool {
        self.buffer.reserve(64 * 1024);
        let read = within(
            "reading an answer",
            PATIENCE,
            self.stream.read_buf(&mut self.buffer),
        );
        matches!(read.await, Ok(count) if count > 0)
    }

    /// Reads one answer's head; `None` when the peer closed instead. Interim answers (1xx, not 101) are skipped.
    pub async fn head(&mut self) -> Option<Answer> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
                let answer = Answer::parse(&head[..end]);
                if answer.status >= 200 || answer.status == 101 {
                    self.framing = framing_of(&answer);
                    return Some(answer);
                }
            } else if !self.fill().await {
                return None;
            }
        }
    }

    /// The next piece of the body; `None` after the last one. Panics when the body breaks off.
    pub async fn piece(&mut self) -> Option<Vec<u8>> {
        match self.framing {
            Framing::Nothing | Framing::Length(0) => None,
            Framing::Length(left) => {
                if self.buffer.is_empty() {
                    assert!(
                        self.fill().await,
                        "the body broke off with {left} bytes to come"
                    );
                }
                let take = left.min(self.buffer.len());
                self.framing = Framing::Length(left - take);
                Some(self.buffer.drain(..take).collect())
            }
            Framing::UntilClose => {
                if self.buffer.is_empty() && !self.fill().await {
                    self.framing = Framing::Nothing;
                    return None;
                }
                Some(std::mem::take(&mut self.buffer))
            }
            Framing::Chunked => self.chunk().await,
        }
    }

    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let end = self.line_end().await;
        let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
        let text = String::from_utf8_lossy(&line);
        let digits = text.trim().split(';').next().unwrap_or_default().to_owned();
        let size = usize::from_str_radix(&digits, 16)
            .unwrap_or_else(|_| panic!("no chunk size: {text:?}"));
        if size == 0 {
            self.framing = Framing::Nothing;
            let end = self.line_end().await;
            self.buffer.drain(..end + 2);
            return None;
        }
        while self.buffer.len() < size + 2 {
            assert!(self.fill().await, "a chunk broke off");
        }
        let mut chunk: Vec<u8> = self.buffer.drain(..size + 2).collect();
        chunk.truncate(size);
        Some(chunk)
    }

    async fn line_end(&mut self) -> usize {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                return end;
            }
            assert!(self.fill().await, "the chunked body broke off");
        }
    }

    /// Reads one whole answer to a request of this method; `None` when the peer closed instead.
    pub async fn answer_to(&mut self, method: &str) -> Option<Answer> {
        let mut answer = self.head().await?;
        if method == "HEAD" {
            self.framing = Framing::Nothing;
        }
        while let Some(piece) = self.piece().await {
            answer.body.extend_from_slice(&piece);
        }
        Some(answer)
    }

    /// Reads one line, for peers that speak no HTTP; `None` when the peer closed instead.
    pub async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Sends bytes and reads one answer (not to a HEAD).
    pub async fn exchange(&mut self, bytes: &[u8]) -> Option<Answer> {
        self.send(bytes).await;
        self.answer_to("GET").await
    }

    /// Waits until the peer has closed, throwing away what it still says; panics after `limit`.
    pub async fn closed(&mut self, limit: Duration) {
        within("the peer closes the connection", limit, async {
            let mut waste = vec![0; 16 * 1024];
            while matches!(self.stream.read(&mut waste).await, Ok(count) if count > 0) {}
        })
        .await;
    }

    /// Whether the peer has closed by now.
    pub async fn is_closed(&mut self) -> bool {
        let Pipe::Plain(stream) = &self.stream else {
            panic!("there is no looking through TLS");
        };
        let mut byte = [0];
        let peek = tokio::time::timeout(Duration::from_millis(1), stream.peek(&mut byte));
        matches!(peek.await, Ok(Ok(0) | Err(_)))
    }

    /// The connection, and what was read from it beyond the last answer.
    #[must_use]
    pub fn into_parts(self) -> (Pipe, Vec<u8>) {
        (self.stream, self.buffer)
    }
}

fn framing_of(answer: &Answer) -> Framing {
    if matches!(answer.status, 101 | 204 | 304) {
        return Framing::Nothing;
    }
    if answer
        .header("transfer-encoding")
        .is_some_and(|value| value.contains("chunked"))
    {
        return Framing::Chunked;
    }
    match answer.header("content-length").map(str::parse) {
        Some(Ok(length)) => Framing::Length(length),
        Some(Err(_)) => panic!("a content-length that is none: {answer:?}"),
        None => Framing::UntilClose,
    }
}

/// Where `needle` begins in `hay`.
pub(crate) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len())
        .position(|window| window == needle)
}
