//! The folder that is served, and the one way to open something in it.
//!
//! Must not know HTTP.

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A folder whose files are served, and nothing outside of it.
///
/// The folder is opened anew for each request, so one that is built again (`rm -r dist && build`) or
/// switched by a link (`current -> release-7`) is followed without a restart. Only this first step goes by
/// name; everything below is opened beneath the folder's descriptor.
#[derive(Debug)]
pub struct Root {
    folder: PathBuf,
}

impl Root {
    /// Takes the folder to serve. A relative one counts from the working directory of this moment.
    ///
    /// # Errors
    /// When `folder` is not there, is not a folder, or cannot be opened.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let root = Self {
            folder: std::path::absolute(folder)?,
        };
        root.beneath().map(|_| root)
    }

    /// The folder as it is now.
    pub(crate) fn beneath(&self) -> io::Result<Beneath> {
        let dir = Dir::open_ambient_dir(&self.folder, ambient_authority())?;
        if !dir.dir_metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Beneath(dir))
    }
}

/// An open folder out of which no path and no link leads.
pub(crate) struct Beneath(Dir);

impl Beneath {
    /// Opens what is at `path`, whatever it is: the caller looks at its kind before reading.
    ///
    /// Links are followed as long as they stay inside (`openat2` with `RESOLVE_BENEATH` and
    /// `NO_MAGICLINKS`, or the same walk by hand on a kernel without it).
    ///
    /// # Errors
    /// As the system reports them; a way out of the folder is a `PermissionDenied` without an OS code.
    pub(crate) fn open(&self, path: &Path) -> io::Result<File> {
        // Without NONBLOCK, opening a FIFO waits for a writer; NOCTTY keeps a terminal from becoming ours.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(flags.bits().cast_signed());
        Ok(self.0.open_with(path, &options)?.into_std())
    }
}
