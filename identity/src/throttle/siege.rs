//! When the whole gateway is tried too often, by however many addresses at however many accounts.
//!
//! Owns the count of wrong tries of everybody together, and what it does: everybody's free tries get fewer. Nobody is
//! made to wait for what others do, so this cannot be used to lock people out.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Counter, milliseconds};
use crate::database::entity::throttle::Model;
use crate::tally::ThrottleKind;

/// Wrong passwords and codes in one window that are nothing unusual.
pub(super) const USUAL: i64 = 1_000;
/// How long they are counted together.
pub(super) const WINDOW: Duration = Duration::from_mins(10);
/// To which part the free tries are cut.
const CUT: u32 = 5;

/// How it looks outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    Calm,
    Siege,
}

/// Where everybody's tries are counted.
pub(super) fn key() -> [u8; 32] {
    Sha256::digest(b"everybody").into()
}

/// Whether such tries count for everybody: only those at somebody's password or code do.
pub(super) fn counts(counters: &[Counter]) -> bool {
    counters
        .iter()
        .any(|counter| counter.kind == ThrottleKind::Account)
}

/// The row after one more.
pub(super) fn spent(row: Option<&Model>, now: Timestamp) -> Model {
    let now = now.as_millisecond();
    let counted = row.filter(|row| is_open(row, now));
    Model {
        key: key().to_vec(),
        failures: counted.map_or(0, |row| row.failures).saturating_add(1),
        last_at: now,
        // Here it is when the window ends.
        free_at: counted.map_or_else(
            || now.saturating_add(milliseconds(WINDOW)),
            |row| row.free_at,
        ),
    }
}

/// How it looks, as far as that row tells.
pub(super) fn weather(row: &Model) -> Weather {
    if row.failures > USUAL {
        Weather::Siege
    } else {
        Weather::Calm
    }
}

/// How many tries are free.
pub(super) fn free_tries(usual: u32, weather: Weather) -> u32 {
    match weather {
        Weather::Calm => usual,
        Weather::Siege => (usual / CUT).max(1),
    }
}

/// A window that began in the future is none: then a clock was set.
fn is_open(row: &Model, now: i64) -> bool {
    now < row.free_at && row.last_at <= now
}
