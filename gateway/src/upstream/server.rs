//! One server of an upstream: a name, and the addresses that it has now.
//!
//! Names are looked up again and again beside the requests. An address that stays keeps its health.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use doorward_config::WebServer;
use tokio::sync::{Notify, watch};

use super::attempts::Attempts;
use super::endpoint::Endpoint;
use super::shelf::{self, Shelf, Stock};
use super::way::Way;

/// How long the addresses of a name are used before they are looked up again.
const NAME_TTL: Duration = Duration::from_secs(30);

/// How soon a name that could not be looked up is tried again.
const NAME_RETRY: Duration = Duration::from_secs(2);

/// Which addresses are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Those that are well.
    Well,
    /// Any; better than none.
    Any,
}

/// A server.
#[derive(Debug)]
pub(super) struct Server {
    name: String,
    port: u16,
    way: Arc<Way>,
    /// Replaced as a whole beside the requests; empty until the first answer.
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    turn: AtomicUsize,
    /// Whether there was an answer about the name, good or bad.
    asked: watch::Sender<bool>,
    /// Whether a connection to any of them waits to be used again, and how many do anywhere.
    filled: Arc<Notify>,
    stock: Arc<Stock>,
}

impl Server {
    pub(super) fn new(server: &WebServer, way: Way, stock: Arc<Stock>) -> Self {
        let new = Self {
            name: server.host.clone(),
            port: server.port,
            way: Arc::new(way),
            endpoints: ArcSwap::default(),
            turn: AtomicUsize::new(0),
            asked: watch::Sender::new(false),
            filled: Arc::default(),
            stock,
        };
        if let Ok(address) = server.host.parse() {
            new.take(vec![SocketAddr::new(address, server.port)]);
            new.asked.send_replace(true);
        }
        new
    }

    /// Whether its addresses never change.
    pub(super) fn is_literal(&self) -> bool {
        self.name.parse::<std::net::IpAddr>().is_ok()
    }

    /// Whether it is spoken to in the clear, by HTTP/1.1.
    pub(super) fn is_plain(&self) -> bool {
        self.way.is_plain()
    }

    /// Its addresses now.
    pub(super) fn endpoints(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.endpoints.load_full()
    }

    /// The next address that fits and was not tried, in turn.
    pub(super) fn next(&self, fit: Fit, attempts: &Attempts) -> Option<Arc<Endpoint>> {
        let endpoints = self.endpoints.load();
        let count = endpoints.len();
        let start = match count {
            0 => return None,
            1 => 0,
            _ => self.turn.fetch_add(1, Ordering::Relaxed) % count,
        };
        let fits = |endpoint: &&Arc<Endpoint>| {
            !attempts.has_failed(endpoint) && (fit == Fit::Any || endpoint.admits())
        };
        let in_turn = endpoints
            .iter()
            .skip(start)
            .chain(endpoints.iter().take(start));
        in_turn.into_iter().find(fits).cloned()
    }

    /// Whether an address was not tried.
    pub(super) fn has_more(&self, attempts: &Attempts) -> bool {
        let endpoints = self.endpoints.load();
        endpoints
            .iter()
            .any(|endpoint| !attempts.has_failed(endpoint))
    }

    /// Waits until there was an answer about the name.
    pub(super) async fn asked(&self) {
        // The sender is here, so there is no error.
        let _ = self.asked.subscribe().wait_for(|asked| *asked).await;
    }

    /// Looks its name up for ever.
    pub(super) async fn follow(self: Arc<Self>) {
        loop {
            let pause = self.look_up().await;
            self.asked.send_replace(true);
            tokio::time::sleep(pause).await;
        }
    }

    /// Gives up connections that nobody uses any more, for as long as there is a server. Sleeps while there are none.
    pub(super) fn tend(self: &Arc<Self>) -> impl Future<Output = ()> + use<> {
        let (filled, server) = (Arc::clone(&self.filled), Arc::downgrade(self));
        async move {
            loop {
                filled.notified().await;
                while {
                    tokio::time::sleep(shelf::ROUND).await;
                    server.upgrade().is_some_and(|server| server.look() > 0)
                } {}
            }
        }
    }

    /// Looks once at the connections that wait; says how many are left.
    fn look(&self) -> usize {
        let endpoints = self.endpoints.load();
        endpoints.iter().map(|one| one.shelf().look()).sum()
    }

