//! What happens here that somebody may want to count. Knows nothing of how it is counted.

use std::time::Duration;

use crate::mail::MailKind;
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
    /// Somebody whose password was right tried a code.
    SecondStep {
        /// What came of it.
        outcome: SignInOutcome,
    },
    /// Somebody tried to register.
    Registration {
        /// What came of it.
        outcome: RegistrationOutcome,
    },
    /// Somebody who forgot a password took a step.
    Recovery {
        /// What came of it.
        outcome: RecoveryOutcome,
    },
    /// Somebody set out to deliver mail.
    MailSent {
        /// What it is about.
        kind: MailKind,
        /// What came of it.
        outcome: MailOutcome,
    },
    /// It was looked how much mail waits.
    MailQueue {
        /// How much.
        length: u64,
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
    /// Right so far: the second factor is asked for.
    CodeNeeded,
    /// The address is to be proven first.
    Unverified,
}

impl SignInOutcome {
    /// Every variant, for metrics that start at zero.
    pub const ALL: [Self; 7] = [
        Self::CodeNeeded,
        Self::Unverified,
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
            Self::CodeNeeded => "code_needed",
            Self::Unverified => "unverified",
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
    /// A code was mailed, or a note where there is an account already: nobody is told which.
    CodeSent,
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
    pub const ALL: [Self; 7] = [
        Self::Success,
        Self::CodeSent,
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
            Self::CodeSent => "code_sent",
            Self::Invalid => "invalid",
            Self::Closed => "closed",
            Self::RateLimited => "rate_limited",
            Self::Busy => "busy",
            Self::Error => "error",
        }
    }
}

/// What came of a step towards a new password; a closed set, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryOutcome {
    /// A code was asked for; nobody is told whether there is an account.
    Requested,
    /// A code or link was right.
    CodeRight,
    /// A code was wrong.
    CodeWrong,
    /// The time or the tries were over, or it was used before.
    Gone,
    /// There is a new password.
    Success,
    /// What was typed cannot be taken.
    Invalid,
    /// Too many tries.
    RateLimited,
    /// Too many passwords were waiting.
    Busy,
    /// Something was broken.
    Error,
}

impl RecoveryOutcome {
    /// Every variant, for metrics that start at zero.
    pub const ALL: [Self; 9] = [
        Self::Requested,
        Self::CodeRight,
        Self::CodeWrong,
        Self::Gone,
        Self::Success,
        Self::Invalid,
        Self::RateLimited,
        Self::Busy,
        Self::Error,
    ];

    /// The word in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::CodeRight => "code_right",
            Self::CodeWrong => "code_wrong",
            Self::Gone => "gone",
            Self::Success => "success",
            Self::Invalid => "invalid",
            Self::RateLimited => "rate_limited",
            Self::Busy => "busy",
            Self::Error => "error",
        }
    }
}

/// What came of setting out to deliver mail; a closed set, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailOutcome {
    /// The mail server took it, or it is in a file.
    Sent,
    /// Nobody is there to get it.
    Nobody,
    /// It will be tried again.
    Retry,
    /// The mail server will never take it.
    Refused,
    /// It was of no use any more.
    Expired,
}

impl MailOutcome {
    /// Every variant, for metrics that start at zero.
    pub const ALL: [Self; 5] = [
        Self::Sent,
        Self::Nobody,
        Self::Retry,
        Self::Refused,
        Self::Expired,
    ];

    /// The word in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Nobody => "nobody",
            Self::Retry => "retry",
            Self::Refused => "refused",
            Self::Expired => "expired",
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
    /// Mail to one e-mail address.
    Mail,
}

impl ThrottleKind {
    /// Every variant, for metrics that start at zero.
    pub const ALL: [Self; 3] = [Self::Account, Self::Address, Self::Mail];

    /// The word in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
            Self::Mail => "mail",
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
