//! `SQLite`: a file, opened by every process for itself.

use std::path::Path;
use std::time::Duration;

use sea_orm::ConnectOptions;
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, Connection as _};
use sea_orm_migration::MigratorTrait;

use super::connection::Connection;
use super::migration::Migrator;
use super::{Role, outdated};
use crate::patience::TO_FINISH;
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
        .acquire_timeout(TO_FINISH)
        .connect_timeout(BUSY_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .sqlx_logging(false)
        // Once is enough, see below.
        .test_before_acquire(false)
        .map_sqlx_sqlite_before_acquire(|connection, _| Box::pin(is_at_rest(connection)))
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

/// Whether a connection has no transaction left to its last user. After some errors, as that of a full disk, the engine
/// takes a transaction back by itself (<https://www.sqlite.org/lang_transaction.html>, "Response to errors within a
/// transaction"); the driver believes that it goes on, and would put all that follows into savepoints of a transaction
/// that nobody ever commits.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // Behind what is still on its way to the engine.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}
