//! Bringing sessions in line with accounts and keys that other processes changed while the store of sessions was away.
//!
//! Owns when that is looked at. Must not know what is done.

use std::sync::Arc;

use doorward_identity::change::{LOOK, Leftovers};
use doorward_identity::{Fault, Identity};
use tokio::time::MissedTickBehavior;

use crate::session_cache::SessionCache;

/// Looks for as long as this runs.
pub async fn follow(identity: Arc<Identity>, cache: Arc<SessionCache>) {
    let mut leftovers = Leftovers::default();
    let mut link = Link::Down;
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(fault) = leftovers.finish(&identity).await {
            tell(&fault);
        }
        link = match (link, cache.is_linked()) {
            (_, false) => Link::Down,
            (Link::Up, true) => Link::Up,
            (Link::Down, true) => match identity.end_revoked_keys().await {
                Ok(()) => Link::Up,
                Err(fault) => {
                    tell(&fault);
                    Link::Down
                }
            },
        };
    }
}

/// To the store, as far as was dealt with.
#[derive(Debug, Clone, Copy)]
enum Link {
    Up,
    Down,
}

fn tell(fault: &Fault) {
    if fault.away_store().is_some() {
        tracing::debug!(%fault, "sessions are not in line with their accounts yet");
    } else {
        tracing::warn!(%fault, "sessions are not in line with their accounts");
    }
}
