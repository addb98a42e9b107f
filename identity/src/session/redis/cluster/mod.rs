//! Redis Cluster: every key has an owner, and owners change.
//!
//! Questions go straight to the owner of the key. Not over the library's cluster connection, which puts all
//! questions off while it looks for a node that does not answer: here only those wait that belong to it.

mod view;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::ConnectionLike;
use redis::{ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};
use tokio::sync::mpsc;

use super::away;
use super::dial::{Address, Dial};
use super::line::Manner;
use super::link::redis_error;
use super::question::{Question, Words};
use super::server::Server;
use crate::{Fault, StoreName};
pub(super) use view::View;

/// How long nodes are waited for that are asked about the whole.
const LOOKING: Duration = Duration::from_millis(400);

/// Once one node has told of the whole, the others are given so long.
const OTHERS: Duration = Duration::from_millis(100);

/// The whole is looked at again after a failure, but not more often than this.
const PAUSE: Duration = Duration::from_millis(200);

/// How often a question follows a key that is moving.
const HOPS: usize = 5;

/// A pause before a key that lies in two places is asked for again.
const MOVING: Duration = Duration::from_millis(20);

/// A cluster, known by some of its nodes.
pub(super) struct Cluster {
    seeds: Vec<Address>,
    /// The way to a node; its address is exchanged.
    nodes: Dial,
    servers: Mutex<HashMap<Address, Arc<Server>>>,
    known: tokio::sync::Mutex<Known>,
    doubtful: AtomicBool,
}

/// The cluster as it was last seen.
#[derive(Default)]
struct Known {
    view: Option<Arc<View>>,
    looked: Option<Instant>,
}

/// Where a question goes next.
enum Next {
    There(Address, Manner),
    AgainSoon,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Address>, nodes: Dial) -> Self {
        Self {
            seeds,
            nodes,
            servers: Mutex::default(),
            known: tokio::sync::Mutex::default(),
            doubtful: AtomicBool::new(false),
        }
    }

    /// Asks the owner of `key` something.
    pub(super) async fn ask(
        &self,
        by: Instant,
        key: &str,
        question: Question<'_>,
    ) -> Result<Value, Fault> {
        let view = self.view(by).await?;
        let owner = view.owner(view::slot(key));
        let mut there = owner.cloned().ok_or_else(unowned)?;
        let mut manner = Manner::Plain;
        for _ in 0..HOPS {
            let server = self.server(&there)?;
            let fault = match server.ask(by, manner, question).await {
                Err(fault @ Fault::StoreAway { .. }) => fault,
                answered => return answered,
            };
            match redis_error(&fault).and_then(|error| next(error, &there)) {
                Some(Next::There(address, how)) => {
                    if how == Manner::Plain {
                        self.doubt();
                    }
                    (there, manner) = (address, how);
                }
                Some(Next::AgainSoon) => tokio::time::sleep(MOVING).await,
                None => {
                    self.doubt();
                    return Err(fault);
                }
            }
        }
        Err(Fault::away(
            StoreName::Redis,
            "the key moves faster than it can be followed",
        ))
    }

    /// Owners may have changed: the next question looks.
    fn doubt(&self) {
        self.doubtful.store(true, Ordering::Release);
    }

    async fn view(&self, by: Instant) -> Result<Arc<View>, Fault> {
        let waited = tokio::time::timeout_at(by.into(), self.known.lock()).await;
        let mut known = waited.map_err(|late| Fault::away(StoreName::Redis, late))?;
        let now = Instant::now();
        let looked = known
            .looked
            .is_some_and(|at| now.saturating_duration_since(at) < PAUSE);
        if let Some(view) = &known.view
            && (looked || !self.doubtful.load(Ordering::Acquire))
        {
            return Ok(Arc::clone(view));
        }
        if looked {
            return Err(Fault::away(
                StoreName::Redis,
                "no node answered a moment ago",
            ));
        }
        self.doubtful.store(false, Ordering::Release);
        let seen = self.look(known.view.as_deref(), by).await;
        known.looked = Some(Instant::now());
        match (seen, &known.view) {
            (Ok(view), _) => {
                let view = Arc::new(view);
                known.view = Some(Arc::clone(&view));
                self.forget_others(&view);
                Ok(view)
            }
            // Nobody knows better.
            (Err(_), Some(view)) => {
                self.doubt();
                Ok(Arc::clone(view))
            }
            (Err(fault), None) => Err(fault),
        }
    }

    /// What the nodes say now, for a watch that will hear of all that these masters own.
    pub(super) async fn fresh(&self, by: Instant) -> Result<View, Fault> {
        let view = self.known.lock().await.view.clone();
        self.look(view.as_deref(), by).await
    }

    /// All masters agree on this view: questions go by it.
    pub(super) async fn install(&self, view: Arc<View>) {
        let mut known = self.known.lock().await;
        if known
            .view
            .as_ref()
            .is_none_or(|old| old.epoch() <= view.epoch())
        {
            self.forget_others(&view);
            known.view = Some(view);
        }
    }

    /// Asks every node that is known about the whole. Of several views the one counts that has seen the latest change.
    async fn look(&self, known: Option<&View>, by: Instant) -> Result<View, Fault> {
        let mut places: Vec<Address> = self.seeds.clone();
        places.extend(known.into_iter().flat_map(View::masters).cloned());
        places.sort_unstable();
        places.dedup();
        let mut until = by.min(Instant::now() + LOOKING);
        let (to, mut views) = mpsc::channel(places.len().max(1));
        for place in places {
            let (server, to) = (self.server(&place)?, to.clone());
            // On its own, so that a node that does not answer is asked to the end.
            tokio::spawn(async move {
                let ask = whole();
                let question = Question::plain(Words::Several(&ask));
                let answer = server.ask(until, Manner::Plain, question).await;
                let answer = answer.and_then(|answer| understood(answer, &place).map_err(away));
                // Nobody waits any more once enough have answered.
                let _ = to.send(answer).await;
            });
        }
        drop(to);
        let mut best: Option<View> = None;
        let mut last = Fault::away(StoreName::Redis, "no node of the cluster answers");
        while let Ok(Some(answer)) = tokio::time::timeout_at(until.into(), views.recv()).await {
            match answer {
                Ok((_, view)) => {
                    until = until.min(Instant::now() + OTHERS);
                    if best.as_ref().is_none_or(|best| best.epoch() < view.epoch()) {
                        best = Some(view);
                    }
                }
                Err(fault) => last = fault,
            }
        }
        best.ok_or(last)
    }

    /// The way to the node at `address`.
    pub(super) fn dial(&self, address: &Address) -> Dial {
        self.nodes.to(address)
    }

    fn server(&self, address: &Address) -> Result<Arc<Server>, Fault> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.get(address) {
            return Ok(Arc::clone(server));
        }
        let server = Arc::new(Server::new(&self.nodes.to(address))?);
        servers.insert(address.clone(), Arc::clone(&server));
        Ok(server)
    }

    /// Connections to nodes that are no masters any more are closed.
    fn forget_others(&self, view: &View) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.retain(|address, _| {
            self.seeds.contains(address) || view.masters().any(|master| master == address)
        });
    }
}

