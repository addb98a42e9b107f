//! Proving the address of a new account, before its first session.
//!
//! The code, and the link too, count only in the browser that asked: a stranger may have registered with somebody's
//! address, and whoever follows the link out of that mail must not open the stranger's account to them.

#[cfg(test)]
mod tests;

use std::time::Duration;

use doorward_config::Live;

use crate::account::Account;
use crate::accounts;
use crate::audit::{By, CodeFor, Event};
use crate::change::{self, Changed, Edit};
use crate::codes::{self, Mailed, Offer, Order, Purpose, Redeemed};
use crate::database::DatabaseTransaction;
use crate::flow::FlowToken;
use crate::mail::budget::{self, Budget};
use crate::mail::{self, Asked, Content, Letter, Recipient};
use crate::opening::{self, Occasion, Opening};
use crate::session::{Ended, Opened, SessionKey};
use crate::tally::Note;
use crate::throttle::{Counter, Turn};
use crate::{Client, EmailAddress, Fault, Identity, half_way};

/// How long a code works (ASVS 5.0, 6.5.5).
pub const LIFE: Duration = Duration::from_mins(10);
/// What a person is told to wait when the account never stopped changing.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What came of showing a code.
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
#[derive(Debug)]
pub enum Verified {
    /// The address is proven, and the person is signed in.
    Welcome(Opened),
    /// The address is proven; the account has a second factor, which is asked for next, as by
    /// [`sign_in`](crate::sign_in).
    CodeNeeded(FlowToken),
    /// That is not the code (422).
    Wrong,
    /// There is nothing to prove in this browser (any more): sign in, and there will be another code.
    Gone,
    /// Too many tries before this one, which was not judged (429).
    Slow {
        /// When the next one will be judged.
        retry_after: Duration,
    },
}

/// What came of asking for another code.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resent {
    /// It is on its way; the one before is void.
    Sent,
    /// There is nothing to prove in this browser (any more).
    Gone,
    /// Too many before it: the last one still works (429).
    Slow {
        /// When to ask again.
        retry_after: Duration,
    },
}

/// Whether a link would work, in the right browser. Looking at it uses nothing up.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn look(identity: &Identity, link: &str) -> Result<Offer, Fault> {
    codes::look_at_link(identity, Purpose::VerifyEmail, link).await
}

