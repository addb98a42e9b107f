//! What somebody may do with a second factor that is on: new recovery codes, and turning it off.
//!
//! Owns the two. Both take an [`Again`]: nobody gets here who has not just proven who they are, with both factors.

use super::recovery::{self, RecoveryCode};
use crate::accounts;
use crate::audit::{By, Event};
use crate::change::{self, Changed};
use crate::opening::{self, Terms};
use crate::proof::Again;
use crate::session::{Amr, Ended, Opened};
use crate::{Client, Fault, Identity};

/// What came of [`regenerate`].
#[must_use]
#[derive(Debug)]
pub enum Regenerated {
    /// These count, to be shown now and never again; the ones before are void.
    Done(Vec<RecoveryCode>),
    /// The second factor is off.
    Off,
}

/// Makes a new set of recovery codes.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn regenerate(
    identity: &Identity,
    again: &Again,
    client: &Client,
) -> Result<Regenerated, Fault> {
    let id = again.account().id;
    let (codes, hashes) = RecoveryCode::generate_set(identity, id)?;
    let transaction = identity.database.write().await?;
    let now = accounts::find(&transaction, id).await?;
    if !now.is_some_and(|account| account.mfa_enabled()) {
        transaction.rollback().await?;
        return Ok(Regenerated::Off);
    }
    recovery::replace(&transaction, id, &hashes).await?;
    transaction.commit().await?;
    identity
        .audit
        .record(&Event::RecoveryCodesMade, Some(id), By::Client(client))
        .await?;
    Ok(Regenerated::Done(codes))
}

/// What came of [`turn_off`].
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
#[derive(Debug)]
pub enum TurnedOff {
    /// It is off, and every other session has ended. In place of this one, under a new id and with a password only.
    Done(Opened),
    /// It is off, and every session has ended: somebody ended this one meanwhile.
    SignedOut,
    /// It was off before.
    Already,
}

/// Turns the second factor off, and forgets the secret and the recovery codes.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked. It may be off and sessions not yet ended: sign in again.
pub async fn turn_off(
    identity: &Identity,
    again: &Again,
    client: &Client,
) -> Result<TurnedOff, Fault> {
    let (id, session) = (again.account().id, again.session());
    match change::turn_off_two_factor(identity, id, session, client).await? {
        Changed::Done(_) => {}
        Changed::Already(_) | Changed::NotFound | Changed::LastAdmin => {
            return Ok(TurnedOff::Already);
        }
    }
    let amr = without_codes(&again.record().amr);
    let family = again.record().heir(session);
    let before = (again.record(), &family);
    let terms = Terms::as_before(before, identity.clock.now(), &amr, client);
    let former = (session, Ended::Replaced);
    let opened = opening::replace_fresh(identity, id, former, terms).await?;
    Ok(opened.map_or(TurnedOff::SignedOut, TurnedOff::Done))
}

fn without_codes(amr: &[Amr]) -> Vec<Amr> {
    amr.iter()
        .copied()
        .filter(|one| *one != Amr::OneTimeCode)
        .collect()
}
