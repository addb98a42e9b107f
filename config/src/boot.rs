//! The part of the configuration that only a restart can change.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::{DatabaseUrl, Redis};

/// What is decided once, at start.
#[derive(Debug, Clone, PartialEq)]
pub struct Boot {
    /// Where plain HTTP is served; empty only if `listen_tls` is not. Where the
    /// kernel has no IPv6, an unspecified `[::]` stands for `0.0.0.0`.
    pub listen: Vec<SocketAddr>,
    /// Where HTTPS is served; then there is a certificate.
    pub listen_tls: Vec<SocketAddr>,
    /// Where metrics and health are served.
    pub admin_listen: SocketAddr,
    /// Folder for everything the program writes itself.
    pub data_dir: PathBuf,
    /// Proxy threads; absent means one a core.
    pub threads: Option<NonZeroUsize>,
    /// File of the key for what is encrypted at rest; made at first start.
    pub secret_file: PathBuf,
    /// Longest wait for open requests at stop; zero does not wait.
    pub drain: Duration,
    /// Where accounts are kept.
    pub database: DatabaseUrl,
    /// Where sessions are kept; absent means in the database.
    pub redis: Option<Redis>,
    /// Cost of a password hash, and how many run at once.
    pub hashing: Hashing,
    /// How log lines look.
    pub log: LogFormat,
}

impl Default for Boot {
    fn default() -> Self {
        let data_dir = PathBuf::from("data");
        Self {
            listen: vec![SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 8080)],
            listen_tls: Vec::new(),
            admin_listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9180),
            threads: None,
            secret_file: data_dir.join("secret.key"),
            drain: Duration::from_secs(30),
            database: DatabaseUrl::Sqlite(data_dir.join("doorward.db")),
            redis: None,
            hashing: Hashing::default(),
            log: LogFormat::Auto,
            data_dir,
        }
    }
}

impl Boot {
    /// The keys that `new` has otherwise, as they are written: what follows from another is not among them.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Vec<&'static str> {
        // Taken apart, so that nothing is forgotten.
        let Self {
            listen,
            listen_tls,
            admin_listen,
            data_dir,
            threads,
            secret_file,
            drain,
            database,
            redis,
            hashing,
            log,
        } = self;
        let both = |follows: fn(&Self) -> bool| follows(self) && follows(new);
        let secret_follows = both(|boot| boot.secret_file == boot.data_dir.join("secret.key"));
        let database_follows =
            both(|boot| boot.database == DatabaseUrl::Sqlite(boot.data_dir.join("doorward.db")));
        let named = [
            ("server.listen", *listen != new.listen),
            ("server.listen_tls", *listen_tls != new.listen_tls),
            ("server.admin_listen", *admin_listen != new.admin_listen),
            ("server.data_dir", *data_dir != new.data_dir),
            ("server.threads", *threads != new.threads),
            (
                "server.secret_file",
                *secret_file != new.secret_file && !secret_follows,
            ),
            ("server.drain", *drain != new.drain),
            (
                "database.url",
                *database != new.database && !database_follows,
            ),
            ("redis", *redis != new.redis),
            ("log.format", *log != new.log),
        ];
        let mut keys: Vec<_> = named
            .into_iter()
            .filter_map(|(key, changed)| changed.then_some(key))
            .collect();
        keys.extend(hashing.changes(new.hashing));
        keys
    }
}

/// Cost of an argon2id password hash (RFC 9106), and how many run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashing {
    /// Memory in KiB; at least eight for each lane.
    pub memory_kib: u32,
    /// Passes over the memory; at least one.
    pub iterations: u32,
    /// Lanes; at least one.
    pub lanes: u32,
    /// Threads that hash; at least one.
    pub concurrency: usize,
}

impl Hashing {
    fn changes(self, new: Self) -> impl Iterator<Item = &'static str> {
        let Self {
            memory_kib,
            iterations,
            lanes,
            concurrency,
        } = self;
        let named = [
            ("password.memory", memory_kib != new.memory_kib),
            ("password.iterations", iterations != new.iterations),
            ("password.lanes", lanes != new.lanes),
            ("password.concurrency", concurrency != new.concurrency),
        ];
        named
            .into_iter()
            .filter_map(|(key, changed)| changed.then_some(key))
    }

    /// What `concurrency = 0` stands for: all cores but one, at least one.
    #[must_use]
    pub fn spare_cores() -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        cores.saturating_sub(1).max(1)
    }
}

impl Default for Hashing {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            iterations: 2,
            lanes: 1,
            concurrency: Self::spare_cores(),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
