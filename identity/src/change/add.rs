//! An account made by an operator.

use std::time::Duration;

use doorward_config::{Live, UsernameRule};

use crate::account::Account;
use crate::accounts::{self, Draft, Inserted};
use crate::audit::{By, Event};
use crate::form::{Details, Problem, Problems};
use crate::password::{Hashed, Password, Person};
use crate::role::{self, Role};
use crate::{AccountId, Fault, Identity};

/// The account to be made. Reserved names are fine; the address counts as verified.
#[derive(Debug, Clone, Copy, Default)]
pub struct Addition<'a> {
    /// May be empty.
    pub username: &'a str,
    /// The e-mail address.
    pub email: &'a str,
    /// Without one nobody can sign in until one is set.
    pub password: Option<&'a str>,
    /// None at all means those of the configuration.
    pub roles: &'a [Role],
}

/// What came of it.
#[must_use]
#[derive(Debug)]
pub enum Added {
    /// There it is.
    Done(Account),
    /// There is none: this is what has to be changed.
    Invalid(Vec<Problem>),
    /// Too much to do.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

/// Makes an account.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn add(
    identity: &Identity,
    live: &Live,
    addition: Addition<'_>,
    by: By<'_>,
) -> Result<Added, Fault> {
    let (draft, password) = match read(identity, live, &addition) {
        Read::Good(draft, password) => (*draft, password),
        Read::Bad(problems) => return Ok(Added::Invalid(problems)),
    };
    let password_hash = match password {
        None => None,
        Some(password) => match identity.passwords.hash(password).await? {
            Hashed::Done(hash) => Some(hash),
            Hashed::Busy { retry_after } => return Ok(Added::Busy { retry_after }),
        },
    };
    let id = draft.id;
    let transaction = identity.database.write().await?;
    if let Inserted::Taken(problem) = accounts::insert(
        &transaction,
        Draft {
            password_hash,
            ..draft
        },
    )
    .await?
    {
        transaction.rollback().await?;
        return Ok(Added::Invalid(vec![problem]));
    }
    let account = accounts::find(&transaction, id).await?;
    transaction.commit().await?;
    identity
        .audit
        .record(&Event::AccountAdded, Some(id), by)
        .await?;
    let account =
        account.ok_or_else(|| Fault::broken("an account that was just made is not there"))?;
    Ok(Added::Done(account))
}

enum Read {
    Good(Box<Draft>, Option<Password>),
    Bad(Vec<Problem>),
}

fn read(identity: &Identity, live: &Live, addition: &Addition<'_>) -> Read {
    let now = identity.clock.now();
    let mut problems = Problems::default();
    let username = problems.username(addition.username, UsernameRule::Optional);
    let email = problems.email(addition.email);
    let person = Person {
        username: addition.username,
        email: addition.email,
        ..Person::default()
    };
    let password = addition
        .password
        .map(|typed| problems.password(typed, person, live.password));
    let mut roles = addition.roles.to_vec();
    if roles.is_empty() {
        roles = role::defaults(live);
    }
    roles.sort_unstable();
    roles.dedup();
    let problems = problems.into_vec();
    match email {
        Some(email) if problems.is_empty() => {
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
            Read::Good(Box::new(draft), password.flatten())
        }
        _ => Read::Bad(problems),
    }
}
