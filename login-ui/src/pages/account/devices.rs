//! Where somebody is signed in.

use doorward_identity::session::SignIn;

use crate::ago::{self, Moment};
use crate::device;
use crate::failure::Failure;
use crate::visit::{Session, Visit};

/// One line of the list.
pub(super) struct Device {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) address: String,
    /// The hosts that it led to, if it serves several.
    pub(super) hosts: String,
    pub(super) opened: Moment,
    pub(super) seen: Moment,
    /// Whether it is the one that asks.
    pub(super) here: bool,
}

/// The person's sign-ins that are live: this one first, then the last used. What one led to on other hosts is part of it.
pub(super) async fn of(visit: &Visit, own: &Session) -> Result<Vec<Device>, Failure> {
    let identity = &visit.ui.identity;
    let now = identity.clock.now();
    let account = own.snapshot.record.account;
    let live = identity
        .sessions
        .list(account, visit.live.session.idle)
        .await?;
    let here = own.snapshot.record.sign_in(&own.key);
    let mut sign_ins = SignIn::of(live);
    sign_ins.sort_by_key(|sign_in| (sign_in.id != here, std::cmp::Reverse(sign_in.last_seen())));
    let device = |sign_in: SignIn| {
        let (key, first) = sign_in.first();
        Device {
            here: sign_in.id == here,
            id: key.to_string(),
            name: device::name(&first.record.device),
            address: first.record.address.to_string(),
            hosts: sign_in.hosts().join(", "),
            opened: ago::moment(first.record.opened_at, now),
            seen: ago::moment(sign_in.last_seen(), now),
        }
    };
    Ok(sign_ins.into_iter().map(device).collect())
}
