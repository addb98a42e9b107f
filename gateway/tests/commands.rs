//! The commands, by the real binary, each test in a folder of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "commands/audit.rs"]
mod audit;
#[path = "commands/check.rs"]
mod check;
#[path = "commands/config.rs"]
mod config;
#[path = "commands/health.rs"]
mod health;
#[path = "commands/import.rs"]
mod import;
#[path = "commands/invite.rs"]
mod invite;
#[path = "commands/key.rs"]
mod key;
#[path = "commands/manual.rs"]
mod manual;
#[path = "commands/session.rs"]
mod session;
#[path = "commands/user.rs"]
mod user;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// An operator at a machine where nothing was configured yet.
struct Operator {
    home: TempDir,
}

/// What a command said and how it ended.
struct Answer {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Operator {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// With `text` as `doorward.toml`.
    fn with_file(text: &str) -> Self {
        let operator = Self::new();
        std::fs::write(operator.home().join("doorward.toml"), text).unwrap();
        operator
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn says(&self, line: &str) -> Answer {
        self.types(line, "")
    }

    /// Gives the command `line`, its words parted by blanks, with `input` on standard input.
    fn types(&self, line: &str, input: &str) -> Answer {
        let mut child = Command::new(env!("CARGO_BIN_EXE_doorward"))
            .args(line.split_whitespace())
            .current_dir(self.home())
            .env_clear()
            .env("DOORWARD__PASSWORD__MEMORY", "64KiB")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Answer {
            code: output.status.code().expect("it ended by itself"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Answer {
    /// It was done, and what it said.
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stderr, "");
        self.stdout
    }

    /// It was not done, for the reason that `code` stands for; what it said about that.
    #[track_caller]
    fn ends_with(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        assert!(!self.stderr.is_empty(), "it said why");
        self.stderr
    }
}

#[test]
fn version_and_help_need_nothing() {
    let operator = Operator::new();
    let version = operator.says("version").done();
    assert_eq!(version, format!("doorward {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(operator.says("--version").done(), version);
    let help = operator.says("--help").done();
    for command in ["run", "check", "user", "session", "healthcheck"] {
        assert!(help.contains(command), "{command}");
    }
    assert!(!operator.home().join("data").exists());
}

#[test]
fn what_is_asked_in_the_wrong_way_is_2() {
    let operator = Operator::new();
    for line in [
        "usr list",
        "user",
        "user add",
        "user grant anna",
        "user list --yaml",
        "--upstream http://localhost:3000 user list",
        "session revoke",
        "session revoke --all --id 00",
    ] {
        operator.says(line).ends_with(2);
    }
    assert!(!operator.home().join("data").exists());
}

#[test]
fn the_schema_is_json() {
    let schema = Operator::new().says("config schema").done();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert!(schema["properties"]["server"].is_object(), "{schema}");
}
