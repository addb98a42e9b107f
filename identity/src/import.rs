//! Accounts from other programs, many at once: `doorward user import`.
//!
//! Owns the formats, what a row must be, and that a bad one is named by its line. Must not know how a command talks.
//! Reads in place, so it is for commands, not for requests.
//!
//! Passwords come as hashes and stay what they are until their owners sign in: then they become ours, if the password
//! was seen as a whole.

mod authelia;
mod check;
mod format;
mod htpasswd;
mod json_lines;
mod lines;
pub(crate) mod row;
mod table;
#[cfg(test)]
mod tests;
mod write;
mod yaml;

use std::io::BufRead;

use doorward_config::Live;

use crate::{Fault, Identity};

use check::Check;
use format::Entry;
use write::{BATCH, Candidate, Who, write};

pub use format::{Format, Unreadable};

/// How to go about it.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    /// What the rows look like.
    pub format: Format,
    /// What a bad row means for the others.
    pub bad_row: BadRow,
    /// Whoever has a username and no address gets `username@domain`.
    pub domain: Option<&'a str>,
}

/// What a bad row means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRow {
    /// Nothing: they are imported, 500 in a transaction.
    Alone,
    /// None of them is imported. All are written in one transaction, and nobody else writes meanwhile.
    Stops,
}

/// What happened so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Rows that were read.
    pub rows: usize,
    /// Those that are accounts now.
    pub imported: usize,
    /// Those that are not, because something is wrong with them.
    pub refused: usize,
    /// Those of them that came without a password.
    pub without_password: usize,
    /// Those of them that had a second factor, which cannot be taken along.
    pub had_two_factor: usize,
}

/// What is worth telling while it goes on.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// A row is not imported.
    Refused {
        /// The line where it begins, counted from 1.
        line: u64,
        /// Everything that is wrong with it, each with its column.
        reasons: &'a [String],
    },
    /// So far.
    Progress(Summary),
}

/// What came of it.
#[must_use]
#[derive(Debug)]
pub enum Imported {
    /// Everything was read, and what was good is there.
    Done(Summary),
    /// Something was wrong, so nothing was imported.
    Nothing(Summary),
    /// Something could not be read, so there the reading ended; what was imported before is there.
    Unreadable(Unreadable, Summary),
}

/// Makes accounts of the rows in `input`.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked; with [`BadRow::Alone`], what was imported before is there.
pub async fn import(
    identity: &Identity,
    live: &Live,
    input: impl BufRead,
    manner: Manner<'_>,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Imported, Fault> {
    let mut import = Import {
        identity,
        check: Check::new(identity, live, manner.domain),
        summary: Summary::default(),
        good: Vec::new(),
        tell,
    };
    let rows = match manner.format.rows(input) {
        Ok(rows) => rows,
        Err(reason) => return Ok(Imported::Unreadable(reason, import.summary)),
    };
    let mut end = None;
    for entry in rows {
        match entry {
            Ok(entry) => import.take(entry),
            Err(reason) => {
                end = Some(reason);
                break;
            }
        }
        if manner.bad_row == BadRow::Alone && import.good.len() >= BATCH {
            import.write(Who::Free).await?;
        }
        if import.summary.rows.is_multiple_of(BATCH) {
            import.tell_progress();
        }
    }
    match manner.bad_row {
        BadRow::Alone => import.write(Who::Free).await?,
        BadRow::Stops if end.is_none() && import.summary.refused == 0 => {
            import.write(Who::AllOrNone).await?;
        }
        // Those whose names are taken are to be named as well.
        BadRow::Stops => import.write(Who::Nobody).await?,
    }
    let summary = import.summary;
    Ok(match end {
        Some(reason) => Imported::Unreadable(reason, summary),
        None if manner.bad_row == BadRow::Stops && summary.refused > 0 => {
            Imported::Nothing(summary)
        }
        None => Imported::Done(summary),
    })
}

struct Import<'a, 'tell> {
    identity: &'a Identity,
    check: Check<'a>,
    summary: Summary,
    good: Vec<Candidate>,
    tell: &'tell mut dyn FnMut(News<'_>),
}

impl Import<'_, '_> {
    fn take(&mut self, entry: Entry) {
        self.summary.rows += 1;
        let checked = entry
            .row
            .map_err(|reason| vec![reason])
            .and_then(|row| Ok((self.check.check(&row)?, row.mfa_enabled)));
        match checked {
            Ok((newcomer, had_two_factor)) => self.good.push(Candidate {
                line: entry.line,
                newcomer,
                had_two_factor,
            }),
            Err(reasons) => self.refuse(entry.line, &reasons),
        }
    }

    fn refuse(&mut self, line: u64, reasons: &[String]) {
        self.summary.refused += 1;
        (self.tell)(News::Refused { line, reasons });
    }

    async fn write(&mut self, who: Who) -> Result<(), Fault> {
        let good = std::mem::take(&mut self.good);
        let findings = write(self.identity, &good, who).await?;
        let is_done = match who {
            Who::Free => true,
            Who::AllOrNone => findings.iter().all(Vec::is_empty),
            Who::Nobody => false,
        };
        for (candidate, reasons) in good.iter().zip(findings) {
            if !reasons.is_empty() {
                self.refuse(candidate.line, &reasons);
            } else if is_done {
                let draft = &candidate.newcomer.draft;
                self.summary.imported += 1;
                self.summary.without_password += usize::from(draft.password_hash.is_none());
                self.summary.had_two_factor += usize::from(candidate.had_two_factor);
            }
        }
        self.tell_progress();
        Ok(())
    }

    fn tell_progress(&mut self) {
        (self.tell)(News::Progress(self.summary));
    }
}
