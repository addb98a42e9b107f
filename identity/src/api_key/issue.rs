//! Making a key.

use std::fmt;
use std::time::Duration;

use super::{ApiKey, KeyId, KeySecret, Scope, rows};
use crate::audit::{By, Event};
use crate::database::DatabaseTransaction;
use crate::mail::{self, Asked, Content, Letter, Recipient};
use crate::proof::Again;
use crate::{AccountId, Client, Fault, Identity, accounts};

/// Most keys of one account.
pub const MOST: usize = 50;
/// The least that a key lives.
pub const SHORTEST_LIFE: Duration = Duration::from_mins(1);
/// How long a key lives unless it is said.
pub const USUAL_LIFE: Duration = Duration::from_hours(90 * 24);
/// The most that a key lives.
pub const LONGEST_LIFE: Duration = Duration::from_hours(366 * 24);
/// Longest name, in characters.
const NAME: usize = 64;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey<'a> {
    /// What its owner calls it.
    pub name: &'a str,
    /// Where it is good.
    pub scope: Scope,
    /// How long.
    pub life: Duration,
}

/// What came of making a key.
#[must_use]
#[derive(Debug)]
pub enum Issued {
    /// It is good now. The secret is told this once.
    Done {
        /// The key.
        key: Box<ApiKey>,
        /// What proves it.
        secret: KeySecret,
    },
    /// Something about it cannot be.
    Unfit(Unfit),
    /// The account has [`MOST`] of them.
    TooMany,
    /// There is no such account, or it may not be used.
    NoAccount,
}

/// What is wrong with a key to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The name.
    Name,
    /// How long it would live.
    Life,
    /// How much its scope lists.
    Scope,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "A name of 1 to 64 characters.",
            Self::Life => "From one minute to 366 days.",
            Self::Scope => "At most 32 of each, and no path over 1024 characters.",
        })
    }
}

/// Makes a key for somebody who has just proven again who they are.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn issue_own(
    identity: &Identity,
    again: &Again,
    new: NewKey<'_>,
    client: &Client,
) -> Result<Issued, Fault> {
    issue(identity, again.account().id, new, By::Client(client)).await
}

/// Makes a key by the word of whoever may run commands on this machine.
///
/// # Errors
/// As [`issue_own`].
pub async fn issue_for(
    identity: &Identity,
    account: AccountId,
    new: NewKey<'_>,
) -> Result<Issued, Fault> {
    issue(identity, account, new, By::Command).await
}

async fn issue(
    identity: &Identity,
    account: AccountId,
    new: NewKey<'_>,
    by: By<'_>,
) -> Result<Issued, Fault> {
    let name = new.name.trim();
    if let Some(unfit) = unfit(name, &new) {
        return Ok(Issued::Unfit(unfit));
    }
    let now = identity.clock.now();
    let expires_at = now
        .checked_add(new.life)
        .map_err(|error| Fault::broken_by("the clock is at its end", error))?;
    let key = ApiKey {
        id: KeyId::generate(&*identity.random),
        account,
        name: name.to_owned(),
        scope: new.scope,
        created_at: now,
        expires_at,
        last_used_at: None,
    };
    let secret = KeySecret::generate(&*identity.random);
    let transaction = identity.database.write().await?;
    let owner = accounts::find(&transaction, account).await?;
    let Some(owner) = owner.filter(|owner| owner.enabled) else {
        transaction.rollback().await?;
        return Ok(Issued::NoAccount);
    };
    if rows::good(&transaction, Some(account), now).await?.len() >= MOST {
        transaction.rollback().await?;
        return Ok(Issued::TooMany);
    }
    rows::insert(&transaction, &secret.key(), &key).await?;
    if let Some(address) = owner.verified_email() {
        tell(identity, &transaction, (address, &key.name), by).await?;
    }
    let event = Event::ApiKeyMade(key.id.clone());
    let audit = &identity.audit;
    audit
        .record_in(&transaction, &event, Some(account), by)
        .await?;
    transaction.commit().await?;
    let key = Box::new(key);
    Ok(Issued::Done { key, secret })
}

fn unfit(name: &str, new: &NewKey<'_>) -> Option<Unfit> {
    let unseen = |c: char| c != ' ' && crate::name::is_unseen(c);
    if name.is_empty() || name.chars().count() > NAME || name.chars().any(unseen) {
        Some(Unfit::Name)
    } else if !(SHORTEST_LIFE..=LONGEST_LIFE).contains(&new.life) {
        Some(Unfit::Life)
    } else if !new.scope.fits() {
        Some(Unfit::Scope)
    } else {
        None
    }
}

/// Tells the owner. An address that nobody proved may be a stranger's: it is told nothing.
async fn tell(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    (address, name): (&str, &str),
    by: By<'_>,
) -> Result<(), Fault> {
    let letter = Letter {
        to: Recipient::Address(address.to_owned()),
        content: Content::ApiKeyMade {
            name: name.to_owned(),
        },
        asked: match by {
            By::Client(client) => Some(Asked::from(client)),
            By::Command => None,
        },
    };
    mail::push(identity, transaction, &letter).await
}
