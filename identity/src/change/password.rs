//! A new password: set by an operator, or changed by the person who knows the old one.

#[cfg(test)]
mod tests;

use std::time::Duration;

use doorward_config::Live;

use super::{Changed, Edit, change};
use crate::account::Account;
use crate::audit::{By, Event};
use crate::form::{Field, Problem};
use crate::opening::{self, Occasion};
use crate::password::{Hashed, PasswordHash, judge};
use crate::proof::{Checked, check_password, is_complete};
use crate::session::{Ended, Opened, SessionKey};
use crate::{AccountId, Client, Fault, Identity};

/// What came of [`set_password`].
#[must_use]
#[derive(Debug)]
pub enum SetPassword {
    /// It is the password, and every session has ended.
    Done,
    /// There is no such account.
    NotFound,
    /// The old one stays: this is wrong with the new one.
    Invalid(Vec<Problem>),
    /// Too much to do.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

/// Sets a password by an operator's word, and ends every session of the account.
///
/// # Errors
/// As [`super::enable`].
pub async fn set_password(
    identity: &Identity,
    live: &Live,
    account: AccountId,
    password: &str,
    by: By<'_>,
) -> Result<SetPassword, Fault> {
    let Some(known) = identity.accounts.find(account).await? else {
        return Ok(SetPassword::NotFound);
    };
    let hash = match rehash(identity, live, &known, password).await? {
        New::Hash(hash) => hash,
        New::Invalid(problems) => return Ok(SetPassword::Invalid(problems)),
        New::Busy(retry_after) => return Ok(SetPassword::Busy { retry_after }),
    };
    match change(identity, account, Edit::SetPassword(&hash), by).await? {
        Changed::Done(_) | Changed::Already(_) => Ok(SetPassword::Done),
        Changed::NotFound | Changed::LastAdmin => Ok(SetPassword::NotFound),
    }
}

/// A person's wish for another password.
#[derive(Debug, Clone, Copy)]
pub struct PasswordChange<'a> {
    /// Whose.
    pub account: AccountId,
    /// The password so far, as typed.
    pub current: &'a str,
    /// The new one, as typed.
    pub password: &'a str,
    /// The session in which it is asked for.
    pub session: SessionKey,
}

/// What came of [`change_password`].
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
#[derive(Debug)]
pub enum ChangedPassword {
    /// It is the password. Every session has ended, the one it was asked in too: this one took its place.
    Done(Opened),
    /// It is the password, and every session has ended: somebody ended the one it was asked in meanwhile.
    SignedOut,
    /// The password so far is another one.
    Wrong,
    /// The old one stays: this is wrong with the new one.
    Invalid(Vec<Problem>),
    /// Too many wrong tries before this one, which was not judged.
    Slow {
        /// When the next one will be judged.
        retry_after: Duration,
    },
    /// Too much to do.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

/// Changes a password for somebody who knows it, and gives their browser a new session in place of all they had.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked.
pub async fn change_password(
    identity: &Identity,
    live: &Live,
    wish: PasswordChange<'_>,
    client: &Client,
) -> Result<ChangedPassword, Fault> {
    let session = identity
        .sessions
        .find(&wish.session, live.session.idle)
        .await?;
    let known = identity.accounts.find(wish.account).await?;
    // Without a live session of one's own and an account that may be used there is nothing to change.
    let (Some(session), Some(known)) = (session, known) else {
        return Ok(ChangedPassword::Wrong);
    };
    let is_theirs = session.record.account == wish.account && known.enabled;
    if !is_theirs || !is_complete(&session.record, &known) {
        return Ok(ChangedPassword::Wrong);
    }
    match check_password(identity, live, &known, wish.current, client).await? {
        Checked::Right => {}
        Checked::Wrong => {
            let event = Event::PasswordChangeRefused;
            identity
                .audit
                .record(&event, Some(known.id), By::Client(client))
                .await?;
            return Ok(ChangedPassword::Wrong);
        }
        Checked::Slow { retry_after } => return Ok(ChangedPassword::Slow { retry_after }),
        Checked::Busy { retry_after } => return Ok(ChangedPassword::Busy { retry_after }),
    }
    let hash = match rehash(identity, live, &known, wish.password).await? {
        New::Hash(hash) => hash,
        New::Invalid(problems) => return Ok(ChangedPassword::Invalid(problems)),
        New::Busy(retry_after) => return Ok(ChangedPassword::Busy { retry_after }),
    };
    let edit = Edit::ChangePassword(&hash, &wish.session);
    match change(identity, known.id, edit, By::Client(client)).await? {
        Changed::Done(_) | Changed::Already(_) => {}
        Changed::NotFound | Changed::LastAdmin => return Ok(ChangedPassword::Wrong),
    }
    let occasion = Occasion {
        live,
        client,
        remembered: session.record.remembered,
    };
    // What the session had shown besides the password still holds.
    let family = session.record.heir(&wish.session);
    let mut terms = occasion.terms(&session.record.amr);
    terms.family = Some(&family);
    let former = (&wish.session, Ended::PasswordChanged);
    let opened = opening::replace_fresh(identity, known.id, former, terms).await?;
    Ok(opened.map_or(ChangedPassword::SignedOut, ChangedPassword::Done))
}

enum New {
    Hash(PasswordHash),
    Invalid(Vec<Problem>),
    Busy(Duration),
}

async fn rehash(
    identity: &Identity,
    live: &Live,
    known: &Account,
    typed: &str,
) -> Result<New, Fault> {
    let password = match judge(typed, known.person(), live.password) {
        Ok(password) => password,
        Err(weakness) => {
            return Ok(New::Invalid(vec![Problem::new(
                Field::Password,
                weakness.to_string(),
            )]));
        }
    };
    Ok(match identity.passwords.hash(password).await? {
        Hashed::Done(hash) => New::Hash(hash),
        Hashed::Busy { retry_after } => New::Busy(retry_after),
    })
}
