//! Whether this process should be sent requests.
//!
//! Owns the named checks, the loop that asks them, and the mark that says we are leaving. Must not know HTTP, nor how
//! a store is asked: each check brings its own question.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use doorward_identity::Fault;
use futures_util::future::{BoxFuture, join_all};
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;
use prometheus::IntGauge;

use crate::metrics::Metrics;

/// How often each check is asked.
const PERIOD: Duration = Duration::from_secs(1);
/// How long one may take to answer.
const DEADLINE: Duration = Duration::from_millis(900);
/// An answer older than this proves nothing.
const STALE: Duration = Duration::from_secs(5);

/// How a check is asked: `Ok` if what it stands for can be used now.
pub type Probe = Box<dyn Fn() -> BoxFuture<'static, Result<(), Fault>> + Send + Sync>;

/// Whether to send requests here.
pub struct Readiness {
    checks: Vec<Check>,
    draining: AtomicBool,
}

struct Check {
    name: &'static str,
    probe: Probe,
    gauge: IntGauge,
    last: Mutex<Option<Answer>>,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    state: State,
    at: Instant,
}

/// How one check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Away,
    Broken,
    NotAsked,
}

/// The answer as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Ready {
    /// Send requests.
    Yes,
    /// Do not.
    No,
}

impl Readiness {
    /// Nothing to check yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            checks: Vec::new(),
            draining: AtomicBool::new(false),
        }
    }

    /// With one more check, whose outcome is also the metric `store_up{store=name}`.
    ///
    /// # Errors
    /// Only if the metric is not what it should be, which is a defect.
    pub fn check(
        mut self,
        metrics: &Metrics,
        name: &'static str,
        probe: Probe,
    ) -> Result<Self, prometheus::Error> {
        self.checks.push(Check {
            name,
            probe,
            gauge: metrics.store_up.of(name)?,
            last: Mutex::new(None),
        });
        Ok(self)
    }

    /// From here on: not ready, because this process is about to stop.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether to send requests here, as far as was last heard.
    pub fn ready(&self) -> Ready {
        let all_ok = self.checks.iter().all(|check| check.state() == State::Ok);
        if all_ok && !self.draining.load(Ordering::SeqCst) {
            Ready::Yes
        } else {
            Ready::No
        }
    }

    /// One line a check: `[+]sessions ok`, `[-]accounts away`, and `[-]draining` while leaving.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        for check in &self.checks {
            let (sign, word) = match check.state() {
                State::Ok => ('+', "ok"),
                State::Away => ('-', "away"),
                State::Broken => ('-', "broken, see the log"),
                State::NotAsked => ('-', "not asked yet"),
            };
            // Writing into a String cannot fail.
            let _ = writeln!(lines, "[{sign}]{} {word}", check.name);
        }
        if self.draining.load(Ordering::SeqCst) {
            lines.push_str("[-]draining\n");
        }
        lines
    }

    /// Asks every check once, all at the same time, and notes what they said.
    pub async fn ask(&self) {
        join_all(self.checks.iter().map(Check::ask)).await;
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Check {
    async fn ask(&self) {
        let state = match tokio::time::timeout(DEADLINE, (self.probe)()).await {
            Ok(Ok(())) => State::Ok,
            Ok(Err(fault @ Fault::StoreAway { .. })) => self.trouble(State::Away, &fault),
            Ok(Err(fault)) => self.trouble(State::Broken, &fault),
            Err(elapsed) => self.trouble(State::Away, &elapsed),
        };
        if state == State::Ok && matches!(self.state(), State::Away | State::Broken) {
            tracing::info!(store = self.name, "the store answers again");
        }
        self.gauge.set(i64::from(state == State::Ok));
        let answer = Answer {
            state,
            at: Instant::now(),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    /// Logs what is wrong when it begins, not every second.
    fn trouble(&self, state: State, error: &dyn std::error::Error) -> State {
        if self.state() != state {
            let reason = error.source().map(tracing::field::display);
            tracing::warn!(store = self.name, error = %error, reason, "the store does not answer");
        }
        state
    }

    fn state(&self) -> State {
        match *self.last.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(answer) if answer.at.elapsed() < STALE => answer.state,
            Some(_) | None => State::NotAsked,
        }
    }
}

/// Asks the checks as long as the server runs, and marks the process as leaving when it stops.
pub struct Asking(pub Arc<Readiness>);

#[async_trait]
impl BackgroundService for Asking {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.0.ask().await,
                _ = shutdown.changed() => break,
            }
        }
        self.0.drain();
    }
}
