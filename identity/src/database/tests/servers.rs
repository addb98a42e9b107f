//! Databases on servers: as strict as a file, and away no longer than the server is.

use std::time::Instant;

use sea_orm::ActiveValue::Set;

use super::*;
use crate::database::entity::throttle;
use crate::testing::Room;
use crate::testing::server::{Engine, Server};

const ENGINES: [Engine; 2] = [Engine::Postgres, Engine::MariaDb];

/// No request waits longer.
const IN_TIME: Duration = Duration::from_secs(2);

async fn open(url: &DatabaseUrl) -> Database {
    Database::open(url, Path::new(".")).await.unwrap()
}

async fn text(connection: &Connection, sql: &str) -> Vec<String> {
    let question = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(question).await.unwrap();
    rows.iter()
        .map(|row| {
            let text = row.try_get_by_index::<String>(0);
            text.unwrap_or_else(|_| row.try_get_by_index::<u64>(0).unwrap().to_string())
        })
        .collect()
}

async fn failures(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let row = throttle::Entity::find_by_id(vec![1]).one(db).await?;
    Ok(row.unwrap().failures)
}

async fn put_row(database: &Database) {
    let row = throttle::ActiveModel {
        key: Set(vec![1]),
        failures: Set(0),
        last_at: Set(0),
        free_at: Set(0),
    };
    let transaction = database.write().await.unwrap();
    throttle::Entity::insert(row)
        .exec_without_returning(&transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

/// Reads in one statement and writes what follows from it in another: only right if nobody comes in between.
async fn count_one_more(database: &Database) -> Result<(), Fault> {
    use sea_orm::sea_query::Expr;
    use sea_orm::{ColumnTrait, QueryFilter};
    let transaction = database.write().await?;
    let so_far = failures(&transaction).await?;
    tokio::task::yield_now().await;
    throttle::Entity::update_many()
        .col_expr(throttle::Column::Failures, Expr::value(so_far + 1))
        .filter(throttle::Column::Key.eq(vec![1_u8]))
        .exec(&transaction)
        .await?;
    Ok(transaction.commit().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_may_open_an_empty_database_at_once() {
    for engine in ENGINES {
        let url = engine.database().await;
        let all = (0..8).map(|_| Database::open(&url, Path::new(".")));
        for opened in futures_util::future::join_all(all).await {
            opened.unwrap();
        }
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    for engine in ENGINES {
        let url = engine.database().await;
        let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)";
        open(&url)
            .await
            .connections
            .writes
            .execute_unprepared(newer)
            .await
            .unwrap();
        let fault = Database::open(&url, Path::new(".")).await.unwrap_err();
        assert!(matches!(fault, Fault::Broken { .. }), "{fault:?}");
    }
}

#[tokio::test]
async fn reading_connections_cannot_write_and_the_writing_one_can() {
    for engine in ENGINES {
        let database = open(&engine.database().await).await;
        let delete = || entity::audit::Entity::delete_many();
        for reading in [database.reads(), &database.connections.watch] {
            assert!(delete().exec(reading).await.is_err(), "{engine:?}");
        }
        delete().exec(&database.connections.writes).await.unwrap();
    }
}

#[tokio::test]
async fn who_says_nothing_in_the_middle_of_a_transaction_loses_the_turn() {
    for (engine, question, expected) in [
        (
            Engine::Postgres,
            "SHOW idle_in_transaction_session_timeout",
            "5s",
        ),
        (Engine::Postgres, "SHOW statement_timeout", "5s"),
        (Engine::MariaDb, "SELECT @@wait_timeout", "10"),
    ] {
        let database = open(&engine.database().await).await;
        let said = text(&database.connections.writes, question).await;
        assert_eq!(said, [expected], "{question}");
    }
}

#[tokio::test]
async fn a_writer_elsewhere_is_an_outage_for_writers_and_none_for_readers() {
    for engine in ENGINES {
        let url = engine.database().await;
        let (one, other) = (open(&url).await, open(&url).await);
        let held = one.write().await.unwrap();
        let begun = Instant::now();
        let fault = other.write().await.unwrap_err();
        assert_eq!(fault.away_store(), Some(StoreName::Database), "{fault:?}");
        assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
        let accounts = entity::account::Entity::find().all(other.reads()).await;
        assert_eq!(accounts.unwrap(), []);
        held.rollback().await.unwrap();
        other.write().await.unwrap().commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_turn_sees_what_the_one_before_wrote() {
    for engine in ENGINES {
        let url = engine.database().await;
        let processes = [open(&url).await, open(&url).await];
        put_row(&processes[0]).await;
        let tasks: Vec<_> = (0..60)
            .map(|n| {
                let database = processes[n % 2].clone();
                tokio::spawn(async move { count_one_more(&database).await })
            })
            .collect();
        let mut counted = 0;
        for task in tasks {
            counted += i64::from(task.await.unwrap().is_ok());
        }
        assert!(counted > 0, "{engine:?}");
        assert_eq!(
            failures(processes[0].reads()).await.unwrap(),
            counted,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn texts_are_compared_byte_by_byte() {
    let database = open(&Engine::MariaDb.database().await).await;
    let tables = "SELECT CONCAT(table_name, ' ', table_collation, ' ', engine) FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_name <> 'seaql_migrations'";
    let tables = text(database.reads(), tables).await;
    assert!(tables.len() > 10, "{tables:?}");
    for table in tables {
        assert!(table.ends_with(" utf8mb4_bin InnoDB"), "{table}");
    }
    for engine in ENGINES {
        let room = Room::on(|_| engine.database()).await;
        for (username, email) in [
            ("rene", "rene@example.com"),
            ("rené", "rené@example.com"),
            ("masse", "masse@example.com"),
            ("mase", "mase@example.com"),
        ] {
            room.add(username, email).await;
        }
        for (login, found) in [
            ("RENÉ", "rené"),
            ("rene\u{301}@EXAMPLE.com", "rené"),
            ("Maße", "masse"),
            ("maße@example.com", "masse"),
        ] {
            let account = room.identity.accounts.find_by_login(login).await.unwrap();
            let username = account.unwrap().username.unwrap();
            assert_eq!(username.as_str(), found, "{login} on {engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_killed_is_used_again_as_soon_as_it_is_back() {
    for engine in ENGINES {
        let mut server = Server::start(engine);
        let database = open(&server.database().await).await;
        put_row(&database).await;
        // Several connections, all of which will be dead.
        futures_util::future::join_all((0..4).map(|_| failures(database.reads()))).await;

        server.kill();
        let begun = Instant::now();
        for fault in [
            database.write().await.map(|_| ()).unwrap_err(),
            failures(database.reads()).await.unwrap_err().into(),
        ] {
            assert_eq!(fault.away_store(), Some(StoreName::Database), "{fault:?}");
        }
        assert!(begun.elapsed() < 2 * IN_TIME, "{:?}", begun.elapsed());

        server.restart();
        server.tell("SELECT 1").await;
        let begun = Instant::now();
        for _ in 0..20 {
            count_one_more(&database).await.unwrap();
            failures(database.reads()).await.unwrap();
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_away_in_time_and_back_by_itself() {
    for engine in ENGINES {
        let server = Server::start(engine);
        let database = open(&server.database().await).await;
        put_row(&database).await;
        server.signal("STOP");
        for _ in 0..2 {
            let begun = Instant::now();
            let fault: Fault = failures(database.reads()).await.unwrap_err().into();
            assert_eq!(fault.away_store(), Some(StoreName::Database), "{fault:?}");
            assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
            let begun = Instant::now();
            let fault = database.write().await.unwrap_err();
            assert_eq!(fault.away_store(), Some(StoreName::Database), "{fault:?}");
            assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
        }
        server.signal("CONT");
        let begun = Instant::now();
        while count_one_more(&database).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(5), "{engine:?}");
        }
        count_one_more(&database).await.unwrap();
    }
}

/// Somebody between the program and the server who forgets connections without a word.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_went_silent_are_replaced() {
    for engine in ENGINES {
        let server = Server::start(engine);
        let url = server.database().await;
        let between = forgetful::Between::to(&server);
        let database = open(&between.url(&url)).await;
        put_row(&database).await;
        futures_util::future::join_all((0..4).map(|_| failures(database.reads()))).await;
        between.forget();
        // Where the machine is busy with other servers a turn may come too late; then the next one is in time.
        let begun = Instant::now();
        while count_one_more(&database).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(5), "{engine:?}");
        }
        for _ in 0..3 {
            let begun = Instant::now();
            count_one_more(&database).await.unwrap();
            failures(database.reads()).await.unwrap();
            assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
        }
    }
}

mod forgetful {
    use std::path::PathBuf;
    use std::sync::Arc;

    use doorward_config::{DatabaseUrl, ServerUrl, Url};
    use tokio::net::{UnixListener, UnixStream};
    use tokio::sync::watch;

    use crate::testing::server::Server;

    pub(super) struct Between {
        folder: tempfile::TempDir,
        server: PathBuf,
        age: Arc<watch::Sender<u32>>,
    }

    impl Between {
        pub(super) fn to(server: &Server) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let server = server.socket();
            let own = folder.path().join(server.file_name().unwrap());
            let listener = UnixListener::bind(own).unwrap();
            let age = Arc::new(watch::Sender::new(0));
            let (to, ages) = (server.clone(), Arc::clone(&age));
            tokio::spawn(async move {
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    tokio::spawn(pass_on(client, to.clone(), ages.subscribe()));
                }
            });
            Self {
                folder,
                server,
                age,
            }
        }

        pub(super) fn url(&self, url: &DatabaseUrl) -> DatabaseUrl {
            let (DatabaseUrl::Postgres(server) | DatabaseUrl::MySql(server)) = url else {
                panic!("{url:?} is no server");
            };
            let show = |path: &std::path::Path| path.display().to_string();
            let old = show(self.server.parent().unwrap());
            let new = show(self.folder.path());
            let text = server
                .expose()
                .replace(&old, &new)
                .replace(&old.replace('/', "%2F"), &new.replace('/', "%2F"));
            let server = ServerUrl::from(&Url::parse(&text).unwrap());
            match url {
                DatabaseUrl::Postgres(_) => DatabaseUrl::Postgres(server),
                _ => DatabaseUrl::MySql(server),
            }
        }

        /// Nothing passes on the connections that there are; none is closed.
        pub(super) fn forget(&self) {
            self.age.send_modify(|age| *age += 1);
        }
    }

    async fn pass_on(mut client: UnixStream, to: PathBuf, mut age: watch::Receiver<u32>) {
        age.mark_unchanged();
        let mut server = UnixStream::connect(to).await.unwrap();
        let ended = {
            let passing = tokio::io::copy_bidirectional(&mut client, &mut server);
            tokio::select! {
                _ = passing => true,
                _ = age.changed() => false,
            }
        };
        if !ended {
            std::future::pending::<()>().await;
        }
    }
}
