//! Real database servers to test on: `PostgreSQL` and `MariaDB` on Unix sockets, in folders of their own, gone with
//! the process that started them, however it ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use doorward_config::{DatabaseUrl, ServerUrl, Url};
use sea_orm::sqlx::{self, Connection, Executor, MySqlConnection, PgConnection};

/// Who runs `PostgreSQL` when the tests run as root, which it refuses to be run by.
const NOBODY: u32 = 65534;

/// Runs what follows the folder until its standard input ends, and then takes the folder away.
const UNTIL_WE_ARE_GONE: &str = r#"
    folder=$1; shift
    "$@" </dev/null &
    cat >/dev/null
    kill -KILL $!
    wait
    rm -rf "$folder"
"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    MariaDb,
}

impl Engine {
    /// The one that `DOORWARD_TEST_DATABASE` asks for, if it asks for another than `SQLite`.
    pub(crate) fn asked_for() -> Option<Self> {
        match std::env::var("DOORWARD_TEST_DATABASE").as_deref() {
            Ok("postgres") => Some(Self::Postgres),
            Ok("mariadb") => Some(Self::MariaDb),
            Ok("sqlite") | Err(_) => None,
            Ok(other) => panic!("DOORWARD_TEST_DATABASE is {other}: sqlite, postgres or mariadb?"),
        }
    }

    /// A new database on the one server of this kind that all tests of this process share.
    pub(crate) async fn database(self) -> DatabaseUrl {
        static POSTGRES: OnceLock<Server> = OnceLock::new();
        static MARIADB: OnceLock<Server> = OnceLock::new();
        let shared = match self {
            Self::Postgres => &POSTGRES,
            Self::MariaDb => &MARIADB,
        };
        shared.get_or_init(|| Server::start(self)).database().await
    }

    fn program(self, name: &str) -> Command {
        let path = match self {
            Self::Postgres => postgres_folder().join(name),
            Self::MariaDb => PathBuf::from(name),
        };
        if self == Self::MariaDb || !is_root() {
            return Command::new(path);
        }
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid",
                &NOBODY.to_string(),
                "--regid",
                &NOBODY.to_string(),
            ])
            .arg("--clear-groups")
            .arg(path);
        command
    }

    /// A folder with an empty database system in it, made once.
    fn template(self) -> &'static Path {
        static POSTGRES: OnceLock<PathBuf> = OnceLock::new();
        static MARIADB: OnceLock<PathBuf> = OnceLock::new();
        static KEEPERS: Mutex<Vec<Child>> = Mutex::new(Vec::new());
        let template = match self {
            Self::Postgres => &POSTGRES,
            Self::MariaDb => &MARIADB,
        };
        template.get_or_init(|| {
            let folder = self.folder();
            let data = folder.join("data");
            let mut command = match self {
                Self::Postgres => self.program("initdb"),
                Self::MariaDb => self.program("mariadb-install-db"),
            };
            match self {
                Self::Postgres => command
                    .args(["--no-sync", "--auth=trust", "--username=doorward"])
                    .args(["--encoding=UTF8", "--locale=C", "--pgdata"])
                    .arg(&data),
                Self::MariaDb => command
                    .args(["--no-defaults", "--auth-root-authentication-method=normal"])
                    .args(["--skip-test-db", "--skip-name-resolve"])
                    .arg(format!("--datadir={}", data.display())),
            };
            let made = command.current_dir(&folder).output().expect(NEEDED);
            assert!(made.status.success(), "{made:?}");
            let keeper = until_we_are_gone(&folder, &Command::new("true"));
            KEEPERS.lock().unwrap().push(keeper);
            data
        })
    }

    fn folder(self) -> PathBuf {
        let folder = tempfile::Builder::new().prefix("doorward-").tempdir();
        let folder = folder.unwrap().keep();
        if self == Self::Postgres && is_root() {
            std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        folder
    }
}

const NEEDED: &str =
    "these tests need PostgreSQL and MariaDB (Debian: apt-get install postgresql mariadb-server)";

/// A server of one kind.
pub(crate) struct Server {
    engine: Engine,
    folder: PathBuf,
    keepers: Vec<Child>,
    made: AtomicU32,
}

impl Server {
    pub(crate) fn start(engine: Engine) -> Self {
        let folder = engine.folder();
        let copied = Command::new("cp")
            .arg("-a")
            .args([engine.template(), &folder.join("data")])
            .status();
        assert!(copied.unwrap().success());
        let keepers = vec![Self::spawn(engine, &folder)];
        Self {
            engine,
            folder,
            keepers,
            made: AtomicU32::new(0),
        }
    }

    fn spawn(engine: Engine, folder: &Path) -> Child {
        let show = |path: PathBuf| path.display().to_string();
        let command = match engine {
            Engine::Postgres => {
                let mut command = engine.program("postgres");
                command
                    .args(["-D", &show(folder.join("data")), "-k", &show(folder.into())])
                    .args(["-c", "listen_addresses=", "-c", "fsync=off"])
                    .args(["-c", "max_connections=300", "-c", "shared_buffers=32MB"]);
                command
            }
            // As unlike what is needed as a server may be set up.
            Engine::MariaDb => {
                let mut command = engine.program("mariadbd");
                command
                    .arg("--no-defaults")
                    .arg(format!("--datadir={}", show(folder.join("data"))))
                    .arg(format!("--socket={}", show(folder.join("mysqld.sock"))))
                    .arg(format!("--pid-file={}", show(folder.join("mysqld.pid"))))
                    .args(["--skip-networking", "--max-connections=300"])
                    .args(["--innodb-flush-log-at-trx-commit=2", "--sql-mode="])
                    .args(["--character-set-server=latin1", "--skip-innodb-doublewrite"])
                    .args([
                        "--innodb-buffer-pool-size=16M",
                        "--innodb-flush-method=nosync",
                    ])
                    .args(["--innodb-file-per-table=0", "--innodb-stats-persistent=0"])
                    .args(["--debug-no-sync"]);
                if is_root() {
                    command.arg("--user=root");
                }
                command
            }
        };
        until_we_are_gone(folder, &command)
    }

