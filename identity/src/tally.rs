//! What happens here that somebody may want to count. Knows nothing of how it is counted.

use std::time::Duration;

use crate::session::Ended;

/// Counts. Called on the path of sign-ins and store operations, so it must neither block nor fail.
pub trait Tally: Send + Sync {
    /// One thing happened.
    fn note(&self, note: Note);
}

/// Counts nothing: for commands, which nobody scrapes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uncounted;

impl Tally for Uncounted {
    fn note(&self, _: Note) {}
}

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Note {
    /// A session was opened.
    SessionOpened,
    /// Sessions ended.
    SessionsEnded {
        /// Why.
        reason: Ended,
        /// How many.
        count: u64,
    },
    /// The session store was asked.
    StoreOp {
        /// For what.
        op: StoreOp,
        /// How long it took, answered or not.
        took: Duration,
    },
}

/// What the session store is asked for; a closed set, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOp {
    /// A new session is stored.
    Open,
    /// A session is read.
    Find,
    /// One or all sessions of an account end.
    Revoke,
    /// A session gets new rights.
    Rewrite,
    /// The sessions of an account are read.
    List,
    /// The time of last use is written.
    Touch,
    /// What is over is forgotten.
    Prune,
}

impl StoreOp {
    /// Every variant, for metrics that start at zero.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Find,
        Self::Revoke,
        Self::Rewrite,
        Self::List,
        Self::Touch,
        Self::Prune,
    ];

    /// The word in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Find => "find",
            Self::Revoke => "revoke",
            Self::Rewrite => "rewrite",
            Self::List => "list",
            Self::Touch => "touch",
            Self::Prune => "prune",
        }
    }
}
