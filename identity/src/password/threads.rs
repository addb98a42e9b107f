//! The threads that hash. Hashing is slow on purpose, so it has threads and a queue of its own: when the queue is
//! full the answer is "busy", at once, and nothing else in the program becomes slower.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::Params;
use doorward_config::Hashing;
use tokio::sync::oneshot;

use super::argon::{SALT, Unhashed, Workplace, parameters};
use super::stored::{PasswordHash, Stored, Unusable};
use super::{Password, foreign};
use crate::tally::{Note, Tally};
use crate::{Fault, Random};

/// How many passwords may wait for each thread.
const QUEUE_PER_THREAD: usize = 16;
/// What a person is told to wait when the queue is full: longer than a full queue takes.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Hashes and compares passwords on threads of its own. They end when this is dropped.
pub struct Passwords {
    queue: SyncSender<Job>,
    counts: Arc<Counts>,
    random: Arc<dyn Random>,
    params: Params,
}

#[derive(Default)]
struct Counts {
    waiting: AtomicUsize,
    done: AtomicU64,
}

/// What came of [`Passwords::hash`].
#[must_use]
#[derive(Debug)]
pub enum Hashed {
    /// The hash to store.
    Done(PasswordHash),
    /// Too many passwords are waiting, or there is no memory for one more.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

/// What came of [`Passwords::verify`].
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// It is the password.
    Right(Rehash),
    /// It is not, or there is nothing to compare with.
    Wrong,
    /// Too many passwords are waiting, or there is no memory for one more; nothing was compared.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

/// Whether the stored hash is weaker than the configuration asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rehash {
    /// It is: now that the password is known, hash it anew.
    Due,
    /// It is not.
    NotDue,
}

/// One thing for a thread to do.
enum Work {
    Hash {
        salt: [u8; SALT],
        reply: oneshot::Sender<Result<Hashed, Fault>>,
    },
    Verify {
        stored: Option<PasswordHash>,
        reply: oneshot::Sender<Result<Verified, Fault>>,
    },
}

struct Job {
    password: Password,
    work: Work,
}

/// The queue had no room.
struct Full;

impl Passwords {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Fault::Broken`] when the costs are impossible or a thread cannot be started.
    pub fn start(
        hashing: Hashing,
        random: Arc<dyn Random>,
        tally: &Arc<dyn Tally>,
    ) -> Result<Self, Fault> {
        let params = parameters(hashing)?;
        let threads = match hashing.concurrency {
            0 => Hashing::spare_cores(),
            some => some,
        };
        let (queue, jobs) = sync_channel(threads.saturating_mul(QUEUE_PER_THREAD));
        let jobs = Arc::new(Mutex::new(jobs));
        let counts = Arc::new(Counts::default());
        for number in 0..threads {
            let mut thread = Thread {
                jobs: Arc::clone(&jobs),
                params: params.clone(),
                counts: Arc::clone(&counts),
                tally: Arc::clone(tally),
                workplace: Workplace::default(),
            };
            std::thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || thread.run())
                .map_err(|error| {
                    Fault::broken_by("a thread for passwords cannot be started", error)
                })?;
        }
        Ok(Self {
            queue,
            counts,
            random,
            params,
        })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Fault::Broken`] when a thread has died or argon2 refuses.
    pub(crate) async fn hash(&self, password: Password) -> Result<Hashed, Fault> {
        let mut salt = [0; SALT];
        self.random.fill(&mut salt);
        let (reply, answer) = oneshot::channel();
        match self.queue(Job {
            password,
            work: Work::Hash { salt, reply },
        })? {
            Ok(()) => answered(answer).await,
            Err(Full) => Ok(Hashed::Busy {
                retry_after: RETRY_AFTER,
            }),
        }
    }

    /// Compares a password with a stored hash. Without one it costs the same and is wrong.
    ///
    /// # Errors
    /// [`Fault::Broken`] when the stored hash cannot be read, a thread has died or argon2 refuses.
    pub(crate) async fn verify(
        &self,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verified, Fault> {
        let (reply, answer) = oneshot::channel();
        match self.queue(Job {
            password,
            work: Work::Verify { stored, reply },
        })? {
            Ok(()) => answered(answer).await,
            Err(Full) => Ok(Verified::Busy {
                retry_after: RETRY_AFTER,
            }),
        }
    }

    /// Takes the hash that another program made, if a password can be compared with it at a bearable cost.
    ///
    /// # Errors
    /// [`Unusable`], which says why not.
    pub(crate) fn take_over(&self, text: &str) -> Result<PasswordHash, Unusable> {
        Stored::take(text, &self.params)
    }

    /// How many passwords are waiting for a thread now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.counts.waiting.load(Ordering::Relaxed)
    }

    /// How many hashes were computed since the start, dummy ones included.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.counts.done.load(Ordering::Relaxed)
    }

    fn queue(&self, job: Job) -> Result<Result<(), Full>, Fault> {
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        match self.queue.try_send(job) {
            Ok(()) => Ok(Ok(())),
            Err(refused) => {
                self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
                match refused {
                    TrySendError::Full(_) => Ok(Err(Full)),
                    TrySendError::Disconnected(_) => {
                        Err(Fault::broken("no thread for passwords is left"))
                    }
                }
            }
        }
    }
}

