//! What keeps an open connection open: a session that lives, and rights that allow the request.
//!
//! Owns the watching. When something may have changed it asks again; only an answer closes anything, or five
//! seconds without one. Must not know sockets.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_identity::Clock;
use doorward_identity::session::SessionKey;
use http::Method;
use tokio::sync::watch;

use crate::policy::{self, Decision, Facts, Person};
use crate::session_cache::{Entry, Found, Lifetimes, Proof, SessionCache};
use crate::sites::Site;

/// After this long without any proof an open connection is closed: the store was silent, and so was its watch.
const UNPROVEN: Duration = Duration::from_millis(3700);

/// How soon a question is put again that was not answered.
const AGAIN: Duration = Duration::from_millis(300);

/// The longest wait for an end that is known, so that a clock that was set is noticed.
const LONGEST: Duration = Duration::from_mins(1);

/// Why an open connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Its session has ended.
    SessionEnded,
    /// The person may no longer do this.
    RightsGone,
    /// It could not be found out whether the session still lives.
    Unproven,
    /// The upstream did not begin to answer.
    NoAnswer,
}

impl Closed {
    /// The word for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SessionEnded => "session_ended",
            Self::RightsGone => "rights_gone",
            Self::Unproven => "unproven",
            Self::NoAnswer => "no_answer",
        }
    }
}

/// What was asked for, to be judged again.
#[derive(Debug)]
pub struct Asked {
    /// The canonical path.
    pub path: Box<str>,
    /// The method.
    pub method: Method,
    /// The client.
    pub client: IpAddr,
}

/// The right of one open request to stay open.
pub struct Pass {
    cache: Arc<SessionCache>,
    clock: Arc<dyn Clock>,
    entry: Arc<Entry>,
    lifetimes: Lifetimes,
    site: Arc<Site>,
    asked: Asked,
}

impl Pass {
    /// The right that `entry` gives to what was asked of `site`.
    #[must_use]
    pub fn new(
        (cache, clock): (Arc<SessionCache>, Arc<dyn Clock>),
        entry: Arc<Entry>,
        lifetimes: Lifetimes,
        site: Arc<Site>,
        asked: Asked,
    ) -> Self {
        Self {
            cache,
            clock,
            entry,
            lifetimes,
            site,
            asked,
        }
    }

    /// Ends when the request must.
    pub(crate) async fn until_over(&self) -> Closed {
        let key = *self.entry.key();
        let watching = self.cache.watch(key);
        let mut doubts = self.cache.doubts();
        let mut proven = Instant::now();
        loop {
            // Made before looking, so that what changes meanwhile rings.
            let changed = watching.bell().notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            doubts.mark_unchanged();
            let entry = match self.cache.find(&key, self.lifetimes).await.0 {
                Found::Known(entry) if self.allows(&entry) => entry,
                Found::Known(_) => return Closed::RightsGone,
                Found::None => return Closed::SessionEnded,
                Found::Away => {
                    if self.last_proof(proven).elapsed() >= UNPROVEN {
                        return Closed::Unproven;
                    }
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            };
            proven = Instant::now();
            tokio::select! {
                () = changed => {}
                () = doubt(&mut doubts) => {}
                () = self.end_of(&entry) => {}
            }
        }
    }

    fn allows(&self, entry: &Entry) -> bool {
        let facts = Facts {
            path: &self.asked.path,
            method: &self.asked.method,
            client: self.asked.client,
        };
        match policy::decide(
            &self.site.rules,
            &facts,
            Some(&Person::from(entry.record())),
        ) {
            Decision::Allowed(_) => true,
            Decision::SignInNeeded
            | Decision::SecondFactorNeeded
            | Decision::Forbidden
            | Decision::Unclear => false,
        }
    }

    /// While the watch proved itself, silence was proof too.
    fn last_proof(&self, seen: Instant) -> Instant {
        match self.cache.proof() {
            Proof::Never => seen,
            Proof::At(proof) => proof.max(seen),
        }
    }

    /// Waits for the moment when the session ends by itself, or a while at most.
    async fn end_of(&self, entry: &Entry) {
        let now = self.clock.now().as_millisecond();
        let left = entry.ends(self.lifetimes.idle).saturating_sub(now);
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        tokio::time::sleep(left.clamp(AGAIN, LONGEST)).await;
    }

    /// Whose session it is.
    #[must_use]
    pub fn key(&self) -> &SessionKey {
        self.entry.key()
    }
}

/// Waits until nothing is proven any more.
async fn doubt(doubts: &mut watch::Receiver<u64>) {
    if doubts.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
