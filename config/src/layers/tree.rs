//! The merged tree: TOML whose spans lie in the text of all sources.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::origin::Source;

/// A table of the tree.
pub(crate) type Table<'s> = DeTable<'s>;
/// A value of the tree.
pub(crate) type Value<'s> = Spanned<DeValue<'s>>;
/// A key of the tree.
pub(super) type Key<'s> = Spanned<Cow<'s, str>>;

/// A table parsed `skipped` bytes into a source, with its spans in all texts.
pub(super) fn place<'s>(table: Table<'s>, source: &Source, skipped: usize) -> Table<'s> {
    table
        .into_iter()
        .map(|(key, value)| {
            let span = source.outward_from(&key.span(), skipped);
            let key = Spanned::new(span, key.into_inner());
            (key, place_value(value, source, skipped))
        })
        .collect()
}

/// A value parsed `skipped` bytes into a source, with its spans in all texts.
pub(super) fn place_value<'s>(value: Value<'s>, source: &Source, skipped: usize) -> Value<'s> {
    let span = source.outward_from(&value.span(), skipped);
    let value = match value.into_inner() {
        DeValue::Array(list) => {
            let mut placed = DeArray::new();
            for item in list {
                placed.push(place_value(item, source, skipped));
            }
            DeValue::Array(placed)
        }
        DeValue::Table(table) => DeValue::Table(place(table, source, skipped)),
        plain => plain,
    };
    Spanned::new(span, value)
}

/// A list of one.
pub(super) fn list(item: Value<'_>) -> DeValue<'_> {
    let mut list = DeArray::new();
    list.push(item);
    DeValue::Array(list)
}

/// Lays a table over another: tables merge, anything else replaces.
pub(crate) fn merge<'s>(under: &mut Table<'s>, over: Table<'s>) {
    for (key, value) in over {
        put(under, key, value);
    }
}

/// Lays one entry over a table.
pub(super) fn put<'s>(under: &mut Table<'s>, key: Key<'s>, value: Value<'s>) {
    let span = value.span();
    match (
        under.get_mut(&key).map(Spanned::get_mut),
        value.into_inner(),
    ) {
        (Some(DeValue::Table(below)), DeValue::Table(above)) => merge(below, above),
        (_, value) => {
            // Removed first: inserting alone would keep the old key's place.
            under.remove(&key);
            under.insert(key, Spanned::new(span, value));
        }
    }
}
