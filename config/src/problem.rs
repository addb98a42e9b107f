//! What is wrong with a configuration, and how it is said.

mod render;

pub(crate) use render::names_password;

use std::fmt;
use std::path::PathBuf;

use crate::origin::{NOWHERE, SourceMap, Span};

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// As it was named.
        path: PathBuf,
        /// Absent if the file itself is the problem.
        position: Option<Position>,
    },
    /// In an environment variable of this name.
    Variable(String),
    /// In this option of the command line.
    Argument(&'static str),
    /// Nowhere: a default.
    Nowhere,
}

/// A place in a text; both count from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Position {
    /// The place right behind a text.
    pub(crate) fn after(text: &str) -> Self {
        let last = text.rsplit('\n').next().unwrap_or(text);
        Self {
            line: text.matches('\n').count() + 1,
            column: last.chars().count() + 1,
        }
    }
}

impl Place {
    /// The line this is on: all places of one line are the same.
    pub(crate) fn line_only(&self) -> Self {
        let mut line = self.clone();
        if let Self::File {
            position: Some(position),
            ..
        } = &mut line
        {
            position.column = 1;
        }
        line
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, position } => {
                write!(f, "{}", path.display())?;
                match position {
                    Some(Position { line, column }) => write!(f, ":{line}:{column}"),
                    None => Ok(()),
                }
            }
            Self::Variable(name) => f.write_str(name),
            Self::Argument(name) => f.write_str(name),
            Self::Nowhere => f.write_str("defaults"),
        }
    }
}

/// One thing that is wrong. Printed, it is one line: `FILE:LINE:COLUMN: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    place: Place,
    span: Span,
    message: String,
    help: Option<String>,
}

impl Problem {
    /// Where it was written.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The line, if it is in a file.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match &self.place {
            Place::File { position, .. } => position.map(|position| position.line),
            Place::Variable(_) | Place::Argument(_) | Place::Nowhere => None,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Whether printed text may carry terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Plain text.
    Plain,
    /// ANSI colours.
    Ansi,
}

/// Everything that is wrong with a configuration, in the order of the layers
/// and of their lines. Never empty.
///
/// Printed, it is one line a problem; [`Problems::render`] shows the places too.
#[derive(Debug, Clone)]
pub struct Problems {
    list: Vec<Problem>,
    sources: SourceMap,
}

impl Problems {
    /// How many.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// The whole text for a person: for each problem its line, the place with a
    /// caret, and what to do.
    #[must_use]
    pub fn render(&self, color: Color) -> String {
        render::render(self, color)
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// What is wrong with one value, before it is known where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Fault {
    /// A fault with nothing to advise.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
        }
    }

    /// The same with advice.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }
}

/// The problems found so far, and the texts they are in.
#[derive(Debug)]
pub(crate) struct Findings<'s> {
    sources: &'s SourceMap,
    list: Vec<Problem>,
    damaged: Vec<Span>,
    broken_lines: Vec<Place>,
}

impl<'s> Findings<'s> {
    /// None so far.
    pub(crate) fn new(sources: &'s SourceMap) -> Self {
        Self {
            sources,
            list: Vec::new(),
            damaged: Vec::new(),
            broken_lines: Vec::new(),
        }
    }

    /// The texts.
    pub(crate) fn sources(&self) -> &'s SourceMap {
        self.sources
    }

    /// Takes a problem down.
    pub(crate) fn add(&mut self, span: &Span, fault: Fault) {
        let place = self.sources.place(span);
        // Where a line could not be read, what was made of it is a guess.
        if !self.broken_lines.contains(&place.line_only()) {
            self.add_at(place, span.clone(), fault);
        }
    }

    /// Takes down that a line is no TOML; nothing more is said about that line.
    pub(crate) fn add_broken(&mut self, span: &Span, fault: Fault) {
        self.add(span, fault);
        let line = self.sources.place(span).line_only();
        self.broken_lines.push(line);
    }

    /// Takes down that a file could not be read, so that anything may be missing.
    pub(crate) fn add_unread(&mut self, place: Place, fault: Fault) {
        self.add_at(place, NOWHERE, fault);
        self.mark_damaged(NOWHERE);
    }

    fn add_at(&mut self, place: Place, span: Span, fault: Fault) {
        // Messages may quote what was written, and go to logs.
        let Fault { message, help } = fault;
        let problem = Problem {
            place,
            span,
            message: render::veil(&message),
            help: help.as_deref().map(render::veil),
        };
        if !self.list.contains(&problem) {
            self.list.push(problem);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Remembers that something in the table at `span` could not be read, so
    /// that nobody complains that it is missing.
    pub(crate) fn mark_damaged(&mut self, span: Span) {
        self.damaged.push(span);
    }

    /// Whether something in the table at `span` could not be read.
    pub(crate) fn is_damaged(&self, span: &Span) -> bool {
        !self.broken_lines.is_empty() || self.damaged.contains(span)
    }

    /// The configuration if nothing was found, else what was.
    pub(crate) fn conclude<T>(mut self, config: T) -> Result<T, Problems> {
        if self.list.is_empty() {
            return Ok(config);
        }
        self.list.sort_by_key(|problem| problem.span.start);
        Err(Problems {
            list: self.list,
            sources: self.sources.clone(),
        })
    }
}
