//! The file of an embedded database, before the engine opens it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::Fault;

/// Held while the database is being opened. Dropping it lets the next process in.
#[derive(Debug)]
pub(super) struct Turn {
    _locked: File,
}

/// Makes the folder (0700) and the file (0600) if they are missing, and waits for the turn to open it: switching a
/// new file to write-ahead logging does not wait for another process that does the same.
///
/// # Errors
/// [`Fault::Broken`] when one of them cannot be made, with its path.
pub(super) async fn prepare(path: PathBuf, data_dir: PathBuf) -> Result<Turn, Fault> {
    tokio::task::spawn_blocking(move || prepare_now(&path, &data_dir))
        .await
        .map_err(|error| Fault::broken_by("opening the database was cut short", error))?
}

fn prepare_now(path: &Path, data_dir: &Path) -> Result<Turn, Fault> {
    let told = |path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| Fault::broken_by(format!("{path} cannot be made or opened"), error)
    };
    make_private_folder(data_dir).map_err(told(data_dir))?;
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        make_private_folder(folder).map_err(told(folder))?;
    }
    open_private(path).map_err(told(path))?;
    let mut lock = path.as_os_str().to_owned();
    lock.push("-open");
    let lock = PathBuf::from(lock);
    let locked = open_private(&lock).map_err(told(&lock))?;
    locked.lock().map_err(told(&lock))?;
    Ok(Turn { _locked: locked })
}

/// One that exists keeps its mode: the operator may have had a reason.
fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}
