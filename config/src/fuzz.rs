//! What must hold for any file at all; for the fuzzer, and for its findings ever after.

use std::path::Path;

use crate::{Color, Overrides, Sources, load};

/// A file is a configuration or has problems that can be shown; a folder is needed to put it in.
///
/// # Panics
/// It does not hold.
pub fn file(data: &[u8], folder: &Path) {
    let path = folder.join("doorward.toml");
    if std::fs::write(&path, data).is_err() {
        return;
    }
    let loaded = load(&Sources {
        files: vec![path],
        env: Vec::new(),
        overrides: Overrides::default(),
    });
    if let Err(problems) = loaded {
        assert!(problems.len() > 0);
        assert!(!problems.render(Color::Plain).is_empty());
        assert!(!problems.render(Color::Ansi).is_empty());
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/corpus/config");
        let folder = tempfile::tempdir().unwrap();
        let files = std::fs::read_dir(corpus).unwrap();
        let read = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        let replayed = read.inspect(|data| super::file(data, folder.path()));
        assert!(replayed.count() > 0);
    }
}