/// What has no memory now may have some later.
fn or_busy<T>(done: Result<T, Unhashed>, busy: T) -> Result<T, Fault> {
    match done {
        Ok(done) => Ok(done),
        Err(Unhashed::NoMemory) => {
            tracing::warn!("there is no memory to hash a password");
            Ok(busy)
        }
        Err(Unhashed::Broken(fault)) => Err(fault),
    }
}

async fn answered<T>(answer: oneshot::Receiver<Result<T, Fault>>) -> Result<T, Fault> {
    answer
        .await
        .map_err(|error| Fault::broken_by("a thread for passwords has died", error))?
}

struct Thread {
    jobs: Arc<Mutex<Receiver<Job>>>,
    params: Params,
    counts: Arc<Counts>,
    tally: Arc<dyn Tally>,
    workplace: Workplace,
}

impl Thread {
    fn run(&mut self) {
        loop {
            // Held while waiting, not while hashing: the others wait for the lock instead of the queue.
            let next = self
                .jobs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let Ok(job) = next else { return };
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            if job.is_wanted() {
                self.work(job);
            }
        }
    }

    fn work(&mut self, job: Job) {
        let begun = Instant::now();
        match job.work {
            Work::Hash { salt, reply } => {
                let hash = self
                    .workplace
                    .hash(job.password.as_bytes(), salt, &self.params);
                self.count(begun);
                drop(reply.send(or_busy(
                    hash.map(Hashed::Done),
                    Hashed::Busy {
                        retry_after: RETRY_AFTER,
                    },
                )));
            }
            Work::Verify { stored, reply } => {
                let verified = self.verify(&job.password, stored.as_ref());
                self.count(begun);
                drop(reply.send(or_busy(
                    verified,
                    Verified::Busy {
                        retry_after: RETRY_AFTER,
                    },
                )));
            }
        }
    }

    fn verify(
        &mut self,
        password: &Password,
        stored: Option<&PasswordHash>,
    ) -> Result<Verified, Unhashed> {
        let Some(stored) = stored else {
            self.workplace.pretend(password.as_bytes(), &self.params)?;
            return Ok(Verified::Wrong);
        };
        let stored = Stored::read(stored.as_str())
            .map_err(|error| Fault::broken_by("a stored password hash cannot be read", error))?;
        Ok(match stored {
            Stored::Argon(known) => {
                if !self.workplace.matches(password.as_bytes(), &known)? {
                    Verified::Wrong
                } else if known.is_weaker(&self.params) {
                    Verified::Right(Rehash::Due)
                } else {
                    Verified::Right(Rehash::NotDue)
                }
            }
            Stored::Foreign(foreign) => {
                self.workplace.count_foreign();
                match foreign.compare(password.as_typed())? {
                    foreign::Match::Whole => Verified::Right(Rehash::Due),
                    foreign::Match::Beginning => Verified::Right(Rehash::NotDue),
                    foreign::Match::No => Verified::Wrong,
                }
            }
        })
    }

    fn count(&mut self, begun: Instant) {
        let hashes = self.workplace.take_hashes();
        self.counts.done.fetch_add(hashes, Ordering::Relaxed);
        self.tally.note(Note::PasswordHashed {
            took: begun.elapsed(),
        });
    }
}

impl Job {
    /// Nobody waits for it any more: the person has closed the connection.
    fn is_wanted(&self) -> bool {
        match &self.work {
            Work::Hash { reply, .. } => !reply.is_closed(),
            Work::Verify { reply, .. } => !reply.is_closed(),
        }
    }
}
