//! Where somebody is signed in.

use doorward_identity::session::{SessionKey, Snapshot};

use crate::ago::{self, Moment};
use crate::device;
use crate::failure::Failure;
use crate::visit::{Session, Visit};

/// One line of the list.
pub(super) struct Device {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) address: String,
    pub(super) opened: Moment,
    pub(super) seen: Moment,
    /// Whether it is the one that asks.
    pub(super) here: bool,
}

/// The person's live sessions: this one first, then the last used.
pub(super) async fn of(visit: &Visit, own: &Session) -> Result<Vec<Device>, Failure> {
    let identity = &visit.ui.identity;
    let now = identity.clock.now();
    let account = own.snapshot.record.account;
    let mut live = identity
        .sessions
        .list(account, visit.live.session.idle)
        .await?;
    live.sort_by_key(|(key, snapshot)| (*key != own.key, std::cmp::Reverse(snapshot.last_seen)));
    let device = |(key, snapshot): (SessionKey, Snapshot)| Device {
        here: key == own.key,
        id: key.to_string(),
        name: device::name(&snapshot.record.device),
        address: snapshot.record.address.to_string(),
        opened: ago::moment(snapshot.record.opened_at, now),
        seen: ago::moment(snapshot.last_seen, now),
    };
    Ok(live.into_iter().map(device).collect())
}
