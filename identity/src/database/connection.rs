//! Connections that nobody waits for too long.
//!
//! A server that is silent answers nothing for ever. So every question has a deadline here, whoever asks it; what is
//! not answered by then counts as away. The connection that it was asked on is not used again (see `server`).

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult,
    IsolationLevel, QueryResult, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

use crate::patience;

/// Longest wait, unless something [counts already](patience), for an answer to a read, and for the turn to write. What takes longer is an outage (503).
pub(crate) const DEADLINE: Duration = Duration::from_millis(1500);
/// Longest wait for an answer to a statement of a transaction that has begun. Many rows at once take a while.
pub(super) const STATEMENT_DEADLINE: Duration = Duration::from_secs(5);

/// Connections for one purpose. Cloning shares them.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pool: DatabaseConnection,
}

/// A transaction that was begun. Dropping it takes everything back.
#[derive(Debug)]
pub(crate) struct DatabaseTransaction {
    inner: sea_orm::DatabaseTransaction,
}

impl Connection {
    pub(super) fn new(pool: DatabaseConnection) -> Self {
        Self { pool }
    }

    /// The connections themselves, for what takes as long as it takes.
    pub(super) fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Begins a transaction whose answers all show one moment. Nothing can be written in it.
    ///
    /// # Errors
    /// What the engine said; [`DbErr::ConnectionAcquire`] after 1.5 seconds.
    pub(crate) async fn begin_reading(&self) -> Result<DatabaseTransaction, DbErr> {
        let isolation_level = match self.pool.get_database_backend() {
            // There it is never otherwise.
            DbBackend::Sqlite => None,
            _ => Some(IsolationLevel::RepeatableRead),
        };
        self.begin(TransactionOptions {
            isolation_level,
            ..TransactionOptions::default()
        })
        .await
    }

    /// Begins a transaction that writes. On `SQLite` nobody else writes from then on.
    ///
    /// # Errors
    /// As [`Connection::begin_reading`].
    pub(crate) async fn begin_writing(&self) -> Result<DatabaseTransaction, DbErr> {
        self.begin(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await
    }

    async fn begin(&self, options: TransactionOptions) -> Result<DatabaseTransaction, DbErr> {
        let inner = in_time(DEADLINE, Box::pin(self.pool.begin_with_options(options))).await?;
        Ok(DatabaseTransaction { inner })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// As [`Connection::begin_reading`].
    pub(crate) async fn ping(&self) -> Result<(), DbErr> {
        in_time(DEADLINE, Box::pin(self.pool.ping())).await
    }
}

impl DatabaseTransaction {
    /// The transaction itself, for what takes as long as it takes.
    pub(super) fn all(&self) -> &sea_orm::DatabaseTransaction {
        &self.inner
    }

    /// Makes all of it count.
    ///
    /// # Errors
    /// What the engine said; [`DbErr::ConnectionAcquire`] when it said nothing for five seconds. Then nobody knows
    /// whether it counts.
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        in_time(STATEMENT_DEADLINE, Box::pin(self.inner.commit())).await?;
        patience::it_counts();
        Ok(())
    }

    /// Takes all of it back.
    ///
    /// # Errors
    /// As [`DatabaseTransaction::commit`]; then the server takes it back by itself.
    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        in_time(STATEMENT_DEADLINE, Box::pin(self.inner.rollback())).await
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        in_time(DEADLINE, self.pool.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        in_time(DEADLINE, self.pool.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        in_time(DEADLINE, self.pool.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        in_time(DEADLINE, self.pool.query_all_raw(statement)).await
    }
}

#[async_trait]
impl ConnectionTrait for DatabaseTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        in_time(STATEMENT_DEADLINE, self.inner.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        in_time(STATEMENT_DEADLINE, self.inner.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        in_time(STATEMENT_DEADLINE, self.inner.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        in_time(STATEMENT_DEADLINE, self.inner.query_all_raw(statement)).await
    }
}

async fn in_time<T>(
    deadline: Duration,
    asked: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    match tokio::time::timeout(patience::deadline(deadline), asked).await {
        Ok(answer) => answer,
        Err(_late) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
    }
}
