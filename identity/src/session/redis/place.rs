//! Where the sessions are: on one server, on whichever Sentinel names, or spread over a cluster.

use std::time::Instant;

use doorward_config::{Redis, RedisServers};
use redis::Value;

use super::cluster::Cluster;
use super::dial::{Address, Dial};
use super::keys::Keys;
use super::line::Manner;
use super::link::Link;
use super::question::Question;
use super::sentinel::Sentinel;
use crate::Fault;
use crate::session::store::STORE_DEADLINE;

/// The servers that are asked.
pub(super) enum Place {
    /// One server.
    One {
        /// For connections of one's own.
        dial: Dial,
        /// For questions.
        link: Link,
    },
    /// The master that Sentinel names.
    Sentinel(Sentinel),
    /// The owner of each key.
    Cluster(Cluster),
}

impl Place {
    pub(super) fn new(redis: &Redis) -> Result<Self, Fault> {
        let authorities = redis.authorities.as_deref();
        match &redis.servers {
            RedisServers::One(url) => {
                let dial = Dial::new(url.expose(), authorities)?;
                let link = Link::new(&dial)?;
                Ok(Self::One { dial, link })
            }
            RedisServers::Sentinel { master, sentinels } => {
                let addresses = &sentinels.addresses;
                let dials = addresses
                    .iter()
                    .map(|address| Dial::sentinel(address.expose(), authorities));
                let dials = dials.collect::<Result<Vec<_>, _>>()?;
                let password = sentinels
                    .password
                    .as_ref()
                    .map(doorward_config::Secret::expose);
                let servers = Dial::new(first(addresses)?, authorities)?
                    .login(sentinels.username.as_deref(), password);
                Ok(Self::Sentinel(Sentinel::new(master, &dials, servers)?))
            }
            RedisServers::Cluster(nodes) => {
                let dials = nodes
                    .addresses
                    .iter()
                    .map(|address| Dial::new(address.expose(), authorities));
                let dials = dials.collect::<Result<Vec<_>, _>>()?;
                let seeds: Vec<Address> = dials.iter().filter_map(Dial::address).collect();
                let password = nodes.password.as_ref().map(doorward_config::Secret::expose);
                let nodes = Dial::new(first(&nodes.addresses)?, authorities)?
                    .login(nodes.username.as_deref(), password);
                Ok(Self::Cluster(Cluster::new(seeds, nodes)))
            }
        }
    }

    /// How names are spelt here.
    pub(super) fn keys(&self) -> Keys {
        match self {
            Self::One { .. } | Self::Sentinel(_) => Keys::Plain,
            Self::Cluster(_) => Keys::Tagged,
        }
    }

    /// Asks the server that has `key` something, within the deadline of a person's request.
    pub(super) async fn ask(&self, key: &str, question: Question<'_>) -> Result<Value, Fault> {
        let by = Instant::now() + STORE_DEADLINE;
        match self {
            // Nothing is known of copies here.
            Self::One { link, .. } => {
                let question = Question::plain(question.words);
                link.ask(by, Manner::Plain, question).await
            }
            Self::Sentinel(sentinel) => sentinel.ask(by, question).await,
            Self::Cluster(cluster) => cluster.ask(by, key, question).await,
        }
    }
}

fn first(addresses: &[doorward_config::Secret]) -> Result<&str, Fault> {
    let first = addresses.first();
    first
        .map(doorward_config::Secret::expose)
        .ok_or_else(|| Fault::broken("[redis] names no server"))
}
