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

/// How often each check is asked while all is well.
const PERIOD: Duration = Duration::from_secs(1);
/// How often while something is not, so that its return is soon known.
const IMPATIENT: Duration = Duration::from_millis(200);
/// What is over sooner is not worth a line in the log: at the start, or a blip.
const WORTH_TELLING: Duration = Duration::from_millis(900);
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
    /// When it was first not well, if it is not.
    unwell_since: Option<Instant>,
    told: Told,
}

/// Whether the log has it that something is not well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Yes,
    No,
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
        let (state, trouble) = match tokio::time::timeout(DEADLINE, (self.probe)()).await {
            Ok(Ok(())) => (State::Ok, None),
            Ok(Err(fault @ Fault::StoreAway { .. })) => (State::Away, Some(explain(&fault))),
            Ok(Err(fault)) => (State::Broken, Some(explain(&fault))),
            Err(late) => (State::Away, Some(explain(&late))),
        };
        self.gauge.set(i64::from(state == State::Ok));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(self.note(*last, state, trouble.as_deref()));
    }

    /// The new answer after `before`; what lasts is told, once.
    fn note(&self, before: Option<Answer>, state: State, trouble: Option<&str>) -> Answer {
        let at = Instant::now();
        let told = before.map_or(Told::No, |answer| answer.told);
        let Some(trouble) = trouble else {
            if told == Told::Yes {
                tracing::info!(store = self.name, "the store answers again");
            }
            return Answer {
                state,
                at,
                unwell_since: None,
                told: Told::No,
            };
        };
        let since = before.and_then(|answer| answer.unwell_since).unwrap_or(at);
        let lasts = at.duration_since(since) >= WORTH_TELLING;
        if lasts && told == Told::No {
            tracing::warn!(store = self.name, trouble, "the store does not answer");
        }
        Answer {
            state,
            at,
            unwell_since: Some(since),
            told: if lasts { Told::Yes } else { told },
        }
    }

    fn state(&self) -> State {
        match *self.last.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(answer) if answer.at.elapsed() < STALE => answer.state,
            Some(_) | None => State::NotAsked,
        }
    }
}

/// An error and what led to it.
fn explain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Asks the checks as long as the server runs, and marks the process as leaving when it stops.
pub struct Asking(pub Arc<Readiness>);

#[async_trait]
impl BackgroundService for Asking {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        loop {
            self.0.ask().await;
            let pause = match self.0.ready() {
                Ready::Yes => PERIOD,
                Ready::No => IMPATIENT,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = shutdown.changed() => break,
            }
        }
        self.0.drain();
    }
}
