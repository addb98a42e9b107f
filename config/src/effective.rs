//! The configuration as it is in force: every key, what it is set to, and where that was said.
//!
//! Owns laying what was written over the shipped file, which a test keeps equal to the defaults, and saying it as TOML
//! again with secrets hidden. Must not know what any key means: a new one appears here by itself.

mod keys;
mod shape;
mod text;

use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use crate::layers::{self, Sources, Table, Value};
use crate::origin::{NOWHERE, Origin, SourceMap, Span};
use crate::problem::{Findings, Place, Problems};
use crate::{Config, REFERENCE, check, read};

/// What a site is not given when it does not say it itself: these are its own.
const OF_ONE_SITE: [&str; 2] = ["upstream", "rule"];

/// Whether it is said where each value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origins {
    /// It is, behind each.
    Shown,
    /// It is not.
    Hidden,
}

/// A configuration as it is in force. Secrets are not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    blocks: Vec<Block>,
    rules: Vec<Vec<Place>>,
}

/// A table with a heading of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    heading: String,
    settings: Vec<Setting>,
    unset: Vec<String>,
}

/// A key that has a value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    key: String,
    value: String,
    places: Vec<Place>,
}

/// Puts a configuration together as [`crate::load`] does, and says what is in force.
///
/// # Errors
/// Every problem found, but for a default that cannot work here: what is in force can be said all the same.
pub fn effective(sources: &Sources) -> Result<Effective, Problems> {
    let (mut texts, unread) = layers::collect(sources);
    texts.add(Origin::Default, REFERENCE.to_owned());
    let mut findings = Findings::new(&texts);
    for file in unread {
        findings.add_unread(file.place, file.fault);
    }
    let mut written = layers::merge(&texts, &mut findings);
    let config = match read::read(&mut written, &mut findings) {
        Some(raw) => check::check(&raw, &mut findings),
        None => Config::default(),
    };
    let shipped = layers::defaults(&texts, &mut findings);
    let somebodys = |problems: &Problems| problems.iter().any(|one| *one.place() != Place::Nowhere);
    if let Err(problems) = findings.conclude(())
        && somebodys(&problems)
    {
        return Err(problems);
    }
    let all = complete(written, shipped, &config);
    Ok(Effective {
        rules: rule_places(&all, &texts),
        blocks: keys::blocks(&all, &texts),
    })
}

impl Effective {
    /// Where a rule was written; both count from 0, in the order of the file.
    #[must_use]
    pub fn rule_place(&self, site: usize, rule: usize) -> Option<&Place> {
        self.rules.get(site)?.get(rule)
    }

    /// As TOML that means the same, secrets aside.
    #[must_use]
    pub fn print(&self, origins: Origins) -> String {
        text::print(&self.blocks, origins)
    }
}

/// What was written over what is shipped, and what follows from it where neither says anything.
fn complete<'s>(written: Table<'s>, shipped: Table<'s>, config: &Config) -> Table<'s> {
    let sample = shipped.get("site").and_then(|sites| list(sites).next());
    let model = sample.and_then(table).cloned().unwrap_or_default();
    let mut all = shipped;
    layers::lay_over(&mut all, written);

    let data_dir = string(&all, "server", "data_dir").map(str::to_owned);
    let body = string(&all, "limits", "body").map(str::to_owned);
    if let Some(folder) = data_dir.as_deref().map(Path::new) {
        let secret = folder.join("secret.key").display().to_string();
        let database = format!("sqlite:{}", folder.join("doorward.db").display());
        add_to(&mut all, "server", "secret_file", secret);
        add_to(&mut all, "database", "url", database);
    }
    if let Some(DeValue::Array(sites)) = all.get_mut("site").map(Spanned::get_mut) {
        for (at, site) in sites.iter_mut().enumerate() {
            let DeValue::Table(site) = site.get_mut() else {
                continue;
            };
            if let Some(checked) = config.live.sites.get(at) {
                add(site, "name", checked.name.clone());
            }
            if let Some(body) = &body {
                add(site, "body_limit", body.clone());
            }
            for (key, value) in &model {
                if !OF_ONE_SITE.contains(&&**key.get_ref()) && !site.contains_key(key) {
                    site.insert(key.clone(), value.clone());
                }
            }
        }
    }
    all
}

/// Sets a key that is set neither itself nor by the file that holds it.
fn add(table: &mut Table<'_>, key: &'static str, text: String) {
    if !table.contains_key(key) && !table.contains_key(format!("{key}_file").as_str()) {
        let value = Spanned::new(NOWHERE, DeValue::String(text.into()));
        table.insert(Spanned::new(NOWHERE, key.into()), value);
    }
}

fn add_to(all: &mut Table<'_>, section: &'static str, key: &'static str, text: String) {
    let empty = || Spanned::new(NOWHERE, DeValue::Table(Table::new()));
    let section = all.entry(Spanned::new(NOWHERE, section.into()));
    if let DeValue::Table(section) = section.or_insert_with(empty).get_mut() {
        add(section, key, text);
    }
}

fn string<'t>(all: &'t Table<'_>, section: &str, key: &str) -> Option<&'t str> {
    match table(all.get(section)?)?.get(key)?.get_ref() {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

fn table<'t, 's>(value: &'t Value<'s>) -> Option<&'t Table<'s>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// The elements of a list; none if it is no list.
fn list<'t, 's>(value: &'t Value<'s>) -> impl Iterator<Item = &'t Value<'s>> {
    let list = match value.get_ref() {
        DeValue::Array(list) => Some(list.iter()),
        _ => None,
    };
    list.into_iter().flatten()
}

fn rule_places(all: &Table<'_>, texts: &SourceMap) -> Vec<Vec<Place>> {
    let rules = |site: &Value<'_>| -> Vec<Place> {
        let rules = table(site).and_then(|site| site.get("rule"));
        let spans: Vec<Span> = rules
            .map(|rules| list(rules).map(Spanned::span).collect())
            .unwrap_or_default();
        spans.iter().map(|span| texts.place(span)).collect()
    };
    all.get("site")
        .map(|sites| list(sites).map(rules).collect())
        .unwrap_or_default()
}
