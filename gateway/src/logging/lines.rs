//! Lines on their way out, written by a thread of their own so that no request waits for a terminal or a pipe.
//!
//! Owns the buffers between. Must not know what a line says. Nothing is dropped: whoever is faster than the reader
//! at the other end waits once the buffer is full. Only what a full disk does not take is lost.
//!
//! Threads have a buffer each, so that none waits for another, and lines go out in bulk: those of two threads can
//! change places, by no more than [`GATHER`].

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

/// What may wait in one buffer, in bytes; beyond it whoever logs waits too.
const ROOM: usize = 1024 * 1024;

/// How many buffers there are. Threads beyond that share them.
const BUFFERS: usize = 64;

/// How long lines are gathered. Waking the writer for each would cost more than the line.
const GATHER: Duration = Duration::from_millis(10);

/// The way out. Clones lead to the same place.
#[derive(Debug, Clone)]
pub struct Lines(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    buffers: [Buffer; BUFFERS],
    writer: OnceLock<Thread>,
    /// The writer waits for something to do.
    idle: AtomicBool,
    /// Somebody waits until everything is written.
    hurry: AtomicBool,
    /// The other end is closed: lines go nowhere, but the program goes on.
    gone: AtomicBool,
    rounds: Mutex<Rounds>,
    round: Condvar,
}

#[derive(Debug, Default)]
struct Buffer {
    waiting: Mutex<Vec<u8>>,
    taken: Condvar,
}

/// How often the writer has begun to look for lines, and how often it is through with them.
#[derive(Debug, Default)]
struct Rounds {
    begun: u64,
    done: u64,
}

thread_local! {
    /// Which buffer is this thread's.
    static OWN: Cell<Option<usize>> = const { Cell::new(None) };
}

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// A line where it waits.
pub(super) struct Line<'a>(&'a mut Vec<u8>);

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl Lines {
    /// Lines that end up in `out`.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Self(Arc::new(Shared {
            buffers: std::array::from_fn(|_| Buffer::default()),
            writer: OnceLock::new(),
            idle: AtomicBool::new(false),
            hurry: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            rounds: Mutex::default(),
            round: Condvar::new(),
        }));
        let shared = Arc::clone(&lines.0);
        let writer = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || shared.write_all_to(out))?;
        let _ = lines.0.writer.set(writer.thread().clone());
        // It may have gone to sleep before anybody knew whom to wake.
        writer.thread().unpark();
        Ok(lines)
    }

    /// Hands over whole lines.
    pub(super) fn push(&self, bytes: &[u8]) {
        self.put(|waiting| waiting.extend_from_slice(bytes));
    }

    /// Hands over one line, written where it waits. If that fails, there is none.
    pub(super) fn append(&self, write: impl FnOnce(&mut Line<'_>) -> fmt::Result) {
        self.put(|waiting| {
            let before = waiting.len();
            if write(&mut Line(waiting)).is_err() {
                waiting.truncate(before);
            }
        });
    }

    fn put(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let own = OWN.get().unwrap_or_else(|| {
            let own = THREADS.fetch_add(1, Ordering::Relaxed) % BUFFERS;
            OWN.set(Some(own));
            own
        });
        let Some(buffer) = self.0.buffers.get(own) else {
            return;
        };
        let mut waiting = lock(&buffer.waiting);
        while waiting.len() > ROOM && !self.0.is_gone() {
            waiting = wait(&buffer.taken, waiting);
        }
        if self.0.is_gone() {
            return;
        }
        write(&mut waiting);
        drop(waiting);
        // The writer says that it is idle before it looks into the buffer for the last time: either it finds this
        // there, or this is seen here.
        if self.0.idle.load(Ordering::Relaxed) {
            self.0.wake();
        }
    }

    /// Waits until everything handed over so far is written: for the end of the program.
    pub fn flush(&self) {
        let mut rounds = lock(&self.0.rounds);
        let next = rounds.begun + 1;
        self.0.hurry.store(true, Ordering::Relaxed);
        self.0.wake();
        while rounds.done < next && !self.0.is_gone() {
            rounds = wait(&self.0.round, rounds);
        }
    }
}

impl Shared {
    fn write_all_to(&self, mut out: impl Write) {
        let mut batch = Vec::new();
        // Half a line may be written: what comes next begins on its own.
        let mut torn = false;
        loop {
            self.wait_for_lines();
            lock(&self.rounds).begun += 1;
            for buffer in &self.buffers {
                let mut waiting = lock(&buffer.waiting);
                if waiting.is_empty() {
                    continue;
                }
                std::mem::swap(&mut batch, &mut waiting);
                drop(waiting);
                buffer.taken.notify_all();
                let begin: &[u8] = if torn { b"\n" } else { b"" };
                let written = out
                    .write_all(begin)
                    .and_then(|()| out.write_all(&batch))
                    .and_then(|()| out.flush());
                if written.as_ref().is_err_and(is_closed) {
                    return self.close();
                }
                torn = written.is_err();
                batch.clear();
            }
            let mut rounds = lock(&self.rounds);
            rounds.done = rounds.begun;
            self.round.notify_all();
        }
    }

    /// Until there are some, and then a moment for more.
    fn wait_for_lines(&self) {
        while !self.has_lines() && !self.hurry.load(Ordering::Relaxed) {
            self.idle.store(true, Ordering::Relaxed);
            if !self.has_lines() && !self.hurry.load(Ordering::Relaxed) {
                thread::park();
            }
            self.idle.store(false, Ordering::Relaxed);
        }
        if !self.hurry.load(Ordering::Relaxed) {
            thread::park_timeout(GATHER);
        }
        self.hurry.store(false, Ordering::Relaxed);
    }

    fn has_lines(&self) -> bool {
        self.buffers
            .iter()
            .any(|buffer| !lock(&buffer.waiting).is_empty())
    }

    fn wake(&self) {
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    /// Nobody reads any more.
    fn close(&self) {
        self.gone.store(true, Ordering::Relaxed);
        // Whoever waits looks again, with the lock that it looked under: none is missed.
        for buffer in &self.buffers {
            drop(lock(&buffer.waiting));
            buffer.taken.notify_all();
        }
        drop(lock(&self.rounds));
        self.round.notify_all();
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

/// Nobody will read any more. Everything else, as a full disk, may pass.
fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Somebody panicking in the middle of an append left at worst half a line.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition
        .wait(guard)
        .unwrap_or_else(PoisonError::into_inner)
}
