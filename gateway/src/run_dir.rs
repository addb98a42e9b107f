//! The folder for this process's own sockets: readable by nobody else, gone when the process is.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A Unix socket's path has 108 bytes in all, its name and the final zero included (`unix(7)`).
const LONGEST: usize = 108 - "/files-000000.sock\0".len();

/// A folder of our own.
#[derive(Debug)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// Makes `DATA/run/PID`, or one in the system's temporary folder where that path is too long for a socket.
    /// What earlier processes left is removed.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn make(data_dir: &Path) -> io::Result<Self> {
        remove_left_behind(&data_dir.join("run"));
        let folder = Self::of(data_dir, std::process::id())?;
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut private = fs::DirBuilder::new();
        private.mode(0o700);
        if let Some(parent) = folder.parent() {
            private.recursive(true).create(parent)?;
        }
        // Not recursive: one that somebody else has made meanwhile is an error, and not ours.
        private.recursive(false).create(&folder)?;
        Ok(Self(folder))
    }

    /// Where another process of this data folder has its own.
    ///
    /// # Errors
    /// There is no working directory that a relative path could begin in.
    pub fn of(data_dir: &Path, process: u32) -> io::Result<PathBuf> {
        let near = std::path::absolute(data_dir.join("run"))?.join(process.to_string());
        Ok(if near.as_os_str().len() <= LONGEST {
            near
        } else {
            std::env::temp_dir().join(format!("doorward-{process}"))
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "the folder of our sockets stays behind");
        }
    }
}

/// Folders are named after processes; those of processes that are gone have no owner.
fn remove_left_behind(base: &Path) {
    let Ok(folders) = fs::read_dir(base) else {
        return;
    };
    for folder in folders.flatten() {
        let owner = folder
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(owner) = owner.and_then(rustix::process::Pid::from_raw) else {
            continue;
        };
        let is_gone = rustix::process::test_kill_process(owner) == Err(rustix::io::Errno::SRCH);
        if is_gone && let Err(error) = fs::remove_dir_all(folder.path()) {
            tracing::debug!(%error, "a folder that was left behind cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_folder_is_ours_alone_and_goes_with_us() {
        let data = tempfile::tempdir().unwrap();
        let run = RunDir::make(data.path()).unwrap();
        let path = run.path().to_owned();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        drop(run);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_dead_process_left_is_removed_and_a_living_ones_stays() {
        let data = tempfile::tempdir().unwrap();
        // Process ids end at 4,194,304 (proc(5)).
        let dead = data.path().join("run/4194305");
        let living = data.path().join("run/1");
        fs::create_dir_all(&dead).unwrap();
        fs::create_dir_all(&living).unwrap();
        let _run = RunDir::make(data.path()).unwrap();
        assert!(!dead.exists());
        assert!(living.exists());
    }

    #[test]
    fn a_folder_that_cannot_be_taken_away_is_not_used() {
        let data = tempfile::tempdir().unwrap();
        let folder = RunDir::of(data.path(), std::process::id()).unwrap();
        fs::create_dir_all(folder.parent().unwrap()).unwrap();
        fs::write(&folder, "a file").unwrap();
        assert!(RunDir::make(data.path()).is_err());
        fs::remove_file(&folder).unwrap();
        let elsewhere = data.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
        let run = RunDir::make(data.path()).unwrap();
        assert!(
            !run.path().is_symlink(),
            "a link is taken away, not followed"
        );
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_not_used() {
        let data = tempfile::tempdir().unwrap();
        let run = RunDir::make(&data.path().join("x".repeat(100))).unwrap();
        assert!(run.path().join("files-1.sock").as_os_str().len() < 108);
    }
}
