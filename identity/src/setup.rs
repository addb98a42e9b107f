//! The first admin: a link that whoever can read the terminal may use once.
//!
//! Owns the tokens, of which only a hash is kept. There is an offer only while no enabled account has the role
//! `admin`, and several gateways that start at once make one each: any of them works, and using one ends them all.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_config::Live;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use sha2::{Digest, Sha256};

use crate::accounts::{self, Draft, Inserted};
use crate::audit::{By, Event};
use crate::database::entity::setup_token;
use crate::database::in_time;
use crate::form::{Details, Problem, Problems};
use crate::opening::{self, Occasion};
use crate::password::{Hashed, Password, Person};
use crate::role::{self, Role};
use crate::session::{Opened, Remembered};
use crate::{AccountId, Client, Fault, Identity};

/// How long a link works.
pub const LIFE: Duration = Duration::from_mins(30);

/// What the link holds: 256 random bits. Printed once; never stored, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct SetupToken([u8; 32]);

impl SetupToken {
    /// For the link: 43 characters of unpadded base64url (RFC 4648 §5).
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0).to_vec()
    }
}

impl fmt::Debug for SetupToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupToken([hidden])")
    }
}

/// Whether a link still works.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// It does.
    Valid,
    /// It was used, its time is over, somebody else is admin, or it never was one (404).
    Gone,
}

/// The form, as typed.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewAdmin<'a> {
    /// May be empty where usernames are optional. Reserved names are fine.
    pub username: &'a str,
    /// The e-mail address. Counts as verified: who holds the link could use commands just as well.
    pub email: &'a str,
    /// The password.
    pub password: &'a str,
}

/// What came of using a link.
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
#[derive(Debug)]
pub enum SetUp {
    /// There is an admin, and they are signed in.
    Welcome(Opened),
    /// There is none: this is what has to be changed (422). The link still works.
    Invalid(Vec<Problem>),
    /// The link does not work (404).
    Gone,
    /// Too much to do (503). The link still works.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

/// Makes a link's token, if nobody could use commands through the pages yet.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn offer(identity: &Identity) -> Result<Option<SetupToken>, Fault> {
    if identity.accounts.count_admins().await? > 0 {
        return Ok(None);
    }
    let mut bytes = [0; 32];
    identity.random.fill(&mut bytes);
    let token = SetupToken(bytes);
    let expires_at = identity
        .clock
        .now()
        .checked_add(LIFE)
        .map_err(|error| Fault::broken_by("the clock is at its end", error))?;
    let row = setup_token::ActiveModel {
        hash: Set(token.hash()),
        expires_at: Set(expires_at.as_millisecond()),
    };
    let transaction = identity.database.write().await?;
    setup_token::Entity::insert(row)
        .exec_without_returning(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(Some(token))
}

/// Whether a link works. Looking at it uses nothing up.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn check(identity: &Identity, token: &str) -> Result<Offer, Fault> {
    match SetupToken::parse(token) {
        Some(token) => look(identity, identity.database.reads(), &token).await,
        None => Ok(Offer::Gone),
    }
}

async fn look(
    identity: &Identity,
    db: &impl ConnectionTrait,
    token: &SetupToken,
) -> Result<Offer, Fault> {
    let live = setup_token::Entity::find_by_id(token.hash())
        .filter(setup_token::Column::ExpiresAt.gt(identity.clock.now().as_millisecond()));
    if in_time(live.one(db)).await?.is_none() || accounts::count_admins(db, None).await? > 0 {
        return Ok(Offer::Gone);
    }
    Ok(Offer::Valid)
}

/// Makes the first admin and signs them in. The link is used up in the same transaction that makes the account.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked. The account may have been made, never by half.
pub async fn redeem(
    identity: &Identity,
    live: &Live,
    token: &str,
    form: NewAdmin<'_>,
    client: &Client,
) -> Result<SetUp, Fault> {
    let Some(token) = SetupToken::parse(token) else {
        return Ok(SetUp::Gone);
    };
    if look(identity, identity.database.reads(), &token).await? == Offer::Gone {
        return Ok(SetUp::Gone);
    }
    let (draft, password) = match read(identity, live, &form) {
        Read::Good(draft, password) => (*draft, password),
        Read::Bad(problems) => return Ok(SetUp::Invalid(problems)),
    };
    let password_hash = match identity.passwords.hash(password).await? {
        Hashed::Done(hash) => Some(hash),
        Hashed::Busy { retry_after } => return Ok(SetUp::Busy { retry_after }),
    };
    let id = draft.id;
    match make(
        identity,
        &token,
        Draft {
            password_hash,
            ..draft
        },
    )
    .await?
    {
        Made::Done => {}
        Made::Taken(problem) => return Ok(SetUp::Invalid(vec![problem])),
        Made::Gone => return Ok(SetUp::Gone),
    }
    identity
        .audit
        .record(&Event::SetupUsed, Some(id), By::Client(client))
        .await?;
    let occasion = Occasion {
        live,
        client,
        remembered: Remembered::No,
    };
    Ok(SetUp::Welcome(
        opening::open_fresh(identity, id, occasion).await?,
    ))
}

enum Read {
    Good(Box<Draft>, Password),
    Bad(Vec<Problem>),
}

fn read(identity: &Identity, live: &Live, form: &NewAdmin<'_>) -> Read {
    let now = identity.clock.now();
    let mut problems = Problems::default();
    let username = problems.username(form.username, live.registration.username);
    let email = problems.email(form.email);
    let person = Person {
        username: form.username,
        email: form.email,
        ..Person::default()
    };
    let password = problems.password(form.password, person, live.password);
    let problems = problems.into_vec();
    match (email, password) {
        (Some(email), Some(password)) if problems.is_empty() => {
            let mut roles = role::defaults(live);
            roles.retain(|role| role.as_str() != role::ADMIN);
            roles.push(Role::admin());
            let draft = Draft {
                id: AccountId::new(now, &*identity.random),
                username,
                email,
                email_verified_at: Some(now),
                details: Details::default(),
                password_hash: None,
                roles,
                created_at: now,
            };
            Read::Good(Box::new(draft), password)
        }
        _ => Read::Bad(problems),
    }
}

enum Made {
    Done,
    Taken(Problem),
    Gone,
}

async fn make(identity: &Identity, token: &SetupToken, draft: Draft) -> Result<Made, Fault> {
    let transaction = identity.database.write().await?;
    if look(identity, &transaction, token).await? == Offer::Gone {
        transaction.rollback().await?;
        return Ok(Made::Gone);
    }
    let used = setup_token::Entity::delete_by_id(token.hash())
        .exec(&transaction)
        .await?;
    if used.rows_affected != 1 {
        transaction.rollback().await?;
        return Ok(Made::Gone);
    }
    match accounts::insert(&transaction, draft).await? {
        Inserted::Done => {
            setup_token::Entity::delete_many()
                .exec(&transaction)
                .await?;
            transaction.commit().await?;
            Ok(Made::Done)
        }
        Inserted::Taken(problem) => {
            transaction.rollback().await?;
            Ok(Made::Taken(problem))
        }
    }
}

/// Forgets links whose time is over.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub(crate) async fn prune(identity: &Identity) -> Result<(), Fault> {
    let now = identity.clock.now();
    identity
        .database
        .forget_over::<setup_token::Entity>(setup_token::Column::ExpiresAt, now)
        .await
}
