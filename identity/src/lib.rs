//! Who someone is, and how we know: accounts, passwords, sessions, codes, mail, throttling, the
//! audit trail.
//!
//! Owns everything that is kept about a person. Must not know HTML, HTTP or proxying: a caller hands in what was
//! typed and gets an outcome back, an enum with one variant for each thing that can happen. `Err` is only ever
//! broken machinery ([`Fault`]).
//!
//! Read first: [`sign_in`], [`register`], [`verify_email`], [`recover`], [`setup`], [`change`].

pub mod access_token;
mod account;
mod account_id;
pub mod accounts;
pub mod api_key;
pub mod assertion;
pub mod audit;
pub mod change;
mod client;
mod clock;
mod codes;
mod database;
pub mod email_change;
pub mod export;
mod fault;
pub mod flow;
mod form;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod half_way;
pub mod handover;
mod identity;
pub mod import;
pub mod invite;
pub mod keys;
pub mod mail;
mod name;
mod opening;
mod password;
mod patience;
pub mod proof;
mod random;
pub mod recover;
pub mod refresh;
pub mod register;
pub mod role;
mod secret;
pub mod session;
pub mod setup;
pub mod sign_in;
pub mod sign_out;
pub mod tally;
#[cfg(test)]
mod testing;
mod throttle;
pub mod two_factor;
pub mod verify_email;

pub use account_id::AccountId;
pub use client::Client;
pub use clock::{Clock, ManualClock, Reading, SystemClock};
pub use codes::{Mailed, Offer};
pub use fault::{Fault, StoreName};
pub use flow::FlowToken;
pub use identity::{Identity, World};
pub use name::{EmailAddress, NameFault, Username};
pub use password::Passwords;
pub use patience::in_one_go;
pub use random::{Random, SystemRandom};
pub use throttle::Throttle;
