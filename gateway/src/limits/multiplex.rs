//! One connection with many requests at once (HTTP/2): how many are open, and when it has served its time.
//!
//! Owns counting them, and saying goodbye: after that a client opens no more, and what is open comes to its end.
//! Must not know what is asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, SetOnce, watch};
use tokio::time::{Instant, sleep};

use super::{IDLE, Late};

/// Most requests at once.
pub const STREAMS: u32 = 100;

/// How long a client that was told goodbye may keep an idle connection.
const FAREWELL: Duration = Duration::from_secs(1);

/// The requests of one connection.
#[derive(Debug)]
pub struct Multiplex {
    first_request: Duration,
    requests: u32,
    state: Mutex<State>,
    changed: Notify,
    goodbye: watch::Sender<bool>,
    end: SetOnce<Over>,
}

#[derive(Debug)]
struct State {
    opened: u32,
    open: u32,
    idle_since: Instant,
}

/// Why a connection is not served any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Nothing is open, and nothing comes.
    Idle,
    /// The client goes on after it was told not to, or takes too much back.
    TooMany,
    /// Something that it began did not come to its end.
    Late(Late),
}

/// One request, open until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Open(Arc<Multiplex>);

impl Multiplex {
    /// A connection that was just opened: so long for the first request, and at most so many.
    #[must_use]
    pub fn new(first_request: Duration, requests: u32) -> Self {
        let state = State {
            opened: 0,
            open: 0,
            idle_since: Instant::now(),
        };
        Self {
            first_request,
            requests,
            state: Mutex::new(state),
            changed: Notify::new(),
            goodbye: watch::Sender::new(false),
            end: SetOnce::new(),
        }
    }

    /// One more request.
    pub fn open(self: &Arc<Self>) -> Open {
        let mut state = self.state();
        state.opened = state.opened.saturating_add(1);
        state.open = state.open.saturating_add(1);
        let opened = state.opened;
        drop(state);
        if opened >= self.requests {
            self.say_goodbye();
            self.changed.notify_one();
        }
        Open(Arc::clone(self))
    }

    /// Whoever speaks HTTP/2 shall send GOAWAY.
    pub fn say_goodbye(&self) {
        if !self.goodbye.send_replace(true) {
            self.changed.notify_one();
        }
    }

    /// Whether goodbye was said.
    #[must_use]
    pub fn said_goodbye(&self) -> bool {
        *self.goodbye.borrow()
    }

    /// Hears [`Multiplex::say_goodbye`].
    #[must_use]
    pub fn goodbye(&self) -> watch::Receiver<bool> {
        self.goodbye.subscribe()
    }

    /// The client was too late.
    pub fn late(&self, late: Late) {
        let _ = self.end.set(Over::Late(late));
    }

    /// The client takes back more than it may.
    pub fn too_many(&self) {
        let _ = self.end.set(Over::TooMany);
    }

    /// Waits until there is a reason not to serve it any more.
    pub async fn over(&self) -> Over {
        tokio::select! {
            over = self.end.wait() => *over,
            over = self.served() => over,
        }
    }

    async fn served(&self) -> Over {
        loop {
            let wait = match self.patience() {
                Ok(wait) => wait,
                Err(over) => return over,
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// How long to wait before looking again.
    fn patience(&self) -> Result<Duration, Over> {
        let state = self.state();
        if state.opened > self.requests.saturating_add(STREAMS) {
            return Err(Over::TooMany);
        }
        if state.open > 0 {
            return Ok(IDLE);
        }
        let limit = if self.said_goodbye() {
            FAREWELL
        } else if state.opened == 0 {
            self.first_request
        } else {
            IDLE
        };
        match limit.checked_sub(state.idle_since.elapsed()) {
            Some(wait) if !wait.is_zero() => Ok(wait),
            Some(_) | None => Err(Over::Idle),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.open = state.open.saturating_sub(1);
        if state.open == 0 {
            state.idle_since = Instant::now();
            drop(state);
            self.0.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
