mod servers;

use std::os::unix::fs::PermissionsExt;

use std::time::Duration;

use sea_orm::{ConnectionTrait, EntityTrait, Statement};

use super::*;

async fn open(folder: &Path) -> Result<Database, Fault> {
    let data = folder.join("data");
    Database::open(&DatabaseUrl::Sqlite(data.join("doorward.db")), &data).await
}

async fn pragma(connection: &Connection, name: &str) -> String {
    let row = connection
        .query_one_raw(Statement::from_string(
            connection.get_database_backend(),
            format!("PRAGMA {name}"),
        ))
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index::<String>(0)
        .unwrap_or_else(|_| row.try_get_by_index::<i32>(0).unwrap().to_string())
}

#[tokio::test]
async fn file_is_private_and_every_connection_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await.unwrap();
    let mode = |path: &str| {
        std::fs::metadata(folder.path().join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("data"), 0o700);
    assert_eq!(mode("data/doorward.db"), 0o600);
    assert_eq!(mode("data/doorward.db-wal"), 0o600);
    for connection in [
        &database.connections.reads,
        &database.connections.writes,
        &database.connections.watch,
    ] {
        assert_eq!(pragma(connection, "journal_mode").await, "wal");
        assert_eq!(pragma(connection, "synchronous").await, "2");
        assert_eq!(pragma(connection, "foreign_keys").await, "1");
        assert_eq!(pragma(connection, "busy_timeout").await, "5000");
    }
}

#[tokio::test]
async fn reading_connections_cannot_write_and_the_writing_one_can() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await.unwrap();
    let delete = || entity::audit::Entity::delete_many();
    assert!(delete().exec(database.reads()).await.is_err());
    assert!(delete().exec(&database.connections.writes).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_may_open_a_new_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let all = (0..8).map(|_| open(folder.path()));
    for opened in futures_util::future::join_all(all).await {
        opened.unwrap();
    }
}

#[tokio::test]
async fn a_writer_elsewhere_is_an_outage_for_writers_and_none_for_readers() {
    let folder = tempfile::tempdir().unwrap();
    let one = open(folder.path()).await.unwrap();
    let other = open(folder.path()).await.unwrap();
    let held = one.write().await.unwrap();
    let begun = std::time::Instant::now();
    let fault = other.write().await.unwrap_err();
    assert_eq!(fault.away_store(), Some(StoreName::Database));
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "the outage is told within two seconds"
    );
    assert!(
        entity::account::Entity::find()
            .all(other.reads())
            .await
            .unwrap()
            .is_empty()
    );
    held.rollback().await.unwrap();
    other.write().await.unwrap().commit().await.unwrap();
}

/// As the engine does by itself when the disk is full. What is acknowledged afterwards counts.
#[tokio::test]
async fn a_transaction_that_the_engine_took_back_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await.unwrap();
    for round in 1..=3 {
        let broken = database.write().await.unwrap();
        broken.execute_unprepared("ROLLBACK").await.unwrap();
        assert!(broken.commit().await.is_err());
        drop(database.write().await.unwrap());
        let transaction = database.write().await.unwrap();
        let row =
            format!("INSERT INTO seaql_migrations (version, applied_at) VALUES ('{round}', 0)");
        transaction.execute_unprepared(&row).await.unwrap();
        transaction.commit().await.unwrap();
        let count = "SELECT count(*) FROM seaql_migrations WHERE applied_at = 0";
        let statement = Statement::from_string(database.reads().get_database_backend(), count);
        let counted = database.reads().query_one_raw(statement).await.unwrap();
        let counted: i32 = counted.unwrap().try_get_by_index(0).unwrap();
        assert_eq!(counted, round);
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await.unwrap();
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)";
    database
        .connections
        .writes
        .execute_unprepared(newer)
        .await
        .unwrap();
    let fault = open(folder.path()).await.unwrap_err();
    assert!(matches!(fault, Fault::Broken { .. }), "{fault:?}");
}