    /// Ends it as the power would.
    pub(crate) fn kill(&self) {
        let ids = self.process_ids();
        signal("KILL", &ids);
        while ids.iter().any(|id| is_running(id)) {
            std::thread::yield_now();
        }
    }

    /// Starts it again after [`Server::kill`].
    pub(crate) fn restart(&mut self) {
        self.keepers.push(Self::spawn(self.engine, &self.folder));
    }

    /// Stops it from answering while its connections stay open (`STOP`), or lets it go on (`CONT`).
    pub(crate) fn signal(&self, name: &str) {
        signal(name, &self.process_ids());
    }

    /// The server's own process, and those that it started. It is stopped, so that it starts no more.
    fn process_ids(&self) -> Vec<String> {
        let file = match self.engine {
            Engine::Postgres => "data/postmaster.pid",
            Engine::MariaDb => "mysqld.pid",
        };
        let text = std::fs::read_to_string(self.folder.join(file)).unwrap();
        let own = text.lines().next().unwrap().trim().to_owned();
        signal("STOP", std::slice::from_ref(&own));
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let children = children.unwrap_or_default();
        std::iter::once(own)
            .chain(children.split_whitespace().map(str::to_owned))
            .collect()
    }

    /// The socket that it listens on.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join(match self.engine {
            Engine::Postgres => ".s.PGSQL.5432",
            Engine::MariaDb => "mysqld.sock",
        })
    }

    /// The address of a database, there or not.
    fn url(&self, name: &str) -> Url {
        let url = match self.engine {
            Engine::Postgres => {
                let folder = self.folder.display().to_string().replace('/', "%2F");
                format!("postgres://doorward@{folder}/{name}")
            }
            Engine::MariaDb => {
                let socket = self.folder.join("mysqld.sock");
                format!("mysql://root@localhost/{name}?socket={}", socket.display())
            }
        };
        Url::parse(&url).unwrap()
    }

    /// A new, empty database.
    pub(crate) async fn database(&self) -> DatabaseUrl {
        let name = format!("test{}", self.made.fetch_add(1, Ordering::Relaxed));
        match self.engine {
            // A schema is as empty as a database, and made in no time.
            Engine::Postgres => {
                self.tell(&format!("CREATE SCHEMA {name}")).await;
                let mut url = self.url("postgres");
                url.query_pairs_mut()
                    .append_pair("options[search_path]", &name);
                DatabaseUrl::Postgres(ServerUrl::from(&url))
            }
            Engine::MariaDb => {
                self.tell(&format!("CREATE DATABASE {name}")).await;
                DatabaseUrl::MySql(ServerUrl::from(&self.url(&name)))
            }
        }
    }

    /// Says something to the server as its operator, once it answers.
    pub(crate) async fn tell(&self, sql: &str) {
        let start = Instant::now();
        loop {
            let said = match self.engine {
                Engine::Postgres => postgres(&self.url("postgres"), sql).await,
                Engine::MariaDb => mariadb(&self.url("mysql"), sql).await,
            };
            match said {
                Ok(()) => return,
                Err(sqlx::Error::Database(error)) if error.code().as_deref() != Some("57P03") => {
                    panic!("{error}")
                }
                Err(error) => assert!(start.elapsed() < Duration::from_secs(20), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn postgres(url: &Url, sql: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url.as_str()).await?;
    connection.execute(sqlx::AssertSqlSafe(sql)).await?;
    connection.close().await
}

async fn mariadb(url: &Url, sql: &str) -> Result<(), sqlx::Error> {
    let mut connection = MySqlConnection::connect(url.as_str()).await?;
    connection.execute(sqlx::AssertSqlSafe(sql)).await?;
    connection.close().await
}

impl Drop for Server {
    fn drop(&mut self) {
        for keeper in &mut self.keepers {
            drop(keeper.stdin.take());
            keeper.wait().ok();
        }
    }
}

fn until_we_are_gone(folder: &Path, command: &Command) -> Child {
    Command::new("sh")
        .args(["-c", UNTIL_WE_ARE_GONE, "sh"])
        .arg(folder)
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn signal(name: &str, ids: &[String]) {
    let done = Command::new("kill")
        .arg(format!("-{name}"))
        .args(ids)
        .stderr(Stdio::null())
        .status();
    done.unwrap();
}

/// Neither gone nor only waiting to be buried.
fn is_running(id: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    status
        .rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Debian keeps the programs of each version apart.
fn postgres_folder() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let newest = versions
        .into_iter()
        .flatten()
        .map(|one| one.unwrap().path());
    let newest = newest.max_by_key(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.parse::<u32>().unwrap_or(0)
    });
    newest.map_or_else(PathBuf::new, |newest| newest.join("bin"))
}
