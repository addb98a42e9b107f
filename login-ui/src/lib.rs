//! The pages that people meet: sign in, register, sign out, account, first set-up, and the dead ends.
//!
//! Owns forms, words on screen and the cookie to set. Must not know argon2, Redis, SQL, nor what is proxied where:
//! it asks [`doorward_identity`] and shows the outcome.
//!
//! The way in is [`router`]; [`dead_end`] has the pages with which the gateway itself answers.

use std::fmt;
use std::sync::Arc;

use doorward_config::Live;
use doorward_identity::Identity;

mod ago;
mod answer;
mod api;
mod assets;
pub mod bearer;
mod cookie;
pub mod dead_end;
mod device;
mod failure;
mod form;
mod form_state;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod guard;
mod hosts;
mod notice;
mod onward;
mod origin;
mod pages;
mod problem;
mod qr;
mod routes;
mod to;
mod visit;

pub use problem::TWO_FACTOR_REQUIRED;
pub use routes::router;

/// What the pages work with.
#[derive(Clone)]
pub struct Ui {
    /// Who someone is.
    pub identity: Arc<Identity>,
    /// The configuration as it is now; asked once for each request.
    pub live: Arc<dyn Fn() -> Arc<Live> + Send + Sync>,
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ui")
    }
}
