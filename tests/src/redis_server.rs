//! A real `redis-server` in a temporary folder on a free port, to be stopped, frozen and brought back.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::{free_port, until, within};

/// A Redis of our own. It writes every change to its append-only file, so a restart loses nothing.
pub struct RedisServer {
    folder: TempDir,
    port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts it and waits until it answers.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts it with these arguments besides, and waits until it answers.
    pub async fn with(arguments: &[&str]) -> Self {
        loop {
            let mut server = Self {
                folder: tempfile::tempdir().expect("a temporary folder"),
                port: free_port(),
                arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
                child: None,
            };
            // Somebody else may have taken the port in between.
            if server.try_start().await {
                return server;
            }
        }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Starts it (again) on the same port and files, and waits until it answers.
    pub async fn start_again(&mut self) {
        assert!(self.try_start().await, "redis-server ended at once");
    }

    /// Starts it and waits until it answers; `false` when it ends instead.
    async fn try_start(&mut self) -> bool {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args([
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                "--save",
                "",
            ])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server is installed (./run tests does it)");
        let child = self.child.insert(child);
        let url = format!("redis://127.0.0.1:{}/0", self.port);
        let own = format!("process_id:{}", child.id().expect("just started"));
        let (what, limit) = ("redis-server answers", Duration::from_secs(15));
        until(what, limit, async || {
            if let Ok(Some(_)) = child.try_wait() {
                return Some(false);
            }
            let mut info = redis::cmd("INFO");
            let mut client = connect(&url).await?;
            let info: String = info.arg("server").query_async(&mut client).await.ok()?;
            // Another one's answer, on a port that both wanted, is none.
            let ours = info.lines().any(|line| line == own);
            // INFO answers before what was kept is loaded, a PING does not.
            let _: String = redis::cmd("PING").query_async(&mut client).await.ok()?;
            ours.then_some(true)
        })
        .await
    }

    /// A connection of the story's own.
    pub async fn client(&self) -> MultiplexedConnection {
        let url = format!("redis://{}/0", self.address());
        connect(&url).await.expect("redis-server answers")
    }

    /// Kills it at once, as a crash would.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("a running redis-server");
        child.kill().await.expect("killed");
    }

    /// Stops answering without closing anything: half-open connections.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Answers again after `freeze`.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let id = self
            .child
            .as_ref()
            .and_then(Child::id)
            .expect("a running redis-server");
        let pid = Pid::from_raw(i32::try_from(id).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("signalled");
    }

    /// Every key, sorted.
    pub async fn keys(&self) -> Vec<Vec<u8>> {
        let mut client = self.client().await;
        let mut keys: Vec<Vec<u8>> = redis::cmd("KEYS")
            .arg("*")
            .query_async(&mut client)
            .await
            .expect("KEYS");
        keys.sort();
        keys
    }

    /// Deletes keys straight in the store, as nothing but a fault would.
    pub async fn delete(&self, keys: &[Vec<u8>]) {
        let mut client = self.client().await;
        let gone: usize = redis::cmd("DEL")
            .arg(keys)
            .query_async(&mut client)
            .await
            .expect("DEL");
        assert!(gone > 0, "nothing was there to delete");
    }

    /// Cuts every connection that tracks keys, again and again, until the returned task is aborted.
    #[must_use]
    pub fn keep_cutting_watchers(&self) -> JoinHandle<()> {
        let address = self.address();
        tokio::spawn(async move {
            let client = redis::Client::open(format!("redis://{address}/0")).expect("an address");
            let mut client = client
                .get_multiplexed_async_connection()
                .await
                .expect("redis-server answers");
            let mut every = tokio::time::interval(Duration::from_millis(10));
            loop {
                every.tick().await;
                cut_watchers(&mut client).await;
            }
        })
    }

    /// Everything that Redis keeps on disk, after a `SAVE`.
    pub async fn files(&self) -> Vec<u8> {
        let mut client = self.client().await;
        let () = redis::cmd("SAVE")
            .query_async(&mut client)
            .await
            .expect("SAVE");
        let mut all = Vec::new();
        collect(self.folder.path(), &mut all);
        all
    }

    /// Starts to listen to every command that Redis is given.
    pub async fn monitor(&self) -> Monitor {
        let mut stream = TcpStream::connect(self.address())
            .await
            .expect("redis-server answers");
        stream.write_all(b"MONITOR\r\n").await.expect("MONITOR");
        let mut lines = BufReader::new(stream).lines();
        let first = within("MONITOR", Duration::from_secs(5), lines.next_line()).await;
        assert_eq!(first.expect("MONITOR").as_deref(), Some("+OK"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                keep.lock().expect("unpoisoned").push(line);
            }
        });
        Monitor(heard)
    }
}

async fn connect(url: &str) -> Option<MultiplexedConnection> {
    let client = redis::Client::open(url).ok()?;
    client.get_multiplexed_async_connection().await.ok()
}

async fn cut_watchers(client: &mut MultiplexedConnection) {
    let list: String = redis::cmd("CLIENT")
        .arg("LIST")
        .query_async(client)
        .await
        .expect("CLIENT LIST");
    for line in list.lines() {
        let field = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name));
        if field("flags=").is_some_and(|flags| flags.contains('t') || flags.contains('B')) {
            // Gone already is as good as killed.
            let _: Result<usize, _> = redis::cmd("CLIENT")
                .arg("KILL")
                .arg("ID")
                .arg(field("id="))
                .query_async(client)
                .await;
        }
    }
}

fn collect(folder: &Path, all: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, all);
        } else {
            all.extend(std::fs::read(&path).expect("a file"));
        }
    }
}

/// What `MONITOR` has shown so far.
pub struct Monitor(Arc<Mutex<Vec<String>>>);

impl Monitor {
    /// The commands heard so far, each as Redis prints it: `"GET" "key"`, scripts' inner commands included.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        let lines = self.0.lock().expect("unpoisoned");
        let commands = lines.iter().filter_map(|line| line.split_once("] "));
        commands.map(|(_, command)| command.to_owned()).collect()
    }
}
