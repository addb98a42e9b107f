//! HTTP/2 by hand (RFC 9113, section 4): frames that no client would send.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Pipe, Visitor};

/// Kinds of frames.
pub mod kind {
    /// A piece of a body.
    pub const DATA: u8 = 0;
    /// A head, or its beginning.
    pub const HEADERS: u8 = 1;
    /// The end of one request.
    pub const RST_STREAM: u8 = 3;
    /// What the sender understands.
    pub const SETTINGS: u8 = 4;
    /// A question whether somebody is there.
    pub const PING: u8 = 6;
    /// The end of all.
    pub const GOAWAY: u8 = 7;
    /// More of a head.
    pub const CONTINUATION: u8 = 9;
}

/// Ends a stream (DATA, HEADERS), or answers (SETTINGS, PING).
pub const END_STREAM: u8 = 0x1;
/// Ends a head.
pub const END_HEADERS: u8 = 0x4;

/// A frame as it came.
#[derive(Debug, Clone)]
pub struct Frame {
    /// What it is.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Whose it is.
    pub stream: u32,
    /// What is in it.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The status that a head says, if it is one: the encoder writes it first, indexed or as three digits.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        if self.kind != kind::HEADERS {
            return None;
        }
        match self.payload.as_slice() {
            [0x88, ..] => Some(200),
            [0x89, ..] => Some(204),
            [0x8c, ..] => Some(400),
            [0x8d, ..] => Some(404),
            [0x8e, ..] => Some(500),
            [0x48, 3, digits @ ..] => std::str::from_utf8(digits.get(..3)?).ok()?.parse().ok(),
            [0x48, coded @ 0x82..=0x84, rest @ ..] => {
                Some(huffman(rest.get(..usize::from(coded & 0x7f))?))
            }
            other => panic!("another way to say a status: {:x?}", other.get(..8)),
        }
    }
}

/// Three digits (RFC 7541, appendix B): five bits for 0 to 2, six for the others.
fn huffman(bytes: &[u8]) -> u16 {
    let bits: Vec<u16> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| u16::from(byte >> bit & 1)))
        .collect();
    let number = |bits: &[u16]| bits.iter().fold(0, |number, bit| number * 2 + bit);
    let mut rest = &bits[..];
    (0..3).fold(0, |status, _| {
        let short = number(&rest[..5]);
        let (length, digit) = if short < 3 {
            (5, short)
        } else {
            (6, number(&rest[..6]) - 22)
        };
        rest = &rest[length..];
        status * 10 + digit
    })
}

/// The bytes of a frame.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short");
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A block of header fields, each spelled out (RFC 7541, section 6.2.2).
#[must_use]
pub fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            number(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// A length, not Huffman-coded (RFC 7541, section 5.1).
fn number(block: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(127) else {
        block.push(u8::try_from(length).expect("short"));
        return;
    };
    block.push(127);
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).expect("short") | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).expect("short"));
}

/// A connection on which frames are sent as they stand.
pub struct Frames(Pipe);

impl Frames {
    /// Shakes hands for HTTP/2, and says what a client says first.
    pub async fn of(visitor: &Visitor) -> Self {
        let (pipe, _) = visitor.wire().await.into_parts();
        let mut frames = Self(pipe);
        frames.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        frames.send(&frame(kind::SETTINGS, 0, 0, &[])).await;
        frames
    }

    /// Writes bytes; whether somebody took them.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok() && self.0.flush().await.is_ok()
    }

    /// The next frame; `None` at the end.
    pub async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).expect("a length")];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload,
        })
    }

    /// Asks whether somebody is there, and reads until the answer; whether there was one before the end.
    pub async fn ping(&mut self) -> bool {
        if !self.send(&frame(kind::PING, 0, 0, &[7; 8])).await {
            return false;
        }
        loop {
            match self.next().await {
                Some(frame) if frame.kind == kind::PING => return true,
                Some(frame) if frame.kind == kind::GOAWAY => return false,
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// Reads until a frame of this stream begins or ends an answer, or the end of all.
    pub async fn outcome(&mut self, stream: u32) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            let own =
                frame.stream == stream && matches!(frame.kind, kind::HEADERS | kind::RST_STREAM);
            if own || frame.kind == kind::GOAWAY {
                return Some(frame);
            }
        }
    }

    /// The connection.
    #[must_use]
    pub fn into_pipe(self) -> Pipe {
        self.0
    }
}
