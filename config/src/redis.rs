//! Where sessions are kept when they are kept in Redis.

use crate::Secret;

/// A Redis for sessions: which servers, and whose certificates count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    /// The servers.
    pub servers: RedisServers,
    /// Certificates in PEM that the servers' are checked against instead of the system's; only with TLS.
    pub authorities: Option<String>,
}

/// How the servers are found. Every address is a secret, because it may carry a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisServers {
    /// One server: `redis://`, `rediss://`, `redis+unix://` or `unix://`.
    One(Secret),
    /// Redis Cluster, known by some of its nodes.
    Cluster(RedisNodes),
    /// Whichever server Sentinel names.
    Sentinel {
        /// The name Sentinel knows the master by.
        master: String,
        /// The sentinels. A user and password in these addresses are for them alone.
        sentinels: RedisNodes,
    },
}

/// Some addresses to begin with, all `redis://` or all `rediss://`; and how the servers behind them are signed in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisNodes {
    /// The addresses; never empty.
    pub addresses: Vec<Secret>,
    /// The user, if not the default one.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
}
