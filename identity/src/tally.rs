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
    /// A password was hashed, or something hashed in its place.
    PasswordHashed {
        /// How long it took, waiting not counted.
        took: Duration,
    },
    /// Somebody tried to sign in with a password.
    SignIn {
        /// What came of it.
        outcome: SignInOutcome,
    },
    /// Somebody tried to register.
    Registration {
        /// What came of it.
        outcome: RegistrationOutcome,
    },
    /// A try was turned away because there were too many before it.
    Throttled {
        /// Whose they were.
        kind: ThrottleKind,
    },
}

/// What came of a try to sign in; a closed set, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInOutcome {
    /// A session was opened.
    Success,
    /// Refused: which of the reasons it was is nobody's business but the audit trail's.
    BadCredentials,
    /// Too many tries.
    RateLimited,
    /// Too many passwords were waiting.
    Busy,
    /// Something was broken.
    Error,
}

impl SignInOutcome {
    /// Every variant, for metrics that start at zero.
    pub const ALL: [Self; 5] = [
        Self::Success,
        Self::BadCredentials,
        Self::RateLimited,
        Self::Busy,
        Self::Error,
    ];

    /// The word in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::BadCredentials => "bad_credentials",
            Self::RateLimited => "rate_limited",
            Self::Busy => "busy",
            Self::Error => "error",
        }
    }
}

/// What came of a try to register; a closed set, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationOutcome {
    /// There is a new account.
    Success,
    /// What was typed cannot be taken.
    Invalid,
    /// Registration is not open.
    Closed,
    /// Too many tries.
    RateLimited,
    /// Too many passwords were waiting.
    Busy,
    /// Something was broken.
    Error,
}

impl RegistrationOutcome {
    /// Every variant, for metrics that start at zero.
    pub const ALL: [Self; 6] = [
        Self::Success,
        Self::Invalid,
        Self::Closed,
        Self::RateLimited,
        Self::Busy,
        Self::Error,
    ];

    /// The word in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Invalid => "invalid",
            Self::Closed => "closed",
            Self::RateLimited => "rate_limited",
            Self::Busy => "busy",
            Self::Error => "error",
        }
    }
}

/// Whose tries were too many; a closed set, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleKind {
    /// Those at one account, or at one name that nobody has.
    Account,
    /// Those from one address.
    Address,
}

impl ThrottleKind {
    /// Every variant, for metrics that start at zero.
    pub const ALL: [Self; 2] = [Self::Account, Self::Address];

    /// The word in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
        }
    }
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
