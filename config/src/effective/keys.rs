//! A merged tree, taken apart into headings and their keys, in the order of the shipped file.

use toml::Spanned;
use toml::de::DeValue;

use super::shape::Shape;
use super::{Block, Setting, list, table, text};
use crate::layers::{Table, Value};
use crate::origin::SourceMap;
use crate::problem::Place;
use crate::{REFERENCE, schema};

/// Every table that has a heading, in order.
pub(super) fn blocks(all: &Table<'_>, texts: &SourceMap) -> Vec<Block> {
    let schema = schema();
    let mut walk = Walk {
        texts,
        blocks: Vec::new(),
    };
    walk.children("", all, Shape::of_file(schema.as_value()));
    walk.blocks
}

struct Walk<'a> {
    texts: &'a SourceMap,
    blocks: Vec<Block>,
}

impl Walk<'_> {
    /// The tables below a table: those of the first level, and lists of tables.
    fn children(&mut self, name: &str, parent: &Table<'_>, shape: Shape<'_>) {
        let mut keys: Vec<&str> = parent.keys().map(|key| &**key.get_ref()).collect();
        keys.sort_by_key(|key| section(&dotted(name, key)));
        for key in keys {
            let Some(value) = parent.get(key) else {
                continue;
            };
            let below = dotted(name, key);
            let shape = shape.below(key);
            if is_list_of_tables(value) {
                for item in list(value).filter_map(table) {
                    self.block(&below, format!("[[{below}]]"), item, shape);
                }
            } else if let (Some(table), "") = (table(value), name) {
                self.block(&below, format!("[{below}]"), table, shape);
            }
        }
    }

    fn block(&mut self, name: &str, heading: String, table: &Table<'_>, shape: Shape<'_>) {
        let mut settings = Vec::new();
        for (key, value) in table {
            if !is_list_of_tables(value) {
                settings.push(self.setting(key.get_ref(), value));
            }
        }
        settings.sort_by_key(|setting| position(name, &setting.key));
        let mut unset: Vec<String> = shape
            .keys()
            .filter(|key| !table.contains_key(*key))
            .map(str::to_owned)
            .collect();
        unset.sort_by_key(|key| position(name, key));
        self.blocks.push(Block {
            heading,
            settings,
            unset,
        });
        self.children(name, table, shape);
    }

    fn setting(&self, key: &str, value: &Value<'_>) -> Setting {
        let mut places = Vec::new();
        self.places(value, &mut places);
        Setting {
            key: key.to_owned(),
            value: text::value(key, value.get_ref()),
            places,
        }
    }

    /// A table may have been put together from several layers.
    fn places(&self, value: &Value<'_>, places: &mut Vec<Place>) {
        match table(value) {
            Some(table) if !table.is_empty() => {
                for value in table.values() {
                    self.places(value, places);
                }
            }
            _ => {
                let place = self.texts.place(&value.span()).line_only();
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
    }
}

fn is_list_of_tables(value: &Value<'_>) -> bool {
    let mut items = list(value).peekable();
    items.peek().is_some() && items.all(|item| matches!(Spanned::get_ref(item), DeValue::Table(_)))
}

fn dotted(name: &str, key: &str) -> String {
    if name.is_empty() {
        key.to_owned()
    } else {
        format!("{name}.{key}")
    }
}

/// Where the shipped file has a section, live or behind a `#`; what it does not have comes last.
fn section(name: &str) -> usize {
    ["\n[", "\n[[", "\n# [", "\n# [["]
        .iter()
        .filter_map(|mark| REFERENCE.find(&format!("{mark}{name}]")))
        .min()
        .unwrap_or(usize::MAX)
}

/// Where the shipped file has a key of a section.
fn position(name: &str, key: &str) -> usize {
    let start = section(name);
    let rest = REFERENCE.get(start..).unwrap_or_default();
    ["\n", "\n# "]
        .iter()
        .filter_map(|mark| rest.find(&format!("{mark}{key} = ")))
        .min()
        .unwrap_or(usize::MAX)
}
