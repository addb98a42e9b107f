//! The protected file origin: one folder, served over HTTP/1.1 on a Unix socket.
//!
//! It owns how a path becomes a file and how a file becomes an answer. It must not know who is asking:
//! accounts, sessions and rules are decided before a request comes here, and whoever can reach the
//! socket can read the folder.
//!
//! One request, in order: `origin` asks `path` what is wanted, `find` opens it beneath `root`,
//! `conditional` and `range` say how much of it to send, `answer` or `refuse` says so.

mod answer;
mod body;
mod conditional;
mod facts;
mod find;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod origin;
mod path;
mod patience;
mod range;
mod refuse;
mod root;
mod serve;
mod types;

pub use root::Root;
pub use serve::serve;
