//! Which part of HTTP/2's frames is under way (RFC 9113, section 4): what begins has to come to its end, and not too
//! much of it is taken back.
//!
//! Owns that deadline. Reads lengths, kinds and one flag, nothing else; whoever speaks HTTP/2 behind it judges what
//! they are worth.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::multiplex::Multiplex;
use super::pace::PATIENCE;
use super::resets::Budget;
use super::{Late, Watch};

/// `PRI * HTTP/2.0…` (section 3.4).
const PREFACE: usize = 24;
/// Length, kind, flags, stream.
const HEAD: usize = 9;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const PUSH_PROMISE: u8 = 0x5;
const CONTINUATION: u8 = 0x9;
const END_HEADERS: u8 = 0x4;

/// The frames of one connection.
#[derive(Debug)]
pub struct Frames {
    multiplex: Arc<Multiplex>,
    /// None for those who come for many.
    resets: Option<Budget>,
    limit: Duration,
    part: Part,
    /// A block of headers has begun and goes on in the next frame.
    block: Block,
    deadline: Option<(Instant, Late)>,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    /// So many bytes of the preface are to come.
    Preface(usize),
    /// Of the head of a frame, these have come.
    Head([u8; HEAD], usize),
    /// So many bytes of a frame are to come.
    Payload(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Open,
    Closed,
}

impl Frames {
    /// A connection that was just opened; `limit` for its first byte, and for each thing from beginning to end.
    pub(super) fn new(limit: Duration, multiplex: Arc<Multiplex>, resets: Option<Budget>) -> Self {
        Self {
            multiplex,
            resets,
            limit,
            part: Part::Preface(PREFACE),
            block: Block::Closed,
            deadline: Some((Instant::now() + limit, Late::Silent)),
        }
    }

    /// What is behind the next piece of `bytes`.
    fn take<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        match self.part {
            Part::Preface(left) => {
                let (taken, rest) = split(bytes, left);
                match left - taken.len() {
                    0 => self.next_frame(),
                    left => self.part = Part::Preface(left),
                }
                rest
            }
            Part::Head(mut head, have) => {
                let (taken, rest) = split(bytes, HEAD - have);
                for (to, from) in head.iter_mut().skip(have).zip(taken) {
                    *to = *from;
                }
                match have + taken.len() {
                    HEAD => self.begin(head),
                    have => self.part = Part::Head(head, have),
                }
                rest
            }
            Part::Payload(left) => {
                let (taken, rest) = split(bytes, left);
                match left - taken.len() {
                    0 => self.next_frame(),
                    left => self.part = Part::Payload(left),
                }
                rest
            }
        }
    }

    fn begin(&mut self, head: [u8; HEAD]) {
        let [high, middle, low, kind, flags, ..] = head;
        match kind {
            HEADERS | PUSH_PROMISE | CONTINUATION if flags & END_HEADERS == 0 => {
                self.block = Block::Open;
            }
            HEADERS | PUSH_PROMISE | CONTINUATION => self.block = Block::Closed,
            RST_STREAM if self.resets.as_ref().is_some_and(|resets| !resets.spend()) => {
                self.multiplex.too_many();
            }
            // As slow as a body may be.
            DATA => self.deadline = Some((Instant::now() + PATIENCE.max(self.limit), Late::Head)),
            _ => {}
        }
        let length = [high, middle, low]
            .iter()
            .fold(0, |length, byte| (length << 8) | usize::from(*byte));
        match length {
            0 => self.next_frame(),
            length => self.part = Part::Payload(length),
        }
    }

    fn next_frame(&mut self) {
        self.part = Part::Head([0; HEAD], 0);
        if self.block == Block::Closed {
            self.deadline = None;
        }
    }
}

impl Watch for Frames {
    fn came(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if !matches!(self.deadline, Some((_, Late::Head | Late::Body))) {
                self.deadline = Some((Instant::now() + self.limit, Late::Head));
            }
            rest = self.take(rest);
        }
    }

    fn said(&mut self) {}

    fn wait(&mut self) -> Option<(Instant, Late)> {
        self.deadline
    }

    fn end(&mut self, late: Late) {
        self.multiplex.late(late);
    }

    /// Nothing that a client who is in the midst of a frame could read.
    fn last_word(&self, _: Late) -> &'static [u8] {
        b""
    }
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

#[cfg(test)]
mod tests;
