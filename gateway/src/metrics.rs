//! What is counted, and how it reads on `/metrics`.
//!
//! Owns every metric name of the program and its registry. Must not know requests, sessions or accounts: others
//! tell it what happened. Nothing about a person is ever a label.

mod label;
mod make;
mod site;
mod tally;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use doorward_identity::mail::MailKind;
use doorward_identity::session::Ended;
use doorward_identity::tally::{
    MailOutcome, RecoveryOutcome, RegistrationOutcome, SignInOutcome, StoreOp, ThrottleKind,
};
use prometheus::process_collector::ProcessCollector;
use prometheus::{Encoder, Histogram, IntCounter, IntCounterVec, IntGauge, Registry};
use prometheus::{TEXT_FORMAT, TextEncoder};

pub use label::{Counters, Decision, Gauges, Label, LoginMethod, ReloadOutcome, Source, Via};
use make::Make;
pub use site::SiteMetrics;

/// The `Content-Type` of [`Metrics::exposition`].
pub const CONTENT_TYPE: &str = TEXT_FORMAT;

/// The site of requests that no site was found for.
const NO_SITE: &str = doorward_config::Site::NO_SITE;

/// From a hit in memory (a few microseconds) to a store that is slow.
const AUTHZ_BUCKETS: [f64; 14] = [
    0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
    0.025, 0.1, 0.25,
];
/// From the embedded store on a warm disk to the deadline.
const STORE_BUCKETS: [f64; 11] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0,
];
/// Argon2id at the least parameters that are allowed, up to a machine that is far too small.
const HASH_BUCKETS: [f64; 9] = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0];

/// Everything that is counted, one field a family.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    sites: site::SiteFamilies,
    no_site: Arc<SiteMetrics>,
    in_flight: IntGauge,
    authz_seconds: Vec<(Source, Histogram)>,
    store_seconds: Vec<(StoreOp, Histogram)>,
    login_attempts: IntCounterVec,
    mail_sent: IntCounterVec,
    refused: IntCounterVec,
    /// Sessions found in memory.
    pub session_cache_hits: IntCounter,
    /// Sessions that the store was asked for.
    pub session_cache_misses: IntCounter,
    /// Sessions dropped from memory because something said that they changed.
    pub session_cache_invalidations: IntCounter,
    /// 1 while changes made elsewhere are provably heard of.
    pub session_link_up: IntGauge,
    /// Sessions opened.
    pub sessions_created: IntCounter,
    /// Sessions that ended.
    pub sessions_ended: Counters<Ended>,
    /// 1 while the store of that name answers.
    pub store_up: Gauges,
    /// Registrations, by what came of them.
    pub registrations: Counters<RegistrationOutcome>,
    /// Steps towards a new password, by what came of them.
    pub recoveries: Counters<RecoveryOutcome>,
    /// Mail that waits to be delivered.
    pub mail_queue: IntGauge,
    /// Tries that were turned away unjudged.
    pub throttled: Counters<ThrottleKind>,
    /// How long one password took, waiting not counted.
    pub password_hash_seconds: Histogram,
    password_hash_queue: IntGauge,
    waiting: OnceLock<Waiting>,
    /// Identity headers that a client sent and that were removed.
    pub headers_stripped: IntCounter,
    /// Times that the configuration was read again.
    pub config_reloads: Counters<ReloadOutcome>,
}

