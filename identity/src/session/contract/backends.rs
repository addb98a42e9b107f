//! The real stores the contract is asked of: `SQLite` in a folder, and servers of our own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_config::DatabaseUrl;

use crate::database::{Database, DatabaseTransaction};
use crate::session::SessionStore;
use crate::session::redis::RedisSessions;
use crate::session::sql::SqlSessions;
use crate::testing::server::Engine;

/// One kind of store, opened twice, as two processes would.
pub(super) struct Backend {
    pub(super) store: Arc<dyn SessionStore>,
    pub(super) other: Arc<dyn SessionStore>,
    keeper: Keeper,
}

#[expect(dead_code, reason = "held for what happens when they are dropped")]
enum Keeper {
    Folder(tempfile::TempDir),
    Server(RedisServer),
    Shared(Engine),
}

impl Backend {
    pub(super) fn name(&self) -> &'static str {
        match self.keeper {
            Keeper::Folder(_) => "SQLite",
            Keeper::Server(_) => "Redis",
            Keeper::Shared(Engine::Postgres) => "PostgreSQL",
            Keeper::Shared(Engine::MariaDb) => "MariaDB",
        }
    }

    /// Another process that writes to the file, and lets nobody else do so until it is done.
    pub(super) async fn writer(&self) -> DatabaseTransaction {
        let Keeper::Folder(folder) = &self.keeper else {
            panic!("only a file has a lock");
        };
        let url = DatabaseUrl::Sqlite(folder.path().join("doorward.db"));
        let database = Database::open(&url, folder.path()).await.unwrap();
        database.write().await.unwrap()
    }
}

/// Every kind of store.
pub(super) async fn backends() -> [Backend; 4] {
    [
        sqlite().await,
        redis(),
        on(Engine::Postgres).await,
        on(Engine::MariaDb).await,
    ]
}

pub(super) async fn sqlite() -> Backend {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("doorward.db"));
    let (store, other) = (sql(&url).await, sql(&url).await);
    Backend {
        store,
        other,
        keeper: Keeper::Folder(folder),
    }
}

async fn on(engine: Engine) -> Backend {
    let url = engine.database().await;
    let (store, other) = (sql(&url).await, sql(&url).await);
    Backend {
        store,
        other,
        keeper: Keeper::Shared(engine),
    }
}

async fn sql(url: &DatabaseUrl) -> Arc<dyn SessionStore> {
    let database = Database::open(url, Path::new(".")).await.unwrap();
    Arc::new(SqlSessions::new(database.connections()))
}

fn redis() -> Backend {
    let server = RedisServer::start();
    let store = Arc::new(RedisSessions::new(&server.url()).unwrap());
    let other = Arc::new(RedisSessions::new(&server.url()).unwrap());
    Backend {
        store,
        other,
        keeper: Keeper::Server(server),
    }
}

/// A `redis-server` on a Unix socket in a folder of its own.
pub(super) struct RedisServer {
    folder: tempfile::TempDir,
    process: Child,
}

impl RedisServer {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = Self::spawn(folder.path());
        let server = Self { folder, process };
        server.wait();
        server
    }

    fn spawn(folder: &Path) -> Child {
        Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(folder.join("redis.sock"))
            .arg("--dir")
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("these tests need redis-server (Debian: apt-get install redis-server)")
    }

    /// Starts it again after [`RedisServer::kill`].
    pub(super) fn restart(&mut self) {
        self.process = Self::spawn(self.folder.path());
        self.wait();
    }

    pub(super) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::fs::remove_file(self.folder.path().join("redis.sock")).ok();
    }

    /// Stops it from answering while its connections stay open, or lets it go on.
    pub(super) fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.process.id().to_string())
            .status();
        assert!(done.unwrap().success());
    }

    pub(super) fn url(&self) -> String {
        format!(
            "redis+unix://{}",
            self.folder.path().join("redis.sock").display()
        )
    }

    pub(super) fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url())
            .unwrap()
            .get_connection()
            .unwrap()
    }

    fn wait(&self) {
        let start = Instant::now();
        while redis::Client::open(self.url())
            .unwrap()
            .get_connection()
            .is_err()
        {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "redis-server does not answer"
            );
            std::thread::yield_now();
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.signal("CONT");
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
