//! How slow a client may be, how many connections it may have, and how many requests each of them.
//!
//! Owns what is true of a connection: pingora's own timers start again with every byte, so whoever drips bytes could
//! stay forever. [`Entrance`] stands around every connection; what is being waited for it learns from here, because
//! only the phases of a request know where its head and its body end. Must not know what a request asks for.

mod crowd;
mod entrance;
mod frames;
mod multiplex;
mod pace;
mod resets;
mod serve;
mod stream_pace;
mod streams;
mod timed;

use std::sync::Arc;
use std::time::Duration;

pub use crowd::{Crowd, Entry, Place};
pub use entrance::{Entrance, Hall, Transport};
pub use pace::{Body, Late, Pace};
pub use serve::Serve;
pub use stream_pace::StreamPace;
pub use timed::{Timed, Unwatched, Watch};

/// How long a connection may stay open between two requests.
const IDLE: Duration = Duration::from_mins(1);

tokio::task_local! {
    static PACE: Tempo;
}

/// What times the current request.
#[derive(Clone)]
enum Tempo {
    /// It has the connection for itself.
    Connection(Arc<Pace>),
    /// It shares it with others (HTTP/2).
    Stream(Arc<StreamPace>),
}

/// The head of the current request is there.
pub fn head_is_in(body: Body) {
    tell(|tempo| match tempo {
        Tempo::Connection(pace) => pace.head_is_in(body),
        Tempo::Stream(pace) => pace.head_is_in(body),
    });
}

/// So many bytes of the body came.
pub fn body_came(bytes: usize) {
    tell(|tempo| match tempo {
        // It has counted them where they came in.
        Tempo::Connection(_) => {}
        Tempo::Stream(pace) => pace.came(bytes as u64),
    });
}

/// The upstream begins to answer: on a connection for many, what still comes may then take its time.
pub fn answer_begins() {
    tell(|tempo| match tempo {
        Tempo::Connection(_) => {}
        Tempo::Stream(pace) => pace.body_is_in(),
    });
}

/// The body of the current request is there, or what comes now is no body: a WebSocket may be silent.
pub fn body_is_in() {
    tell(|tempo| match tempo {
        Tempo::Connection(pace) => pace.body_is_in(),
        Tempo::Stream(pace) => pace.body_is_in(),
    });
}

fn tell(what: impl FnOnce(&Tempo)) {
    if PACE.try_with(what).is_err() {
        tracing::error!("a connection did not come through the entrance; nothing times it");
    }
}
