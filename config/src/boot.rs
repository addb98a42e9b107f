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
