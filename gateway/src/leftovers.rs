//! Bringing sessions in line with accounts and keys that other processes changed while the store of sessions was away.
//!
//! Owns when that is looked at. Must not know what is done.

use std::sync::Arc;

use doorward_identity::Identity;
use doorward_identity::change::{LOOK, Leftovers};
use tokio::time::MissedTickBehavior;

/// Looks for as long as this runs: whether or not the store answers, so that it is done as soon as it does.
pub async fn follow(identity: Arc<Identity>) {
    let mut leftovers = Leftovers::default();
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match leftovers.finish(&identity).await {
            Err(fault) if fault.away_store().is_some() => {
                tracing::debug!(%fault, "sessions are not in line with their accounts yet");
            }
            Err(fault) => tracing::warn!(%fault, "sessions are not in line with their accounts"),
            Ok(()) => {}
        }
    }
}
