//! The real stores the contract is asked of: `SQLite` in a folder, and a `redis-server` of our own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::session::SessionStore;
use crate::session::redis::RedisSessions;
use crate::session::sql::migration::Migration;
use crate::session::sql::{Connections, SqlSessions};

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
}

impl Backend {
    pub(super) fn name(&self) -> &'static str {
        match self.keeper {
            Keeper::Folder(_) => "SQLite",
            Keeper::Server(_) => "Redis",
        }
    }

    /// Another process that writes to the file, and lets nobody else do so until it is done.
    pub(super) async fn writer(&self) -> DatabaseTransaction {
        let Keeper::Folder(folder) = &self.keeper else {
            panic!("only a file has a lock");
        };
        connect(&folder.path().join("doorward.db"))
            .await
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await
            .unwrap()
    }
}

/// Every kind of store.
pub(super) async fn backends() -> [Backend; 2] {
    [sqlite().await, redis()]
}

pub(super) async fn sqlite() -> Backend {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("doorward.db");
    let first = connect(&file).await;
    Migration.up(&SchemaManager::new(&first)).await.unwrap();
    let store = Arc::new(SqlSessions::new(connections(&file).await));
    let other = Arc::new(SqlSessions::new(connections(&file).await));
    Backend {
        store,
        other,
        keeper: Keeper::Folder(folder),
    }
}

async fn connections(file: &Path) -> Connections {
    Connections {
        reads: connect(file).await,
        writes: connect(file).await,
        watch: connect(file).await,
    }
}

async fn connect(file: &Path) -> DatabaseConnection {
    let mut options = ConnectOptions::new(format!("sqlite:{}?mode=rwc", file.display()));
    options.max_connections(4).map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .journal_mode(sea_orm::sqlx::sqlite::SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(5))
    });
    Database::connect(options).await.unwrap()
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
