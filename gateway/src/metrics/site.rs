//! What is counted for one site, looked up once when the configuration loads.
//!
//! Owns the counters that every request touches: none of them takes a lock. Must not know how a request is decided.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Method;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts};
use prometheus::{Registry, core::Collector};

use super::label::{Decision, Label, Via};

/// `OpenTelemetry`'s advice for HTTP, in seconds.
const HTTP_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The families that have a site as label.
#[derive(Debug)]
pub(super) struct SiteFamilies {
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    upstream_seconds: HistogramVec,
    decisions: IntCounterVec,
}

impl SiteFamilies {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let families = Self {
            requests: IntCounterVec::new(
                Opts::new(
                    "doorward_http_requests_total",
                    "Requests answered, by the status that the client got.",
                ),
                &["site", "method", "code"],
            )?,
            request_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "doorward_http_request_duration_seconds",
                    "Time from the request's head to the end of the answer.",
                )
                .buckets(HTTP_BUCKETS.to_vec()),
                &["site"],
            )?,
            upstream_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "doorward_upstream_duration_seconds",
                    "Time that the upstream took to begin its answer.",
                )
                .buckets(HTTP_BUCKETS.to_vec()),
                &["site"],
            )?,
            decisions: IntCounterVec::new(
                Opts::new(
                    "doorward_authz_decisions_total",
                    "What the rules made of requests, and how the person was known.",
                ),
                &["site", "decision", "via"],
            )?,
        };
        let collectors: [Box<dyn Collector>; 4] = [
            Box::new(families.requests.clone()),
            Box::new(families.request_seconds.clone()),
            Box::new(families.upstream_seconds.clone()),
            Box::new(families.decisions.clone()),
        ];
        for collector in collectors {
            registry.register(collector)?;
        }
        Ok(families)
    }

    pub(super) fn site(&self, name: &str) -> Result<SiteMetrics, prometheus::Error> {
        let mut decisions = Vec::with_capacity(Decision::ALL.len() * Via::ALL.len());
        for decision in Decision::ALL {
            for via in Via::ALL {
                let labels = [name, decision.as_str(), via.as_str()];
                decisions.push(self.decisions.get_metric_with_label_values(&labels)?);
            }
        }
        Ok(SiteMetrics {
            name: name.into(),
            family: self.requests.clone(),
            requests: Default::default(),
            request_seconds: self.request_seconds.get_metric_with_label_values(&[name])?,
            upstream_seconds: self
                .upstream_seconds
                .get_metric_with_label_values(&[name])?,
            decisions,
        })
    }
}

/// A client may invent methods, so only those of RFC 9110 and RFC 5789 get a series of their own.
const METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "other",
];

/// An upstream may invent statuses up to 999: those outside RFC 9110's classes share one series, the last.
const CODES: usize = 500 + 1;

/// The counters of one method, each made when its status is first seen: nothing is searched for.
type Codes = Box<[OnceLock<IntCounter>]>;

/// The counters of one site. Made at configuration load and shared by all its requests.
#[derive(Debug)]
pub struct SiteMetrics {
    name: Arc<str>,
    family: IntCounterVec,
    requests: [OnceLock<Codes>; METHODS.len()],
    request_seconds: Histogram,
    upstream_seconds: Histogram,
    /// One for each decision and way of knowing, in the order of their `ALL`.
    decisions: Vec<IntCounter>,
}

impl SiteMetrics {
    /// Counts an answered request. `code` is the status that went out, 499 if the client left before any did.
    pub fn request(&self, method: &Method, code: u16, took: Duration) {
        self.request_seconds.observe(took.as_secs_f64());
        let (method, code) = (method_index(method), code_index(code));
        let Some(codes) = self.requests.get(method) else {
            return;
        };
        let codes = codes.get_or_init(|| (0..CODES).map(|_| OnceLock::new()).collect());
        if let Some(counter) = codes.get(code) {
            counter.get_or_init(|| self.counter(method, code)).inc();
        }
    }

    fn counter(&self, method: usize, code: usize) -> IntCounter {
        let method = METHODS.get(method).copied().unwrap_or("other");
        self.family
            .with_label_values(&[&*self.name, method, &code_label(code)])
    }

    /// The upstream began to answer `took` after it was asked.
    pub fn upstream(&self, took: Duration) {
        self.upstream_seconds.observe(took.as_secs_f64());
    }

    /// The rules said `decision` about somebody known by `via`.
    pub fn decision(&self, decision: Decision, via: Via) {
        let at = decision as usize * Via::ALL.len() + via as usize;
        if let Some(counter) = self.decisions.get(at) {
            counter.inc();
        }
    }
}

fn method_index(method: &Method) -> usize {
    let known = METHODS.iter().position(|known| *known == method.as_str());
    known.unwrap_or(METHODS.len() - 1)
}

fn code_index(code: u16) -> usize {
    match code {
        100..600 => usize::from(code - 100),
        _ => CODES - 1,
    }
}

fn code_label(index: usize) -> String {
    if index < CODES - 1 {
        (index + 100).to_string()
    } else {
        "other".to_owned()
    }
}
