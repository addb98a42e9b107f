//! The SQL database: how it is opened, and who may write when.
//!
//! Owns the connections, the one [`Migrator`](migration::Migrator) and the entities of this room. Must not know what
//! an account means. Reading never waits for a writer; writers of one process stand in one line, so the lock of the
//! file is only ever contended between processes.

pub(crate) mod entity;
mod file;
mod migration;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use doorward_config::DatabaseUrl;
use sea_orm::{
    ConnectOptions, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;

use crate::session::sql::Connections;
use crate::{Fault, StoreName};

/// Longest wait for an answer to a read, and for the turn to write. What takes longer is an outage (503).
const DEADLINE: Duration = Duration::from_millis(1500);
/// How long the engine itself waits for the lock of the file, held by another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read. More would not make one file faster.
const READERS: u32 = 4;

/// The open database. Cloning it shares the connections.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    connections: Connections,
}

impl Database {
    /// Opens the database, makes it if there is none, and brings its tables up to date. Several processes may do so
    /// at once.
    ///
    /// # Errors
    /// [`Fault::Broken`] when the file cannot be made or belongs to a newer version; [`Fault::StoreAway`] when it
    /// cannot be opened.
    pub(crate) async fn open(url: &DatabaseUrl, data_dir: &Path) -> Result<Self, Fault> {
        let DatabaseUrl::Sqlite(path) = url;
        let turn = file::prepare(path.clone(), data_dir.to_owned()).await?;
        let connections = Connections {
            writes: connect(path, Role::Write).await?,
            reads: connect(path, Role::Read).await?,
            watch: connect(path, Role::Watch).await?,
        };
        let database = Self { connections };
        database.migrate().await?;
        drop(turn);
        Ok(database)
    }

    /// Where to read. Nothing can be written through it.
    pub(crate) fn reads(&self) -> &DatabaseConnection {
        &self.connections.reads
    }

    /// What the session store needs.
    pub(crate) fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// Waits for the turn to write, and begins. Nothing else writes until the transaction ends: never wait for
    /// anything but the database while holding it.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the turn does not come within 1.5 seconds.
    pub(crate) async fn write(&self) -> Result<DatabaseTransaction, Fault> {
        let begin = self
            .connections
            .writes
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            });
        in_time(begin).await
    }

    async fn migrate(&self) -> Result<(), Fault> {
        type Migrator = migration::Migrator;
        let up_to_date = |error| {
            Fault::broken_by(
                "the tables of the database cannot be brought up to date",
                error,
            )
        };
        let pending = Migrator::get_pending_migrations_read_only(self.reads())
            .await
            .map_err(up_to_date)?;
        if pending.is_empty() {
            return Ok(());
        }
        // One transaction: a second process waits for it, and then finds nothing left to do.
        let transaction = self.write().await?;
        Migrator::up(&transaction, None).await.map_err(up_to_date)?;
        transaction.commit().await?;
        Ok(())
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy)]
enum Role {
    Read,
    Write,
    Watch,
}

async fn connect(path: &Path, role: Role) -> Result<DatabaseConnection, Fault> {
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
        .map_err(|error| Fault::away(StoreName::Database, error))
}

/// Gives the database the time that a person's request can wait for, and no more.
///
/// # Errors
/// [`Fault::StoreAway`] when that is over, else what the database said.
pub(crate) async fn in_time<T>(asked: impl Future<Output = Result<T, DbErr>>) -> Result<T, Fault> {
    match tokio::time::timeout(DEADLINE, asked).await {
        Ok(answer) => Ok(answer?),
        Err(late) => Err(Fault::away(StoreName::Database, late)),
    }
}
