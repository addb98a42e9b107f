//! The real stores the contract is asked of: `SQLite` in a folder, and servers of our own.

use std::path::Path;
use std::sync::Arc;

use doorward_config::DatabaseUrl;

use super::servers::Server;
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

enum Keeper {
    Folder(tempfile::TempDir),
    Redis(Server),
    Shared(Engine),
}

impl Backend {
    pub(super) fn name(&self) -> &'static str {
        match self.keeper {
            Keeper::Folder(_) => "SQLite",
            Keeper::Redis(Server::Socket(_)) => "Redis on a socket",
            Keeper::Redis(Server::Tls(_)) => "Redis over TLS",
            Keeper::Redis(Server::Sentinel(_)) => "Redis behind Sentinel",
            Keeper::Redis(Server::Cluster(_)) => "Redis Cluster",
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
pub(super) async fn backends() -> [Backend; 7] {
    // At once: most of a start is waiting until servers have found each other.
    tokio::join!(
        sqlite(),
        redis(Server::socket),
        redis(Server::tls),
        redis(Server::sentinel),
        redis(Server::cluster),
        on(Engine::Postgres),
        on(Engine::MariaDb),
    )
    .into()
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

pub(super) async fn sql(url: &DatabaseUrl) -> Arc<dyn SessionStore> {
    let database = Database::open(url, Path::new(".")).await.unwrap();
    Arc::new(SqlSessions::new(database.connections()))
}

async fn redis(start: fn() -> Server) -> Backend {
    let server = tokio::task::spawn_blocking(start).await.unwrap();
    let open = || Arc::new(RedisSessions::new(&server.config()).unwrap());
    Backend {
        store: open(),
        other: open(),
        keeper: Keeper::Redis(server),
    }
}
