//! What the rooms below report, as metrics.
//!
//! Owns the translation of [`Note`]s. Must not know why anything happened.

use doorward_identity::session::Ended;
use doorward_identity::tally::{
    Note, RecoveryOutcome, RegistrationOutcome, SignInOutcome, StoreOp, Tally, ThrottleKind,
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
    RecoveryOutcome,
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
            Note::SecondStep { outcome } => self.login(LoginMethod::SecondStep, outcome),
            Note::Registration { outcome } => self.registrations.inc(outcome),
            Note::Recovery { outcome } => self.recoveries.inc(outcome),
            Note::MailSent { kind, outcome } => self.mail(kind, outcome),
            Note::MailQueue { length } => {
                self.mail_queue
                    .set(i64::try_from(length).unwrap_or(i64::MAX));
            }
            Note::Throttled { kind } => self.throttled.inc(kind),
            other => tracing::error!(?other, "nothing counts this"),
        }
    }
}
