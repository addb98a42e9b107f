//! `doorward user export`: every account on standard output, password hashes and all.

use std::io::{self, BufWriter, ErrorKind};

use clap::{Args, ValueEnum};
use doorward_config::Config;
use doorward_identity::export::{self, Exported, Format};

use crate::commands::exit::Trouble;
use crate::commands::open;

/// How to export.
#[derive(Debug, Args)]
pub struct Export {
    /// One JSON object a line, or a table
    #[arg(long, default_value = "jsonl")]
    format: Named,
}

/// A format, as it is called on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Named {
    Csv,
    Jsonl,
}

impl Export {
    /// Does it. A reader that has seen enough is no trouble.
    pub fn act(&self, config: &Config) -> Result<(), Trouble> {
        let format = match self.format {
            Named::Csv => Format::Csv,
            Named::Jsonl => Format::JsonLines,
        };
        let exported = open::with_stores(&config.boot, async |identity| {
            let mut out = BufWriter::new(io::stdout().lock());
            Ok(export::export(identity, format, &mut out).await?)
        })?;
        match exported {
            Exported::Done(_) => Ok(()),
            Exported::Stopped(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Exported::Stopped(error) => Err(Trouble::refused(format!(
                "error: not everything could be written: {error}"
            ))),
            Exported::Changed => Err(Trouble::refused(
                "error: accounts changed while the table was written, and it lacks a column for that\n\
                 help: try again, or use --format jsonl",
            )),
        }
    }
}
