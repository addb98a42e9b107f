//! One file: reading it, and what can be said about it before its keys are known.

use std::io::{self, ErrorKind};
use std::path::Path;

use toml::de::DeTable;

use super::tree::{self, Table};
use crate::origin::Source;
use crate::problem::{Fault, Findings, Place, Position};

/// A file that could not be read, and why.
pub(crate) struct Unread {
    pub(crate) place: Place,
    pub(crate) fault: Fault,
}

/// The text of a file, without the mark that some editors put first.
pub(super) fn read(path: &Path) -> Result<String, Unread> {
    let unread = |fault, position| Unread {
        place: Place::File {
            path: path.to_owned(),
            position,
        },
        fault,
    };
    let bytes = std::fs::read(path).map_err(|error| unread(closed(&error), None))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default());
        let position = Position::after(&before);
        unread(Fault::new("this is not UTF-8 text"), Some(position))
    })?;
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Ok(rest.to_owned()),
        None => Ok(text),
    }
}

fn closed(error: &io::Error) -> Fault {
    let fault = Fault::new(format!("this file cannot be read: {error}"));
    match error.kind() {
        ErrorKind::NotFound => fault.help(
            "look at its name, and from which folder you start; `doorward config init --config FILE` begins one",
        ),
        ErrorKind::PermissionDenied => {
            fault.help("let the user that runs doorward read it, and enter its folders")
        }
        _ => fault,
    }
}

/// The tree of a file. What is no TOML is reported; what could be made out of
/// the rest is handed on, so that its problems are found too.
pub(super) fn parse<'s>(source: &'s Source, findings: &mut Findings<'_>) -> Table<'s> {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    let mut in_list = false;
    for error in errors {
        // A list that is not closed swallows the lines below, each with this.
        let comma = error.message().starts_with("missing comma");
        if comma && in_list {
            continue;
        }
        in_list = comma;
        let span = error.span().unwrap_or_default();
        let mut fault = Fault::new(format!("this is not TOML: {}", error.message()));
        if comma {
            fault = fault.help("or a list further up is not closed with `]`");
        }
        findings.add_broken(&source.outward(&span), fault);
    }
    tree::place(document.into_inner(), source, 0)
}
