//! `SQLite`: a file, opened by every process for itself.

use std::path::Path;
use std::time::Duration;

use sea_orm::ConnectOptions;
use sea_orm_migration::MigratorTrait;

use super::connection::{Connection, DEADLINE};
use super::migration::Migrator;
use super::{Role, outdated};
use crate::session::sql::Connections;
use crate::{Fault, StoreName};

/// How long the engine itself waits for the lock of the file, held by another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read. More would not make one file faster.
const READERS: u32 = 4;

pub(super) async fn connect(path: &Path) -> Result<Connections, Fault> {
    Ok(Connections {
        writes: pool(path, Role::Write).await?,
        reads: pool(path, Role::Read).await?,
        watch: pool(path, Role::Watch).await?,
    })
}

/// All steps in one transaction: a second process waits for it, and then finds nothing left to do.
pub(super) async fn migrate(writes: &Connection) -> Result<(), Fault> {
    let transaction = writes.begin_writing().await?;
    Migrator::up(transaction.all(), None)
        .await
        .map_err(outdated)?;
    Ok(transaction.commit().await?)
}

async fn pool(path: &Path, role: Role) -> Result<Connection, Fault> {
    use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
    let path = path.to_owned();
    // The file name is handed over as it is below: in a URL some of its characters would mean something.
    let mut options = ConnectOptions::new("sqlite::memory:");
    options
        .max_connections(if matches!(role, Role::Read) {
            READERS
        } else {
            1
        })
        .acquire_timeout(DEADLINE)
        .connect_timeout(BUSY_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |options| {
            let options = options
                .in_memory(false)
                .shared_cache(false)
                .filename(&path)
                .create_if_missing(false)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(BUSY_TIMEOUT);
            match role {
                Role::Write => options,
                Role::Read | Role::Watch => options.pragma("query_only", "ON"),
            }
        });
    sea_orm::Database::connect(options)
        .await
        .map(Connection::new)
        .map_err(|error| Fault::away(StoreName::Database, error))
}
