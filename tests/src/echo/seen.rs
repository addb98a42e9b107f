//! One request as the upstream got it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::AsyncReadExt;

use super::{Stream, head_end};

/// Bodies are kept up to this size, counted beyond.
const KEPT: usize = 64 * 1024;

/// How often the progress of a large body is told.
const STEP: usize = 16 * 1024 * 1024;

static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// A request as it arrived, byte for byte.
#[derive(Clone, Debug)]
pub struct Seen {
    number: u64,
    head: Vec<u8>,
    body: Vec<u8>,
    body_length: usize,
    complete: bool,
}

impl Seen {
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The exact bytes of the head, blank line included.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.head
    }

    /// The head as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }

    fn line(&self) -> Vec<String> {
        let text = self.text();
        let line = text.split("\r\n").next().unwrap_or_default();
        line.split(' ').map(str::to_owned).collect()
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> String {
        self.line().first().cloned().unwrap_or_default()
    }

    /// The request target as forwarded.
    #[must_use]
    pub fn target(&self) -> String {
        self.line().get(1).cloned().unwrap_or_default()
    }

    /// What follows the first `?`.
    #[must_use]
    pub fn query(&self) -> String {
        let target = self.target();
        target
            .split_once('?')
            .map(|(_, query)| query.to_owned())
            .unwrap_or_default()
    }

    /// The last word of the path.
    pub(super) fn word(&self) -> &str {
        let head = std::str::from_utf8(&self.head).unwrap_or_default();
        let target = head.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    /// Every header line: the name as written, the value.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let text = self.text();
        let lines = text
            .split("\r\n")
            .skip(1)
            .filter_map(|line| line.split_once(':'));
        lines
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect()
    }

    /// The values of every header that an upstream might take for `name`: any case, `_` and `.` read as `-`.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        let wanted = plain(name);
        let same = self
            .headers()
            .into_iter()
            .filter(|(have, _)| plain(have) == wanted);
        same.map(|(_, value)| value).collect()
    }

    /// The one value of a header; panics when there are two, in whatever spelling.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<String> {
        let all = self.all(name);
        assert!(all.len() < 2, "more than one {name}: {}", self.text());
        all.into_iter().next()
    }

    /// The body, transfer coding removed; only its beginning when it is large.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// How many bytes of body have arrived.
    #[must_use]
    pub fn body_length(&self) -> usize {
        self.body_length
    }

    /// Whether the body has arrived to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Takes a piece of body in; whether that is progress worth telling.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let room = KEPT.saturating_sub(self.body.len());
        self.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let before = self.body_length;
        self.body_length += bytes.len();
        before < KEPT || before / STEP != self.body_length / STEP
    }
}

fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

/// Reads one request; `note` is told when its head is there, now and then while the body comes, and at its end.
pub(super) async fn read(
    stream: &mut impl Stream,
    buffer: &mut Vec<u8>,
    note: impl Fn(&Seen),
) -> io::Result<Option<Seen>> {
    let end = loop {
        if let Some(end) = head_end(buffer) {
            break end;
        }
        if !fill(stream, buffer).await? {
            return Ok(None);
        }
    };
    let mut seen = Seen {
        number: NUMBERS.fetch_add(1, Ordering::Relaxed),
        head: buffer.drain(..end).collect(),
        body: Vec::new(),
        body_length: 0,
        complete: false,
    };
    note(&seen);
    if seen
        .all("transfer-encoding")
        .iter()
        .any(|value| value.contains("chunked"))
    {
        chunks(stream, buffer, &mut seen, &note).await?;
    } else if let Some(length) = seen
        .all("content-length")
        .first()
        .and_then(|value| value.parse().ok())
    {
        exactly(stream, buffer, length, &mut seen, &note).await?;
    }
    seen.complete = true;
    note(&seen);
    Ok(Some(seen))
}

async fn fill(stream: &mut impl Stream, buffer: &mut Vec<u8>) -> io::Result<bool> {
    buffer.reserve(64 * 1024);
    Ok(stream.read_buf(buffer).await? > 0)
}

async fn exactly(
    stream: &mut impl Stream,
    buffer: &mut Vec<u8>,
    length: usize,
    seen: &mut Seen,
    note: &impl Fn(&Seen),
) -> io::Result<()> {
    let mut left = length;
    while left > 0 {
        if buffer.is_empty() && !fill(stream, buffer).await? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let take = left.min(buffer.len());
        let progress = seen.take(&buffer[..take]);
        buffer.drain(..take);
        left -= take;
        if progress {
            note(seen);
        }
    }
    Ok(())
}

async fn chunks(
    stream: &mut impl Stream,
    buffer: &mut Vec<u8>,
    seen: &mut Seen,
    note: &impl Fn(&Seen),
) -> io::Result<()> {
    loop {
        let line = line(stream, buffer).await?;
        let digits = line.split(';').next().unwrap_or_default().trim().to_owned();
        let size = usize::from_str_radix(&digits, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        if size == 0 {
            // Trailers are part of what an upstream would see: keep them with the head.
            loop {
                let trailer = self::line(stream, buffer).await?;
                if trailer.is_empty() {
                    return Ok(());
                }
                seen.head
                    .extend_from_slice(format!("trailer {trailer}\r\n").as_bytes());
            }
        }
        while buffer.len() < size + 2 {
            if !fill(stream, buffer).await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let progress = seen.take(&buffer[..size]);
        buffer.drain(..size + 2);
        if progress {
            note(seen);
        }
    }
}

async fn line(stream: &mut impl Stream, buffer: &mut Vec<u8>) -> io::Result<String> {
    loop {
        if let Some(end) = crate::wire::find(buffer, b"\r\n") {
            let line: Vec<u8> = buffer.drain(..end + 2).collect();
            return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
        }
        if !fill(stream, buffer).await? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
