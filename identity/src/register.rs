//! Making an account for oneself.
//!
//! The database's own unique indexes decide who was first: nobody looks whether a name is free before taking it.

#[cfg(test)]
mod tests;
mod unverified;

use std::time::Duration;

use doorward_config::{Live, RegistrationMode, VerifyEmail};

use crate::accounts::{self, Draft, Inserted};
use crate::audit::{By, Event};
use crate::flow::FlowToken;
use crate::form::{Problems, Profile};
use crate::invite::{self, Invitation, Use};
use crate::opening::{self, Occasion};
use crate::password::{Hashed, Password, PasswordHash, Person};
use crate::role::{self, Role};
use crate::session::{Ended, Opened, Remembered, SessionKey};
use crate::tally::{Note, RegistrationOutcome};
use crate::throttle::{Counter, Turn};
use crate::{AccountId, Client, Fault, Identity};

pub use crate::form::{Field, Problem};

/// The form, as typed; empty is not said.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewAccount<'a> {
    /// May be empty where it is optional.
    pub username: &'a str,
    /// The e-mail address.
    pub email: &'a str,
    /// The password.
    pub password: &'a str,
    /// First name.
    pub first_name: &'a str,
    /// Last name.
    pub last_name: &'a str,
    /// `YYYY-MM-DD`.
    pub date_of_birth: &'a str,
    /// What the link of an [invitation](crate::invite) carries.
    pub invite: &'a str,
}

