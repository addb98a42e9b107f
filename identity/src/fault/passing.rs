//! Which errors of a database pass by themselves. Each engine has numbers of its own.

use sea_orm::sqlx::Error as Sqlx;
use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::mysql::MySqlDatabaseError;
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{DbErr, RuntimeErr};

/// `SQLite`'s primary result codes for a locked, unreadable or full file: 5 busy, 6 locked, 10 I/O, 13 full,
/// 14 cannot open; extended codes carry them in the low byte (<https://www.sqlite.org/rescode.html>).
const SQLITE: [u32; 5] = [5, 6, 10, 13, 14];

/// `PostgreSQL`'s classes of connection trouble (08), refused credentials (28), exhaustion (53), an operator who
/// intervenes (57) and trouble of the system (58).
const POSTGRES_CLASSES: [&str; 5] = ["08", "28", "53", "57", "58"];
/// And single ones: a transaction that was silent for too long, a server that only reads (any more), a database that
/// is not there (yet), serialization failure, deadlock, a lock that was not free in time
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const POSTGRES: [&str; 6] = ["25P03", "25006", "3D000", "40001", "40P01", "55P03"];

/// `MySQL`'s and `MariaDB`'s: disk full, too many connections, no access, no such database, shutting down, a table
/// that is full, broken packets (1152 to 1161), too many connections of one user, a lock that was not free in time,
/// deadlock, a server that only reads, interrupted, killed, and out of time
/// (<https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>,
/// <https://mariadb.com/kb/en/mariadb-error-code-reference/>).
const MYSQL: [u16; 24] = [
    1021, 1040, 1044, 1045, 1049, 1053, 1114, 1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160,
    1161, 1203, 1205, 1213, 1290, 1317, 1927, 1969,
];

pub(super) fn is_passing(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            is_passing_sqlx(error)
        }
        _ => false,
    }
}

fn is_passing_sqlx(error: &Sqlx) -> bool {
    match error {
        Sqlx::Io(_)
        | Sqlx::Tls(_)
        // What a server that goes down in the middle of a word leaves.
        | Sqlx::Protocol(_)
        | Sqlx::PoolTimedOut
        | Sqlx::PoolClosed
        | Sqlx::WorkerCrashed => true,
        Sqlx::Database(error) => is_passing_answer(&**error),
        _ => false,
    }
}

fn is_passing_answer(error: &dyn DatabaseError) -> bool {
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        let code = error.code();
        return POSTGRES.contains(&code)
            || POSTGRES_CLASSES.iter().any(|class| code.starts_with(class));
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return MYSQL.contains(&error.number());
    }
    error
        .code()
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| SQLITE.contains(&(code & 0xff)))
}
