//! How slow a client may be, how many connections it may have, and how many requests each of them.
//!
//! Owns what is true of a connection: pingora's own timers start again with every byte, so whoever drips bytes could
//! stay forever. [`Entrance`] stands around every connection; what is being waited for it learns from here, because
//! only the phases of a request know where its head and its body end. Must not know what a request asks for.

mod crowd;
mod entrance;
mod pace;
mod timed;

use std::sync::Arc;

use pingora_core::protocols::http::ServerSession;

pub use crowd::{Crowd, Entry, Place};
pub use entrance::Entrance;
pub use pace::{Body, Late, Pace};
pub use timed::Timed;

tokio::task_local! {
    static PACE: Arc<Pace>;
}

/// The next request of this connection is waited for.
pub fn begin(session: &mut ServerSession) {
    tell(|pace| {
        if let Some(requests) = pace.begin() {
            // How often the connection is used *again*.
            session.set_keepalive_reuses_remaining(Some(requests.saturating_sub(1)));
        }
    });
}

/// The head of the current request is there.
pub fn head_is_in(body: Body) {
    tell(|pace| pace.head_is_in(body));
}

/// The body of the current request is there, or what comes now is no body: a WebSocket may be silent.
pub fn body_is_in() {
    tell(Pace::body_is_in);
}

fn tell(what: impl FnOnce(&Pace)) {
    if PACE.try_with(|pace| what(pace)).is_err() {
        tracing::error!("a connection did not come through the entrance; nothing times it");
    }
}
