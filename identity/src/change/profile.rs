//! What a person says about themselves.

use super::{Changed, Edit, Profile, change};
use crate::audit::By;
use crate::form::{Problem, Problems};
use crate::{AccountId, Client, Fault, Identity};

/// What came of [`edit_profile`].
#[must_use]
#[derive(Debug)]
pub enum Edited {
    /// It is stored, and every session of the person knows it.
    Saved,
    /// Nothing is stored: this is what has to be changed.
    Invalid(Vec<Problem>),
}

/// Stores what a person says about themselves.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked; [`Fault::Broken`] when the account is not there (any more).
pub async fn edit_profile(
    identity: &Identity,
    account: AccountId,
    typed: Profile<'_>,
    client: &Client,
) -> Result<Edited, Fault> {
    let mut problems = Problems::default();
    let Some(details) = problems.profile(typed, identity.clock.now()) else {
        return Ok(Edited::Invalid(problems.into_vec()));
    };
    match change(
        identity,
        account,
        Edit::Details(&details),
        By::Client(client),
    )
    .await?
    {
        Changed::Done(_) | Changed::Already(_) => Ok(Edited::Saved),
        Changed::NotFound | Changed::LastAdmin => {
            Err(Fault::broken("whoever edits their profile has no account"))
        }
    }
}
