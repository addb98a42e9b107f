//! What keeps an open connection open: a session that lives, if it was made by one, and rules that allow the request as
//! they are now.
//!
//! Owns the watching. When something may have changed it asks again; only an answer closes anything, or five
//! seconds without one. Must not know sockets.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use tokio::sync::watch;

use crate::admit::Judge;
use crate::policy::{self, Decision, Facts};
use crate::session_cache::{Entry, Found, Proof, Sought};
use crate::sites::Sites;
use crate::target;

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
    /// The host.
    pub host: Box<str>,
    /// The canonical path.
    pub path: Box<str>,
    /// The method.
    pub method: Method,
    /// The client.
    pub client: IpAddr,
}

/// The right of one open request to stay open.
pub struct Pass {
    judge: Arc<Judge>,
    entry: Option<Arc<Entry>>,
    asked: Asked,
}

impl Pass {
    /// The right that `entry`, or being nobody, gives to what was asked.
    #[must_use]
    pub fn new(judge: Arc<Judge>, entry: Option<Arc<Entry>>, asked: Asked) -> Self {
        Self {
            judge,
            entry,
            asked,
        }
    }

    /// Ends when the request must.
    pub(crate) async fn until_over(&self) -> Closed {
        match &self.entry {
            Some(entry) => self.until_refused(entry.sought()).await,
            None => self.until_closed_to_all().await,
        }
    }

    /// Nobody has no session that could end, but the rules may change.
    async fn until_closed_to_all(&self) -> Closed {
        let mut replacements = self.judge.current.replacements();
        loop {
            replacements.mark_unchanged();
            if !self.allows(&self.judge.current.load(), None) {
                return Closed::RightsGone;
            }
            change(&mut replacements).await;
        }
    }

    async fn until_refused(&self, sought: Sought) -> Closed {
        let cache = &self.judge.cache;
        let watching = cache.watch(*sought.key());
        let mut doubts = cache.doubts();
        let mut replacements = self.judge.current.replacements();
        let mut proven = Instant::now();
        loop {
            // Made before looking, so that what changes meanwhile rings.
            let changed = watching.bell().notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            doubts.mark_unchanged();
            replacements.mark_unchanged();
            let sites = self.judge.current.load();
            let lifetimes = sites.lifetimes;
            let entry = match cache.find(sought, lifetimes).await.0 {
                Found::Known(entry) if self.allows(&sites, Some(&entry)) => entry,
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
            // Nothing is held while nothing happens: an old configuration has to go.
            drop(sites);
            proven = Instant::now();
            tokio::select! {
                () = changed => {}
                () = change(&mut doubts) => {}
                () = change(&mut replacements) => {}
                () = self.end_of(&entry, lifetimes.idle) => {}
            }
        }
    }

    /// Whether it would be let in now. What is under the portal's path by now is not the site's any more.
    fn allows(&self, sites: &Sites, entry: Option<&Entry>) -> bool {
        let Some(site) = sites.routes.find(&self.asked.host) else {
            return false;
        };
        if sites.portal.covers(&self.asked.path)
            || target::canonical(self.asked.path.as_bytes(), site.paths).is_err()
        {
            return false;
        }
        let person = entry.map(Entry::person);
        let facts = Facts {
            host: &self.asked.host,
            path: &self.asked.path,
            method: &self.asked.method,
            client: self.asked.client,
        };
        match policy::decide(&site.rules, &facts, person.as_ref()) {
            Decision::Allowed(_) => true,
            Decision::SignInNeeded
            | Decision::SecondFactorNeeded
            | Decision::BeyondKey
            | Decision::Forbidden
            | Decision::Unclear => false,
        }
    }

    /// While the watch proved itself, silence was proof too.
    fn last_proof(&self, seen: Instant) -> Instant {
        match self.judge.cache.proof() {
            Proof::Never => seen,
            Proof::At(proof) => proof.max(seen),
        }
    }

    /// Waits for the moment when the session ends by itself, or a while at most.
    async fn end_of(&self, entry: &Entry, idle: Duration) {
        let now = self.judge.clock.steady().as_millisecond();
        let left = entry.ends(idle).saturating_sub(now);
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        tokio::time::sleep(left.clamp(AGAIN, LONGEST)).await;
    }
}

/// Waits until it is said that something changed.
async fn change(said: &mut watch::Receiver<u64>) {
    if said.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
