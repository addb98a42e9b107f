//! Choosing a new password for somebody who forgot the old one.
//!
//! Asking takes the same steps whether anybody has that address or not, and looks nobody up: that is done when the mail
//! is delivered, and when the code comes back. A code is exchanged for a permit, in the browser that typed it; the
//! permit lets the password be set, once. Nobody is signed in by it, and a second factor stays what it was.

mod new_password;
#[cfg(test)]
mod tests;

use std::time::Duration;

use doorward_config::Live;

use crate::accounts;
use crate::audit::{By, CodeFor, Event};
use crate::codes::{self, Mailed, Offer, Order, Purpose, Redeemed};
use crate::database::DatabaseTransaction;
use crate::flow::FlowToken;
use crate::form::{Problem, Problems};
use crate::mail::budget::{self, Budget};
use crate::mail::{self, Asked, Content, Letter, Recipient};
use crate::name::Login;
use crate::session::Remembered;
use crate::tally::{Note, RecoveryOutcome};
use crate::throttle::{Counter, Turn};
use crate::{Client, EmailAddress, Fault, Identity};

pub use new_password::{NewPassword, set_password};

/// How long there is to choose a password, once the code was right.
const PERMIT_LIFE: Duration = Duration::from_mins(15);

/// What came of asking for a code.
#[must_use]
#[derive(Debug)]
pub enum Began {
    /// If anybody has that address, a code is on its way to it. The browser keeps the token.
    Sent(FlowToken),
    /// That is no address (422).
    Invalid(Vec<Problem>),
    /// Too many before it (429).
    Slow {
        /// When to ask again.
        retry_after: Duration,
    },
}

/// What came of showing a code or a link.
#[must_use]
#[derive(Debug)]
pub enum Checked {
    /// It was right. This token takes the place of the one before: with it a password may be set.
    Right(FlowToken),
    /// That is not the code (422).
    Wrong,
    /// The time or the tries are over, or it was used before: begin again.
    Gone,
    /// Too many tries before this one, which was not judged (429).
    Slow {
        /// When the next one will be judged.
        retry_after: Duration,
    },
}

/// Orders a code for whoever has that address.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn begin(
    identity: &Identity,
    live: &Live,
    email: &str,
    client: &Client,
) -> Result<Began, Fault> {
    let began = order(identity, live, email, client).await;
    note(
        identity,
        match &began {
            Ok(Began::Sent(_)) => RecoveryOutcome::Requested,
            Ok(Began::Invalid(_)) => RecoveryOutcome::Invalid,
            Ok(Began::Slow { .. }) => RecoveryOutcome::RateLimited,
            Err(_) => RecoveryOutcome::Error,
        },
    );
    began
}

async fn order(
    identity: &Identity,
    live: &Live,
    email: &str,
    client: &Client,
) -> Result<Began, Fault> {
    let mut problems = Problems::default();
    let Some(address) = problems.email(email) else {
        return Ok(Began::Invalid(problems.into_vec()));
    };
    if let Budget::Spent { retry_after } = budget::spend(identity, live, &address, client).await? {
        return Ok(Began::Slow { retry_after });
    }
    let flow = FlowToken::generate(&*identity.random);
    let order = Order {
        purpose: Purpose::Recover,
        flow: flow.key(),
        account: None,
        address: &address,
        remembered: Remembered::No,
        life: live.recovery.code_life,
    };
    let transaction = identity.database.write().await?;
    let issued = codes::issue(identity, &transaction, order).await?;
    let letter = Letter {
        to: Recipient::Owner(address.as_str().to_owned()),
        content: Content::Recover(issued.into()),
        asked: Some(Asked::from(client)),
    };
    mail::push(identity, &transaction, &letter).await?;
    identity
        .audit
        .record_in(
            &transaction,
            &Event::RecoveryAsked,
            None,
            By::Client(client),
        )
        .await?;
    transaction.commit().await?;
    Ok(Began::Sent(flow))
}

/// Whether a link would work. Looking at it uses nothing up.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn look(identity: &Identity, link: &str) -> Result<Offer, Fault> {
    codes::look_at_link(identity, Purpose::Recover, link).await
}

