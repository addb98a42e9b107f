//! How a family is made: named with the program's prefix, registered, and every closed label at its start.

use doorward_identity::mail::MailKind;
use doorward_identity::tally::{MailOutcome, SignInOutcome};
use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge};
use prometheus::{IntGaugeVec, Opts, Registry};

use super::label::{Counters, Label, LoginMethod};

/// Makes families and registers them, with the program's prefix.
pub(super) struct Make(pub(super) Registry);

impl Make {
    pub(super) fn register<C: Collector + Clone + 'static>(
        &self,
        family: C,
    ) -> Result<C, prometheus::Error> {
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.register(IntCounter::new(format!("doorward_{name}"), help)?)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.register(IntGauge::new(format!("doorward_{name}"), help)?)
    }

    pub(super) fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: &[f64],
    ) -> Result<Histogram, prometheus::Error> {
        let opts = HistogramOpts::new(format!("doorward_{name}"), help);
        self.register(Histogram::with_opts(opts.buckets(buckets.to_vec()))?)
    }

    pub(super) fn counters<L: Label>(
        &self,
        (name, label): (&str, &str),
        help: &str,
    ) -> Result<Counters<L>, prometheus::Error> {
        Counters::register(&self.0, &format!("doorward_{name}"), help, label)
    }

    pub(super) fn histograms<L: Label>(
        &self,
        (name, label): (&str, &str),
        help: &str,
        buckets: &[f64],
    ) -> Result<Vec<(L, Histogram)>, prometheus::Error> {
        let opts = HistogramOpts::new(format!("doorward_{name}"), help).buckets(buckets.to_vec());
        let vec = self.register(HistogramVec::new(opts, &[label])?)?;
        L::ALL
            .iter()
            .map(|value| {
                let histogram = vec.get_metric_with_label_values(&[value.as_str()])?;
                Ok((*value, histogram))
            })
            .collect()
    }

    pub(super) fn mail_sent(&self) -> Result<IntCounterVec, prometheus::Error> {
        let opts = Opts::new(
            "doorward_mail_sent_total",
            "Times that somebody set out to deliver mail, by what it is about and what came of it.",
        );
        let vec = self.register(IntCounterVec::new(opts, &["kind", "outcome"])?)?;
        for kind in MailKind::ALL {
            for outcome in MailOutcome::ALL {
                vec.get_metric_with_label_values(&[kind.as_str(), outcome.as_str()])?;
            }
        }
        Ok(vec)
    }

    pub(super) fn login_attempts(&self) -> Result<IntCounterVec, prometheus::Error> {
        let vec = self.register(IntCounterVec::new(
            Opts::new(
                "doorward_login_attempts_total",
                "Attempts to sign in, by how and by what came of them.",
            ),
            &["method", "outcome"],
        )?)?;
        for method in LoginMethod::ALL {
            for outcome in <SignInOutcome as Label>::ALL {
                vec.get_metric_with_label_values(&[method.as_str(), outcome.as_str()])?;
            }
        }
        Ok(vec)
    }

    pub(super) fn refused(&self, reasons: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        let vec = self.register(IntCounterVec::new(
            Opts::new(
                "doorward_requests_refused_total",
                "Requests that the gateway itself refused, by why.",
            ),
            &["reason"],
        )?)?;
        for reason in reasons {
            vec.get_metric_with_label_values(&[reason])?;
        }
        Ok(vec)
    }

    pub(super) fn build_info(&self) -> Result<(), prometheus::Error> {
        let opts = Opts::new("doorward_build_info", "1, with what is running as labels.");
        let vec = self.register(IntGaugeVec::new(opts, &["version"])?)?;
        vec.get_metric_with_label_values(&[env!("CARGO_PKG_VERSION")])?
            .set(1);
        Ok(())
    }
}