/// Judges a code or a link in the browser that holds `flow`. `former` is the session that it carried until now.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked. The address may be proven then: signing in shows it.
pub async fn redeem(
    identity: &Identity,
    live: &Live,
    (flow, shown): (&FlowToken, Mailed<'_>),
    client: &Client,
    former: Option<SessionKey>,
) -> Result<Verified, Fault> {
    let counters = [Counter::codes(client.address, live.throttle)];
    if let Turn::Later { retry_after, kind } = identity.throttle.check(&counters).await? {
        identity.tally.note(Note::Throttled { kind });
        return Ok(Verified::Slow { retry_after });
    }
    let judged = match judge(identity, flow, shown, client).await? {
        Judged::Wrong => return Ok(Verified::Wrong),
        judged => judged,
    };
    identity.throttle.withdrawn(&counters).await?;
    let Judged::Proven(proven) = judged else {
        return Ok(Verified::Gone);
    };
    let (account, right) = *proven;
    budget::was_wanted(identity, live, &right.address, client).await?;
    let occasion = Occasion {
        live,
        client,
        remembered: right.remembered,
    };
    welcome(identity, account, occasion, former).await
}

enum Judged {
    Proven(Box<(Account, codes::Right)>),
    Wrong,
    Gone,
}

async fn judge(
    identity: &Identity,
    flow: &FlowToken,
    shown: Mailed<'_>,
    client: &Client,
) -> Result<Judged, Fault> {
    let by = By::Client(client);
    let which = (Purpose::VerifyEmail, flow.key());
    let transaction = identity.database.write().await?;
    let right = match codes::redeem(identity, &transaction, which, shown).await? {
        Redeemed::Right(right) => right,
        Redeemed::Wrong => {
            let event = Event::MailedCodeWrong(CodeFor::VerifyEmail);
            identity
                .audit
                .record_in(&transaction, &event, None, by)
                .await?;
            transaction.commit().await?;
            return Ok(Judged::Wrong);
        }
        Redeemed::Gone => {
            transaction.rollback().await?;
            return Ok(Judged::Gone);
        }
    };
    let Some(account) = find_owner(&transaction, &right).await? else {
        transaction.commit().await?;
        return Ok(Judged::Gone);
    };
    let edit = (account.id, Edit::VerifyEmail(identity.clock.now()));
    let changed = change::write(identity, &transaction, edit, by).await?;
    transaction.commit().await?;
    change::bring_in_line(identity, &changed, edit, by).await?;
    Ok(match changed {
        Changed::Done(account) | Changed::Already(account) => {
            Judged::Proven(Box::new((account, right)))
        }
        Changed::NotFound | Changed::LastAdmin => Judged::Gone,
    })
}

/// The account that a code belongs to, if it may be used and still has that address.
async fn find_owner(
    transaction: &DatabaseTransaction,
    right: &codes::Right,
) -> Result<Option<Account>, Fault> {
    let Some(id) = right.account else {
        return Ok(None);
    };
    let found = accounts::find(transaction, id).await?;
    Ok(found.filter(|account| account.enabled && has_address(account, &right.address)))
}

pub(crate) fn has_address(account: &Account, address: &EmailAddress) -> bool {
    EmailAddress::parse(&account.email).is_ok_and(|own| own.canonical() == address.canonical())
}

/// The password was right when the code was ordered, in this very browser.
async fn welcome(
    identity: &Identity,
    account: Account,
    occasion: Occasion<'_>,
    former: Option<SessionKey>,
) -> Result<Verified, Fault> {
    match opening::open(identity, &account, occasion).await? {
        Opening::Open(opened) => {
            if let Some(former) = &former {
                identity.sessions.end(former, Ended::Replaced).await?;
            }
            let event = Event::SignInSuccess;
            identity
                .audit
                .record(&event, Some(account.id), By::Client(occasion.client))
                .await?;
            Ok(Verified::Welcome(opened))
        }
        Opening::HalfWay => {
            let flow = half_way::begin(identity, &account, occasion.remembered).await?;
            Ok(Verified::CodeNeeded(flow))
        }
        // What was proven may be proven no more.
        Opening::Changed | Opening::Gone => Ok(Verified::Gone),
    }
}

/// Mails another code for what `flow` has to prove.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn resend(
    identity: &Identity,
    live: &Live,
    flow: &FlowToken,
    client: &Client,
) -> Result<Resent, Fault> {
    let which = (Purpose::VerifyEmail, flow.key());
    let Some(known) = codes::look(identity, which).await? else {
        return Ok(Resent::Gone);
    };
    if let Budget::Spent { retry_after } =
        budget::spend(identity, live, &known.address, client).await?
    {
        return Ok(Resent::Slow { retry_after });
    }
    let transaction = identity.database.write().await?;
    let order = Order {
        purpose: Purpose::VerifyEmail,
        flow: flow.key(),
        account: known.account,
        address: &known.address,
        remembered: known.remembered,
        life: LIFE,
    };
    order_code(identity, &transaction, order, client).await?;
    transaction.commit().await?;
    Ok(Resent::Sent)
}

/// What came of [`begin`].
#[must_use]
#[derive(Debug)]
pub(crate) enum Begun {
    Sent(FlowToken),
    Slow { retry_after: Duration },
}

/// For somebody whose password was right, and whose address is not proven.
pub(crate) async fn begin(
    identity: &Identity,
    live: &Live,
    account: &Account,
    occasion: Occasion<'_>,
) -> Result<Begun, Fault> {
    let client = occasion.client;
    let address = EmailAddress::parse(&account.email)
        .map_err(|error| Fault::broken_by("an account's address is none", error))?;
    if let Budget::Spent { retry_after } = budget::spend(identity, live, &address, client).await? {
        return Ok(Begun::Slow {
            retry_after: retry_after.max(RETRY_AFTER),
        });
    }
    let flow = FlowToken::generate(&*identity.random);
    let transaction = identity.database.write().await?;
    let order = Order {
        purpose: Purpose::VerifyEmail,
        flow: flow.key(),
        account: Some(account.id),
        address: &address,
        remembered: occasion.remembered,
        life: LIFE,
    };
    order_code(identity, &transaction, order, client).await?;
    let event = Event::EmailCodeSent;
    identity
        .audit
        .record_in(&transaction, &event, Some(account.id), By::Client(client))
        .await?;
    transaction.commit().await?;
    Ok(Begun::Sent(flow))
}

/// Makes a code and mails it; if it is nobody's, whoever has the address is told of it instead.
pub(crate) async fn order_code(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    order: Order<'_>,
    client: &Client,
) -> Result<(), Fault> {
    let issued = codes::issue(identity, transaction, order).await?;
    let address = order.address.as_str().to_owned();
    let (to, content) = match (order.account, order.purpose) {
        (Some(_), Purpose::ChangeEmail) => (
            Recipient::Address(address),
            Content::ProveEmail(issued.into()),
        ),
        (Some(_), _) => (Recipient::Address(address), Content::Verify(issued.into())),
        (None, _) => (Recipient::Owner(address), Content::AddressTaken),
    };
    let letter = Letter {
        to,
        content,
        asked: Some(Asked::from(client)),
    };
    mail::push(identity, transaction, &letter).await
}
