//! What a connection waits for its client to send, and until when.
//!
//! Owns the deadlines. Must not know sockets: it is told what came, and says how long more may be waited for.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::IDLE;

/// How long a body may be waited for, in sum, ...
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// ... for each time that this many bytes came: on average 500 bytes a second.
pub(super) const WORTH: u64 = 500 * PATIENCE.as_secs();

/// A reader that looks this long after its deadline was not reading: the upstream kept it from that, not the client.
const AWAY: Duration = Duration::from_secs(1);

/// Whether a request has a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// It has none.
    None,
    /// It has one, or the rest of one.
    Coming,
}

/// What a client took too long for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// The first byte of a request. There is nothing to answer.
    Silent,
    /// The rest of a request's head.
    Head,
    /// The body.
    Body,
}

/// The pace of one connection.
#[derive(Debug)]
pub struct Pace {
    header_timeout: Duration,
    phase: Mutex<Phase>,
    over: OnceLock<Late>,
}

#[derive(Debug)]
enum Phase {
    /// Nothing of the next request is there.
    Silent(Wait),
    /// A part of its head is.
    Head(Wait),
    /// The head is, and the body comes.
    Body(Trickle),
    /// All of it is there.
    Whole,
    /// What came was answered before it was read: it is no request.
    Unread,
}

/// How long something is waited for. Most often it is there already, and nobody has to know what time it is.
#[derive(Debug)]
enum Wait {
    /// For so long, from when it is first waited for.
    For(Duration),
    /// Until then.
    Until(Instant),
}

impl Wait {
    fn end(&mut self) -> Instant {
        match *self {
            Self::Until(until) => until,
            Self::For(patience) => {
                let until = Instant::now() + patience;
                *self = Self::Until(until);
                until
            }
        }
    }
}

/// A body that comes.
#[derive(Debug, Default)]
struct Trickle {
    bytes: u64,
    waited: Duration,
    waiting_since: Option<Instant>,
}

impl Pace {
    /// A connection that was just opened: `header_timeout` for the head of a request, and as much for its first byte.
    #[must_use]
    pub fn new(header_timeout: Duration) -> Self {
        Self {
            header_timeout,
            phase: Mutex::new(Phase::Silent(Wait::For(header_timeout))),
            over: OnceLock::new(),
        }
    }

    /// The next request is waited for.
    pub fn next(&self) {
        *self.phase() = Phase::Silent(Wait::For(IDLE));
    }

    /// The head is there.
    pub fn head_is_in(&self, body: Body) {
        *self.phase() = match body {
            Body::None => Phase::Whole,
            Body::Coming => Phase::Body(Trickle::default()),
        };
    }

    /// The body is there, or nothing is a body any more.
    pub fn body_is_in(&self) {
        *self.phase() = Phase::Whole;
    }

    /// So many bytes came.
    pub(super) fn came(&self, bytes: u64) {
        let mut phase = self.phase();
        match &mut *phase {
            Phase::Silent(_) => *phase = Phase::Head(Wait::For(self.header_timeout)),
            Phase::Body(trickle) => trickle.came(bytes),
            Phase::Head(_) | Phase::Whole | Phase::Unread => {}
        }
    }

    /// The client is answered.
    pub(super) fn said(&self) {
        let mut phase = self.phase();
        if matches!(&*phase, Phase::Head(_)) {
            *phase = Phase::Unread;
        }
    }

    /// Whether pingora answered by itself what nobody else has seen.
    pub(super) fn is_unread(&self) -> bool {
        matches!(&*self.phase(), Phase::Unread)
    }

    /// Nothing is there to be read: until when that may be so, and what the client is late with afterwards.
    pub(super) fn wait(&self) -> Option<(Instant, Late)> {
        match &mut *self.phase() {
            Phase::Silent(patience) => Some((patience.end(), Late::Silent)),
            Phase::Head(patience) => Some((patience.end(), Late::Head)),
            Phase::Body(trickle) => Some((trickle.wait(), Late::Body)),
            Phase::Whole | Phase::Unread => None,
        }
    }

    /// The client was too late, and nobody need serve this connection any more. Only the first time counts.
    pub(super) fn end(&self, late: Late) {
        let _ = self.over.set(late);
    }

    /// Waits for [`Pace::end`], which comes from what is read in the same task: nobody is woken, so this has to be looked
    /// at after that, each time.
    pub(super) async fn over(&self) -> Late {
        poll_fn(|_| match self.over.get() {
            Some(late) => Poll::Ready(*late),
            None => Poll::Pending,
        })
        .await
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trickle {
    fn came(&mut self, bytes: u64) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
        self.bytes += bytes;
        if self.bytes >= WORTH || self.waited > PATIENCE + AWAY {
            *self = Self::default();
        }
    }

    fn wait(&mut self) -> Instant {
        let now = Instant::now();
        let since = *self.waiting_since.get_or_insert(now);
        let until = since + PATIENCE.saturating_sub(self.waited);
        if now <= until + AWAY {
            return until;
        }
        *self = Self {
            waiting_since: Some(now),
            ..Self::default()
        };
        now + PATIENCE
    }
}

#[cfg(test)]
mod tests;
