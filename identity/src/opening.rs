//! Opening a session so that no right outlives the account it came from.
//!
//! Owns one rule: **open first, then load the account again.** Whoever disables or changes an account writes the
//! account first and ends or rewrites its sessions after; so a session that was opened from what is no longer true is
//! either seen by them, or they are seen here, before the token was ever given out.

use std::time::Duration;

use doorward_config::Live;

use crate::account::Account;
use crate::session::{Amr, Ended, NewSession, Opened, Remembered};
use crate::{AccountId, Client, Fault, Identity};

/// How often opening starts over while an account keeps changing.
const ROUNDS: usize = 5;

/// What came of opening a session.
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
#[derive(Debug)]
pub(crate) enum Opening {
    /// It is open, and the account is still what it was opened from.
    Open(Opened),
    /// The account changed meanwhile: there is no session, and what was proven may be proven no more.
    Changed,
    /// The account may not be used any more: there is no session.
    Gone,
}

/// What a session is opened for, besides the account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub(crate) live: &'a Live,
    pub(crate) client: &'a Client,
    pub(crate) remembered: Remembered,
}

impl Occasion<'_> {
    fn life(&self) -> Duration {
        match self.remembered {
            Remembered::Yes => self.live.session.remember,
            Remembered::No => self.live.session.absolute,
        }
    }
}

/// Opens a session for `account` as it was when the person proved to be theirs.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked; then the token is lost with the answer.
pub(crate) async fn open(
    identity: &Identity,
    account: &Account,
    occasion: Occasion<'_>,
) -> Result<Opening, Fault> {
    if !account.enabled {
        return Ok(Opening::Gone);
    }
    let opened = identity
        .sessions
        .open(NewSession {
            account: account.id,
            rights: account.rights(),
            life: occasion.life(),
            remembered: occasion.remembered,
            amr: vec![Amr::Password],
            device: occasion.client.device.clone(),
            address: occasion.client.address,
        })
        .await?;
    let again = identity.accounts.find(account.id).await;
    if let Ok(Some(now)) = &again
        && now.enabled
        && now.version == account.version
    {
        return Ok(Opening::Open(opened));
    }
    identity
        .sessions
        .revoke(&opened.key, Ended::Revoked)
        .await?;
    Ok(match again? {
        Some(now) if now.enabled => Opening::Changed,
        Some(_) | None => Opening::Gone,
    })
}

/// Opens a session for an account that this very request made or proved, whatever changes meanwhile, unless it is
/// disabled or deleted.
///
/// # Errors
/// As [`open`]; [`Fault::Broken`] when the account never stays the same for long enough, or is gone.
pub(crate) async fn open_fresh(
    identity: &Identity,
    account: AccountId,
    occasion: Occasion<'_>,
) -> Result<Opened, Fault> {
    for _ in 0..ROUNDS {
        let Some(account) = identity.accounts.find(account).await? else {
            break;
        };
        match open(identity, &account, occasion).await? {
            Opening::Open(opened) => return Ok(opened),
            Opening::Changed => {}
            Opening::Gone => break,
        }
    }
    Err(Fault::broken(
        "the account ended or kept changing while its session was opened",
    ))
}
