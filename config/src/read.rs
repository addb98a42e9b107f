//! From the merged tree to the raw structs, past every mistake.
//!
//! serde stops at the first thing that does not fit. So what it stopped at is
//! taken down, cut out of the tree, and serde is asked again, until the rest
//! fits. The raw structs stay the only list of keys.

mod explain;
mod locate;

pub(crate) use explain::nearest;

use serde::Deserialize;
use toml::Spanned;

use crate::layers::Table;
use crate::origin::{NOWHERE, Origin};
use crate::problem::{Fault, Findings};
use crate::raw;

/// Nobody reads more than this many problems at once; the rest comes next time.
const MOST: usize = 100;

/// The raw structs, without what did not fit; absent if there was no end to it. Afterwards the tree is what they were
/// made from.
pub(crate) fn read(tree: &mut Table<'_>, findings: &mut Findings<'_>) -> Option<raw::File> {
    while findings.len() < MOST {
        let document = Spanned::new(NOWHERE, tree.clone());
        let error = match raw::File::deserialize(toml::Deserializer::from(document)) {
            Ok(file) => return Some(file),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(NOWHERE);
        let Some(spot) = locate::locate(tree, &span) else {
            findings.add(&span, Fault::new(error.message()));
            return None;
        };
        if spot.is_number_in(findings.sources()) && spot.make_text(tree, findings.sources()) {
            continue;
        }
        if explain::wants_list(error.message())
            && !spot.is_list_of_tables()
            && spot.make_list(tree, findings.sources())
        {
            continue;
        }
        let variable = match findings.sources().find(&span).map(|source| &source.origin) {
            Some(Origin::Variable(name)) => Some(name.as_str()),
            Some(Origin::File(_) | Origin::Argument(_) | Origin::Default) | None => None,
        };
        findings.add(&span, explain::explain(error.message(), &spot, variable));
        findings.mark_damaged(spot.table.clone());
        spot.cut(tree);
    }
    None
}
