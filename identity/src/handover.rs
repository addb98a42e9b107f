//! From the portal's host to another one: a session there for whoever has one here.
//!
//! Owns the tickets. One is for one origin and one browser, which shows a [`FlowToken`] there whose
//! [`Challenge`] was named here; it counts for a minute, and is used up when it is first shown, with whatever. On its
//! way it is in an address, so whoever reads it must be able to do nothing with it: the browser that was sent with it
//! has shown it before, even if somebody else named the challenge. Must not know how browsers are sent around.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use doorward_config::Live;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Select};
use subtle::ConstantTimeEq;

use crate::audit::{By, Event};
use crate::codes::LinkToken;
use crate::database::entity::ticket::{ActiveModel, Column, Entity};
use crate::database::in_time;
use crate::flow::{Challenge, FlowToken};
use crate::opening::{self, Opening, Terms};
use crate::secret::Purpose;
use crate::session::{Ended, Family, Opened, SessionKey, Snapshot};
use crate::{Client, Fault, Identity};

/// How long a ticket works. A browser needs two answers of ours.
const LIFE: Duration = Duration::from_mins(1);

/// Most tickets of one session at once. Somebody with so many hosts open in a minute shows the others in time.
const MOST: u64 = 50;

/// 256 random bits. Given out once; only a hash is kept.
pub struct Ticket(LinkToken);

impl Ticket {
    /// 43 characters of unpadded base64url (RFC 4648 §5).
    #[must_use]
    pub fn text(&self) -> String {
        self.0.text()
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket([hidden])")
    }
}

/// What a ticket is shown with.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The ticket, as it came.
    pub ticket: &'a str,
    /// `https://app.example.com`: where it was shown.
    pub origin: &'a str,
    /// The host of that, which the session will count on alone.
    pub host: &'a str,
    /// What the browser that shows it holds.
    pub flow: &'a FlowToken,
    /// Who shows it.
    pub client: &'a Client,
}

/// What came of a ticket.
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
#[derive(Debug)]
pub enum Redeemed {
    /// A session of that host. It ends with the sign-in, and when that would have.
    Welcome(Opened),
    /// It is none, was used, is another host's or browser's, its minute is over, or the sign-in behind it is.
    Gone,
}

/// What a browser holds that is about to get a ticket.
#[must_use]
pub fn begin(identity: &Identity) -> FlowToken {
    FlowToken::generate(&*identity.random)
}

/// Makes a ticket for `origin`, from a live session of the portal's. That counts as using the session.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked.
pub async fn issue(
    identity: &Identity,
    (session, found): (&SessionKey, &Snapshot),
    origin: &str,
    challenge: &Challenge,
) -> Result<Ticket, Fault> {
    let now = identity.clock.now();
    let ticket = LinkToken::generate(&*identity.random);
    let expires_at = now
        .checked_add(LIFE)
        .map_err(|error| Fault::broken_by("the clock is at its end", error))?;
    let row = ActiveModel {
        hash: Set(hash(identity, &ticket)?),
        bound_to: Set(bound_to(identity, origin, challenge)?),
        session: Set(session.as_bytes().to_vec()),
        expires_at: Set(expires_at.as_millisecond()),
    };
    let own = || Column::Session.eq(session.as_bytes().to_vec());
    let transaction = identity.database.write().await?;
    if Entity::find().filter(own()).count(&transaction).await? >= MOST {
        Entity::delete_many()
            .filter(own())
            .exec(&transaction)
            .await?;
    }
    Entity::insert(row)
        .exec_without_returning(&transaction)
        .await?;
    transaction.commit().await?;
    identity
        .sessions
        .touch(session, now, found.record.ends_at)
        .await?;
    Ok(Ticket(ticket))
}

