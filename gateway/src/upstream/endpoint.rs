//! One address of a server, and whether it is well.
//!
//! Two things make it unwell: nobody could connect, which passes after a while, and the health check, whose last word
//! holds. Each change is logged once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pingora_core::upstreams::peer::HttpPeer;

use super::Timeouts;
use super::shelf::Shelf;
use super::way::Way;

/// How long an address is passed over after nobody could connect to it. Then one request tries.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// Never passed over.
const UP: u64 = 0;

/// One address of a server.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    way: Arc<Way>,
    born: Instant,
    /// Until when it is passed over because of its connections, in milliseconds since it was born; or [`UP`].
    down_until: AtomicU64,
    /// The last health check failed.
    failing: AtomicBool,
    shelf: Shelf,
}

impl Endpoint {
    pub(super) fn new(address: SocketAddr, way: Arc<Way>, shelf: Shelf) -> Self {
        Self {
            address,
            way,
            born: Instant::now(),
            down_until: AtomicU64::new(UP),
            failing: AtomicBool::new(false),
            shelf,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn way(&self) -> &Way {
        &self.way
    }

    /// Connections that wait to be used again.
    pub(super) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    pub(super) fn peer(&self, timeouts: Timeouts) -> HttpPeer {
        self.way.peer(self.address, timeouts)
    }

    /// Whether it is well enough for this request. Once the pause is over the first who asks is told yes and tries;
    /// the others are told no until that has succeeded.
    pub(super) fn admits(&self) -> bool {
        if self.failing.load(Ordering::Relaxed) {
            return false;
        }
        let until = self.down_until.load(Ordering::Relaxed);
        if until == UP {
            return true;
        }
        let now = self.now();
        now >= until
            && self
                .down_until
                .compare_exchange(
                    until,
                    now + millis(PAUSE),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// Somebody is there: a new connection stands, or there is an answer on an old one.
    pub(super) fn reached(&self) {
        if self.down_until.load(Ordering::Relaxed) == UP {
            return;
        }
        let was = self.down_until.swap(UP, Ordering::Relaxed);
        if was != UP && !self.failing.load(Ordering::Relaxed) {
            self.say_up();
        }
    }

    /// No connection could be made.
    pub(super) fn not_connected(&self, why: &impl std::fmt::Display) {
        let until = self.now() + millis(PAUSE);
        let was = self.down_until.swap(until, Ordering::Relaxed);
        if was == UP && !self.failing.load(Ordering::Relaxed) {
            self.say_down(why);
        }
    }

    /// The health check passed.
    pub(super) fn passed(&self) {
        let failing = self.failing.swap(false, Ordering::Relaxed);
        let down = self.down_until.swap(UP, Ordering::Relaxed) != UP;
        if failing || down {
            self.say_up();
        }
    }

    /// The health check failed.
    pub(super) fn failed(&self, why: &impl std::fmt::Display) {
        let failing = self.failing.swap(true, Ordering::Relaxed);
        if !failing && self.down_until.load(Ordering::Relaxed) == UP {
            self.say_down(why);
        }
    }

    fn now(&self) -> u64 {
        // The one keeps the first millisecond apart from UP.
        millis(self.born.elapsed()) + 1
    }

    fn say_up(&self) {
        tracing::info!(upstream = %self.way, address = %self.address, "an upstream is up again");
    }

    fn say_down(&self, why: &impl std::fmt::Display) {
        tracing::warn!(upstream = %self.way, address = %self.address, %why, "an upstream is down");
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
pub(super) mod tests {
    use doorward_config::{Protocol, WebServer};

    use super::*;

    pub(in crate::upstream) fn way(host: &str) -> Arc<Way> {
        let server = WebServer {
            protocol: Protocol::Http,
            host: host.to_owned(),
            port: 80,
        };
        Arc::new(Way::new(&server, None))
    }

    fn endpoint() -> Endpoint {
        Endpoint::new(
            ([127, 0, 0, 1], 80).into(),
            way("app.test"),
            Shelf::new(Arc::default(), Arc::default()),
        )
    }

    #[test]
    fn after_a_pause_one_request_tries() {
        let mut endpoint = endpoint();
        assert!(endpoint.admits() && endpoint.admits());
        endpoint.not_connected(&"refused");
        assert!(!endpoint.admits());
        let Some(born) = endpoint.born.checked_sub(PAUSE) else {
            return;
        };
        endpoint.born = born;
        assert!(endpoint.admits(), "the pause is over");
        assert!(!endpoint.admits(), "somebody tries already");
        endpoint.reached();
        assert!(endpoint.admits() && endpoint.admits());
    }

    #[test]
    fn a_failed_check_holds_until_one_passes() {
        let mut endpoint = endpoint();
        endpoint.failed(&"503");
        assert!(!endpoint.admits());
        if let Some(born) = endpoint.born.checked_sub(2 * PAUSE) {
            endpoint.born = born;
        }
        assert!(!endpoint.admits());
        endpoint.reached();
        assert!(!endpoint.admits(), "a connection alone proves nothing");
        endpoint.not_connected(&"refused");
        endpoint.passed();
        assert!(endpoint.admits(), "a passed check wipes everything out");
    }
}
