//! One file a page: `get` shows it, `post` does what its form says.

pub(crate) mod account;
mod fields;
pub(crate) mod handover;
pub(crate) mod leave;
pub(crate) mod login;
pub(crate) mod login_code;
pub(crate) mod logout;
pub(crate) mod recover;
pub(crate) mod register;
pub(crate) mod setup;
pub(crate) mod verify;