/// Whether a password may be set in the browser that holds `permit`.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn look_at_permit(identity: &Identity, permit: &FlowToken) -> Result<Offer, Fault> {
    let found = codes::look(identity, (Purpose::SetPassword, permit.key())).await?;
    Ok(found.map_or(Offer::Gone, |_| Offer::Valid))
}

/// Judges a code in the browser that asked for it.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn check_code(
    identity: &Identity,
    live: &Live,
    (flow, code): (&FlowToken, &str),
    client: &Client,
) -> Result<Checked, Fault> {
    check(identity, live, Shown::Code(flow, code), client).await
}

/// Judges a link, in any browser.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn use_link(
    identity: &Identity,
    live: &Live,
    link: &str,
    client: &Client,
) -> Result<Checked, Fault> {
    check(identity, live, Shown::Link(link), client).await
}

#[derive(Clone, Copy)]
enum Shown<'a> {
    Code(&'a FlowToken, &'a str),
    Link(&'a str),
}

async fn check(
    identity: &Identity,
    live: &Live,
    shown: Shown<'_>,
    client: &Client,
) -> Result<Checked, Fault> {
    let checked = judge(identity, live, shown, client).await;
    note(
        identity,
        match &checked {
            Ok(Checked::Right(_)) => RecoveryOutcome::CodeRight,
            Ok(Checked::Wrong) => RecoveryOutcome::CodeWrong,
            Ok(Checked::Gone) => RecoveryOutcome::Gone,
            Ok(Checked::Slow { .. }) => RecoveryOutcome::RateLimited,
            Err(_) => RecoveryOutcome::Error,
        },
    );
    checked
}

async fn judge(
    identity: &Identity,
    live: &Live,
    shown: Shown<'_>,
    client: &Client,
) -> Result<Checked, Fault> {
    let counters = [Counter::codes(client.address, live.throttle)];
    if let Turn::Later { retry_after, kind } = identity.throttle.check(&counters).await? {
        identity.tally.note(Note::Throttled { kind });
        return Ok(Checked::Slow { retry_after });
    }
    let transaction = identity.database.write().await?;
    let redeemed = match shown {
        Shown::Code(flow, code) => {
            let which = (Purpose::Recover, flow.key());
            codes::redeem(identity, &transaction, which, Mailed::Code(code)).await?
        }
        Shown::Link(link) => {
            codes::redeem_link(identity, &transaction, Purpose::Recover, link).await?
        }
    };
    let checked = match redeemed {
        Redeemed::Right(right) => {
            let permitted = permit(identity, &transaction, &right.address, client).await?;
            transaction.commit().await?;
            budget::was_wanted(identity, live, &right.address, client).await?;
            permitted.map_or(Checked::Gone, Checked::Right)
        }
        Redeemed::Wrong => {
            let event = Event::MailedCodeWrong(CodeFor::Recovery);
            identity
                .audit
                .record_in(&transaction, &event, None, By::Client(client))
                .await?;
            transaction.commit().await?;
            return Ok(Checked::Wrong);
        }
        Redeemed::Gone => {
            transaction.rollback().await?;
            Checked::Gone
        }
    };
    identity.throttle.withdrawn(&counters).await?;
    Ok(checked)
}

/// A new token: one that was planted in somebody's browser before must not become a permit.
async fn permit(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    address: &EmailAddress,
    client: &Client,
) -> Result<Option<FlowToken>, Fault> {
    let found = accounts::find_named(transaction, &Login::Email(address.clone())).await?;
    let Some(account) = found.filter(|account| account.enabled) else {
        return Ok(None);
    };
    let permit = FlowToken::generate(&*identity.random);
    let order = Order {
        purpose: Purpose::SetPassword,
        flow: permit.key(),
        account: Some(account.id),
        address,
        remembered: Remembered::No,
        life: PERMIT_LIFE,
    };
    codes::permit(identity, transaction, order).await?;
    let event = Event::RecoveryProven;
    identity
        .audit
        .record_in(transaction, &event, Some(account.id), By::Client(client))
        .await?;
    Ok(Some(permit))
}

fn note(identity: &Identity, outcome: RecoveryOutcome) {
    identity.tally.note(Note::Recovery { outcome });
}
