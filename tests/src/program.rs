//! Real programs behind the gateway: nginx, gunicorn, Node. Each notes down what it believes it was asked, because
//! each reads a request in its own way.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command as Now, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{Pipe, free_port, until};

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// nginx, told to take headers that it would not.
    Nginx,
    /// A WSGI program under gunicorn, for which `_` is `-`.
    Gunicorn,
    /// A Node program with its lenient parser.
    Node,
}

impl Speaks {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nginx, Self::Gunicorn, Self::Node];

    /// The host name of the site before it.
    #[must_use]
    pub fn host(self) -> &'static str {
        match self {
            Self::Nginx => "nginx.test",
            Self::Gunicorn => "gunicorn.test",
            Self::Node => "node.test",
        }
    }

    fn command(self, address: SocketAddr, folder: &Path) -> Command {
        let seen = folder.join("seen");
        let mut command = match self {
            Self::Nginx => {
                let file = folder.join("nginx.conf");
                fs::write(&file, nginx(address, folder)).expect("written");
                let mut command = Command::new("nginx");
                command
                    .arg("-c")
                    .arg(file)
                    .arg("-e")
                    .arg(folder.join("error.log"));
                command
            }
            Self::Gunicorn => {
                let mut command = Command::new(room().join("bin/gunicorn"));
                command.args(["--chdir", &here().display().to_string()]);
                command
                    .args(["--bind", &address.to_string(), "--header-map", "dangerous"])
                    .args(["--worker-tmp-dir", &folder.display().to_string(), "program"])
                    .env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(here().join("program.mjs"));
                command.arg(address.port().to_string()).arg(&seen);
                command
            }
        };
        command.env("SEEN", seen);
        command
    }
}

/// Where the programs are.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs")
}

/// Where gunicorn is.
fn room() -> PathBuf {
    here().join("venv")
}

/// Makes gunicorn's room, once.
fn make_gunicorn() {
    let room = room();
    let run = |program: PathBuf, arguments: &[&str]| {
        let ran = Now::new(&program)
            .args(arguments)
            .output()
            .expect("it runs");
        assert!(ran.status.success(), "{}: {ran:?}", program.display());
    };
    if !room.join("ready").exists() {
        let _ = fs::remove_dir_all(&room);
        run(
            "python3".into(),
            &["-m", "venv", &room.display().to_string()],
        );
        let wanted = here().join("requirements.txt").display().to_string();
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
            &wanted,
        ];
        run(room.join("bin/python"), &install);
        fs::write(room.join("ready"), "").expect("written");
    }
}

fn nginx(address: SocketAddr, folder: &Path) -> String {
    let folder = folder.display();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = kinds.map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"));
    let seen = r#"{"status":"$status","path":"$uri","method":"$request_method","host":"$http_host","user":"$http_remote_user","groups":"$http_remote_groups","cookie":"$http_cookie","authorization":"$http_authorization","peer":"$http_x_forwarded_for","row":"$http_x_row","all":{"original":"$http_x_original_url$http_x_rewrite_url$http_x_forwarded_uri","other":"$http_x_auth_user$http_x_webauth_user$http_x_forwarded_user"}}"#;
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n\
         http {{\nlog_format seen escape=json '{seen}';\naccess_log {folder}/seen seen;\n{}\
         underscores_in_headers on;\nignore_invalid_headers off;\n\
         server {{ listen {address}; location / {{ return 200 \"believed\"; }} }}\n}}\n",
        temporary.concat()
    )
}

/// A running program. It ends when this is dropped.
pub struct Program {
    speaks: Speaks,
    address: SocketAddr,
    folder: TempDir,
    child: Child,
}

impl Program {
    /// Starts it, and waits until it listens.
    pub async fn start(speaks: Speaks) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let folder = tempfile::tempdir().expect("a temporary folder");
        if speaks == Speaks::Gunicorn {
            // The first time it is fetched, which must not keep others waiting.
            let made = tokio::task::spawn_blocking(make_gunicorn);
            made.await.expect("gunicorn is there");
        }
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let child = speaks
            .command(address, folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{speaks:?} runs (./run tests installs it): {error}"));
        let mut program = Self {
            speaks,
            address,
            folder,
            child,
        };
        until("the program listens", Duration::from_secs(20), async || {
            if let Ok(Some(status)) = program.child.try_wait() {
                panic!("{speaks:?} ended at once, {status}:\n{}", program.log());
            }
            Pipe::plain(address).await.ok().map(drop)
        })
        .await;
        program
    }

    /// Which it is.
    #[must_use]
    pub fn speaks(&self) -> Speaks {
        self.speaks
    }

    /// Where it listens, as an upstream.
    #[must_use]
    pub fn upstream(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has printed.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Everything that it believes it was asked, in order: `path`, `method`, `host`, `user`, `groups`, `cookie`,
    /// `authorization`, `peer`, `row` (the header `X-Row`), and `all`. What nginx itself calls a bad request is not
    /// believed.
    #[must_use]
    pub fn believed(&self) -> Vec<Value> {
        let text = fs::read(self.folder.path().join("seen")).unwrap_or_default();
        let lines = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        // A line that is just being written comes whole the next time.
        lines
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .filter(|seen| seen["status"] != "400")
            .collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // gunicorn has children of its own, which end when it is asked to.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id.and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
        if std::thread::panicking() {
            println!("---- {:?}\n{}\n----", self.speaks, self.log());
        }
    }
}
