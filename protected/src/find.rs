//! From what is wanted to an open regular file.
//!
//! Blocks on the disk: call it where that is allowed. Must not know HTTP.

use crate::facts::Facts;
use crate::path::Wanted;
use crate::root::{Beneath, Root};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The file that answers for a folder. There are no listings.
const FRONT_PAGE: &str = "index.html";

/// A regular file, open for reading.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) facts: Facts,
    /// Its path below the root, as asked for.
    pub(crate) path: PathBuf,
}

/// What is there.
#[derive(Debug)]
#[must_use]
pub(crate) enum Found {
    File(Opened),
    /// A folder with a front page, asked for without its slash.
    Folder,
    /// Nothing that could be served: absent, outside, or neither file nor folder.
    Nothing,
    /// The system does not let us read it.
    Unreadable,
    /// The root itself cannot be opened.
    Away(io::Error),
}

/// Looks for what is wanted.
///
/// # Errors
/// When the system fails in a way that says nothing about the file: no descriptors left, a failing disk.
pub(crate) fn find(root: &Root, wanted: &Wanted) -> io::Result<Found> {
    let beneath = match root.beneath() {
        Ok(beneath) => beneath,
        Err(error) => return Ok(Found::Away(error)),
    };
    let found = match wanted {
        Wanted::Folder(folder) => front_page(&beneath, folder),
        Wanted::Named(path) => named(&beneath, path),
    };
    found.or_else(explain)
}

fn named(beneath: &Beneath, path: &Path) -> io::Result<Found> {
    let file = beneath.open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        return Ok(opened(file, Facts::of(&metadata), path));
    }
    if !metadata.is_dir() {
        return Ok(Found::Nothing);
    }
    // Without a front page the slash would lead nowhere, and would tell that the folder exists.
    Ok(match front_page(beneath, path)? {
        Found::File(_) => Found::Folder,
        other => other,
    })
}

fn front_page(beneath: &Beneath, folder: &Path) -> io::Result<Found> {
    let path = folder.join(FRONT_PAGE);
    let file = beneath.open(&path)?;
    let metadata = file.metadata()?;
    Ok(if metadata.is_file() {
        opened(file, Facts::of(&metadata), &path)
    } else {
        Found::Nothing
    })
}

fn opened(file: File, facts: Facts, path: &Path) -> Found {
    Found::File(Opened {
        file,
        facts,
        path: path.to_owned(),
    })
}

/// Which failures to open speak about the file.
fn explain(error: io::Error) -> io::Result<Found> {
    let Some(errno) = Errno::from_io_error(&error) else {
        // Not the system but the sandbox: the path leads out of the root.
        return match error.kind() {
            io::ErrorKind::PermissionDenied => Ok(Found::Nothing),
            _ => Err(error),
        };
    };
    match errno {
        // NXIO and OPNOTSUPP are sockets and devices without a driver.
        Errno::NOENT
        | Errno::NOTDIR
        | Errno::LOOP
        | Errno::NAMETOOLONG
        | Errno::ILSEQ
        | Errno::NXIO
        | Errno::NODEV
        | Errno::OPNOTSUPP => Ok(Found::Nothing),
        Errno::ACCESS | Errno::PERM => Ok(Found::Unreadable),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests;
