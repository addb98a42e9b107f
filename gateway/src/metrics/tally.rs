//! What the rooms below report, as metrics.
//!
//! Owns the translation of [`Note`]s. Must not know why anything happened.

use doorward_identity::session::Ended;
use doorward_identity::tally::{Note, StoreOp, Tally};

use super::{Label, Metrics};

impl Label for Ended {
    const ALL: &'static [Self] = &Self::ALL;
    fn as_str(self) -> &'static str {
        self.as_str()
    }
}

impl Label for StoreOp {
    const ALL: &'static [Self] = &Self::ALL;
    fn as_str(self) -> &'static str {
        self.as_str()
    }
}

impl Tally for Metrics {
    fn note(&self, note: Note) {
        match note {
            Note::SessionOpened => self.sessions_created.inc(),
            Note::SessionsEnded { reason, count } => self.sessions_ended.add(reason, count),
            Note::StoreOp { op, took } => self.store_op(op, took),
            other => tracing::debug!(?other, "nothing counts this"),
        }
    }
}
