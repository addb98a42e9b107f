//! Invitations: who may make an account where not everybody may.
//!
//! Owns the rows of `invite`. An invitation is for one address, works once and for a week; it proves the address, as
//! everything an operator says of an account does. Must not know what the account looks like.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use doorward_config::{Live, RegistrationMode};
use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::accounts;
use crate::audit::{By, Event};
use crate::codes::LinkToken;
use crate::database::entity::invite::{ActiveModel, Column, Entity, Model};
use crate::database::{DatabaseTransaction, in_time};
use crate::form::{Field, Problem, Problems};
use crate::mail::{self, Content, Letter, Recipient};
use crate::name::Login;
use crate::role::Role;
use crate::secret::Purpose;
use crate::{EmailAddress, Fault, Identity};

/// How long an invitation works.
pub const LIFE: Duration = Duration::from_hours(7 * 24);

/// What the link holds: 256 random bits. Handed on once; only a hash is kept.
pub struct InviteToken(LinkToken);

impl InviteToken {
    /// For the link: 43 characters of unpadded base64url (RFC 4648 §5).
    #[must_use]
    pub fn text(&self) -> String {
        self.0.text()
    }
}

impl fmt::Debug for InviteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteToken([hidden])")
    }
}

/// What came of inviting somebody.
#[must_use]
#[derive(Debug)]
pub enum Invited {
    /// The link works now; earlier ones to the same address do not any more.
    Done {
        /// For the link.
        token: InviteToken,
        /// Until when it works.
        until: Timestamp,
        /// Whether a mail with the link is on its way.
        mailed: Mailing,
    },
    /// This is no address, or somebody has an account with it.
    Invalid(Vec<Problem>),
    /// The configuration lets nobody make an account.
    Closed,
}

/// Whether a mail goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mailing {
    /// It waits in the outbox, for a running gateway to deliver.
    Queued,
    /// None: without `portal.url` there is no link to put into one.
    NoLink,
}

/// An invitation that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Whose it is, as the operator wrote it.
    pub address: EmailAddress,
    /// The account's roles; none means those of the configuration.
    pub(crate) roles: Vec<Role>,
    hash: Vec<u8>,
}

/// Invites somebody: makes a link, and mails it where mail can carry one.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn invite(
    identity: &Identity,
    live: &Live,
    email: &str,
    roles: &[Role],
    by: By<'_>,
) -> Result<Invited, Fault> {
    if live.registration.mode == RegistrationMode::Closed {
        return Ok(Invited::Closed);
    }
    let mut problems = Problems::default();
    let Some(address) = problems.email(email) else {
        return Ok(Invited::Invalid(problems.into_vec()));
    };
    let until = identity
        .clock
        .now()
        .checked_add(LIFE)
        .map_err(|error| Fault::broken_by("the clock is at its end", error))?;
    let token = LinkToken::generate(&*identity.random);
    let transaction = identity.database.write().await?;
    let holder = accounts::find_named(&transaction, &Login::Email(address.clone())).await?;
    if holder.is_some() {
        transaction.rollback().await?;
        return Ok(Invited::Invalid(vec![Problem::email_taken()]));
    }
    let row = ActiveModel {
        hash: Set(hash(identity, &token)?),
        address: Set(address.canonical().to_owned()),
        address_shown: Set(address.as_str().to_owned()),
        roles: Set(written(roles)),
        expires_at: Set(until.as_millisecond()),
    };
    Entity::delete_many()
        .filter(Column::Address.eq(address.canonical()))
        .exec(&transaction)
        .await?;
    Entity::insert(row)
        .exec_without_returning(&transaction)
        .await?;
    let mailed = push(identity, live, &transaction, (&address, &token, until)).await?;
    identity
        .audit
        .record_in(&transaction, &Event::InviteMade, None, by)
        .await?;
    transaction.commit().await?;
    Ok(Invited::Done {
        token: InviteToken(token),
        until,
        mailed,
    })
}

async fn push(
    identity: &Identity,
    live: &Live,
    transaction: &DatabaseTransaction,
    (address, token, until): (&EmailAddress, &LinkToken, Timestamp),
) -> Result<Mailing, Fault> {
    if live.portal.url.is_none() {
        return Ok(Mailing::NoLink);
    }
    let letter = Letter {
        to: Recipient::Address(address.as_str().to_owned()),
        content: Content::Invite {
            token: token.text(),
            until: until.as_millisecond(),
        },
        asked: None,
    };
    mail::push(identity, transaction, &letter).await?;
    Ok(Mailing::Queued)
}

/// The invitation that a link stands for, while it works. Looking uses nothing up.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn find(identity: &Identity, token: &str) -> Result<Option<Invitation>, Fault> {
    let Some(token) = LinkToken::parse(token) else {
        return Ok(None);
    };
    let row = live_row(identity, identity.database.reads(), hash(identity, &token)?).await?;
    row.map(read).transpose()
}

/// Uses an invitation up, if it still works; it counts if the transaction is committed.
pub(crate) async fn use_up(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    invitation: &Invitation,
) -> Result<Use, Fault> {
    let now = identity.clock.now().as_millisecond();
    let gone = Entity::delete_many()
        .filter(Column::Hash.eq(invitation.hash.clone()))
        .filter(Column::ExpiresAt.gt(now))
        .exec(transaction)
        .await?;
    Ok(if gone.rows_affected == 1 {
        Use::Done
    } else {
        Use::Gone
    })
}

/// What came of using an invitation.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Done,
    /// Somebody was quicker, or its time is over.
    Gone,
}

/// Forgets those whose time is over.
pub(crate) async fn prune(identity: &Identity) -> Result<(), Fault> {
    let now = identity.clock.now();
    identity
        .database
        .forget_over::<Entity>(Column::ExpiresAt, now)
        .await
}

async fn live_row(
    identity: &Identity,
    db: &impl ConnectionTrait,
    hash: Vec<u8>,
) -> Result<Option<Model>, Fault> {
    let now = identity.clock.now().as_millisecond();
    let works = Entity::find_by_id(hash).filter(Column::ExpiresAt.gt(now));
    in_time(works.one(db)).await
}

fn read(row: Model) -> Result<Invitation, Fault> {
    let roles = row
        .roles
        .split(',')
        .filter(|role| !role.is_empty())
        .map(Role::parse)
        .collect::<Result<_, _>>()
        .map_err(|error| Fault::broken_by("an invitation names no role", error))?;
    Ok(Invitation {
        address: EmailAddress::parse(&row.address_shown)
            .map_err(|error| Fault::broken_by("an invitation names no address", error))?,
        roles,
        hash: row.hash,
    })
}

fn written(roles: &[Role]) -> String {
    let mut words: Vec<_> = roles.iter().map(Role::as_str).collect();
    words.sort_unstable();
    words.dedup();
    words.join(",")
}

fn hash(identity: &Identity, token: &LinkToken) -> Result<Vec<u8>, Fault> {
    Ok(identity
        .secret
        .mac(Purpose::Invite, &[token.as_bytes()])?
        .to_vec())
}

impl Invitation {
    /// The problem of a form that came with another address.
    pub(crate) fn another_address(&self) -> Problem {
        Problem::new(
            Field::Email,
            format!("This invitation is for {}.", self.address.as_str()),
        )
    }
}