    async fn look_up(&self) -> Duration {
        let why = match tokio::net::lookup_host((self.name.as_str(), self.port)).await {
            Ok(found) => {
                let found: Vec<SocketAddr> = found.collect();
                if !found.is_empty() {
                    self.take(found);
                    return NAME_TTL;
                }
                "no address".to_owned()
            }
            Err(error) => error.to_string(),
        };
        // The old addresses are better than none.
        tracing::warn!(
            name = self.name,
            why,
            "an upstream's name cannot be looked up"
        );
        NAME_RETRY
    }

    fn take(&self, found: Vec<SocketAddr>) {
        let known = self.endpoints.load();
        let mut endpoints: Vec<Arc<Endpoint>> = Vec::with_capacity(found.len());
        for address in found {
            if endpoints.iter().any(|one| one.address() == address) {
                continue;
            }
            let same = known.iter().find(|one| one.address() == address);
            endpoints.push(same.map_or_else(
                || {
                    let idle = Shelf::new(Arc::clone(&self.stock), Arc::clone(&self.filled));
                    Arc::new(Endpoint::new(address, Arc::clone(&self.way), idle))
                },
                Arc::clone,
            ));
        }
        self.endpoints.store(Arc::new(endpoints));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use doorward_config::Protocol;

    use super::*;

    pub(in crate::upstream) fn server(host: &str, addresses: &[&str]) -> Server {
        let server = WebServer {
            protocol: Protocol::Http,
            host: host.to_owned(),
            port: 80,
        };
        let way = Way::new(&server, None);
        let server = Server::new(&server, way, Arc::default());
        if !addresses.is_empty() {
            server.take(addresses.iter().map(|text| text.parse().unwrap()).collect());
        }
        server
    }

    fn next(server: &Server) -> String {
        let endpoint = server.next(Fit::Well, &Attempts::default()).unwrap();
        endpoint.address().to_string()
    }

    #[test]
    fn addresses_take_turns_and_those_that_stay_keep_their_health() {
        let server = server("app.test", &["10.0.0.1:80", "10.0.0.2:80", "10.0.0.1:80"]);
        let turns = [next(&server), next(&server), next(&server)];
        assert_eq!(turns, ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.1:80"]);
        for endpoint in server.endpoints().iter() {
            endpoint.not_connected(&"refused");
        }
        assert!(server.next(Fit::Well, &Attempts::default()).is_none());
        assert!(server.next(Fit::Any, &Attempts::default()).is_some());
        server.take(vec![
            "10.0.0.1:80".parse().unwrap(),
            "10.0.0.3:80".parse().unwrap(),
        ]);
        assert_eq!(
            [next(&server), next(&server)],
            ["10.0.0.3:80", "10.0.0.3:80"]
        );
    }

    #[tokio::test]
    async fn a_name_that_has_no_address_keeps_those_it_had() {
        let server = server("no-such-host.invalid", &["10.0.0.1:80"]);
        assert_eq!(server.look_up().await, NAME_RETRY);
        assert_eq!(next(&server), "10.0.0.1:80");
        assert!(!server.is_literal());
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_looked_up_again() {
        let server = Arc::new(server("localhost", &[]));
        let start = tokio::time::Instant::now();
        let following = tokio::spawn(Arc::clone(&server).follow());
        server.asked().await;
        server.take(vec!["10.0.0.1:80".parse().unwrap()]);
        let is_old = || {
            let endpoints = server.endpoints();
            endpoints
                .iter()
                .any(|one| !one.address().ip().is_loopback())
        };
        while is_old() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        following.abort();
        let took = start.elapsed();
        assert!(took >= NAME_TTL && took < 2 * NAME_TTL, "{took:?}");
    }

    #[tokio::test]
    async fn a_name_is_looked_up() {
        let server = Arc::new(server("localhost", &[]));
        assert!(server.next(Fit::Any, &Attempts::default()).is_none());
        let following = tokio::spawn(Arc::clone(&server).follow());
        server.asked().await;
        following.abort();
        let endpoints = server.endpoints();
        assert!(!endpoints.is_empty());
        for endpoint in endpoints.iter() {
            assert!(endpoint.address().ip().is_loopback());
        }
    }
}
