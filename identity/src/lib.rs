//! Who someone is, and how we know: accounts, passwords, sessions, throttling, the audit trail.
//!
//! Owns everything that is kept about a person. Must not know HTML, HTTP or proxying: a caller hands in what was
//! typed and gets an outcome back, an enum with one variant for each thing that can happen. `Err` is only ever
//! broken machinery ([`Fault`]).
//!
//! Read first: `sign_in`, `register`, `setup`.

mod account_id;
mod client;
mod clock;
mod fault;
mod random;

pub use account_id::AccountId;
pub use client::Client;
pub use clock::{Clock, ManualClock, SystemClock};
pub use fault::{Fault, StoreName};
pub use random::{Random, SystemRandom};
