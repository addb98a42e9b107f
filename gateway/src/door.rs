//! Around what is open: what pingora's phases cannot do, because they only run when something moves.
//!
//! Owns closing what has ended, idle or not: one request of many on a connection, or a connection with one request after
//! the other. Must not know rules: [`Pass`] says what still holds.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::pass::{Closed, Pass};

/// How often it is looked whether the same request is open still. One that ends sooner is never watched: watching costs,
/// and a second is what revocation may take.
const LOOK: Duration = Duration::from_millis(500);

tokio::task_local! {
    static DOOR: Arc<Door>;
}

/// What the phases of a request tell the door around it.
#[derive(Default)]
struct Door {
    /// Odd while the current request has left something to watch; another number for each that has.
    turn: AtomicU64,
    left: Mutex<Left>,
}

#[derive(Default)]
struct Left {
    pass: Option<Pass>,
    /// When the upstream has to have begun to answer.
    deadline: Option<Instant>,
    answered: bool,
}

/// Serves until that is done, or until what is open has to be closed; `None` is the latter. Dropping what serves closes
/// its connections.
pub async fn around<T>(served: impl Future<Output = T>) -> Option<T> {
    let door = Arc::new(Door::default());
    let served = DOOR.scope(Arc::clone(&door), served);
    tokio::select! {
        biased;
        served = served => Some(served),
        closed = door.end() => {
            tracing::info!(reason = closed.as_str(), "an open connection was closed");
            None
        }
    }
}

/// Leaves the pass of the current request with the door around it. A second one in the same request is not taken.
pub fn leave(pass: Pass) {
    let taken = DOOR.try_with(|door| {
        door.take(|left| {
            let first = left.pass.is_none();
            left.pass.get_or_insert(pass);
            first
        })
    });
    if taken != Ok(true) {
        tracing::error!("a request has no door around it; its session's end would not close it");
    }
}

/// Has the door close the current request unless the upstream begins to answer in time. For what may be silent
/// afterwards, so that pingora's own timeout on reads cannot be used.
pub fn answer_within(limit: Duration) {
    let deadline = Instant::now() + limit;
    let _ = DOOR.try_with(|door| {
        door.take(|left| {
            left.deadline.get_or_insert(deadline);
        });
    });
}

/// The upstream began to answer.
pub fn answered() {
    let _ = DOOR.try_with(|door| {
        if door.turn().is_some() {
            door.left().answered = true;
        }
    });
}

/// The current request is over; another one may come.
pub fn over() {
    let _ = DOOR.try_with(|door| door.clear());
}

impl Door {
    /// The number of the current request, if it has left something to watch.
    fn turn(&self) -> Option<u64> {
        let turn = self.turn.load(Ordering::Relaxed);
        (turn % 2 == 1).then_some(turn)
    }

    fn take<T>(&self, take: impl FnOnce(&mut Left) -> T) -> T {
        let taken = take(&mut self.left());
        if self.turn().is_none() {
            self.turn.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    fn clear(&self) {
        if self.turn().is_some() {
            *self.left() = Left::default();
            self.turn.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends when what is open must.
    async fn end(&self) -> Closed {
        loop {
            let turn = self.begun().await;
            sleep(LOOK).await;
            if self.turn() != Some(turn) {
                continue;
            }
            let (pass, deadline) = {
                let mut left = self.left();
                (left.pass.take(), left.deadline)
            };
            tokio::select! {
                // First: what the next request has left, or not yet, says nothing about this one.
                biased;
                () = self.ended(turn) => {}
                closed = self.late(deadline) => return closed,
                closed = over_by(pass) => return closed,
            }
        }
    }

    /// Waits for a request that is to be watched. Nobody wakes whoever waits: it is looked again whenever what is served
    /// has moved, and a connection on which nothing is asked sleeps.
    async fn begun(&self) -> u64 {
        poll_fn(|_| self.turn().map_or(Poll::Pending, Poll::Ready)).await
    }

    /// Waits until this request is over, in the same way.
    async fn ended(&self, turn: u64) {
        poll_fn(|_| {
            if self.turn() == Some(turn) {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }

    async fn late(&self, deadline: Option<Instant>) -> Closed {
        if let Some(deadline) = deadline {
            sleep_until(deadline).await;
            if !self.left().answered {
                return Closed::NoAnswer;
            }
        }
        std::future::pending().await
    }
}

async fn over_by(pass: Option<Pass>) -> Closed {
    match pass {
        Some(pass) => pass.until_over().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
