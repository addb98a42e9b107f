//! Problems as text: the line, the caret, the advice.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Color, Problem, Problems};
use crate::origin::Origin;

/// Every problem with its place and advice.
pub(super) fn render(problems: &Problems, color: Color) -> String {
    let renderer = match color {
        Color::Plain => Renderer::plain(),
        Color::Ansi => Renderer::styled(),
    };
    let mut text = String::new();
    for problem in problems {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{problem}");
        if let Some(picture) = picture(problem, problems, &renderer) {
            let _ = writeln!(text, "{picture}");
        } else if let Some(help) = &problem.help {
            let _ = writeln!(text, "  help: {help}");
        }
        text.push('\n');
    }
    text.pop();
    text
}

/// The place in its file with a caret below it.
fn picture(problem: &Problem, problems: &Problems, renderer: &Renderer) -> Option<String> {
    let source = problems.sources.find(&problem.span)?;
    let Origin::File(_) = source.origin else {
        return None;
    };
    let text = veil(&source.text);
    let span = whole_characters(&text, source.inward(&problem.span));
    let mut group = Group::with_level(Level::ERROR)
        .element(Snippet::source(text).annotation(AnnotationKind::Primary.span(span)));
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    Some(renderer.render(&[group]))
}

/// The span on one line and between characters, as the renderer wants it.
fn whole_characters(text: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.find('\n').unwrap_or(rest.len());
    let end = text.ceil_char_boundary(span.end.min(start + line).max(start));
    start..end
}

/// The text with the credentials of every URL in it covered by as many stars.
pub(super) fn veil(text: &str) -> String {
    let mut veiled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        veiled.push_str(before);
        veiled.push_str("://");
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'))
            .unwrap_or(after.len());
        let (url, behind) = after.split_at(end);
        let (credentials, place) = match url.rsplit_once('@') {
            Some((credentials, _)) => url.split_at(credentials.len()),
            None => ("", url),
        };
        veiled.extend(std::iter::repeat_n('*', credentials.len()));
        veiled.push_str(&veil_parameters(place));
        rest = behind;
    }
    veiled.push_str(rest);
    veil_passwords(&veiled)
}

/// A URL with what its parameters set to a password covered.
fn veil_parameters(url: &str) -> String {
    url.split_inclusive(['?', '&'])
        .map(|part| match part.split_once('=') {
            // `pass` is what an address of a Unix socket calls it.
            Some((key, value)) if names_password(key) || key == "pass" => {
                format!("{key}={}", "*".repeat(value.len()))
            }
            _ => part.to_owned(),
        })
        .collect()
}

/// The text with what is set to a password covered too, though its name may be misspelt.
fn veil_passwords(text: &str) -> String {
    text.split_inclusive('\n')
        .flat_map(|line| match line.split_once('=') {
            Some((key, value)) if names_password(key) => {
                let cover = |c: char| {
                    if "\"'\r\n ".contains(c) {
                        vec![c]
                    } else {
                        vec!['*'; c.len_utf8()]
                    }
                };
                let value: String = value.chars().flat_map(cover).collect();
                [key.to_owned(), "=".to_owned(), value]
            }
            _ => [line.to_owned(), String::new(), String::new()],
        })
        .collect()
}

/// Whether a key is that of a password, spelled right or not; not of a file that holds one.
pub(crate) fn names_password(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("pas") && key.contains('w') && !key.contains("file")
}
