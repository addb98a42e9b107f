//! Several real `redis-server`s that stand in for each other: behind Sentinel, and as a cluster.

use std::fmt::Write;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{RedisServer, free_port, until};

const LIMIT: Duration = Duration::from_secs(30);

/// A master, a replica of it, and three sentinels that make the replica the master when the master has been silent
/// for half a second.
pub struct RedisSentinel {
    servers: Vec<RedisServer>,
    ports: Vec<u16>,
    name: String,
    _sentinels: Vec<(Child, TempDir)>,
}

impl RedisSentinel {
    /// Starts them and waits until they know each other.
    pub async fn start() -> Self {
        let master = RedisServer::start().await;
        let port = master.address().port();
        let of = port.to_string();
        let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &of]).await;
        until("the replica follows", LIMIT, async || {
            let info = ask(port, &["INFO", "replication"]).await?;
            info.contains("state=online").then_some(())
        })
        .await;
        // Sentinels that meet take others of the same name for their own.
        let name = format!("doorward-{port}");
        let (mut sentinels, mut ports) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let (sentinel, port) = sentinel(&name, port).await;
            sentinels.push(sentinel);
            ports.push(port);
        }
        for port in &ports {
            until("the sentinels know all", LIMIT, async || {
                let mut known = redis::cmd("SENTINEL");
                known.arg("MASTER").arg(&name);
                let known: Vec<String> = known.query_async(&mut client(*port).await?).await.ok()?;
                let has = |pair: [&str; 2]| known.chunks(2).any(|known| known == pair);
                (has(["num-slaves", "1"]) && has(["num-other-sentinels", "2"])).then_some(())
            })
            .await;
        }
        Self {
            servers: vec![master, replica],
            ports,
            name,
            _sentinels: sentinels,
        }
    }

    /// The section of the configuration.
    #[must_use]
    pub fn section(&self) -> String {
        format!(
            "[redis]\nsentinel = {{ master = \"{}\", nodes = [{}] }}",
            self.name,
            urls(&self.ports)
        )
    }

    /// The server that was the master at first.
    pub fn master(&mut self) -> &mut RedisServer {
        &mut self.servers[0]
    }

    /// How many of the three sentinels name another master than the first.
    pub async fn moved(&self) -> usize {
        let first = self.servers[0].address().port().to_string();
        let mut count = 0;
        for port in &self.ports {
            let mut named = redis::cmd("SENTINEL");
            named.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name);
            let mut client = client(*port).await.expect("a sentinel answers");
            let named: Vec<String> = named.query_async(&mut client).await.expect("an address");
            count += usize::from(named.get(1) != Some(&first));
        }
        count
    }
}

async fn sentinel(name: &str, master: u16) -> ((Child, TempDir), u16) {
    loop {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let text = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor {name} 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds {name} 500\nsentinel failover-timeout {name} 10000\n"
        );
        let file = folder.path().join("sentinel.conf");
        std::fs::write(&file, text).expect("written");
        let mut child = Command::new("redis-server")
            .arg(&file)
            .arg("--sentinel")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server is installed (./run tests does it)");
        let up = until("a sentinel answers", LIMIT, async || {
            if let Ok(Some(_)) = child.try_wait() {
                return Some(false);
            }
            ask(port, &["PING"]).await.map(|_| true)
        })
        .await;
        if up {
            return ((child, folder), port);
        }
    }
}

/// Three masters, each with a replica that takes over when it has been silent for a second.
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts the nodes and makes them a cluster.
    pub async fn start() -> Self {
        let mut nodes = Vec::new();
        for _ in 0..6 {
            let node = [
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "1000",
                "--repl-diskless-sync-delay",
                "0",
            ];
            nodes.push(RedisServer::with(&node).await);
        }
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]);
        create.args(nodes.iter().map(|node| node.address().to_string()));
        create.args(["--cluster-replicas", "1", "--cluster-yes"]);
        let made = create.stdout(Stdio::null()).status().await;
        assert!(made.expect("redis-cli").success(), "no cluster");
        for node in &nodes {
            until("the cluster is in order", LIMIT, async || {
                let port = node.address().port();
                let info = ask(port, &["CLUSTER", "INFO"]).await?;
                let known = ask(port, &["CLUSTER", "NODES"]).await?;
                let replicas = known.matches("slave").count();
                (info.contains("cluster_state:ok") && replicas == 3).then_some(())
            })
            .await;
        }
        for node in &nodes[..3] {
            until("replicas follow", LIMIT, async || {
                let info = ask(node.address().port(), &["INFO", "replication"]).await?;
                info.contains("state=online").then_some(())
            })
            .await;
        }
        Self { nodes }
    }

    /// The section of the configuration.
    #[must_use]
    pub fn section(&self) -> String {
        let ports: Vec<u16> = self
            .nodes
            .iter()
            .map(|node| node.address().port())
            .collect();
        format!("[redis]\ncluster = [{}]", urls(&ports[..3]))
    }

    /// One of the masters.
    pub fn master(&mut self) -> &mut RedisServer {
        &mut self.nodes[1]
    }
}

fn urls(ports: &[u16]) -> String {
    let mut text = String::new();
    for port in ports {
        let _ = write!(text, "\"redis://127.0.0.1:{port}\", ");
    }
    text.trim_end_matches(", ").to_owned()
}

async fn client(port: u16) -> Option<redis::aio::MultiplexedConnection> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).ok()?;
    client.get_multiplexed_async_connection().await.ok()
}

async fn ask(port: u16, words: &[&str]) -> Option<String> {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(&mut client(port).await?).await.ok()
}
