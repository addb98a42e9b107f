//! The SQL database: how it is opened, and who may write when.
//!
//! Owns the connections, the one [`Migrator`](migration::Migrator) and the entities of this room. Must not know what
//! an account means. Reading never waits for a writer. All that write stand in one line, whichever process they are
//! in: whoever has the turn sees everything that was written before, and nothing changes under them. So what is
//! checked in a transaction holds until it is committed, on every engine.

mod connection;
pub(crate) mod entity;
mod file;
pub(crate) mod migration;
mod mysql;
mod postgres;
mod server;
mod sqlite;
#[cfg(test)]
mod tests;

use std::path::Path;

use doorward_config::DatabaseUrl;
use jiff::Timestamp;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use sea_orm_migration::MigratorTrait;

pub(crate) use self::connection::{Connection, DEADLINE, DatabaseTransaction};
use crate::session::sql::Connections;
use crate::{Fault, StoreName, patience};

/// The open database. Cloning it shares the connections.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    connections: Connections,
}

impl Database {
    /// Opens the database, makes the file if it is one and there is none, and brings the tables up to date. Several
    /// processes may do so at once.
    ///
    /// # Errors
    /// [`Fault::Broken`] when a file cannot be made or the tables belong to a newer version; [`Fault::StoreAway`]
    /// when it cannot be opened.
    pub(crate) async fn open(url: &DatabaseUrl, data_dir: &Path) -> Result<Self, Fault> {
        let turn = match url {
            DatabaseUrl::Sqlite(path) => {
                Some(file::prepare(path.clone(), data_dir.to_owned()).await?)
            }
            DatabaseUrl::Postgres(_) | DatabaseUrl::MySql(_) => None,
        };
        let connections = match url {
            DatabaseUrl::Sqlite(path) => sqlite::connect(path).await?,
            DatabaseUrl::Postgres(server) => postgres::connect(server).await?,
            DatabaseUrl::MySql(server) => mysql::connect(server).await?,
        };
        let database = Self { connections };
        database.migrate(url).await?;
        drop(turn);
        Ok(database)
    }

    /// Where to read. Nothing can be written through it.
    pub(crate) fn reads(&self) -> &Connection {
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
        in_time(self.connections.take_turn()).await
    }

    /// Forgets the rows whose time is over. Looking costs nothing; the turn to write is only asked for when there is
    /// something.
    ///
    /// # Errors
    /// As [`Database::write`].
    pub(crate) async fn forget_over<E: EntityTrait>(
        &self,
        ends_at: E::Column,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let over = || ends_at.lte(now.as_millisecond());
        let one = E::find().filter(over()).limit(1);
        if in_time(one.one(self.reads())).await?.is_none() {
            return Ok(());
        }
        let transaction = self.write().await?;
        E::delete_many().filter(over()).exec(&transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn migrate(&self, url: &DatabaseUrl) -> Result<(), Fault> {
        let pending = migration::Migrator::get_pending_migrations_read_only(self.reads().pool())
            .await
            .map_err(outdated)?;
        if pending.is_empty() {
            return Ok(());
        }
        let writes = &self.connections.writes;
        match url {
            DatabaseUrl::Sqlite(_) => sqlite::migrate(writes).await,
            DatabaseUrl::Postgres(_) => postgres::migrate(writes).await,
            DatabaseUrl::MySql(server) => mysql::migrate(server, writes).await,
        }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy)]
enum Role {
    Read,
    Write,
    Watch,
}

/// The tables are not what this program needs.
fn outdated(error: DbErr) -> Fault {
    match Fault::from(error) {
        Fault::Broken { source, .. } => Fault::Broken {
            what: "the tables of the database cannot be brought up to date".to_owned(),
            source,
        },
        away @ (Fault::StoreAway { .. } | Fault::Unfollowed { .. }) => away,
    }
}

/// Gives the database the time that a person's request can wait for, and no more.
///
/// # Errors
/// [`Fault::StoreAway`] when that is over, else what the database said.
pub(crate) async fn in_time<T>(asked: impl Future<Output = Result<T, DbErr>>) -> Result<T, Fault> {
    match tokio::time::timeout(patience::deadline(DEADLINE), asked).await {
        Ok(answer) => Ok(answer?),
        Err(late) => Err(Fault::away(StoreName::Database, late)),
    }
}
