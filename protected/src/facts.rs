//! What is known about an open file before a byte of it is read: size, time, validators (RFC 9110 §8.8).
//!
//! Must not know its name.

use std::fs::Metadata;
use std::hash::{DefaultHasher, Hasher};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

/// 9999-12-31T23:59:59Z, the last moment an HTTP date can name.
const LAST_HTTP_SECOND: u64 = 253_402_300_799;

/// Size and validators of one regular file, taken from its open descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Bytes.
    pub(crate) size: u64,
    /// Strong entity tag, with its quotes.
    pub(crate) etag: String,
    /// Time of the last change in whole seconds; `None` when an HTTP date cannot name it.
    pub(crate) modified: Option<SystemTime>,
}

impl Facts {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let stamp = stamp(metadata);
        Self {
            size: metadata.size(),
            etag: format!("\"{:x}-{stamp:016x}\"", metadata.size()),
            modified: whole_second(metadata.mtime()),
        }
    }
}

/// A file that is written in place changes its time, one that is put in its place has another inode.
/// Hashed, because an inode is nobody's business outside.
fn stamp(metadata: &Metadata) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(metadata.ino());
    hasher.write_i64(metadata.mtime());
    hasher.write_i64(metadata.mtime_nsec());
    hasher.finish()
}

fn whole_second(seconds: i64) -> Option<SystemTime> {
    let seconds = u64::try_from(seconds).ok()?;
    (seconds <= LAST_HTTP_SECOND)
        .then(|| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::{Facts, LAST_HTTP_SECOND, whole_second};
    use std::fs::{self, File};
    use std::io::Write;

    #[test]
    fn times_outside_http_have_no_date() {
        let last = i64::try_from(LAST_HTTP_SECOND).unwrap();
        for (seconds, named) in [
            (-1, false),
            (0, true),
            (last, true),
            (last + 1, false),
            (i64::MAX, false),
        ] {
            assert_eq!(whole_second(seconds).is_some(), named, "{seconds}");
            whole_second(seconds).map(httpdate::fmt_http_date);
        }
    }

    #[test]
    fn the_tag_follows_content_and_identity() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a"), folder.path().join("b"));
        let facts = |file: &File| Facts::of(&file.metadata().unwrap());

        let mut file = File::create(&path).unwrap();
        file.write_all(b"one").unwrap();
        let first = facts(&file);
        assert_eq!(
            first,
            facts(&File::open(&path).unwrap()),
            "the same file has the same tag"
        );

        let when = file.metadata().unwrap().modified().unwrap();
        let twin = File::create(&other).unwrap();
        (&twin).write_all(b"two").unwrap();
        twin.set_modified(when).unwrap();
        fs::rename(&other, &path).unwrap();
        let second = facts(&File::open(&path).unwrap());
        assert_eq!((first.size, first.modified), (second.size, second.modified));
        assert_ne!(
            first.etag, second.etag,
            "replaced, of the same size and time"
        );

        twin.set_modified(when + std::time::Duration::from_nanos(1))
            .unwrap();
        assert_ne!(facts(&twin).etag, second.etag, "written a nanosecond later");
    }
}
