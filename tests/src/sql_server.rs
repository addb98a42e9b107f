//! Real database servers in temporary folders on free ports, to be killed, frozen and brought back: `PostgreSQL` and
//! `MariaDB`. They end with the process that started them, however it ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::free_port;

/// Who runs `PostgreSQL` when the stories are told as root, which it refuses to be run by.
const NOBODY: u32 = 65534;

/// The password that gateways have; it must not be seen anywhere.
pub const SQL_PASSWORD: &str = "amber-quarry-17-thistle";

/// Runs what follows the folder until its standard input ends, and then takes the folder away.
const UNTIL_WE_ARE_GONE: &str = r#"
    folder=$1; shift
    "$@" </dev/null &
    cat >/dev/null
    kill -KILL $!
    wait
    rm -rf "$folder"
"#;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sql {
    /// `PostgreSQL`.
    Postgres,
    /// `MariaDB`.
    MariaDb,
}

impl Sql {
    /// The one that `DOORWARD_TEST_DATABASE` asks for: then every story is told on it that does not say otherwise.
    #[must_use]
    pub fn asked_for() -> Option<Self> {
        match std::env::var("DOORWARD_TEST_DATABASE").as_deref() {
            Ok("postgres") => Some(Self::Postgres),
            Ok("mariadb") => Some(Self::MariaDb),
            Ok("sqlite") | Err(_) => None,
            Ok(other) => panic!("DOORWARD_TEST_DATABASE is {other}: sqlite, postgres or mariadb?"),
        }
    }

    /// The server that all stories of this process share.
    #[must_use]
    pub fn shared(self) -> &'static SqlServer {
        static POSTGRES: OnceLock<SqlServer> = OnceLock::new();
        static MARIADB: OnceLock<SqlServer> = OnceLock::new();
        let shared = match self {
            Self::Postgres => &POSTGRES,
            Self::MariaDb => &MARIADB,
        };
        shared.get_or_init(|| SqlServer::start(self))
    }

    fn program(self, name: &str) -> Command {
        let path = match self {
            Self::Postgres => postgres_folder().join(name),
            Self::MariaDb => PathBuf::from(name),
        };
        if self == Self::MariaDb || !rustix::process::getuid().is_root() {
            return Command::new(path);
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", &NOBODY.to_string()])
            .args(["--regid", &NOBODY.to_string(), "--clear-groups"])
            .arg(path);
        command
    }

    /// Makes an empty database system.
    fn make(self, folder: &Path) {
        let data = folder.join("data");
        let mut command = match self {
            Self::Postgres => self.program("initdb"),
            Self::MariaDb => self.program("mariadb-install-db"),
        };
        match self {
            Self::Postgres => command
                .args(["--no-sync", "--auth=trust", "--username=operator"])
                .args(["--encoding=UTF8", "--locale=C", "--pgdata"])
                .arg(&data),
            Self::MariaDb => command
                .args(["--no-defaults", "--auth-root-authentication-method=normal"])
                .args(["--skip-test-db", "--skip-name-resolve"])
                .arg(format!("--datadir={}", data.display())),
        };
        let made = command
            .current_dir(folder)
            .output()
            .expect("PostgreSQL and MariaDB are installed (./run tests does it)");
        assert!(made.status.success(), "{made:?}");
    }
}

/// A server of our own.
pub struct SqlServer {
    sql: Sql,
    folder: PathBuf,
    port: u16,
    keepers: Vec<Child>,
    made: AtomicU32,
}

