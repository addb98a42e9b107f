//! A database on a server: pools whose connections are only ever used while they answer.
//!
//! A server that was restarted leaves connections behind that are dead, one that vanished leaves some that are silent
//! for ever. So each is asked for a sign of life before it is used and before it is put back, and is given up when
//! none comes in time.

use std::time::Duration;

use sea_orm::sqlx::pool::{PoolConnectionMetadata, PoolOptions};
use sea_orm::sqlx::{self, Connection};

use super::Role;
use crate::patience::TO_FINISH;

/// Longest wait for a server while the program starts.
pub(super) const START_DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait for the processes before this one to bring the tables up to date.
pub(super) const MIGRATION_DEADLINE: Duration = Duration::from_mins(2);

/// Longest wait for a sign of life of a connection.
const LIFE: Duration = Duration::from_millis(500);
/// A connection that nobody needed for so long is closed.
const IDLE: Duration = Duration::from_mins(5);
/// No connection gets older: another server may have taken the place of its own.
const OLDEST: Duration = Duration::from_mins(10);

/// How many connections there are at most. Writers stand in one line anyway; more than one, so that the line goes on
/// while one of the connections is found dead.
fn most(role: Role) -> u32 {
    match role {
        Role::Read => 8,
        Role::Write => 4,
        Role::Watch => 2,
    }
}

pub(super) fn pool<D: sqlx::Database>(role: Role) -> PoolOptions<D> {
    PoolOptions::new()
        .max_connections(most(role))
        .acquire_timeout(TO_FINISH)
        .idle_timeout(IDLE)
        .max_lifetime(OLDEST)
        // It would wait for ever.
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(lives::<D>(connection)))
        .after_release(|connection, _: PoolConnectionMetadata| Box::pin(lives::<D>(connection)))
}

async fn lives<D: sqlx::Database>(connection: &mut D::Connection) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(LIFE, connection.ping()).await {
        Ok(answer) => answer.map(|()| true),
        Err(_late) => Err(sqlx::Error::PoolTimedOut),
    }
}
