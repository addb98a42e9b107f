//! What the rooms below report, as metrics.
//!
//! Owns the translation of [`Note`]s. Must not know why anything happened.

use doorward_identity::session::Ended;
use doorward_identity::tally::{
    Note, RegistrationOutcome, SignInOutcome, StoreOp, Tally, ThrottleKind,
};

use super::{Label, LoginMethod, Metrics};

/// Takes over the closed sets that identity owns, in its own words.
macro_rules! labels {
    ($($name:ident),+) => {$(
        impl Label for $name {
            const ALL: &'static [Self] = &Self::ALL;
            fn as_str(self) -> &'static str {
                self.as_str()
            }
        }
    )+};
}

labels!(
    Ended,
    RegistrationOutcome,
    SignInOutcome,
    StoreOp,
    ThrottleKind
);

impl Tally for Metrics {
    fn note(&self, note: Note) {
        match note {
            Note::SessionOpened => self.sessions_created.inc(),
            Note::SessionsEnded { reason, count } => self.sessions_ended.add(reason, count),
            Note::StoreOp { op, took } => self.store_op(op, took),
            Note::PasswordHashed { took } => self.password_hash_seconds.observe(took.as_secs_f64()),
            Note::SignIn { outcome } => self.login(LoginMethod::Password, outcome),
            Note::Registration { outcome } => self.registrations.inc(outcome),
            Note::Throttled { kind } => self.throttled.inc(kind),
            other => tracing::error!(?other, "nothing counts this"),
        }
    }
}
