//! Broken machinery: what a caller can only answer with "try again later" or "our mistake".
//!
//! Owns [`Fault`] and how errors of the stores are sorted into it. Must not know statuses or words on a page.

use std::error::Error;
use std::fmt;

use sea_orm::{DbErr, RuntimeErr};

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

    /// The store that is away, if that is the trouble.
    #[must_use]
    pub fn away_store(&self) -> Option<StoreName> {
        match self {
            Self::StoreAway { store, .. } => Some(*store),
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

fn is_passing(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            is_passing_sqlx(error)
        }
        _ => false,
    }
}

/// `SQLite`'s primary result codes for a locked, unreadable or full file: 5 busy, 6 locked, 10 I/O, 13 full,
/// 14 cannot open; extended codes carry them in the low byte (<https://www.sqlite.org/rescode.html>).
const PASSING_SQLITE: [u32; 5] = [5, 6, 10, 13, 14];

fn is_passing_sqlx(error: &sea_orm::sqlx::Error) -> bool {
    use sea_orm::sqlx::Error as Sqlx;
    match error {
        Sqlx::Io(_)
        | Sqlx::Tls(_)
        | Sqlx::PoolTimedOut
        | Sqlx::PoolClosed
        | Sqlx::WorkerCrashed => true,
        Sqlx::Database(error) => error
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            .is_some_and(|code| PASSING_SQLITE.contains(&(code & 0xff))),
        _ => false,
    }
}
