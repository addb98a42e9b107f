//! The environment: `DOORWARD__SECTION__KEY=value`.

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::tree::{self, Key, Table, Value};
use crate::origin::Source;
use crate::problem::{Fault, Findings};

/// What our variables start with.
const PREFIX: &str = "DOORWARD__";

/// No key lies deeper; what goes down the tree is spared endless names.
const DEEPEST: usize = 8;

/// The variables that are ours, by name, so that the outcome does not depend on
/// the order of the environment.
pub(super) fn ours(env: &[(String, String)]) -> Vec<&(String, String)> {
    let mut ours: Vec<_> = env
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    ours.sort();
    ours
}

/// Puts a variable in its place in the tree.
pub(super) fn set<'s>(
    name: &str,
    source: &'s Source,
    tree: &mut Table<'s>,
    findings: &mut Findings<'_>,
) {
    let value = read_value(source, name.len() + 1, findings);
    let mut start = PREFIX.len();
    let mut path: Vec<Key<'_>> = Vec::new();
    for segment in name.get(PREFIX.len()..).unwrap_or_default().split("__") {
        let span = source.outward(&(start..start + segment.len()));
        path.push(Spanned::new(span, segment.to_lowercase().into()));
        start += segment.len() + 2;
    }
    if path.len() > DEEPEST || path.iter().any(|key| key.get_ref().is_empty()) {
        let fault = Fault::new("this variable names no key")
            .help("it is DOORWARD__SECTION__KEY, as in DOORWARD__SERVER__DATA_DIR");
        findings.add(&source.whole(), fault);
        return;
    }
    if let Some(fault) = insert(tree, path, value) {
        findings.add(&source.whole(), fault);
    }
}

/// The value: TOML if it looks like a list, a table, a number or a truth, else
/// text.
fn read_value<'s>(source: &'s Source, skipped: usize, findings: &mut Findings<'_>) -> Value<'s> {
    let text = source.text.get(skipped..).unwrap_or_default();
    let span = source.outward(&(skipped..source.text.len()));
    let plain = Spanned::new(span.clone(), DeValue::String(text.into()));
    let structured = text.starts_with(['[', '{', '"', '\'']);
    match DeValue::parse(text) {
        Ok(value) => {
            let number = matches!(
                value.get_ref(),
                DeValue::Integer(_) | DeValue::Boolean(_) | DeValue::Float(_)
            );
            if !number && !structured {
                return plain;
            }
            // The span is that of the whole value, spaces included, so that it
            // can be told from a piece of one.
            let value = tree::place_value(value, source, skipped);
            Spanned::new(span, value.into_inner())
        }
        Err(error) if text.starts_with(['[', '{']) => {
            let fault = Fault::new(format!("this is not a TOML value: {}", error.message()));
            findings.add_broken(&span, fault);
            plain
        }
        Err(_) => plain,
    }
}

/// Goes down the path, making tables and list elements where there are none.
fn insert<'s>(tree: &mut Table<'s>, path: Vec<Key<'s>>, value: Value<'s>) -> Option<Fault> {
    let mut path = path.into_iter();
    let first = path.next()?;
    let Some(second) = path.next() else {
        tree::put(tree, first, value);
        return None;
    };
    let rest: Vec<_> = std::iter::once(second).chain(path).collect();
    let numbered = rest.first().and_then(index).is_some();
    let span = first.span();
    let empty = if numbered {
        DeValue::Array(DeArray::new())
    } else {
        DeValue::Table(DeTable::new())
    };
    let name = first.get_ref().to_string();
    let below = tree
        .entry(first)
        .or_insert_with(|| Spanned::new(span, empty));
    match below.get_mut() {
        DeValue::Table(table) => insert(table, rest, value),
        DeValue::Array(list) => insert_at(list, &name, rest, value),
        _ => Some(Fault::new(format!(
            "`{name}` is a plain value, so nothing can be set below it"
        ))),
    }
}

/// Goes on in an element of a list, or makes the next one.
fn insert_at<'s>(
    list: &mut DeArray<'s>,
    name: &str,
    path: Vec<Key<'s>>,
    value: Value<'s>,
) -> Option<Fault> {
    let count = list.len();
    let mut path = path.into_iter();
    let key = path.next()?;
    let Some(index) = index(&key).filter(|index| *index <= count) else {
        let fault = Fault::new(format!("`{name}` is a list of {count}"));
        return Some(fault.help(format!("number its elements from 0 to {count}")));
    };
    let rest: Vec<_> = path.collect();
    if index == count {
        list.push(Spanned::new(key.span(), DeValue::Table(DeTable::new())));
    }
    let element = list.get_mut(index)?;
    if rest.is_empty() {
        *element = value;
        return None;
    }
    match element.get_mut() {
        DeValue::Table(table) => insert(table, rest, value),
        _ => Some(Fault::new(format!(
            "element {index} of `{name}` is a plain value, so nothing can be set below it"
        ))),
    }
}

fn index(key: &Key<'_>) -> Option<usize> {
    key.get_ref().parse().ok()
}
