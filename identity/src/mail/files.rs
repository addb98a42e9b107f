//! Mail as files, where there is no mail server: `outbox/*.eml` in the data folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::MailKind;
use jiff::Timestamp;
use uuid::Uuid;

/// Writes a message into `folder`: whole or not at all, and for nobody else to read. Gives where.
///
/// # Errors
/// What the file system said.
pub(super) async fn write(
    folder: PathBuf,
    (id, kind, created_at): (Uuid, MailKind, Timestamp),
    message: Vec<u8>,
) -> io::Result<PathBuf> {
    // They sort by time.
    let time = created_at.strftime("%Y%m%dT%H%M%S");
    let name = format!("{time}-{}-{}.eml", kind.as_str(), id.simple());
    tokio::task::spawn_blocking(move || write_now(&folder, &name, &message))
        .await
        .map_err(io::Error::other)?
}

fn write_now(folder: &Path, name: &str, message: &[u8]) -> io::Result<PathBuf> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let draft = folder.join(format!(".{name}"));
    let whole = folder.join(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(message)?;
    file.sync_all()?;
    fs::rename(&draft, &whole)?;
    File::open(folder)?.sync_all()?;
    Ok(whole)
}
