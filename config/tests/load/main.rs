//! Loading configurations as an operator writes them.

#![cfg(test)]

mod accepted;
mod arbitrary;
mod effective;
mod layers;
mod mail;
mod mistakes;
mod restart;
mod secrets;
mod tls;

use std::path::PathBuf;

use doorward_config::{Config, Problems, Sources, load};
use tempfile::TempDir;

/// A folder with configuration files in it.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes a file and says where.
    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// Loads one file alone.
fn load_text(text: &str) -> Result<Config, Problems> {
    let desk = Desk::new();
    load(&Sources {
        files: vec![desk.write("doorward.toml", text)],
        ..Sources::default()
    })
}

/// Something to protect, for files that are about something else.
const SITE: &str = "[[site]]\nupstream = \"none\"\n";

/// Loads a file that is right, with a site behind it.
fn right(text: &str) -> Config {
    load_text(&format!("{text}\n{SITE}")).unwrap_or_else(|problems| panic!("{problems}"))
}

/// An environment.
fn env(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
