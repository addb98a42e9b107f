//! `PostgreSQL`: its connections, and whose turn it is to change the tables.

use std::str::FromStr;

use doorward_config::ServerUrl;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _, Executor, PgConnection};
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use sea_orm_migration::MigratorTrait;

use super::connection::Connection;
use super::migration::Migrator;
use super::server::{self, START_DEADLINE};
use super::{Role, outdated};
use crate::session::sql::Connections;
use crate::{Fault, StoreName};

/// What every connection is told. The limits end what a client that has gone silent left behind, and come a moment
/// before or after those of the client; a writer that is stopped in the middle keeps the others for five seconds.
const LIMITS: &str = "SET default_transaction_isolation = 'read committed'; \
     SET lock_timeout = '1400ms'; \
     SET statement_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '5s'; \
     SET client_min_messages = 'warning'";
const READS_ONLY: &str = "SET default_transaction_read_only = on; SET statement_timeout = '1500ms'";

/// What the first statement of a migration is: the lock goes with the transaction. The number is `doorward` in ASCII.
const TURN: &str = "SET LOCAL lock_timeout = '110s'; \
     SET LOCAL statement_timeout = 0; \
     SELECT pg_advisory_xact_lock(7237970109966541412)";

pub(super) async fn connect(url: &ServerUrl) -> Result<Connections, Fault> {
    let mut options = PgConnectOptions::from_str(url.expose())
        .map_err(|error| Fault::broken_by("the address of the database cannot be read", error))?
        .disable_statement_logging();
    if options.get_application_name().is_none() {
        options = options.application_name("doorward");
    }
    // The pools keep trying, and say nothing but that it took too long.
    let first = tokio::time::timeout(START_DEADLINE, async {
        PgConnection::connect_with(&options).await?.close().await
    });
    match first.await {
        Ok(answer) => answer.map_err(|error| Fault::away(StoreName::Database, error))?,
        Err(late) => return Err(Fault::away(StoreName::Database, late)),
    }
    let pool = |role| {
        let told = server::pool::<sqlx::Postgres>(role).after_connect(
            move |connection: &mut PgConnection, _| {
                Box::pin(async move {
                    connection.execute(LIMITS).await?;
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

/// All steps in one transaction: a second process waits for it, and then finds nothing left to do.
pub(super) async fn migrate(writes: &Connection) -> Result<(), Fault> {
    let transaction = writes.pool().begin().await?;
    transaction.execute_unprepared(TURN).await?;
    Migrator::up(&transaction, None).await.map_err(outdated)?;
    Ok(transaction.commit().await?)
}
