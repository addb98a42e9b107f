//! The layers: files, environment, command line, merged into one tree of TOML
//! that still knows where each piece came from.

mod env;
mod files;
mod tree;

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::origin::{Origin, Source, SourceMap};
use crate::problem::Findings;

pub(crate) use tree::{Table, Value, merge as lay_over};

/// What a configuration is put together from; later wins.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Files, in order. None: the first of [`Sources::USUAL`] that is there.
    pub files: Vec<PathBuf>,
    /// The environment; what does not start with `DOORWARD__` is left alone.
    pub env: Vec<(String, String)>,
    /// The command line.
    pub overrides: Overrides,
}

/// What the command line sets.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--upstream`: the only site, on every host, with sign-in for everything.
    pub upstream: Option<String>,
    /// `--listen`: the only address.
    pub listen: Option<String>,
}

impl Sources {
    /// Where a file is looked for when none is named.
    pub const USUAL: [&'static str; 2] = ["./doorward.toml", "/etc/doorward/doorward.toml"];

    /// The files that are read: those named, else the usual one that is there.
    #[must_use]
    pub fn found_files(&self) -> Vec<PathBuf> {
        if !self.files.is_empty() {
            return self.files.clone();
        }
        // One that is there but cannot be looked at is taken, and then reported.
        let usual = Self::USUAL
            .iter()
            .map(Path::new)
            .find(|path| path.try_exists().unwrap_or(true));
        usual.map(Path::to_owned).into_iter().collect()
    }
}

/// The texts of all layers, in order, and the files that could not be read.
pub(crate) fn collect(sources: &Sources) -> (SourceMap, Vec<files::Unread>) {
    let mut map = SourceMap::default();
    let mut unread = Vec::new();
    for path in sources.found_files() {
        match files::read(&path) {
            Ok(text) => map.add(Origin::File(path), text),
            Err(why) => unread.push(why),
        }
    }
    for (name, value) in env::ours(&sources.env) {
        map.add(Origin::Variable(name.clone()), format!("{name}={value}"));
    }
    let Overrides { upstream, listen } = &sources.overrides;
    for (name, value) in [("--listen", listen), ("--upstream", upstream)] {
        if let Some(value) = value {
            map.add(Origin::Argument(name), value.clone());
        }
    }
    (map, unread)
}

/// Merges all layers.
pub(crate) fn merge<'s>(map: &'s SourceMap, findings: &mut Findings<'s>) -> Table<'s> {
    let mut merged = Table::new();
    for source in map.iter() {
        match &source.origin {
            Origin::File(_) => {
                let document = files::parse(source, findings);
                tree::merge(&mut merged, document);
            }
            Origin::Variable(name) => env::set(name, source, &mut merged, findings),
            Origin::Argument(name) => tree::merge(&mut merged, from_argument(name, source)),
            // Not a layer: `check` knows the defaults by itself.
            Origin::Default => {}
        }
    }
    merged
}

/// The tree of the shipped file, if it is among the texts.
pub(crate) fn defaults<'s>(map: &'s SourceMap, findings: &mut Findings<'s>) -> Table<'s> {
    let shipped = map.iter().find(|source| source.origin == Origin::Default);
    shipped.map_or_else(Table::new, |source| files::parse(source, findings))
}

/// The tree that a command line option stands for.
fn from_argument<'s>(name: &str, source: &'s Source) -> Table<'s> {
    let span = source.whole();
    let at = |value| Spanned::new(span.clone(), value);
    let table = |key: &'static str, value| {
        let mut table = DeTable::new();
        table.insert(Spanned::new(span.clone(), key.into()), value);
        table
    };
    let text = at(DeValue::String(source.text.as_str().into()));
    match name {
        "--listen" => table(
            "server",
            at(DeValue::Table(table("listen", at(tree::list(text))))),
        ),
        _ => table(
            "site",
            at(tree::list(at(DeValue::Table(table("upstream", text))))),
        ),
    }
}