/// Where Redis says that the question should go instead: the first word of `MOVED SLOT HOST:PORT` and its like.
fn next(error: &RedisError, asked: &Address) -> Option<Next> {
    // Of several commands that were put at once the first that failed tells.
    let errors = error.clone().into_server_errors()?;
    let (_, error) = errors.first()?;
    let manner = match error.kind()? {
        ServerErrorKind::Moved => Manner::Plain,
        ServerErrorKind::Ask => Manner::Asking,
        ServerErrorKind::TryAgain => return Some(Next::AgainSoon),
        _ => return None,
    };
    let place = error.details()?.split(' ').nth(1)?;
    let (host, port) = place.rsplit_once(':')?;
    let host = if host.is_empty() { &asked.host } else { host };
    let address = Address {
        host: host.to_owned(),
        port: port.parse().ok()?,
    };
    Some(Next::There(address, manner))
}

fn unowned() -> Fault {
    Fault::away(StoreName::Redis, "no node owns this part of the cluster")
}

/// Whether a node can answer for its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is connected to most of the cluster, and every slot has an owner.
    Fine,
    /// It says itself that it cannot.
    Failed,
}

/// What a node says about itself and about the whole.
pub(super) async fn state(
    mut line: impl ConnectionLike,
    asked: &Address,
) -> Result<(State, View), RedisError> {
    understood(whole().query_async(&mut line).await?, asked)
}

fn whole() -> Pipeline {
    let mut both = redis::pipe();
    both.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("NODES");
    both
}

fn understood(answer: Value, asked: &Address) -> Result<(State, View), RedisError> {
    let (info, nodes): (String, String) = redis::from_redis_value(answer)?;
    let fine = info
        .lines()
        .any(|line| line.trim_end() == "cluster_state:ok");
    let state = if fine { State::Fine } else { State::Failed };
    let view = View::parse(&nodes, asked).ok_or_else(|| {
        RedisError::from((
            ErrorKind::Parse,
            "a node describes its cluster in words that are not understood",
        ))
    })?;
    Ok((state, view))
}
