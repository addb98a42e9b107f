//! Another address for an account: the new one proves itself, the old one is told.
//!
//! The code and the link count only in the session that asked. Whether somebody else has the address is not told, as
//! long as addresses are verified at all.

#[cfg(test)]
mod tests;

use std::time::Duration;

use doorward_config::{Live, VerifyEmail};

use crate::account::Account;
use crate::accounts;
use crate::audit::{By, CodeFor, Event};
use crate::change::{self, Changed, Edit};
use crate::codes::{self, Mailed, Offer, Order, Purpose, Redeemed};
use crate::database::DatabaseTransaction;
use crate::flow::FlowKey;
use crate::form::{Field, Problem, Problems};
use crate::mail::budget::{self, Budget};
use crate::name::Login;
use crate::proof::Again;
use crate::session::{Remembered, SessionKey};
use crate::tally::Note;
use crate::throttle::{Counter, Turn};
use crate::verify_email::{LIFE, has_address, order_code};
use crate::{AccountId, Client, EmailAddress, Fault, Identity};

/// What came of asking for another address.
#[must_use]
#[derive(Debug)]
pub enum EmailChange {
    /// A code is on its way to it, unless somebody has it already: nobody is told which.
    Sent,
    /// Addresses are not verified here: it is the account's address now.
    Changed,
    /// The old one stays: this is wrong with the new one (422).
    Invalid(Vec<Problem>),
    /// Too much mail before it (429).
    Slow {
        /// When to ask again.
        retry_after: Duration,
    },
}

/// What came of proving another address.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfirmedEmail {
    /// It is the account's address, and every session of the person knows it.
    Done,
    /// That is not the code (422).
    Wrong,
    /// There is nothing to prove in this session (any more).
    Gone,
    /// Somebody else was quicker: it is theirs now.
    Taken,
    /// Too many tries before this one, which was not judged (429).
    Slow {
        /// When the next one will be judged.
        retry_after: Duration,
    },
}

/// Asks for another address, for somebody who has [proven again](crate::proof::prove) who they are.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked.
pub async fn begin(
    identity: &Identity,
    live: &Live,
    again: &Again,
    email: &str,
    client: &Client,
) -> Result<EmailChange, Fault> {
    let account = again.account();
    let address = match read(live, account, email) {
        Ok(address) => address,
        Err(problems) => return Ok(EmailChange::Invalid(problems)),
    };
    if live.registration.verify_email == VerifyEmail::Off {
        return change_at_once(identity, account, &address, client).await;
    }
    if let Budget::Spent { retry_after } = budget::spend(identity, live, &address, client).await? {
        return Ok(EmailChange::Slow { retry_after });
    }
    let transaction = identity.database.write().await?;
    let holder = accounts::find_named(&transaction, &Login::Email(address.clone())).await?;
    let order = Order {
        purpose: Purpose::ChangeEmail,
        flow: FlowKey::of_session(again.session()),
        account: holder.is_none().then_some(account.id),
        address: &address,
        remembered: Remembered::No,
        life: LIFE,
    };
    order_code(identity, &transaction, order, client).await?;
    let event = Event::EmailChangeAsked;
    identity
        .audit
        .record_in(&transaction, &event, Some(account.id), By::Client(client))
        .await?;
    transaction.commit().await?;
    Ok(EmailChange::Sent)
}

fn read(live: &Live, account: &Account, email: &str) -> Result<EmailAddress, Vec<Problem>> {
    let mut problems = Problems::default();
    let address = problems.free_email(email, &live.registration);
    match address {
        Some(address) if has_address(account, &address) => Err(vec![Problem::new(
            Field::Email,
            "This is your address already.",
        )]),
        Some(address) => Ok(address),
        None => Err(problems.into_vec()),
    }
}

async fn change_at_once(
    identity: &Identity,
    account: &Account,
    address: &EmailAddress,
    client: &Client,
) -> Result<EmailChange, Fault> {
    let transaction = identity.database.write().await?;
    match write(identity, transaction, (account.id, address, None), client).await? {
        Written::Done => Ok(EmailChange::Changed),
        Written::Taken => Ok(EmailChange::Invalid(vec![Problem::email_taken()])),
        Written::Gone => Err(Fault::broken(
            "whoever changes their address has no account",
        )),
    }
}

/// Whether a link would work, in the right session. Looking at it uses nothing up.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn look(identity: &Identity, link: &str) -> Result<Offer, Fault> {
    codes::look_at_link(identity, Purpose::ChangeEmail, link).await
}

/// The address that waits to be proven in a session, as it was typed.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn pending(
    identity: &Identity,
    session: &SessionKey,
) -> Result<Option<EmailAddress>, Fault> {
    let which = (Purpose::ChangeEmail, FlowKey::of_session(session));
    let found = codes::look(identity, which).await?;
    Ok(found.map(|right| right.address))
}

/// Judges a code or a link in the session that asked for it. The caller knows whose session that is.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked. The address may be changed then and sessions not know it yet.
pub async fn confirm(
    identity: &Identity,
    live: &Live,
    (account, session): (AccountId, &SessionKey),
    shown: Mailed<'_>,
    client: &Client,
) -> Result<ConfirmedEmail, Fault> {
    let counters = [Counter::codes(client.address, live.throttle)];
    if let Turn::Later { retry_after, kind } = identity.throttle.check(&counters).await? {
        identity.tally.note(Note::Throttled { kind });
        return Ok(ConfirmedEmail::Slow { retry_after });
    }
    let which = (Purpose::ChangeEmail, FlowKey::of_session(session));
    let transaction = identity.database.write().await?;
    let confirmed = match codes::redeem(identity, &transaction, which, shown).await? {
        Redeemed::Right(right) if right.account == Some(account) => {
            let at = Some(identity.clock.now());
            let edit = (account, &right.address, at);
            let written = write(identity, transaction, edit, client).await?;
            budget::was_wanted(identity, live, &right.address, client).await?;
            match written {
                Written::Done => ConfirmedEmail::Done,
                Written::Taken => ConfirmedEmail::Taken,
                Written::Gone => ConfirmedEmail::Gone,
            }
        }
        Redeemed::Wrong => {
            let event = Event::MailedCodeWrong(CodeFor::EmailChange);
            identity
                .audit
                .record_in(&transaction, &event, Some(account), By::Client(client))
                .await?;
            transaction.commit().await?;
            return Ok(ConfirmedEmail::Wrong);
        }
        Redeemed::Right(_) | Redeemed::Gone => {
            transaction.rollback().await?;
            ConfirmedEmail::Gone
        }
    };
    identity.throttle.withdrawn(&counters).await?;
    Ok(confirmed)
}

enum Written {
    Done,
    Taken,
    Gone,
}

/// Commits in any case: a code is used up even if it came too late.
async fn write(
    identity: &Identity,
    transaction: DatabaseTransaction,
    (account, address, verified_at): (AccountId, &EmailAddress, Option<jiff::Timestamp>),
    client: &Client,
) -> Result<Written, Fault> {
    let by = By::Client(client);
    if accounts::find_named(&transaction, &Login::Email(address.clone()))
        .await?
        .is_some()
    {
        transaction.commit().await?;
        return Ok(Written::Taken);
    }
    let edit = (account, Edit::Email(address, verified_at));
    let changed = change::write(identity, &transaction, edit, by).await?;
    transaction.commit().await?;
    change::bring_in_line(identity, &changed, edit, by).await?;
    Ok(match changed {
        Changed::Done(_) | Changed::Already(_) => Written::Done,
        Changed::NotFound | Changed::LastAdmin => Written::Gone,
    })
}
