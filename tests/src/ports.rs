//! Free ports below the range that the kernel gives to outgoing connections, so that none is taken between
//! being found and being bound.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port on the loopback address that nobody listens on; never the same twice in one process.
#[must_use]
pub fn free_port() -> u16 {
    // Runs that overlap (two checkouts on one machine) start far apart.
    let spread = std::process::id().wrapping_mul(7919) % u32::from(COUNT);
    let offset = u16::try_from(spread).expect("less than COUNT");
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (offset + step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}
