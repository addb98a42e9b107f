//! The file: 32 random bytes, nothing else.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::LENGTH;
use crate::Fault;

type Bytes = Zeroizing<[u8; LENGTH]>;

/// What stands in the file; if there is none, `fresh` does from now on.
pub(super) async fn load_or_make(path: PathBuf, fresh: Bytes) -> Result<Bytes, Fault> {
    aside(move || match load_now(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_now(&path, &fresh).map_err(|error| told(&path, "be made", error))?;
            load_now(&path).map_err(|error| told(&path, "be read", error))
        }
        loaded => loaded.map_err(|error| told(&path, "be read", error)),
    })
    .await
}

/// What stands in the file.
pub(super) async fn load(path: PathBuf) -> Result<Bytes, Fault> {
    aside(move || {
        load_now(&path).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                return Fault::broken(format!(
                    "{} is missing: this database was made with it, and what is encrypted there cannot be read \
                     without it; bring the file back",
                    path.display()
                ));
            }
            told(&path, "be read", error)
        })
    })
    .await
}

async fn aside(
    work: impl FnOnce() -> Result<Bytes, Fault> + Send + 'static,
) -> Result<Bytes, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Fault::broken_by("reading the server's secret was cut short", error))?
}

fn told(path: &Path, what: &str, error: io::Error) -> Fault {
    Fault::broken_by(format!("{} cannot {what}", path.display()), error)
}

fn load_now(path: &Path) -> io::Result<Bytes> {
    let content = Zeroizing::new(fs::read(path)?);
    let bytes = content.as_slice().try_into().map_err(|_| {
        let what = format!(
            "a secret is {LENGTH} bytes, this file has {}",
            content.len()
        );
        io::Error::new(io::ErrorKind::InvalidData, what)
    })?;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the server's secret may be read by others than its owner");
    }
    Ok(Zeroizing::new(bytes))
}

/// Whole or not at all, and never in the place of one that is there.
fn make_now(path: &Path, fresh: &Bytes) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(fresh.as_slice())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked.and_then(|()| File::open(folder)?.sync_all()),
    }
}
