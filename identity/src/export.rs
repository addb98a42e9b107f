//! Every account as text that [`import`](crate::import) takes: `doorward user export`.
//!
//! What is written holds password hashes. Second factors stay behind: `mfa_enabled` only says that there was one.

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use crate::account::Account;
use crate::import::row::{COLUMNS, Row, SELDOM};
use crate::{Fault, Identity};

/// How many accounts are read at once.
const PAGE: u64 = 500;

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// A table whose first line names the columns; those for disabled accounts and unverified addresses only if there
    /// are any.
    Csv,
}

/// What came of it.
#[must_use]
#[derive(Debug)]
pub enum Exported {
    /// So many accounts were written.
    Done(u64),
    /// The place that it was written to takes no more.
    Stopped(io::Error),
    /// Somebody was disabled, or an address came that is not verified, after the table's columns were named: start
    /// over.
    Changed,
}

/// Writes every account to `out`, the oldest first, each as it was when it was read.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn export(
    identity: &Identity,
    format: Format,
    out: &mut impl Write,
) -> Result<Exported, Fault> {
    let mut writer = match format {
        Format::JsonLines => Writer::JsonLines(out),
        Format::Csv => {
            let with_seldom = identity.accounts.has_seldom().await?;
            match Table::begin(out, with_seldom) {
                Ok(table) => Writer::Csv(Box::new(table)),
                Err(error) => return Ok(Exported::Stopped(error)),
            }
        }
    };
    let mut written = 0;
    let mut after = None;
    loop {
        let page = identity.accounts.page(after, PAGE).await?;
        for account in &page {
            match writer.write(&row(account)) {
                Ok(Wrote::Row) => written += 1,
                Ok(Wrote::NoColumn) => return Ok(Exported::Changed),
                Err(error) => return Ok(Exported::Stopped(error)),
            }
        }
        after = page.last().map(|account| account.id);
        if after.is_none() {
            break;
        }
    }
    Ok(match writer.end() {
        Ok(()) => Exported::Done(written),
        Err(error) => Exported::Stopped(error),
    })
}

fn row(account: &Account) -> Row {
    let hash = account.password_hash.as_ref();
    Row {
        username: account.username.clone().unwrap_or_default(),
        email: account.email.clone(),
        password_hash: hash
            .map(|hash| hash.as_str().to_owned())
            .unwrap_or_default(),
        first_name: account.first_name.clone(),
        last_name: account.last_name.clone(),
        date_of_birth: account
            .date_of_birth
            .map(|date| date.to_string())
            .unwrap_or_default(),
        roles: Some(account.roles.clone()),
        mfa_enabled: account.mfa_enabled(),
        disabled: !account.enabled,
        email_verified: account.email_verified,
    }
}

enum Writer<'a, W: Write> {
    JsonLines(&'a mut W),
    Csv(Box<Table<&'a mut W>>),
}

enum Wrote {
    Row,
    /// The table has no column for what has to be said.
    NoColumn,
}

impl<W: Write> Writer<'_, W> {
    fn write(&mut self, row: &Row) -> io::Result<Wrote> {
        match self {
            Self::JsonLines(out) => {
                let mut line = serde_json::to_vec(row)?;
                line.push(b'\n');
                out.write_all(&line)?;
                Ok(Wrote::Row)
            }
            Self::Csv(table) => table.write(row),
        }
    }

    fn end(self) -> io::Result<()> {
        match self {
            Self::JsonLines(out) => out.flush(),
            Self::Csv(mut table) => table.writer.flush(),
        }
    }
}

struct Table<W: Write> {
    writer: csv::Writer<W>,
    with_seldom: bool,
}

impl<W: Write> Table<W> {
    fn begin(out: W, with_seldom: bool) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        let seldom = SELDOM.iter().filter(|_| with_seldom);
        writer
            .write_record(COLUMNS.iter().chain(seldom))
            .map_err(plain)?;
        Ok(Self {
            writer,
            with_seldom,
        })
    }

    fn write(&mut self, row: &Row) -> io::Result<Wrote> {
        if row.is_seldom() && !self.with_seldom {
            return Ok(Wrote::NoColumn);
        }
        let word = |flag: bool| if flag { "true" } else { "false" };
        let roles = row.roles.as_deref().unwrap_or_default().join(";");
        let columns = [
            row.username.as_str(),
            &row.email,
            &row.password_hash,
            &row.first_name,
            &row.last_name,
            &row.date_of_birth,
            &roles,
            word(row.mfa_enabled),
        ];
        let seldom = [word(row.disabled), word(row.email_verified)];
        let seldom = seldom.iter().filter(|_| self.with_seldom);
        self.writer
            .write_record(columns.iter().chain(seldom))
            .map_err(plain)?;
        Ok(Wrote::Row)
    }
}

/// What the place itself said: a closed pipe should be known as one.
fn plain(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
