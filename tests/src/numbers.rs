//! Measured times and how they are reported: past the capture of the test runner, so that they end in the log.

use std::io::Write;
use std::sync::Once;
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

/// From here on a test that stops says at once why: what the test runner keeps for its end is not always read that far.
pub(crate) fn say_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let _ = writeln!(std::io::stderr(), "  stopped: {panic}");
            usual(panic);
        }));
    });
}

/// What a request may take at any time on a machine that has something else to do. In the short form other stories are
/// told beside it.
fn noise() -> Duration {
    Duration::from_millis(if long() { 10 } else { 50 })
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

    /// Panics unless the p99 is under twice that of `alone`. What is less than 10 ms (in the short form 50 ms)
    /// counts as that: below, it is the machine that is measured.
    pub fn is_under_twice(&self, alone: &Self) {
        let (p99, usual) = (self.percentile(99), alone.percentile(99));
        assert!(
            p99 < 2 * usual.max(noise()),
            "p99 {p99:?} beside a crowd, {usual:?} alone"
        );
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
