//! `doorward.pid`: which process serves from a data folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const NAME: &str = "doorward.pid";

/// The file, which goes with the process unless another has taken over.
#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    /// The one of a data folder; not written yet.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join(NAME))
    }

    /// The process that it names, whether or not it still runs.
    #[must_use]
    pub fn read(data_dir: &Path) -> Option<u32> {
        // What cannot be read names nobody; whoever runs then keeps its sockets.
        let text = fs::read_to_string(data_dir.join(NAME)).ok()?;
        text.trim().parse().ok()
    }

    /// Names this process.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self) -> io::Result<()> {
        let new = self.0.with_extension("pid.new");
        fs::write(&new, format!("{}\n", std::process::id()))?;
        fs::rename(new, &self.0)
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let folder = self.0.parent().unwrap_or(Path::new("."));
        if Self::read(folder) == Some(std::process::id())
            && let Err(error) = fs::remove_file(&self.0)
        {
            tracing::debug!(%error, "the pid file stays behind");
        }
    }
}
