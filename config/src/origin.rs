//! Where a piece of configuration was written.
//!
//! All texts that a configuration is put together from are laid end to end, so
//! that one range of byte offsets names a piece of any of them, and survives
//! the merging of the layers.

use std::ops::Range;
use std::path::PathBuf;

use crate::problem::{Place, Position};

/// A piece of one of the texts. An empty range at zero is nowhere.
pub(crate) type Span = Range<usize>;

/// The place that is nowhere.
pub(crate) const NOWHERE: Span = 0..0;

/// What a text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file, whose text is shown in messages.
    File(PathBuf),
    /// `NAME=value` of an environment variable; the value is never shown.
    Variable(String),
    /// The value of a command line option.
    Argument(&'static str),
    /// The shipped file, which says what holds where nobody said anything.
    Default,
}

/// One text and where it lies among all.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) origin: Origin,
    pub(crate) text: String,
    base: usize,
}

impl Source {
    /// The offset in all texts of an offset in this one.
    pub(crate) fn outward(&self, span: &Span) -> Span {
        self.base + span.start..self.base + span.end
    }

    /// The same for an offset that counts from `skipped` bytes into this one.
    pub(crate) fn outward_from(&self, span: &Span, skipped: usize) -> Span {
        self.outward(&(span.start + skipped..span.end + skipped))
    }

    /// All of it.
    pub(crate) fn whole(&self) -> Span {
        self.outward(&(0..self.text.len()))
    }

    /// The range in this text of a range of all, kept inside it.
    pub(crate) fn inward(&self, span: &Span) -> Span {
        let within = |offset: usize| offset.saturating_sub(self.base).min(self.text.len());
        within(span.start)..within(span.end)
    }

    /// The words for a place in this text.
    fn place(&self, span: &Span) -> Place {
        let path = match &self.origin {
            Origin::Variable(name) => return Place::Variable(name.clone()),
            Origin::Argument(name) => return Place::Argument(name),
            Origin::Default => return Place::Nowhere,
            Origin::File(path) => path.clone(),
        };
        let start = self.inward(span).start;
        let before = self.text.get(..start).unwrap_or(&self.text);
        Place::File {
            path,
            position: Some(Position::after(before)),
        }
    }
}

/// All texts of one configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    /// Takes a text in; the later one lies behind the earlier.
    pub(crate) fn add(&mut self, origin: Origin, text: String) {
        // A byte is left free before each text, so that no two touch and
        // nothing lies nowhere.
        let base = self
            .sources
            .last()
            .map_or(0, |last| last.base + last.text.len())
            + 1;
        self.sources.push(Source { origin, text, base });
    }

    /// One after the other, in the order of the layers.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Source> {
        self.sources.iter()
    }

    /// The text that a span lies in.
    pub(crate) fn find(&self, span: &Span) -> Option<&Source> {
        self.sources.iter().rev().find(|source| {
            source.base <= span.start && span.start <= source.base + source.text.len()
        })
    }

    /// The words for a span.
    pub(crate) fn place(&self, span: &Span) -> Place {
        self.find(span)
            .map_or(Place::Nowhere, |source| source.place(span))
    }
}
