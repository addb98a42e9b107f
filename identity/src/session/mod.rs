//! Sessions: what is kept of them, where, and how a change to one is heard of everywhere.
//!
//! Owns the token, the record, the two stores (SQL and Redis) with their watch, and [`Sessions`], through
//! which the rest of the program opens and ends them. Knows nothing of HTTP, pages or caches: a gateway
//! keeps its own memory and drops from it what the watch names.
//!
//! A change that is heard of means *re-read*, never *ended*: only the store's answer ends anything.

mod family;
mod grant;
mod record;
pub mod redis;
mod scope;
mod sessions;
pub mod sql;
mod store;
mod token;

pub use family::{Family, SignIn};
pub use grant::{Grant, KeyId, Mark};
pub use record::{Amr, Ended, NewSession, Opened, Record, Remembered, Rights, Snapshot};
pub use scope::Scope;
pub(crate) use sessions::Granted;
pub use sessions::{Sessions, life};
pub use store::{Confirmed, Ear, Event, Rewritten, SessionStore};
pub use token::{SessionKey, ShortKey, Token};

#[cfg(test)]
mod contract;
