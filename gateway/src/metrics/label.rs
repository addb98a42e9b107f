//! Label sets that are closed: every value is known when the program is built, so every series starts at 0.
//!
//! Owns the values and their spelling. Must not know which counter counts what, nor when.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// One label whose values are all known beforehand.
pub trait Label: Copy + PartialEq + 'static {
    /// Every value.
    const ALL: &'static [Self];
    /// How the value is written in the exposition.
    fn as_str(self) -> &'static str;
}

/// Declares an enum and its spelling as a [`Label`].
macro_rules! label {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $text:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $value),+ }

        impl Label for $name {
            const ALL: &'static [Self] = &[$(Self::$value),+];
            fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }
        }
    };
}

label!(
    /// What became of a request at the rules.
    Decision {
        /// Let in, with a person behind it.
        Allow = "allow",
        /// Signed in, but not allowed.
        Deny = "deny",
        /// Nobody known: told to sign in.
        Challenge = "challenge",
        /// The rule lets anyone in, and nobody was known.
        Bypass = "bypass",
        /// It could not be found out.
        Error = "error",
    }
);
label!(
    /// How the person behind a request was known.
    Via {
        /// By the session cookie.
        Session = "session",
        /// By an access token.
        Bearer = "bearer",
        /// By an API key.
        Key = "key",
        /// Not at all.
        None = "none",
    }
);
label!(
    /// Where the answer about a session came from.
    Source {
        /// From this process' memory.
        Cache = "cache",
        /// From the store.
        Store = "store",
    }
);
label!(
    /// How somebody tried to sign in.
    LoginMethod {
        /// With a password on the form.
        Password = "password",
        /// With a code, after the password.
        SecondStep = "second_step",
    }
);
label!(
    /// What came of reading the configuration again.
    ReloadOutcome {
        /// It is in force.
        Ok = "ok",
        /// It was refused, and nothing changed.
        Error = "error",
    }
);

/// A counter for every value of one closed label.
#[derive(Debug, Clone)]
pub struct Counters<L>(Vec<(L, IntCounter)>);

impl<L: Label> Counters<L> {
    /// Registers `name{label}` with every series at 0.
    ///
    /// # Errors
    /// If the name is taken or no metric name.
    pub(super) fn register(
        registry: &Registry,
        name: &str,
        help: &str,
        label: &str,
    ) -> Result<Self, prometheus::Error> {
        let vec = IntCounterVec::new(Opts::new(name, help), &[label])?;
        registry.register(Box::new(vec.clone()))?;
        L::ALL
            .iter()
            .map(|value| Ok((*value, vec.get_metric_with_label_values(&[value.as_str()])?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// One more of `value`.
    pub fn inc(&self, value: L) {
        self.add(value, 1);
    }

    /// `count` more of `value`.
    pub fn add(&self, value: L, count: u64) {
        if let Some((_, counter)) = self.0.iter().find(|(known, _)| *known == value) {
            counter.inc_by(count);
        }
    }
}

/// A gauge for every value of a label whose values are known when the program starts.
#[derive(Debug, Clone)]
pub struct Gauges(IntGaugeVec);

impl Gauges {
    pub(super) fn register(
        registry: &Registry,
        name: &str,
        help: &str,
        label: &str,
    ) -> Result<Self, prometheus::Error> {
        let vec = IntGaugeVec::new(Opts::new(name, help), &[label])?;
        registry.register(Box::new(vec.clone()))?;
        Ok(Self(vec))
    }

    /// The gauge of `value`, at 0 if it is new. To be asked for once and kept.
    ///
    /// # Errors
    /// Never for the one label that this family has.
    pub fn of(&self, value: &str) -> Result<IntGauge, prometheus::Error> {
        self.0.get_metric_with_label_values(&[value])
    }
}