impl Metrics {
    /// A registry of its own with every family at its start; `refusals` are the reasons that
    /// [`Metrics::refused`] will be told.
    ///
    /// # Errors
    /// Only if two families have one name, which is a defect.
    #[expect(clippy::too_many_lines, reason = "a table of names and helps")]
    pub fn new(refusals: &[&str]) -> Result<Self, prometheus::Error> {
        let make = Make(Registry::new());
        make.0.register(Box::new(ProcessCollector::for_self()))?;
        make.build_info()?;
        let sites = site::SiteFamilies::register(&make.0)?;
        let no_site = Arc::new(sites.site(NO_SITE)?);
        Ok(Self {
            sites,
            no_site,
            in_flight: make.gauge("http_requests_in_flight", "Requests being answered now.")?,
            authz_seconds: make.histograms(
                ("authz_duration_seconds", "source"),
                "Time that finding out who is asking took, by where the answer came from.",
                &AUTHZ_BUCKETS,
            )?,
            store_seconds: make.histograms(
                ("session_store_op_seconds", "op"),
                "Time that the session store took for an operation.",
                &STORE_BUCKETS,
            )?,
            login_attempts: make.login_attempts()?,
            mail_sent: make.mail_sent()?,
            refused: make.refused(refusals)?,
            session_cache_hits: make.counter(
                "session_cache_hits_total",
                "Sessions found in this process' memory.",
            )?,
            session_cache_misses: make.counter(
                "session_cache_misses_total",
                "Sessions that the store had to be asked for.",
            )?,
            session_cache_invalidations: make.counter(
                "session_cache_invalidations_total",
                "Sessions dropped from memory because they were said to have changed.",
            )?,
            session_link_up: make.gauge(
                "session_link_up",
                "1 while changes of sessions made elsewhere are provably heard of.",
            )?,
            sessions_created: make.counter("sessions_created_total", "Sessions opened.")?,
            sessions_ended: make.counters(
                ("sessions_ended_total", "reason"),
                "Sessions that ended, by why.",
            )?,
            store_up: Gauges::register(
                &make.0,
                "doorward_store_up",
                "1 while the store answers.",
                "store",
            )?,
            registrations: make.counters(
                ("registrations_total", "outcome"),
                "Registrations, by what came of them.",
            )?,
            recoveries: make.counters(
                ("recoveries_total", "outcome"),
                "Steps towards a new password, by what came of them.",
            )?,
            mail_queue: make.gauge("mail_queue", "Mail that waits to be delivered.")?,
            throttled: make.counters(
                ("throttled_total", "kind"),
                "Tries turned away because there were too many, by whose they were.",
            )?,
            password_hash_seconds: make.histogram(
                "password_hash_seconds",
                "Time that hashing one password took, waiting not counted.",
                &HASH_BUCKETS,
            )?,
            password_hash_queue: make
                .gauge("password_hash_queue", "Passwords that wait to be hashed.")?,
            waiting: OnceLock::new(),
            headers_stripped: make.counter(
                "headers_stripped_total",
                "Identity headers that clients sent and that were removed.",
            )?,
            config_reloads: make.counters(
                ("config_reloads_total", "outcome"),
                "Times that the configuration was read again, by what came of it.",
            )?,
            registry: make.0,
        })
    }

    /// The counters of the site called `name`: to be asked for when the configuration loads, then kept.
    /// The same name goes on counting where it was.
    ///
    /// # Errors
    /// Only if a family is not what this module made it, which is a defect.
    pub fn site(&self, name: &str) -> Result<Arc<SiteMetrics>, prometheus::Error> {
        self.sites.site(name).map(Arc::new)
    }

    /// The counters of requests that no site was found for (`site="none"`).
    #[must_use]
    pub fn no_site(&self) -> &Arc<SiteMetrics> {
        &self.no_site
    }

    /// A request has begun; it is in flight until the returned guard goes.
    #[must_use]
    pub fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// How many requests are in flight.
    #[must_use]
    pub fn in_flight(&self) -> i64 {
        self.in_flight.get()
    }

    /// Finding out who is asking took `took`.
    pub fn authz(&self, source: Source, took: Duration) {
        observe(&self.authz_seconds, source, took);
    }

    /// The session store took `took` for `op`.
    pub fn store_op(&self, op: StoreOp, took: Duration) {
        observe(&self.store_seconds, op, took);
    }

    /// Somebody tried to sign in.
    pub fn login(&self, method: LoginMethod, outcome: SignInOutcome) {
        let labels = [method.as_str(), outcome.as_str()];
        if let Ok(counter) = self.login_attempts.get_metric_with_label_values(&labels) {
            counter.inc();
        }
    }

    /// Somebody set out to deliver mail.
    pub fn mail(&self, kind: MailKind, outcome: MailOutcome) {
        let labels = [kind.as_str(), outcome.as_str()];
        if let Ok(counter) = self.mail_sent.get_metric_with_label_values(&labels) {
            counter.inc();
        }
    }

    /// The gateway itself answered with a refusal. `reason` must not come from the client.
    pub fn refused(&self, reason: &'static str) {
        if let Ok(counter) = self.refused.get_metric_with_label_values(&[reason]) {
            counter.inc();
        }
    }

    /// How to find out, whenever somebody looks, how many passwords wait to be hashed. The first way stays.
    pub fn ask_hash_queue(&self, waiting: impl Fn() -> usize + Send + Sync + 'static) {
        if self.waiting.set(Waiting(Box::new(waiting))).is_err() {
            tracing::error!("a second queue of passwords is not counted");
        }
    }

    /// Everything in Prometheus' text format 0.0.4 ([`CONTENT_TYPE`]).
    ///
    /// # Errors
    /// If a family cannot be written, which is a defect.
    pub fn exposition(&self) -> Result<Vec<u8>, prometheus::Error> {
        if let Some(Waiting(waiting)) = self.waiting.get() {
            let waiting = i64::try_from(waiting()).unwrap_or(i64::MAX);
            self.password_hash_queue.set(waiting);
        }
        let mut text = Vec::with_capacity(32 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

struct Waiting(Box<dyn Fn() -> usize + Send + Sync>);

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiting")
    }
}

/// One request in flight, until it is dropped.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn observe<L: Label>(histograms: &[(L, Histogram)], value: L, took: Duration) {
    if let Some((_, histogram)) = histograms.iter().find(|(known, _)| *known == value) {
        histogram.observe(took.as_secs_f64());
    }
}
