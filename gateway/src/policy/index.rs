//! Finds the first rule about a path without trying every rule.
//!
//! Owns a tree of the patterns' segments: a search visits what matches so far and nothing
//! else. Must not know what a rule says; it only knows their order.

use std::collections::HashMap;

use doorward_config::PathGlob;

use crate::glob::{Segment, Wild};

/// Patterns by segment. Each pattern is one way down, so no node is visited twice.
#[derive(Debug)]
pub(super) struct Index {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    names: HashMap<Box<[u8]>, Node>,
    wild: HashMap<Wild, Node>,
    /// Rules whose pattern ends here, in order.
    here: Vec<usize>,
    /// Rules whose pattern ends here in `**`, in order.
    below: Vec<usize>,
}

impl Index {
    /// Takes the patterns in the order of the rules; none is every path.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = Option<&'a PathGlob>>) -> Self {
        let mut root = Node::default();
        for (rule, pattern) in patterns.enumerate() {
            match pattern {
                None => root.below.push(rule),
                Some(pattern) => root.insert(segments(pattern.as_str()), rule),
            }
        }
        Self { root }
    }

    /// How many nodes there are, near enough: for the memory they take.
    pub(super) fn nodes(&self) -> usize {
        self.root.count()
    }

    /// The first rule whose pattern matches the decoded path and that `is_about` the rest.
    pub(super) fn find(&self, path: &[u8], is_about: impl Fn(usize) -> bool) -> Option<usize> {
        let below = path.strip_prefix(b"/")?;
        let mut best = None;
        self.root.search(Some(below), &is_about, &mut best);
        best
    }
}

impl Node {
    fn count(&self) -> usize {
        let below = self.names.values().chain(self.wild.values());
        1 + below.map(Self::count).sum::<usize>()
    }

    fn insert<'a>(&mut self, mut segments: impl Iterator<Item = &'a str>, rule: usize) {
        let Some(segment) = segments.next() else {
            self.here.push(rule);
            return;
        };
        let next = match Segment::new(segment) {
            Segment::Below => {
                self.below.push(rule);
                return;
            }
            Segment::Name(name) => self.names.entry(name).or_default(),
            Segment::Wild(wild) => self.wild.entry(wild).or_default(),
        };
        next.insert(segments, rule);
    }

    /// `rest` is what stands after the slash behind this node; `None` if the path ends here.
    fn search(
        &self,
        rest: Option<&[u8]>,
        is_about: &impl Fn(usize) -> bool,
        best: &mut Option<usize>,
    ) {
        keep_first(&self.below, is_about, best);
        let Some(rest) = rest else {
            keep_first(&self.here, is_about, best);
            return;
        };
        if self.names.is_empty() && self.wild.is_empty() {
            return;
        }
        let slash = rest.iter().position(|byte| *byte == b'/');
        let (name, deeper) = match slash.and_then(|at| rest.split_at_checked(at)) {
            Some((name, deeper)) => (name, deeper.strip_prefix(b"/")),
            None => (rest, None),
        };
        if let Some(node) = self.names.get(name) {
            node.search(deeper, is_about, best);
        }
        for (wild, node) in &self.wild {
            if wild.matches(name) {
                node.search(deeper, is_about, best);
            }
        }
    }
}

/// Takes the first of `rules` that is about it, if it comes before the best so far.
fn keep_first(rules: &[usize], is_about: &impl Fn(usize) -> bool, best: &mut Option<usize>) {
    let earlier = |rule: &&usize| best.is_none_or(|best| **rule < best);
    let first = rules
        .iter()
        .take_while(earlier)
        .find(|rule| is_about(**rule))
        .copied();
    if first.is_some() {
        *best = first;
    }
}

/// The segments of a checked pattern, which begins with `/`.
fn segments(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.strip_prefix('/').unwrap_or(pattern).split('/')
}
