//! Mail: what is said to people in it, and how it gets out.
//!
//! Owns the messages with their words, the outbox that outlives restarts, and the two ways out: a mail server or files.
//! Must not know who is signed in, or what a code lets somebody do.
//!
//! A message is put into the outbox in the same transaction as what it is about, and delivered later by whichever
//! process comes to it: a request never waits for a mail server, and a restart loses nothing.

mod asked;
pub(crate) mod budget;
mod deliver;
mod files;
mod letter;
mod message;
mod outbox;
mod smtp;
#[cfg(test)]
mod tests;
mod trial;
mod way;

pub(crate) use asked::Asked;
pub use deliver::deliver;
#[cfg(test)]
pub(crate) use deliver::pass;
pub use letter::MailKind;
pub(crate) use letter::{Content, Key, Letter, Recipient, Turned};
pub(crate) use outbox::push;
pub use trial::{Tested, test};
