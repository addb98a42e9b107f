//! The roles of accounts: the same words that the configuration knows.

use doorward_config::Live;

pub use doorward_config::{NotARole, Role};

/// The role of those who may administer Doorward itself.
pub const ADMIN: &str = Role::ADMIN;

/// The roles that a new account starts with, each once.
pub(crate) fn defaults(live: &Live) -> Vec<Role> {
    let mut roles = live.registration.default_roles.clone();
    roles.sort_unstable();
    roles.dedup();
    roles
}
