//! Signing out.

use crate::audit::{By, Event};
use crate::session::{Ended, SessionKey};
use crate::{Client, Fault, Identity};

/// Ends the session that a browser carries, if there still is one, with all others of the same sign-in, and writes it
/// down.
///
/// # Errors
/// [`Fault::StoreAway`] when it may still be live: the person must not be told that they are signed out.
pub async fn sign_out(
    identity: &Identity,
    session: &SessionKey,
    client: &Client,
) -> Result<(), Fault> {
    if let Some(ended) = identity.sessions.end(session, Ended::Logout).await? {
        let event = Event::SessionEnded(Ended::Logout);
        identity
            .audit
            .record(&event, Some(ended.account), By::Client(client))
            .await?;
    }
    Ok(())
}
