//! The second factor: a code from an authenticator app (TOTP, RFC 6238), or one of ten recovery codes.
//!
//! Owns the secret that the app shares with us, the codes, and the promise that each counts once: a time step and a
//! recovery code are spent in the database by a condition, so of two hundred tries at once on any number of gateways
//! one succeeds. Must not know passwords, nor what is signed in to: [`sign_in`](crate::sign_in) does.
//!
//! A step is 30 seconds, and the one before and the one after it are accepted too, because clocks of phones are off.
//! A code is therefore good for up to 90 seconds, where ASVS 5.0 6.5.5 asks for 30; it still counts only once, and
//! with it every earlier one is void.

mod app;
mod enrol;
mod own;
mod recovery;
mod spend;
#[cfg(test)]
mod tests;
mod typed;

use jiff::Timestamp;

use crate::{AccountId, Fault, Identity};

pub use app::{AppKey, CODE_LENGTH};
pub(crate) use enrol::is_open;
pub use enrol::{Begun, Confirmation, Confirmed, Enrolment, begin, confirm, look};
pub use own::{Regenerated, TurnedOff, regenerate, turn_off};
pub(crate) use recovery::{
    CodeHash, forget as forget_codes, replace as replace_codes, tell as tell_of_recovery,
};
pub use recovery::{RECOVERY_CODES, RecoveryCode};
pub(crate) use spend::{Right, Spent, find, spend, spend_enrolment};

/// How the second factor of an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is not asked for.
    Off,
    /// It is asked for at every sign-in.
    On {
        /// When it was turned on.
        since: Timestamp,
        /// How many recovery codes were not used yet.
        codes_left: u64,
    },
}

/// How it stands with this account.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked, [`Fault::Broken`] when there is no such account.
pub async fn standing(identity: &Identity, account: AccountId) -> Result<Standing, Fault> {
    let account = identity.accounts.find(account).await?;
    let account = account.ok_or_else(|| Fault::broken("the account is gone"))?;
    Ok(match account.two_factor_since {
        None => Standing::Off,
        Some(since) => Standing::On {
            since,
            codes_left: recovery::count(identity, account.id).await?,
        },
    })
}
