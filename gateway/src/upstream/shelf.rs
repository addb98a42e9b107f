//! Connections to one address that wait to be used again.
//!
//! Owns when they are given up. Each thread has a place of its own, so that none waits for another, and looks at those
//! of the others only before it has nothing. Nobody watches what lies here: whether it still stands is looked at when it
//! is taken, and every now and then.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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

/// Most connections that wait on one thread, at all addresses together: as many as in pingora's own pool. Those over it
/// are closed.
const MOST: usize = 128;

/// When so many do, none waits longer than a round: others may need the room.
const MANY: usize = MOST / 2;

/// How many connections wait on each thread.
#[derive(Debug, Default)]
pub(super) struct Stock(ThreadLocal<Arc<AtomicUsize>>);

impl Stock {
    fn own(&self) -> Arc<AtomicUsize> {
        Arc::clone(self.0.get_or_default())
    }
}

/// The connections that wait. A connection is driven by the threads that opened it, which are those of one listener: no
/// other takes it.
pub(super) struct Shelf {
    http: ThreadLocal<Place>,
    https: ThreadLocal<Place>,
    stock: Arc<Stock>,
    round: AtomicU64,
    /// Told of everything that is put here.
    filled: Arc<Notify>,
}

/// What one thread has put down; used last, taken first, so that what is too much lies until it is given up.
struct Place {
    kept: Mutex<Vec<Kept>>,
    /// How many the thread has put down, here and elsewhere.
    of_thread: Arc<AtomicUsize>,
}

struct Kept {
    stream: Stream,
    /// When it was put there.
    round: u64,
}

impl Shelf {
    /// An empty one, that tells `filled` when it is not.
    pub(super) fn new(stock: Arc<Stock>, filled: Arc<Notify>) -> Self {
        Self {
            http: ThreadLocal::new(),
            https: ThreadLocal::new(),
            stock,
            round: AtomicU64::new(0),
            filled,
        }
    }

    /// A connection that still stands.
    pub(super) fn take(&self, listener: Scheme) -> Option<Stream> {
        let places = self.places(listener);
        let mut all = places.get().into_iter().chain(places);
        all.find_map(Place::take)
    }

    /// Keeps a connection on which nothing is asked any more.
    pub(super) fn put(&self, stream: Stream, listener: Scheme) {
        let round = self.round.load(Ordering::Relaxed);
        let place = self.places(listener).get_or(|| Place {
            kept: Mutex::default(),
            of_thread: self.stock.own(),
        });
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
            self.left(1);
            if stands(&mut kept.stream) {
                return Some(kept.stream);
            }
        }
    }

    fn put(&self, new: Kept) {
        if self.of_thread.load(Ordering::Relaxed) < MOST {
            self.of_thread.fetch_add(1, Ordering::Relaxed);
            self.kept().push(new);
        }
    }

    fn look(&self, now: u64) -> usize {
        let rounds = match self.of_thread.load(Ordering::Relaxed) {
            ..MANY => ROUNDS,
            MANY.. => 1,
        };
        let mut kept = self.kept();
        let before = kept.len();
        kept.retain_mut(|one| now.saturating_sub(one.round) < rounds && stands(&mut one.stream));
        self.left(before - kept.len());
        kept.len()
    }

    /// So many do not wait here any more.
    fn left(&self, count: usize) {
        self.of_thread.fetch_sub(count, Ordering::Relaxed);
    }

    /// Locked for a push or a pop, and while it is looked at.
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let count = self.kept().len();
        self.left(count);
    }
}

/// Whether it is neither closed nor broken, and nothing came that nobody asked for.
fn stands(stream: &mut Stream) -> bool {
    let mut byte = [0; 1];
    let Some(read) = unconstrained(stream.read(&mut byte)).now_or_never() else {
        return true;
    };
    if matches!(read, Ok(1..)) {
        let digest = stream.get_socket_digest();
        let upstream = digest.as_ref().and_then(|digest| digest.peer_addr());
        tracing::warn!(
            ?upstream,
            "an upstream said something that nobody had asked for"
        );
    }
    false
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
        Shelf::new(Arc::default(), Arc::default())
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
    async fn there_is_a_most_at_all_addresses_together() {
        let stock = Arc::new(Stock::default());
        let shelf = || Shelf::new(Arc::clone(&stock), Arc::default());
        let (one, other) = (shelf(), shelf());
        let mut far = Vec::new();
        let mut put = async |shelf: &Shelf| {
            let (near, end) = connection().await;
            shelf.put(near, Scheme::Http);
            far.push(end);
        };
        for _ in 0..MANY {
            put(&one).await;
        }
        for _ in 0..MOST {
            put(&other).await;
        }
        assert_eq!(other.take(Scheme::Http).iter().count(), 1);
        put(&other).await;
        put(&other).await;
        // So many that they wait for one round only.
        assert_eq!((one.look(), other.look()), (MANY, MOST - MANY));
        assert_eq!((one.look(), other.look()), (0, 0));
        for _ in 0..MOST {
            put(&other).await;
        }
        put(&one).await;
        assert_eq!(one.look(), 0);
        drop(other);
        put(&one).await;
        assert_eq!(one.look(), 1);
    }
}
