//! Finding the entry that an error is about, and taking it out of the tree.

use toml::Spanned;
use toml::de::{DeArray, DeValue};

use crate::layers::{Table, Value};
use crate::origin::{NOWHERE, Origin, SourceMap, Span};

/// One step down the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into the value of this key.
    Key(String),
    /// Into this element of a list.
    Index(usize),
}

/// An entry of the tree.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    /// The way to it; never empty.
    pub(super) path: Vec<Step>,
    /// Where the table is that it is in.
    pub(super) table: Span,
    /// Where its value is.
    value: Span,
    /// Whether the value is a number or a truth.
    number: bool,
}

/// The entry whose key or value lies at `span`, the deepest there is.
pub(super) fn locate(tree: &Table<'_>, span: &Span) -> Option<Spot> {
    in_table(tree, span, &NOWHERE)
}

fn in_table(table: &Table<'_>, span: &Span, home: &Span) -> Option<Spot> {
    table.iter().find_map(|(key, value)| {
        let step = Step::Key(key.get_ref().to_string());
        let own = key.span() == *span;
        in_value(value, span, home, own).map(|spot| spot.below(step))
    })
}

/// `own` says that the key of this value lies at the span.
fn in_value(value: &Value<'_>, span: &Span, home: &Span, own: bool) -> Option<Spot> {
    let here = || Spot {
        path: Vec::new(),
        table: home.clone(),
        value: value.span(),
        number: matches!(
            value.get_ref(),
            DeValue::Integer(_) | DeValue::Boolean(_) | DeValue::Float(_)
        ),
    };
    if own {
        return Some(here());
    }
    let deeper = match value.get_ref() {
        DeValue::Table(table) => in_table(table, span, &value.span()),
        DeValue::Array(list) => list.iter().enumerate().find_map(|(index, item)| {
            in_value(item, span, home, false).map(|spot| spot.below(Step::Index(index)))
        }),
        _ => None,
    };
    deeper.or_else(|| (value.span() == *span).then(here))
}

impl Spot {
    /// The same, seen from one step further up.
    fn below(mut self, step: Step) -> Self {
        self.path.insert(0, step);
        self
    }

    /// The name of the key, or of the list that it is an element of.
    pub(super) fn key(&self) -> &str {
        self.keys().last().unwrap_or_default()
    }

    /// The names of all keys on the way.
    pub(super) fn keys(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.path.iter().filter_map(|step| match step {
            Step::Key(name) => Some(name.as_str()),
            Step::Index(_) => None,
        })
    }

    /// Whether it is a number or a truth that came as the whole value of an
    /// environment variable, where nobody can quote what is meant as text.
    pub(super) fn is_number_in(&self, sources: &SourceMap) -> bool {
        let source = sources.find(&self.value);
        self.number && source.is_some_and(|source| matches!(source.origin, Origin::Variable(_)))
    }

    /// Turns the value into the text it was written as; `false` if that cannot
    /// be done.
    pub(super) fn make_text(&self, tree: &mut Table<'_>, sources: &SourceMap) -> bool {
        let text = sources
            .find(&self.value)
            .and_then(|source| source.text.get(source.inward(&self.value)));
        let (Some(text), Some(value)) = (text, find(tree, &self.path)) else {
            return false;
        };
        *value.get_mut() = DeValue::String(text.to_owned().into());
        true
    }

    /// Whether it is a list whose elements have keys: nobody writes those in one line.
    pub(super) fn is_list_of_tables(&self) -> bool {
        ["certificate", "site", "rule"].contains(&self.key())
    }

    /// Turns a text that came as the whole value of an environment variable into the list of its parts, which commas
    /// part; `false` if it is no such text. Nobody likes to quote in a variable.
    pub(super) fn make_list(&self, tree: &mut Table<'_>, sources: &SourceMap) -> bool {
        let Some(source) = sources.find(&self.value) else {
            return false;
        };
        let (Origin::Variable(_), Some(value)) = (&source.origin, find(tree, &self.path)) else {
            return false;
        };
        let DeValue::String(text) = value.get_ref() else {
            return false;
        };
        let (start, mut list) = (self.value.start, DeArray::new());
        let mut begin = 0;
        for part in text.split(',').filter(|_| !text.trim().is_empty()) {
            let blanks = part.len() - part.trim_start().len();
            let at = start + begin + blanks;
            let item = DeValue::String(part.trim().to_owned().into());
            list.push(Spanned::new(at..at + part.trim().len(), item));
            begin += part.len() + 1;
        }
        *value.get_mut() = DeValue::Array(list);
        true
    }

    /// Takes the entry out.
    pub(super) fn cut(&self, tree: &mut Table<'_>) {
        let Some((last, way)) = self.path.split_last() else {
            return;
        };
        match last {
            Step::Key(name) if way.is_empty() => {
                tree.remove(name.as_str());
            }
            Step::Key(name) => {
                if let Some(DeValue::Table(table)) = find(tree, way).map(Spanned::get_mut) {
                    table.remove(name.as_str());
                }
            }
            Step::Index(index) => {
                if let Some(DeValue::Array(list)) = find(tree, way).map(Spanned::get_mut) {
                    let mut kept = DeArray::new();
                    for (at, item) in std::mem::replace(list, DeArray::new())
                        .into_iter()
                        .enumerate()
                    {
                        if at != *index {
                            kept.push(item);
                        }
                    }
                    *list = kept;
                }
            }
        }
    }
}

/// The value at the end of a way.
fn find<'t, 's>(tree: &'t mut Table<'s>, way: &[Step]) -> Option<&'t mut Value<'s>> {
    let (first, rest) = way.split_first()?;
    let Step::Key(name) = first else {
        return None;
    };
    rest.iter()
        .try_fold(tree.get_mut(name.as_str())?, |value, step| {
            match (value.get_mut(), step) {
                (DeValue::Table(table), Step::Key(name)) => table.get_mut(name.as_str()),
                (DeValue::Array(list), Step::Index(index)) => list.get_mut(*index),
                _ => None,
            }
        })
}
