//! Opening a session so that no right outlives the account it came from.
//!
//! Owns one rule: **open first, then load the account again.** Whoever disables or changes an account writes the
//! account first and ends or rewrites its sessions after; so a session that was opened from what is no longer true is
//! either seen by them, or they are seen here, before the token was ever given out.
//!
//! A second: what is opened in the place of another session is open only if that one still was; else it would come back
//! after somebody ended it.
//!
//! And a third: whoever has a second factor gets no session without it, whichever way they come.

use std::time::Duration;

use doorward_config::Live;
use jiff::Timestamp;

use crate::account::Account;
use crate::session::{Amr, Ended, Family, NewSession, Opened, Record, Remembered, SessionKey};
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
    /// The account has a second factor, which was not shown: there is no session.
    HalfWay,
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

/// How a session is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) client: &'a Client,
    pub(crate) remembered: Remembered,
    /// How long it lives at most.
    pub(crate) life: Duration,
    /// What was proven.
    pub(crate) amr: &'a [Amr],
    /// When, if that was before now.
    pub(crate) auth_time: Option<Timestamp>,
    /// The sign-in that it goes on, if it is not one of its own.
    pub(crate) family: Option<&'a Family>,
}

impl<'a> Terms<'a> {
    /// For a session that goes on what `former` began: it ends when that one would have.
    pub(crate) fn as_before(
        (former, family): (&Record, &'a Family),
        now: Timestamp,
        amr: &'a [Amr],
        client: &'a Client,
    ) -> Self {
        Self {
            client,
            remembered: former.remembered,
            life: Duration::try_from(former.ends_at.duration_since(now)).unwrap_or(Duration::ZERO),
            amr,
            auth_time: None,
            family: Some(family),
        }
    }
}

impl<'a> Occasion<'a> {
    /// For a session of somebody who has just proven this.
    pub(crate) fn terms(self, amr: &'a [Amr]) -> Terms<'a> {
        Terms {
            client: self.client,
            remembered: self.remembered,
            life: self.life(),
            amr,
            auth_time: None,
            family: None,
        }
    }

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
    open_on(identity, account, occasion.terms(&[Amr::Password])).await
}

/// As [`open`], on other terms.
///
/// # Errors
/// As [`open`].
pub(crate) async fn open_on(
    identity: &Identity,
    account: &Account,
    terms: Terms<'_>,
) -> Result<Opening, Fault> {
    if !account.enabled {
        return Ok(Opening::Gone);
    }
    let has_code = terms.amr.contains(&Amr::OneTimeCode);
    if account.mfa_enabled() && !has_code {
        return Ok(Opening::HalfWay);
    }
    if has_code && !account.mfa_enabled() {
        // A second factor that the account has no more proves nothing.
        return Ok(Opening::Changed);
    }
    let opened = identity
        .sessions
        .open(NewSession {
            account: account.id,
            rights: account.rights(),
            life: terms.life,
            remembered: terms.remembered,
            amr: terms.amr.to_vec(),
            auth_time: terms.auth_time,
            family: terms.family.cloned(),
            device: terms.client.device.clone(),
            address: terms.client.address,
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
    open_fresh_on(identity, account, occasion.terms(&[Amr::Password])).await
}

/// As [`open_fresh`], on other terms.
///
/// # Errors
/// As [`open_fresh`].
pub(crate) async fn open_fresh_on(
    identity: &Identity,
    account: AccountId,
    terms: Terms<'_>,
) -> Result<Opened, Fault> {
    for _ in 0..ROUNDS {
        let Some(account) = identity.accounts.find(account).await? else {
            break;
        };
        match open_on(identity, &account, terms).await? {
            Opening::Open(opened) => return Ok(opened),
            Opening::Changed => {}
            Opening::HalfWay | Opening::Gone => break,
        }
    }
    Err(Fault::broken(
        "the account ended or kept changing while its session was opened",
    ))
}

/// As [`open_fresh_on`], in the place of `former`, which ends. Nothing if that has ended meanwhile: whoever ended it
/// meant this one too.
///
/// # Errors
/// As [`open_fresh`].
pub(crate) async fn replace_fresh(
    identity: &Identity,
    account: AccountId,
    (former, reason): (&SessionKey, Ended),
    terms: Terms<'_>,
) -> Result<Option<Opened>, Fault> {
    let heir = open_fresh_on(identity, account, terms).await?;
    succeed(identity, heir, (former, reason)).await
}

/// Ends `former`, whose place `heir` takes; or `heir`, if there was none any more.
///
/// # Errors
/// [`Fault::StoreAway`] when the store cannot be asked; then the token is lost with the answer.
pub(crate) async fn succeed(
    identity: &Identity,
    heir: Opened,
    (former, reason): (&SessionKey, Ended),
) -> Result<Option<Opened>, Fault> {
    if identity.sessions.revoke(former, reason).await?.is_some() {
        return Ok(Some(heir));
    }
    identity.sessions.revoke(&heir.key, Ended::Revoked).await?;
    Ok(None)
}
