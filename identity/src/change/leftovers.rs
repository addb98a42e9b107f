//! What other processes left undone with accounts and API keys: found by looking again and again, and done in their place.
//!
//! Whoever changes an account brings its sessions in line at once, and may know of one that is to be spared. So what is
//! seen for the first time is theirs; only what stays undone is done here.

use std::time::Duration;

use jiff::Timestamp;

use super::follow::{Left, follow, left};
use crate::{Fault, Identity, api_key};

/// How often a gateway has to look. With nothing to do it is two questions, each to an index that has no row for it.
pub const LOOK: Duration = Duration::from_secs(1);

/// How long whoever made a change has for its sessions: longer than a store is waited for.
const OWN_TIME: Duration = Duration::from_secs(2);

/// What was seen to be undone, each with the time when it was first seen.
#[derive(Debug, Default)]
pub struct Leftovers {
    seen: Vec<(Left, Timestamp)>,
}

impl Leftovers {
    /// Looks, and does what stayed undone since it was seen. To be called every [`LOOK`], whether or not the stores answer:
    /// then it is seen while they are away, and done as soon as they are back.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when a store cannot be asked; then it stays to be done. [`Fault::Broken`] when one of them
    /// cannot be done; the others are.
    pub async fn finish(&mut self, identity: &Identity) -> Result<(), Fault> {
        self.look(identity).await?;
        let now = identity.clock.steady();
        let mut outcome = Ok(());
        for (left, since) in &self.seen {
            if since.checked_add(OWN_TIME).is_ok_and(|end| end <= now) {
                match follow(identity, left.account, None).await {
                    Err(broken @ Fault::Broken { .. }) => outcome = Err(broken),
                    done => done?,
                }
            }
        }
        // Nothing of theirs is spared, so nobody's turn has to be waited for.
        api_key::finish_of(identity, None).await?;
        outcome
    }

    async fn look(&mut self, identity: &Identity) -> Result<(), Fault> {
        let now = identity.clock.steady();
        let undone = left(identity).await?;
        let before = std::mem::take(&mut self.seen);
        for left in undone {
            let known = before.iter().find(|(known, _)| *known == left);
            let since = known.map_or(now, |(_, since)| *since);
            self.seen.push((left, since));
        }
        Ok(())
    }
}
