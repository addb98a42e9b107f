//! YAML as a tree whose nodes know their line. Scalars stay text.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::format::Unreadable;

/// How deep nodes may lie in each other.
const DEPTH: usize = 16;

/// A node and the line that it begins on, counted from 1.
pub(super) struct Node {
    pub(super) line: u64,
    pub(super) value: Value,
}

/// What a node is.
pub(super) enum Value {
    /// `~`, `null`, or nothing at all.
    Null,
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; a key may be there twice.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar; empty for none.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Null => Some(""),
            Value::Text(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The value of the first key of that name.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.value else {
            return None;
        };
        entries
            .iter()
            .find(|(key, _)| key.text() == Some(name))
            .map(|(_, value)| value)
    }
}

/// Reads the first document.
///
/// # Errors
/// [`Unreadable`] when it is no YAML, or has aliases: what a line says should stand there.
pub(super) fn read(text: &str) -> Result<Node, Unreadable> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
    };
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(node(span, Value::Null)),
            event => return reader.node(event, span, 0),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Unreadable> {
        match self.parser.next_event() {
            Some(event) => Ok(event?),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Unreadable> {
        if depth > DEPTH {
            return Err(Unreadable::at(line(span), "this lies too deep"));
        }
        let value = match event {
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        break Value::List(list);
                    }
                    list.push(self.node(event, span, depth + 1)?);
                }
            }
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::MappingEnd {
                        break Value::Map(entries);
                    }
                    let key = self.node(event, span, depth + 1)?;
                    let (event, span) = self.next()?;
                    entries.push((key, self.node(event, span, depth + 1)?));
                }
            }
            Event::Alias(_) => {
                return Err(Unreadable::at(
                    line(span),
                    "aliases (`*name`) are not read: write out what it stands for",
                ));
            }
            _ => return Err(Unreadable::at(line(span), "this ends too early")),
        };
        Ok(node(span, value))
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style == ScalarStyle::Plain && matches!(text, "" | "~" | "null") {
        Value::Null
    } else {
        Value::Text(text.to_owned())
    }
}

fn node(span: Span, value: Value) -> Node {
    Node {
        line: line(span),
        value,
    }
}

fn line(span: Span) -> u64 {
    u64::try_from(span.start.line()).unwrap_or(u64::MAX)
}

impl From<ScanError> for Unreadable {
    fn from(error: ScanError) -> Self {
        let line = u64::try_from(error.marker().line()).unwrap_or(u64::MAX);
        Self::at(line, error.info())
    }
}
