//! Broken machinery: what a caller can only answer with "try again later" or "our mistake".
//!
//! Owns [`Fault`] and how errors of the stores are sorted into it. Must not know statuses or words on a page.

mod passing;

use std::error::Error;
use std::fmt;

use sea_orm::DbErr;

use self::passing::is_passing;

/// One of the stores that the program leans on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreName {
    /// The SQL database: accounts, the audit trail, and sessions where there is no Redis.
    Database,
    /// Redis.
    Redis,
}

impl StoreName {
    /// The word for metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Redis => "redis",
        }
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something is broken. It never says anything about a person: that is what outcomes are for.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A store cannot be asked right now; the same call may work later (503 with `Retry-After`).
    #[error("the {store} store cannot be asked")]
    StoreAway {
        /// Which one.
        store: StoreName,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An account is changed already, and its sessions are not yet in line with it, because their store cannot be asked
    /// right now. Whoever runs does that as soon as it can; the same call may work later (503 with `Retry-After`).
    #[error(
        "the account is changed already, its sessions are not: the {store} store cannot be asked"
    )]
    Unfollowed {
        /// Which one.
        store: StoreName,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A defect, or data that should not be as it is; trying again does not help (500).
    #[error("{what}")]
    Broken {
        /// What does not hold, for the log.
        what: String,
        /// What led to it, if anything else did.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl Fault {
    /// `store` cannot be asked.
    pub fn away(store: StoreName, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::StoreAway {
            store,
            source: source.into(),
        }
    }

    /// Something does not hold that always should.
    pub fn broken(what: impl Into<String>) -> Self {
        Self::Broken {
            what: what.into(),
            source: None,
        }
    }

    /// Something does not hold that always should, because of `source`.
    pub fn broken_by(
        what: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Broken {
            what: what.into(),
            source: Some(source.into()),
        }
    }

    /// The same, said of sessions whose account is changed already.
    pub(crate) fn unfollowed(self) -> Self {
        match self {
            Self::StoreAway { store, source } => Self::Unfollowed { store, source },
            other => other,
        }
    }

    /// The store that is away, if that is the trouble.
    #[must_use]
    pub fn away_store(&self) -> Option<StoreName> {
        match self {
            Self::StoreAway { store, .. } | Self::Unfollowed { store, .. } => Some(*store),
            Self::Broken { .. } => None,
        }
    }
}

impl From<DbErr> for Fault {
    /// A connection that cannot be had, a lock that is not released and a full disk pass; the rest is a defect.
    fn from(error: DbErr) -> Self {
        if is_passing(&error) {
            Self::away(StoreName::Database, error)
        } else {
            Self::broken_by("the database refused what it was asked", error)
        }
    }
}
