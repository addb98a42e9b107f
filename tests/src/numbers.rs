//! Measured times and how they are reported: past the capture of the test runner, so that they end in the log.

use std::io::Write;
use std::time::Duration;

/// Whether the long form of the stories was asked for (`./run tests --long`).
#[must_use]
pub fn long() -> bool {
    std::env::var_os("DOORWARD_LONG").is_some()
}

/// Prints one line that the test runner does not swallow.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "  measured: {line}");
}

/// Durations of one kind.
#[derive(Default)]
pub struct Numbers {
    all: Vec<Duration>,
}

impl Numbers {
    /// Adds one measurement.
    pub fn add(&mut self, one: Duration) {
        self.all.push(one);
    }

    /// The longest of them.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.all.iter().max().copied().unwrap_or_default()
    }

    /// The value below which the given share (in percent) lies.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.all.clone();
        sorted.sort_unstable();
        let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or_default()
    }

    /// Prints count, p50, p99 and max under a name.
    pub fn report(&self, name: &str) {
        say(&format!(
            "{name}: {} times, p50 {:?}, p99 {:?}, max {:?}",
            self.all.len(),
            self.percentile(50),
            self.percentile(99),
            self.max()
        ));
    }
}
