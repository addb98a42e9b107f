//! Running the `doorward` binary: where it is, and one command to its end.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::within;

/// What a finished command left behind.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Panics, showing everything, unless the exit code is this one.
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.out, self.err
        );
        self
    }
}

/// The binary: `DOORWARD_BIN`, else the one that was built next to this test.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("DOORWARD_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("this test's own path");
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("target/<profile>/deps/e2e");
    let path = folder.join("doorward");
    assert!(
        path.exists(),
        "{} is missing: cargo build -p doorward",
        path.display()
    );
    path
}

/// The binary, to be run in a folder with a clean environment.
pub(crate) fn doorward(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for name in ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs a command to its end.
pub(crate) async fn run(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = doorward(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("piped");
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let what = format!("doorward {}", arguments.join(" "));
    let output = within(&what, Duration::from_secs(30), child.wait_with_output()).await;
    let output = output.expect("the command ends");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
