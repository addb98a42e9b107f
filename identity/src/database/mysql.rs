//! `MySQL` and `MariaDB`: their connections, and whose turn it is to change the tables.

use std::str::FromStr;

use doorward_config::ServerUrl;
use sea_orm::DatabaseConnection;
use sea_orm::sqlx::mysql::MySqlConnectOptions;
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _, Executor, MySqlConnection};
use sea_orm_migration::MigratorTrait;

use super::connection::Connection;
use super::migration::Migrator;
use super::server::{self, MIGRATION_DEADLINE, START_DEADLINE};
use super::{Role, outdated};
use crate::session::sql::Connections;
use crate::{Fault, StoreName};

/// What every connection is told. A text that is too long must be refused, not cut. Whoever holds the turn to write
/// and says nothing for ten seconds has lost it.
const LIMITS: [&str; 2] = [
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), \
     innodb_lock_wait_timeout = 1, lock_wait_timeout = 2, wait_timeout = 10",
];
const READS_ONLY: &str = "SET SESSION TRANSACTION READ ONLY";

/// The lock is the connection's own: a change of the tables ends every transaction here.
const TURN: &str = "SELECT GET_LOCK(CONCAT('doorward-', MD5(DATABASE())), 110)";

pub(super) async fn connect(url: &ServerUrl) -> Result<Connections, Fault> {
    let options = options(url)?;
    // The pools keep trying, and say nothing but that it took too long.
    alone(&options)
        .await?
        .close()
        .await
        .map_err(|error| Fault::away(StoreName::Database, error))?;
    let pool = |role| {
        let told = server::pool::<sqlx::MySql>(role).after_connect(
            move |connection: &mut MySqlConnection, _| {
                Box::pin(async move {
                    for limit in LIMITS {
                        connection.execute(limit).await?;
                    }
                    match role {
                        Role::Read | Role::Watch => {
                            connection.execute(READS_ONLY).await.map(|_| ())
                        }
                        Role::Write => Ok(()),
                    }
                })
            },
        );
        Connection::new(DatabaseConnection::from(
            told.connect_lazy_with(options.clone()),
        ))
    };
    Ok(Connections {
        reads: pool(Role::Read),
        writes: pool(Role::Write),
        watch: pool(Role::Watch),
    })
}

/// One process after the other. Every step counts at once.
pub(super) async fn migrate(url: &ServerUrl, writes: &Connection) -> Result<(), Fault> {
    let mut turn = alone(&options(url)?).await?;
    let locked = sqlx::query_scalar::<_, Option<i64>>(TURN).fetch_one(&mut turn);
    let locked = tokio::time::timeout(MIGRATION_DEADLINE, locked)
        .await
        .map_err(|late| Fault::away(StoreName::Database, late))?
        .map_err(|error| Fault::away(StoreName::Database, error))?;
    if locked != Some(1) {
        return Err(Fault::away(
            StoreName::Database,
            "another process has been changing the tables for too long",
        ));
    }
    Migrator::up(writes.pool(), None).await.map_err(outdated)?;
    // The server gives the lock to the next one when the connection ends, be it by `drop`.
    if let Err(error) = turn.close().await {
        tracing::debug!(%error, "the connection that held the lock did not end well");
    }
    Ok(())
}

fn options(url: &ServerUrl) -> Result<MySqlConnectOptions, Fault> {
    Ok(MySqlConnectOptions::from_str(url.expose())
        .map_err(|error| Fault::broken_by("the address of the database cannot be read", error))?
        .disable_statement_logging())
}

async fn alone(options: &MySqlConnectOptions) -> Result<MySqlConnection, Fault> {
    match tokio::time::timeout(START_DEADLINE, MySqlConnection::connect_with(options)).await {
        Ok(answer) => answer.map_err(|error| Fault::away(StoreName::Database, error)),
        Err(late) => Err(Fault::away(StoreName::Database, late)),
    }
}