/// Uses a ticket up, and opens the session that it stands for.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked: the ticket may be used up then, and nobody has a session by it.
pub async fn redeem(identity: &Identity, live: &Live, shown: Shown<'_>) -> Result<Redeemed, Fault> {
    let Some(parent) = use_up(identity, &shown).await? else {
        return Ok(Redeemed::Gone);
    };
    let idle = live.session.idle;
    let Some(found) = identity.sessions.find(&parent, idle).await? else {
        return Ok(Redeemed::Gone);
    };
    let Some(opened) = open(identity, (&parent, &found), &shown).await? else {
        return Ok(Redeemed::Gone);
    };
    // Whoever ended the sign-in meanwhile has either seen this session, or is seen here.
    let again = identity.sessions.find(&parent, idle).await;
    if let Ok(Some(_)) = again {
        let event = Event::HostReached(shown.host.into());
        let (account, by) = (found.record.account, By::Client(shown.client));
        identity.audit.record(&event, Some(account), by).await?;
        return Ok(Redeemed::Welcome(opened));
    }
    identity
        .sessions
        .revoke(&opened.key, Ended::Revoked)
        .await?;
    again.map(|_| Redeemed::Gone)
}

/// A session like that of the portal, for one host; nothing if the account has changed too much for that.
async fn open(
    identity: &Identity,
    (parent, found): (&SessionKey, &Snapshot),
    shown: &Shown<'_>,
) -> Result<Option<Opened>, Fault> {
    let record = &found.record;
    let Some(account) = identity.accounts.find(record.account).await? else {
        return Ok(None);
    };
    let family = Family {
        id: record.sign_in(parent),
        host: Some(shown.host.into()),
        parent: Some(*parent),
    };
    let now = identity.clock.now();
    let terms = Terms {
        auth_time: Some(record.auth_time),
        ..Terms::as_before((record, &family), now, &record.amr, shown.client)
    };
    Ok(match opening::open_on(identity, &account, terms).await? {
        Opening::Open(opened) => Some(opened),
        Opening::Changed | Opening::HalfWay | Opening::Gone => None,
    })
}

/// Of many at once, one gets the session that the ticket comes from.
async fn use_up(identity: &Identity, shown: &Shown<'_>) -> Result<Option<SessionKey>, Fault> {
    let Some(ticket) = LinkToken::parse(shown.ticket) else {
        return Ok(None);
    };
    let hash = hash(identity, &ticket)?;
    let found = in_time(live(identity, hash.clone()).one(identity.database.reads())).await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let session = SessionKey::from_bytes(&row.session)
        .ok_or_else(|| Fault::broken("ticket names no session"))?;
    let transaction = identity.database.write().await?;
    let used = Entity::delete_many()
        .filter(Column::Hash.eq(hash))
        .exec(&transaction)
        .await?;
    transaction.commit().await?;
    let expected = bound_to(identity, shown.origin, &shown.flow.challenge())?;
    let fits = bool::from(expected.as_slice().ct_eq(&row.bound_to));
    Ok((used.rows_affected == 1 && fits).then_some(session))
}

fn live(identity: &Identity, hash: Vec<u8>) -> Select<Entity> {
    let now = identity.clock.now().as_millisecond();
    Entity::find_by_id(hash).filter(Column::ExpiresAt.gt(now))
}

fn hash(identity: &Identity, ticket: &LinkToken) -> Result<Vec<u8>, Fault> {
    let mac = identity.secret.mac(Purpose::Ticket, &[ticket.as_bytes()])?;
    Ok(mac.to_vec())
}

/// The origin and the browser that a ticket is for.
fn bound_to(identity: &Identity, origin: &str, challenge: &Challenge) -> Result<Vec<u8>, Fault> {
    let parts = [origin.as_bytes(), challenge.as_bytes()];
    Ok(identity.secret.mac(Purpose::Ticket, &parts)?.to_vec())
}

/// Forgets those whose time is over.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub(crate) async fn prune(identity: &Identity) -> Result<(), Fault> {
    let now = identity.clock.now();
    identity
        .database
        .forget_over::<Entity>(Column::ExpiresAt, now)
        .await
}
