//! Whichever server Sentinel names.
//!
//! A server is the master while more than half of the sentinels say so and it says so itself. Two such majorities
//! share a sentinel, so two gateways never take different servers for the master longer than their links are
//! believed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;
use tokio::sync::{Mutex, mpsc};

use super::dial::{Address, Dial};
use super::line::Manner;
use super::link::Link;
use super::misunderstood;
use super::question::{From, Question, Words};
use super::server::Server;
use crate::{Fault, StoreName};

/// How long the sentinels are waited for.
const NAMING: Duration = Duration::from_millis(400);

/// After the sentinels named none, who asks within this is answered at once.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a server stays the master without being named anew.
const NAMED: Duration = Duration::from_millis(750);

/// Sentinels, and the master that they named last.
pub(super) struct Sentinel {
    name: String,
    sentinels: Vec<Arc<Link>>,
    /// The way to a master; its address is exchanged for the one that was named.
    servers: Dial,
    known: Mutex<Known>,
}

/// What the sentinels said last.
#[derive(Default)]
struct Known {
    master: Option<Arc<Master>>,
    /// When they last did not agree, or did not answer.
    failed: Option<Instant>,
}

struct Master {
    address: Address,
    server: Server,
    named: std::sync::Mutex<Option<Instant>>,
}

impl Master {
    fn is_named(&self, now: Instant) -> bool {
        let named = *lock(&self.named);
        named.is_some_and(|named| now.saturating_duration_since(named) < NAMED)
    }

    fn name(&self, at: Option<Instant>) {
        *lock(&self.named) = at;
    }
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Sentinel {
    pub(super) fn new(name: &str, sentinels: &[Dial], servers: Dial) -> Result<Self, Fault> {
        let links = sentinels.iter().map(|dial| Link::new(dial).map(Arc::new));
        Ok(Self {
            name: name.to_owned(),
            sentinels: links.collect::<Result<_, _>>()?,
            servers,
            known: Mutex::default(),
        })
    }

    /// Asks the master something; only the master's answer counts.
    pub(super) async fn ask(&self, by: Instant, question: Question<'_>) -> Result<Value, Fault> {
        let master = self.master(by).await?;
        let question = Question {
            from: From::Master,
            ..question
        };
        let answer = master.server.ask(by, Manner::Plain, question).await;
        if matches!(answer, Err(Fault::StoreAway { .. })) {
            // It is the master no more, or cannot be reached: the sentinels are asked anew.
            master.name(None);
        }
        answer
    }

    async fn master(&self, by: Instant) -> Result<Arc<Master>, Fault> {
        let waited = tokio::time::timeout_at(by.into(), self.known.lock()).await;
        let mut known = waited.map_err(|late| Fault::away(StoreName::Redis, late))?;
        let asked = Instant::now();
        if let Some(master) = known
            .master
            .as_ref()
            .filter(|master| master.is_named(asked))
        {
            return Ok(Arc::clone(master));
        }
        if known
            .failed
            .is_some_and(|failed| asked.saturating_duration_since(failed) < PAUSE)
        {
            let why = "the sentinels named no master a moment ago";
            return Err(Fault::away(StoreName::Redis, why));
        }
        match self.named(by).await {
            Ok(address) => self.put(&mut known, address, asked),
            Err(fault) => {
                known.failed = Some(Instant::now());
                Err(fault)
            }
        }
    }

    /// The server at `address` is the master; `asked` is when those were asked who say so.
    pub(super) async fn install(&self, address: Address, asked: Instant) -> Result<(), Fault> {
        let mut known = self.known.lock().await;
        let newer = |master: &Arc<Master>| {
            master.address != address && lock(&master.named).is_some_and(|named| named > asked)
        };
        if known.master.as_ref().is_some_and(newer) {
            return Err(Fault::away(StoreName::Redis, "the master has changed"));
        }
        self.put(&mut known, address, asked).map(|_| ())
    }

    fn put(
        &self,
        known: &mut Known,
        address: Address,
        asked: Instant,
    ) -> Result<Arc<Master>, Fault> {
        known.failed = None;
        if let Some(master) = known
            .master
            .as_ref()
            .filter(|master| master.address == address)
        {
            master.name(Some(asked));
            return Ok(Arc::clone(master));
        }
        tracing::info!(master = %address, "sentinel names the redis server for sessions");
        let master = Arc::new(Master {
            server: Server::new(&self.servers.to(&address))?,
            named: std::sync::Mutex::new(Some(asked)),
            address,
        });
        known.master = Some(Arc::clone(&master));
        Ok(master)
    }

    /// The way to the server at `address`.
    pub(super) fn dial(&self, address: &Address) -> Dial {
        self.servers.to(address)
    }

    /// The server that more than half of the sentinels name.
    pub(super) async fn named(&self, by: Instant) -> Result<Address, Fault> {
        let by = by.min(Instant::now() + NAMING);
        let (to, mut answers) = mpsc::channel(self.sentinels.len().max(1));
        for sentinel in &self.sentinels {
            // On its own: one that is slow is asked to the end, or its connection would fill with old questions.
            let (sentinel, name, to) = (Arc::clone(sentinel), self.name.clone(), to.clone());
            tokio::spawn(async move {
                let answer = named_by(&sentinel, &name, by).await;
                // Nobody waits any more once enough have answered.
                let _ = to.send(answer).await;
            });
        }
        drop(to);
        let enough = self.sentinels.len() / 2 + 1;
        let mut votes: HashMap<Address, usize> = HashMap::new();
        let mut last = None;
        while let Some(answer) = answers.recv().await {
            match answer {
                Ok(Some(address)) => {
                    let count = votes.entry(address.clone()).or_default();
                    *count += 1;
                    if *count == enough {
                        return Ok(address);
                    }
                }
                Ok(None) => last = Some(format!("a sentinel knows no `{}`", self.name)),
                Err(Fault::StoreAway { source, .. }) => last = Some(source.to_string()),
                Err(fault) => last = Some(fault.to_string()),
            }
        }
        let why = last.unwrap_or_else(|| "they do not agree".to_owned());
        Err(Fault::away(
            StoreName::Redis,
            format!(
                "no master is named by {enough} of the {} sentinels: {why}",
                self.sentinels.len()
            ),
        ))
    }
}

async fn named_by(sentinel: &Link, name: &str, by: Instant) -> Result<Option<Address>, Fault> {
    let mut ask = redis::cmd("SENTINEL");
    ask.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    let question = Question::plain(Words::Command(&ask));
    let answer = sentinel.ask(by, Manner::Plain, question).await?;
    let found: Option<(String, u16)> = redis::from_redis_value(answer).map_err(misunderstood)?;
    Ok(found.map(|(host, port)| Address { host, port }))
}
