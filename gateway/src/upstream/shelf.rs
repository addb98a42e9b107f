//! Connections to one address that wait to be used again.
//!
//! Owns when they are given up. Each thread has a place of its own, so that none waits for another, and looks at those
//! of the others only before it has nothing. Nobody watches what lies here: whether it still stands is looked at when it
//! is taken, and every now and then.

use std::fmt;
use std::iter;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use pingora_core::protocols::Stream;
use thread_local::ThreadLocal;
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;
use tokio::task::unconstrained;

use super::way::IDLE;
use crate::scheme::Scheme;

/// How often it is looked what still stands.
pub(super) const ROUND: Duration = Duration::from_secs(5);

/// After so many rounds a connection that nobody used is given up.
const ROUNDS: u64 = IDLE.as_secs() / ROUND.as_secs();

/// Most connections that wait on one thread. Those over it are closed.
const MOST: usize = 128;

/// The connections that wait. A connection is driven by the threads that opened it, which are those of one listener: no
/// other takes it.
#[derive(Default)]
pub(super) struct Shelf {
    http: ThreadLocal<Place>,
    https: ThreadLocal<Place>,
    round: AtomicU64,
    /// Told of everything that is put here.
    filled: Arc<Notify>,
}

/// What one thread has put down; used last, taken first, so that what is too much lies until it is given up.
#[derive(Default)]
struct Place(Mutex<Vec<Kept>>);

struct Kept {
    stream: Stream,
    /// When it was put there.
    round: u64,
}

impl Shelf {
    /// An empty one, that tells `filled` when it is not.
    pub(super) fn new(filled: Arc<Notify>) -> Self {
        Self {
            filled,
            ..Self::default()
        }
    }

    /// A connection that still stands.
    pub(super) fn take(&self, listener: Scheme) -> Option<Stream> {
        let places = self.places(listener);
        let own = places.get_or_default();
        let mut all = iter::once(own).chain(places);
        all.find_map(Place::take)
    }

    /// Keeps a connection on which nothing is asked any more.
    pub(super) fn put(&self, stream: Stream, listener: Scheme) {
        let round = self.round.load(Ordering::Relaxed);
        let place = self.places(listener).get_or_default();
        place.put(Kept { stream, round });
        self.filled.notify_one();
    }

    /// Gives up what was closed at the other end, or not used for [`ROUNDS`] of these. Says how many are left.
    pub(super) fn look(&self) -> usize {
        let now = self.round.fetch_add(1, Ordering::Relaxed);
        let places = self.http.iter().chain(&self.https);
        places.map(|place| place.look(now)).sum()
    }

    fn places(&self, listener: Scheme) -> &ThreadLocal<Place> {
        match listener {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        }
    }
}

impl Place {
    fn take(&self) -> Option<Stream> {
        loop {
            let mut kept = self.kept().pop()?;
            if stands(&mut kept.stream) {
                return Some(kept.stream);
            }
        }
    }

    fn put(&self, new: Kept) {
        let mut kept = self.kept();
        if kept.len() < MOST {
            kept.push(new);
        }
    }

    fn look(&self, now: u64) -> usize {
        let mut kept = self.kept();
        kept.retain_mut(|one| now.saturating_sub(one.round) < ROUNDS && stands(&mut one.stream));
        kept.len()
    }

    /// Locked for a push or a pop, and while it is looked at.
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is neither closed nor broken, and nothing came that nobody asked for.
fn stands(stream: &mut Stream) -> bool {
    let mut byte = [0; 1];
    unconstrained(stream.read(&mut byte))
        .now_or_never()
        .is_none()
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf")
    }
}

#[cfg(test)]
mod tests {
    use pingora_core::protocols::l4::stream::Stream as L4Stream;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A connection, and its other end.
    async fn connection() -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let near = TcpStream::connect(address).await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        (Box::new(L4Stream::from(near)), far)
    }

    /// Until the near end has noticed what the far end did.
    async fn noticed(stream: &mut Stream) {
        while stands(stream) {
            tokio::task::yield_now().await;
        }
    }

    fn shelf() -> Shelf {
        Shelf::new(Arc::default())
    }

    #[tokio::test]
    async fn what_was_used_last_is_taken_first_and_by_its_own_listener_only() {
        let shelf = shelf();
        let (first, _far) = connection().await;
        let (second, _other) = connection().await;
        let ids = [first.id(), second.id()];
        shelf.put(first, Scheme::Http);
        shelf.put(second, Scheme::Http);
        assert!(shelf.take(Scheme::Https).is_none());
        let taken = [shelf.take(Scheme::Http), shelf.take(Scheme::Http)];
        let taken = taken.map(|stream| stream.map(|stream| stream.id()));
        assert_eq!(taken, [Some(ids[1]), Some(ids[0])]);
        assert!(shelf.take(Scheme::Http).is_none());
    }

    #[tokio::test]
    async fn another_thread_takes_what_lies_there_before_it_has_nothing() {
        let shelf = Arc::new(shelf());
        let (stream, _far) = connection().await;
        shelf.put(stream, Scheme::Http);
        let other = Arc::clone(&shelf);
        let taken = std::thread::spawn(move || other.take(Scheme::Http).is_some());
        assert!(taken.join().unwrap());
    }

    #[tokio::test]
    async fn what_was_closed_or_speaks_unasked_is_not_taken() {
        let shelf = shelf();
        let (mut closed, far) = connection().await;
        drop(far);
        noticed(&mut closed).await;
        let (mut speaks, mut far) = connection().await;
        far.write_all(b"HTTP/1.1 200 OK").await.unwrap();
        noticed(&mut speaks).await;
        let (stands, _far) = connection().await;
        let id = stands.id();
        shelf.put(stands, Scheme::Http);
        shelf.put(closed, Scheme::Http);
        shelf.put(speaks, Scheme::Http);
        let taken = shelf.take(Scheme::Http);
        assert_eq!(taken.map(|stream| stream.id()), Some(id));
    }

    #[tokio::test]
    async fn what_nobody_uses_is_given_up() {
        let shelf = shelf();
        let (old, mut far) = connection().await;
        shelf.put(old, Scheme::Http);
        for _ in 0..ROUNDS {
            assert_eq!(shelf.look(), 1);
        }
        let (new, _new) = connection().await;
        shelf.put(new, Scheme::Https);
        assert_eq!(shelf.look(), 1);
        assert_eq!(far.read(&mut [0; 1]).await.unwrap(), 0, "it is closed");
        let (mut closed, far) = connection().await;
        drop(far);
        noticed(&mut closed).await;
        shelf.put(closed, Scheme::Http);
        assert_eq!(shelf.look(), 1);
    }

    #[tokio::test]
    async fn there_is_a_most() {
        let shelf = shelf();
        let mut far = Vec::new();
        for _ in 0..=MOST {
            let (near, other) = connection().await;
            shelf.put(near, Scheme::Http);
            far.push(other);
        }
        assert_eq!(shelf.look(), MOST);
    }
}