impl SqlServer {
    /// Starts one and waits until it answers.
    #[must_use]
    pub fn start(sql: Sql) -> Self {
        let folder = tempfile::Builder::new().prefix("doorward-sql-").tempdir();
        let folder = folder.expect("a temporary folder").keep();
        if sql == Sql::Postgres && rustix::process::getuid().is_root() {
            std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).expect("chown");
        }
        sql.make(&folder);
        make_certificate(sql, &folder);
        let mut server = Self {
            sql,
            folder,
            port: free_port(),
            keepers: Vec::new(),
            made: AtomicU32::new(0),
        };
        server.start_again();
        server.ask(match sql {
            Sql::Postgres => "CREATE USER doorward",
            Sql::MariaDb => {
                "CREATE USER doorward@'127.0.0.1' IDENTIFIED BY 'amber-quarry-17-thistle'"
            }
        });
        server
    }

    /// Starts it (again) on the same port and files, and waits until it answers.
    pub fn start_again(&mut self) {
        let show = |name: &str| self.folder.join(name).display().to_string();
        let port = self.port.to_string();
        let mut command = match self.sql {
            Sql::Postgres => self.sql.program("postgres"),
            Sql::MariaDb => self.sql.program("mariadbd"),
        };
        match self.sql {
            Sql::Postgres => command
                .args(["-D", &show("data"), "-k", &show(""), "-p", &port])
                .args([
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    "fsync=off",
                    "-c",
                    "ssl=on",
                ])
                .args(["-c", &format!("ssl_cert_file={}", show("cert.pem"))])
                .args(["-c", &format!("ssl_key_file={}", show("key.pem"))])
                .args(["-c", "max_connections=300", "-c", "shared_buffers=32MB"]),
            Sql::MariaDb => command
                .args(["--no-defaults", "--bind-address=127.0.0.1", "--port", &port])
                .arg(format!("--datadir={}", show("data")))
                .arg(format!("--socket={}", show("mysqld.sock")))
                .arg(format!("--pid-file={}", show("mysqld.pid")))
                .arg(format!("--ssl-cert={}", show("cert.pem")))
                .arg(format!("--ssl-key={}", show("key.pem")))
                .args(["--skip-name-resolve", "--max-connections=300"])
                .args(["--innodb-flush-log-at-trx-commit=2", "--debug-no-sync"])
                .args(["--innodb-flush-method=nosync", "--skip-innodb-doublewrite"])
                .args(["--innodb-buffer-pool-size=16M", "--innodb-file-per-table=0"]),
        };
        if self.sql == Sql::MariaDb && rustix::process::getuid().is_root() {
            command.arg("--user=root");
        }
        let keeper = Command::new("sh")
            .args(["-c", UNTIL_WE_ARE_GONE, "sh"])
            .arg(&self.folder)
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.keepers.push(keeper.expect("a shell"));
        let start = Instant::now();
        while self.try_ask("SELECT 1").is_err() {
            let waited = start.elapsed();
            assert!(waited < Duration::from_secs(30), "{:?} is silent", self.sql);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The file of the certificate that it shows, for `127.0.0.1`.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    /// Makes an empty database and gives its address for a gateway, the password included.
    pub fn database(&self) -> String {
        let name = format!("story{}", self.made.fetch_add(1, Ordering::Relaxed));
        let scheme = match self.sql {
            Sql::Postgres => {
                self.ask(&format!("CREATE DATABASE {name} OWNER doorward"));
                "postgres"
            }
            Sql::MariaDb => {
                self.ask(&format!("CREATE DATABASE {name}"));
                self.ask(&format!("GRANT ALL ON {name}.* TO doorward@'127.0.0.1'"));
                "mariadb"
            }
        };
        let port = self.port;
        format!("{scheme}://doorward:{SQL_PASSWORD}@127.0.0.1:{port}/{name}")
    }

    /// What the server says to its operator: the first column, a line for each row.
    #[must_use]
    pub fn ask_in(&self, database: &str, sql: &str) -> String {
        let name = database.rsplit('/').next().expect("a name");
        self.try_ask_in(name, sql)
            .unwrap_or_else(|said| panic!("{said}"))
    }

    fn ask(&self, sql: &str) {
        self.try_ask(sql).unwrap_or_else(|said| panic!("{said}"));
    }

    fn try_ask(&self, sql: &str) -> Result<String, String> {
        let name = match self.sql {
            Sql::Postgres => "postgres",
            Sql::MariaDb => "mysql",
        };
        self.try_ask_in(name, sql)
    }

    fn try_ask_in(&self, name: &str, sql: &str) -> Result<String, String> {
        let port = self.port.to_string();
        let mut client = match self.sql {
            Sql::Postgres => Command::new(postgres_folder().join("psql")),
            Sql::MariaDb => Command::new("mariadb"),
        };
        match self.sql {
            Sql::Postgres => client
                .args(["-X", "-A", "-t", "-q", "-h", "127.0.0.1", "-p", &port])
                .args(["-U", "operator", "-d", name, "-c", sql]),
            Sql::MariaDb => client
                .args(["--no-defaults", "-N", "-B", "-u", "root"])
                .arg(format!(
                    "--socket={}",
                    self.folder.join("mysqld.sock").display()
                ))
                .args([name, "-e", sql]),
        };
        let said = client.output().expect("a client of the server's own");
        if said.status.success() {
            Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&said.stderr).into_owned())
        }
    }

    /// Kills it at once, as a crash would.
    pub fn kill(&self) {
        let ids = self.process_ids();
        signal("KILL", &ids);
        let start = Instant::now();
        while ids.iter().any(|id| is_running(id)) {
            assert!(start.elapsed() < Duration::from_secs(10), "it lives on");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Stops answering without closing anything: half-open connections.
    pub fn freeze(&self) {
        signal("STOP", &self.process_ids());
    }

    /// Answers again after `freeze`.
    pub fn thaw(&self) {
        signal("CONT", &self.process_ids());
    }

    /// The server's own process, and those that it started. It is stopped, so that it starts no more.
    fn process_ids(&self) -> Vec<String> {
        let file = match self.sql {
            Sql::Postgres => "data/postmaster.pid",
            Sql::MariaDb => "mysqld.pid",
        };
        let text = std::fs::read_to_string(self.folder.join(file)).expect("a running server");
        let own = text.lines().next().expect("an id").trim().to_owned();
        signal("STOP", std::slice::from_ref(&own));
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let children = children.unwrap_or_default();
        std::iter::once(own)
            .chain(children.split_whitespace().map(str::to_owned))
            .collect()
    }
}

impl Drop for SqlServer {
    fn drop(&mut self) {
        for keeper in &mut self.keepers {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// A certificate of its own, and its key as the server wants it.
fn make_certificate(sql: Sql, folder: &Path) {
    use std::os::unix::fs::{PermissionsExt, chown};
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = folder.join("key.pem");
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("chmod");
    if sql == Sql::Postgres && rustix::process::getuid().is_root() {
        chown(&key, Some(NOBODY), Some(NOBODY)).expect("chown");
    }
}

fn signal(name: &str, ids: &[String]) {
    let done = Command::new("kill")
        .arg(format!("-{name}"))
        .args(ids)
        .stderr(Stdio::null())
        .status();
    done.expect("kill");
}

/// Neither gone nor only waiting to be buried.
fn is_running(id: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    status
        .rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Debian keeps the programs of each version apart.
fn postgres_folder() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let versions = versions.into_iter().flatten().flatten();
    let newest = versions.map(|one| one.path()).max_by_key(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok()).unwrap_or(0)
    });
    newest.map_or_else(PathBuf::new, |newest| newest.join("bin"))
}
