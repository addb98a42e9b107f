//! The servers of one upstream, in turn.
//!
//! A server that is unwell is passed over. When all are, they are tried anyway: a health check that is wrong must not
//! take a site down, and a connection that fails says so by itself. Nothing here waits for another request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doorward_config::HealthCheck;
use pingora_core::protocols::Stream;
use tokio::task::JoinSet;

use super::Timeouts;
use super::attempts::Attempts;
use super::check::{self, Asker};
use super::dialer::Dialer;
use super::endpoint::Endpoint;
use super::server::{Fit, Server};

/// One or more servers, and what runs beside the requests for them.
#[derive(Debug)]
pub struct Pool {
    servers: Vec<Arc<Server>>,
    turn: AtomicUsize,
    dialer: Arc<Dialer>,
    /// Looks names up, checks health; ends with the pool.
    _tasks: JoinSet<()>,
}

impl Pool {
    /// Follows the names of `servers` and checks their health on `runtime`, until it is dropped.
    pub(super) fn open(
        servers: Vec<Server>,
        check: Option<&(HealthCheck, Arc<Asker>)>,
        dialer: Arc<Dialer>,
        runtime: &tokio::runtime::Handle,
    ) -> Self {
        let servers: Vec<Arc<Server>> = servers.into_iter().map(Arc::new).collect();
        let mut tasks = JoinSet::new();
        for server in &servers {
            if !server.is_literal() {
                tasks.spawn_on(Arc::clone(server).follow(), runtime);
            }
            if server.is_plain() {
                tasks.spawn_on(server.tend(), runtime);
            }
            if let Some((check, asker)) = check {
                let watched = check::watch(Arc::clone(server), check.clone(), Arc::clone(asker));
                tasks.spawn_on(watched, runtime);
            }
        }
        Self {
            servers,
            turn: AtomicUsize::new(0),
            dialer,
            _tasks: tasks,
        }
    }

    /// Whether all of them are spoken to in the clear, by HTTP/1.1.
    pub(super) fn is_plain(&self) -> bool {
        self.servers.iter().all(|server| server.is_plain())
    }

    /// A new connection.
    ///
    /// # Errors
    /// There is none.
    pub(super) async fn connect(
        &self,
        endpoint: &Endpoint,
        timeouts: Timeouts,
    ) -> pingora_error::Result<Stream> {
        self.dialer.connect(&endpoint.peer(timeouts)).await
    }

    /// The next address that was not tried. Waits, `limit` at most, only while no name has been looked up yet.
    pub(super) async fn next(&self, attempts: &Attempts, limit: Duration) -> Option<Arc<Endpoint>> {
        if let Some(endpoint) = self.choose(attempts) {
            return Some(endpoint);
        }
        if !attempts.is_first() {
            return None;
        }
        let asked = async {
            for server in &self.servers {
                server.asked().await;
            }
        };
        // Late or not, there may be addresses now.
        let _ = tokio::time::timeout(limit, asked).await;
        self.choose(attempts)
    }

    /// Whether an address was not tried.
    pub(super) fn has_more(&self, attempts: &Attempts) -> bool {
        self.servers.iter().any(|server| server.has_more(attempts))
    }

    /// The same without waiting.
    pub(super) fn choose(&self, attempts: &Attempts) -> Option<Arc<Endpoint>> {
        // Whoever meets a server that is unwell draws again, so that the others share its part evenly.
        let mut drawn = self
            .servers
            .iter()
            .filter_map(|_| self.draw()?.next(Fit::Well, attempts));
        drawn
            .next()
            .or_else(|| self.any(Fit::Well, attempts))
            .or_else(|| self.any(Fit::Any, attempts))
    }

    /// The server whose turn it is.
    fn draw(&self) -> Option<&Server> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let server = self.servers.get(turn.checked_rem(self.servers.len())?)?;
        Some(server)
    }

    fn any(&self, fit: Fit, attempts: &Attempts) -> Option<Arc<Endpoint>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let start = turn.checked_rem(self.servers.len())?;
        let (before, after) = self.servers.split_at_checked(start)?;
        let mut in_turn = after.iter().chain(before);
        in_turn.find_map(|server| server.next(fit, attempts))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use pingora_error::{Error, ErrorType};

    use super::super::server::tests::server;
    use super::*;

    fn pool(hosts: &[&str]) -> Pool {
        Pool {
            servers: hosts
                .iter()
                .map(|host| Arc::new(server(host, &[])))
                .collect(),
            turn: AtomicUsize::new(0),
            dialer: Arc::default(),
            _tasks: JoinSet::new(),
        }
    }

    fn shares(pool: &Pool, requests: usize) -> BTreeMap<String, usize> {
        let mut shares = BTreeMap::new();
        for _ in 0..requests {
            let chosen = pool.choose(&Attempts::default()).unwrap();
            *shares.entry(chosen.address().to_string()).or_default() += 1;
        }
        shares
    }

    #[test]
    fn everybody_has_the_same_share() {
        let pool = pool(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        let counts: Vec<usize> = shares(&pool, 300).into_values().collect();
        assert_eq!(counts, [100, 100, 100]);
        // One less: the others share its part.
        pool.servers[0].endpoints()[0].not_connected(&"refused");
        let counts: Vec<usize> = shares(&pool, 300).into_values().collect();
        assert_eq!(counts, [150, 150]);
        // None: all are tried.
        for server in &pool.servers {
            server.endpoints()[0].failed(&"503");
        }
        assert_eq!(shares(&pool, 300).len(), 3);
    }

    #[test]
    fn nobody_is_tried_twice() {
        let pool = pool(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        let mut attempts = Attempts::default();
        let mut tried = Vec::new();
        while let Some(endpoint) = pool.choose(&attempts) {
            assert!(pool.has_more(&attempts));
            tried.push(endpoint.address());
            attempts.begin(endpoint);
            let _ = attempts.not_connected(&Error::new(ErrorType::ConnectRefused));
        }
        tried.sort_unstable();
        tried.dedup();
        assert_eq!(tried.len(), 3);
        assert!(!pool.has_more(&attempts));
    }

    #[tokio::test]
    async fn a_request_waits_for_the_first_answer_about_a_name() {
        let runtime = tokio::runtime::Handle::current();
        let patience = Duration::from_secs(30);
        let pool = Pool::open(
            vec![server("localhost", &[])],
            None,
            Arc::default(),
            &runtime,
        );
        assert!(pool.next(&Attempts::default(), patience).await.is_some());
        let nobody = Pool::open(
            vec![server("no-such-host.invalid", &[])],
            None,
            Arc::default(),
            &runtime,
        );
        assert!(nobody.next(&Attempts::default(), patience).await.is_none());
    }

    #[tokio::test]
    async fn what_runs_beside_it_ends_with_it() {
        let runtime = tokio::runtime::Handle::current();
        let pool = Pool::open(
            vec![server("localhost", &[])],
            None,
            Arc::default(),
            &runtime,
        );
        let server = Arc::downgrade(&pool.servers[0]);
        drop(pool);
        while server.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