/// What came of it.
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
#[derive(Debug)]
pub enum Registered {
    /// There is an account, and it is signed in.
    Welcome(Opened),
    /// Addresses are verified here: a code was mailed to this one, for [`verify_email`](crate::verify_email). Or
    /// somebody has it already, and was told: nobody else is.
    Verify(FlowToken),
    /// There is none: this is what has to be changed (422).
    Invalid(Vec<Problem>),
    /// Nobody may register, or only who was invited.
    Closed,
    /// The invitation does not work (any more).
    Uninvited,
    /// Too many tries from this address found a name or address taken, or too much mail was asked for (429).
    Slow {
        /// When the next one will be judged.
        retry_after: Duration,
    },
    /// Too much to do (503).
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

/// Makes an account and signs it in. `former` is the session that the same browser carried until now.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked. The account may have been made, never by half.
pub async fn register(
    identity: &Identity,
    live: &Live,
    form: NewAccount<'_>,
    client: &Client,
    former: Option<SessionKey>,
) -> Result<Registered, Fault> {
    let outcome = judge(identity, live, form, client, former).await;
    let counted = match &outcome {
        Ok(Registered::Welcome(_)) => RegistrationOutcome::Success,
        Ok(Registered::Verify(_)) => RegistrationOutcome::CodeSent,
        Ok(Registered::Invalid(_)) => RegistrationOutcome::Invalid,
        Ok(Registered::Closed | Registered::Uninvited) => RegistrationOutcome::Closed,
        Ok(Registered::Slow { .. }) => RegistrationOutcome::RateLimited,
        Ok(Registered::Busy { .. }) => RegistrationOutcome::Busy,
        Err(_) => RegistrationOutcome::Error,
    };
    identity.tally.note(Note::Registration { outcome: counted });
    outcome
}

async fn judge(
    identity: &Identity,
    live: &Live,
    form: NewAccount<'_>,
    client: &Client,
    former: Option<SessionKey>,
) -> Result<Registered, Fault> {
    let invitation = match may_register(identity, live, form.invite).await? {
        May::Anybody => None,
        May::Invited(invitation) => Some(invitation),
        May::Closed => return Ok(Registered::Closed),
        May::Uninvited => return Ok(Registered::Uninvited),
    };
    let (draft, password) = match read(identity, live, (&form, invitation.as_ref())) {
        Read::Good(draft, password) => (draft, password),
        Read::Bad(problems) => return Ok(Registered::Invalid(problems)),
    };
    // Only what finds a name taken counts: it is the one thing here that tells something about others.
    let counters = [Counter::registration(client.address, live.throttle)];
    match identity.throttle.check(&counters).await? {
        Turn::Now => {}
        Turn::Later { retry_after, kind } => {
            identity.tally.note(Note::Throttled { kind });
            return Ok(Registered::Slow { retry_after });
        }
    }
    let id = draft.id;
    let made = match (&invitation, live.registration.verify_email) {
        (None, VerifyEmail::On) => unverified::make(identity, live, *draft, password, client).await,
        // An operator stands for an invited address.
        (Some(_), _) | (None, VerifyEmail::Off) => {
            make(identity, (*draft, invitation.as_ref()), password, client).await
        }
    };
    let outcome = match made {
        Ok(Made::Taken(problem)) => return Ok(Registered::Invalid(vec![problem])),
        Ok(Made::Done) => None,
        Ok(Made::Verify(flow)) => Some(Registered::Verify(flow)),
        Ok(Made::Uninvited) => Some(Registered::Uninvited),
        Ok(Made::Slow(retry_after)) => Some(Registered::Slow { retry_after }),
        Ok(Made::Busy(retry_after)) => Some(Registered::Busy { retry_after }),
        Err(fault) => {
            if let Err(second) = identity.throttle.withdrawn(&counters).await {
                tracing::warn!(fault = %second, "a registration that was not judged stays counted");
            }
            return Err(fault);
        }
    };
    identity.throttle.withdrawn(&counters).await?;
    match outcome {
        Some(outcome) => Ok(outcome),
        None => welcome(identity, (live, client), id, former).await,
    }
}

/// The first session of an account that may have one at once.
async fn welcome(
    identity: &Identity,
    (live, client): (&Live, &Client),
    id: AccountId,
    former: Option<SessionKey>,
) -> Result<Registered, Fault> {
    let occasion = Occasion {
        live,
        client,
        remembered: Remembered::No,
    };
    let opened = opening::open_fresh(identity, id, occasion).await?;
    if let Some(former) = &former {
        identity.sessions.end(former, Ended::Replaced).await?;
    }
    Ok(Registered::Welcome(opened))
}

/// Who may make an account.
enum May {
    Anybody,
    Invited(Invitation),
    Closed,
    Uninvited,
}

async fn may_register(identity: &Identity, live: &Live, invite: &str) -> Result<May, Fault> {
    match (live.registration.mode, invite) {
        (RegistrationMode::Closed, _) | (RegistrationMode::Invite, "") => Ok(May::Closed),
        (RegistrationMode::Open, "") => Ok(May::Anybody),
        (mode, token) => match (invite::find(identity, token).await?, mode) {
            (Some(invitation), _) => Ok(May::Invited(invitation)),
            // They need none.
            (None, RegistrationMode::Open) => Ok(May::Anybody),
            (None, _) => Ok(May::Uninvited),
        },
    }
}

enum Read {
    Good(Box<Draft>, Password),
    Bad(Vec<Problem>),
}

fn read(
    identity: &Identity,
    live: &Live,
    (form, invitation): (&NewAccount<'_>, Option<&Invitation>),
) -> Read {
    let now = identity.clock.now();
    let mut problems = Problems::default();
    let username = problems.free_username(form.username, &live.registration);
    let email = match invitation {
        Some(invitation) => problems.invited_email(form.email, invitation),
        None => problems.free_email(form.email, &live.registration),
    };
    let person = Person {
        username: form.username,
        email: form.email,
        first_name: form.first_name,
        last_name: form.last_name,
    };
    let password = problems.password(form.password, person, live.password);
    let profile = Profile {
        first_name: form.first_name,
        last_name: form.last_name,
        date_of_birth: form.date_of_birth,
    };
    let details = problems.profile(profile, now);
    let problems = problems.into_vec();
    match (email, password, details) {
        (Some(email), Some(password), Some(details)) if problems.is_empty() => {
            let draft = Draft {
                id: AccountId::new(now, &*identity.random),
                username,
                email,
                email_verified_at: invitation.map(|_| now),
                details,
                password_hash: None,
                roles: roles(live, invitation),
                created_at: now,
            };
            Read::Good(Box::new(draft), password)
        }
        _ => Read::Bad(problems),
    }
}

/// Those of the invitation, if it names any.
fn roles(live: &Live, invitation: Option<&Invitation>) -> Vec<Role> {
    match invitation {
        Some(invitation) if !invitation.roles.is_empty() => invitation.roles.clone(),
        _ => role::defaults(live),
    }
}

enum Made {
    Done,
    Uninvited,
    Verify(FlowToken),
    Slow(Duration),
    Taken(Problem),
    Busy(Duration),
}

/// One hash whether the names are free or not, then one transaction: of several who use an invitation at once, one has
/// the account.
async fn make(
    identity: &Identity,
    (draft, invitation): (Draft, Option<&Invitation>),
    password: Password,
    client: &Client,
) -> Result<Made, Fault> {
    let hash: PasswordHash = match identity.passwords.hash(password).await? {
        Hashed::Done(hash) => hash,
        Hashed::Busy { retry_after } => return Ok(Made::Busy(retry_after)),
    };
    let draft = Draft {
        password_hash: Some(hash),
        ..draft
    };
    let (id, by) = (draft.id, By::Client(client));
    let transaction = identity.database.write().await?;
    let mut event = Event::RegisterSuccess;
    if let Some(invitation) = invitation {
        if invite::use_up(identity, &transaction, invitation).await? == Use::Gone {
            transaction.rollback().await?;
            return Ok(Made::Uninvited);
        }
        event = Event::InviteUsed;
    }
    match accounts::insert(&transaction, draft).await? {
        Inserted::Done => {
            let audit = &identity.audit;
            audit.record_in(&transaction, &event, Some(id), by).await?;
            transaction.commit().await?;
            Ok(Made::Done)
        }
        Inserted::Taken(problem) => {
            transaction.rollback().await?;
            Ok(Made::Taken(problem))
        }
    }
}
