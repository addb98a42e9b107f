//! `doorward user import FILE`.
//!
//! Owns what is shown: each bad row at its line, a bar on a terminal, a summary. Must not know what a good row is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use doorward_config::Config;
use doorward_identity::import::{self, BadRow, Format, Imported, Manner, News, Summary};
use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::exit::Trouble;
use crate::commands::open;
use crate::commands::print::{plain, say};

/// How the bar looks.
const BAR: &str = "{bar:32} {percent:>3} %  {msg}";

const FILE: &str = "CSV or JSON Lines with username, email, password_hash, first_name, last_name, date_of_birth, \
                    roles, mfa_enabled (all but email optional), Authelia's users.yml, or htpasswd; `-` for \
                    standard input";

/// What to import, and how.
#[derive(Debug, Args)]
pub struct Import {
    #[arg(help = FILE)]
    file: PathBuf,
    /// Do not guess the format by the file's name and beginning
    #[arg(long)]
    format: Option<Named>,
    /// Import nothing at all if anything is wrong with one row; other writers wait meanwhile
    #[arg(long)]
    strict: bool,
    /// Whoever has a username and no e-mail gets USERNAME@DOMAIN
    #[arg(long)]
    domain: Option<String>,
}

/// A format, as it is called on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Named {
    Csv,
    Jsonl,
    Authelia,
    Htpasswd,
}

impl From<Named> for Format {
    fn from(named: Named) -> Self {
        match named {
            Named::Csv => Self::Csv,
            Named::Jsonl => Self::JsonLines,
            Named::Authelia => Self::Authelia,
            Named::Htpasswd => Self::Htpasswd,
        }
    }
}

impl Import {
    /// Does it.
    pub fn act(&self, config: &Config) -> Result<(), Trouble> {
        let bar = ProgressBar::no_length();
        let mut input = BufReader::new(bar.wrap_read(self.open(&bar)?));
        let format = self.format(&mut input)?;
        let begun = Instant::now();
        let imported = open::with_stores(&config.boot, async |identity| {
            let manner = Manner {
                format,
                bad_row: if self.strict {
                    BadRow::Stops
                } else {
                    BadRow::Alone
                },
                domain: self.domain.as_deref(),
            };
            let mut tell = |news: News<'_>| self.tell(&bar, news);
            Ok(import::import(identity, &config.live, input, manner, &mut tell).await?)
        });
        bar.finish_and_clear();
        self.conclude(imported?, begun.elapsed(), format)
    }

    fn open(&self, bar: &ProgressBar) -> Result<Box<dyn Read>, Trouble> {
        if self.file == Path::new("-") {
            return Ok(Box::new(io::stdin()));
        }
        let open = || {
            let file = File::open(&self.file)?;
            let length = file.metadata()?.len();
            Ok::<_, io::Error>((file, length))
        };
        let (file, length) = open().map_err(|error| self.closed(&error))?;
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            bar.set_style(style);
        }
        bar.set_length(length);
        Ok(Box::new(file))
    }

    fn format(&self, input: &mut impl BufRead) -> Result<Format, Trouble> {
        if let Some(named) = self.format {
            return Ok(named.into());
        }
        let head = input.fill_buf().map_err(|error| self.closed(&error))?;
        Format::detect(Some(&self.file), head).ok_or_else(|| {
            Trouble::usage(format!(
                "error: {}: this looks like none of the formats\n\
                 help: name it: --format csv, jsonl, authelia or htpasswd",
                self.name()
            ))
        })
    }

    fn tell(&self, bar: &ProgressBar, news: News<'_>) {
        match news {
            News::Refused { line, reasons } => bar.suspend(|| {
                for reason in reasons {
                    eprintln!("{}:{line}: {}", self.name(), plain(reason));
                }
            }),
            News::Progress(summary) => bar.set_message(format!("{} rows", summary.rows)),
        }
    }

    fn conclude(&self, imported: Imported, took: Duration, format: Format) -> Result<(), Trouble> {
        let help = if format == Format::Htpasswd && self.domain.is_none() {
            "\nhelp: people without an e-mail address get one with --domain example.com"
        } else {
            ""
        };
        match imported {
            Imported::Done(summary) => {
                say(&told(summary, took))?;
                match summary.refused {
                    0 => Ok(()),
                    some => Err(Trouble::refused(format!(
                        "error: {some} rows were not imported, each for the reason at its line{help}"
                    ))),
                }
            }
            Imported::Nothing(summary) => Err(Trouble::refused(format!(
                "error: nothing was imported: something is wrong with {} of {} rows{help}",
                summary.refused, summary.rows
            ))),
            Imported::Unreadable(unreadable, summary) => {
                if summary.imported > 0 {
                    say(&told(summary, took))?;
                }
                let line = unreadable.line.map(|line| format!("{line}:"));
                Err(Trouble::refused(format!(
                    "{}:{} error: {}\nhelp: nothing is read from there on; {} accounts were imported before",
                    self.name(),
                    line.unwrap_or_default(),
                    plain(&unreadable.reason),
                    summary.imported
                )))
            }
        }
    }

    fn closed(&self, error: &io::Error) -> Trouble {
        Trouble::refused(format!(
            "error: {}: {error}\nhelp: {}",
            self.name(),
            match error.kind() {
                ErrorKind::NotFound =>
                    "nothing was imported; look at the file's name, and from which folder you start",
                _ =>
                    "nothing was imported; let this user read the file, or pipe it in: `user import -`",
            }
        ))
    }

    fn name(&self) -> String {
        plain(&self.file.display().to_string())
    }
}

fn told(summary: Summary, took: Duration) -> String {
    let seconds = took.as_secs_f64().max(0.001);
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate for people to read; nobody has 2^52 rows"
    )]
    let rate = summary.rows as f64 / seconds;
    let mut lines = vec![format!(
        "{} of {} rows imported in {seconds:.1} s, {rate:.0} rows a second",
        summary.imported, summary.rows
    )];
    if summary.without_password > 0 {
        lines.push(format!(
            "{} without a password: nobody signs in to them until one is set",
            summary.without_password
        ));
    }
    if summary.had_two_factor > 0 {
        lines.push(format!(
            "{} had two-factor sign-in: its secrets cannot be taken along, so it is off until they set it up again",
            summary.had_two_factor
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}
