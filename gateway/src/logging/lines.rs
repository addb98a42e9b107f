//! Lines on their way out, written by a thread of their own so that no request waits for a terminal or a pipe.
//!
//! Owns the buffer between. Must not know what a line says. Nothing is dropped: whoever is faster than the reader
//! at the other end waits once the buffer is full.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What may wait, in bytes; beyond it whoever logs waits too.
const ROOM: usize = 8 * 1024 * 1024;

/// The way out. Clones lead to the same place.
#[derive(Debug, Clone)]
pub struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    more: Condvar,
    /// There is room, or everything is written.
    written: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    writer: Writer,
}

/// What the writing thread does.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Writer {
    #[default]
    Writing,
    Waiting,
    /// The other end is closed: lines go nowhere, but the program goes on.
    Gone,
}

impl Lines {
    /// Lines that end up in `out`.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Self(Arc::default());
        let shared = Arc::clone(&lines.0);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || shared.write_all_to(out))?;
        Ok(lines)
    }

    /// Hands over whole lines.
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut state = self.0.lock();
        while state.waiting.len() > ROOM && state.writer != Writer::Gone {
            state = wait(&self.0.written, state);
        }
        if state.writer == Writer::Gone {
            return;
        }
        state.waiting.extend_from_slice(bytes);
        // Waking somebody who is awake costs a system call.
        if state.writer == Writer::Waiting {
            self.0.more.notify_one();
        }
    }

    /// Waits until everything handed over so far is written: for the end of the program.
    pub fn flush(&self) {
        let mut state = self.0.lock();
        while !(state.writer == Writer::Gone
            || state.writer == Writer::Waiting && state.waiting.is_empty())
        {
            state = wait(&self.0.written, state);
        }
    }
}

impl Shared {
    fn write_all_to(&self, mut out: impl Write) {
        let mut batch = Vec::new();
        loop {
            {
                let mut state = self.lock();
                while state.waiting.is_empty() {
                    state.writer = Writer::Waiting;
                    self.written.notify_all();
                    state = wait(&self.more, state);
                }
                state.writer = Writer::Writing;
                std::mem::swap(&mut batch, &mut state.waiting);
                self.written.notify_all();
            }
            if out.write_all(&batch).and_then(|()| out.flush()).is_err() {
                self.lock().writer = Writer::Gone;
                self.written.notify_all();
                return;
            }
            batch.clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Somebody panicking in the middle of an append left at worst half a line.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a>(condition: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    condition
        .wait(state)
        .unwrap_or_else(PoisonError::into_inner)
}
