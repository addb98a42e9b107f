//! `doorward completions` and `doorward man`: the command line, described for shells and for `man`.
//!
//! Owns nothing but the form: both are made from what the command line is parsed by.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::exit::Trouble;
use super::print::say;

/// What completions are for.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// How the manual is written.
#[derive(Debug, Args)]
pub struct Manual {
    /// Write a page for each command into this folder, instead of printing one with all of them
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Completions {
    /// Prints them.
    pub fn act(&self, mut command: Command) -> Result<(), Trouble> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "doorward", &mut script);
        say(&String::from_utf8_lossy(&script))
    }
}

impl Manual {
    /// Prints it, or writes it.
    pub fn act(&self, command: Command) -> Result<(), Trouble> {
        let Some(folder) = &self.dir else {
            return say(&one_page(command).map_err(|error| failed(&error))?);
        };
        std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(command, folder))
            .map_err(|error| {
                Trouble::refused(format!(
                    "error: nothing can be written to {}: {error}",
                    folder.display()
                ))
            })
    }
}

fn failed(error: &std::io::Error) -> Trouble {
    Trouble::refused(format!("error: the page cannot be made: {error}"))
}

/// The page of the whole command line: `doorward` as usual, and below it the help of every command.
fn one_page(mut command: Command) -> std::io::Result<String> {
    command.build();
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut text = String::from_utf8_lossy(&page).into_owned();
    text.push_str(".SH COMMANDS\n");
    add_commands(&mut command, &mut text);
    let mut page = Vec::new();
    man.render_extra_section(&mut page)?;
    text.push_str(&String::from_utf8_lossy(&page).replace(".SH EXTRA", ".SH NOTES"));
    Ok(text)
}

fn add_commands(command: &mut Command, text: &mut String) {
    for below in command.get_subcommands_mut() {
        if below.get_name() == "help" {
            continue;
        }
        if below.has_subcommands() {
            add_commands(below, text);
            continue;
        }
        let name = below.get_bin_name().unwrap_or_default().to_owned();
        let help = below.render_long_help().to_string();
        // Writing to a `String` cannot fail.
        let _ = write!(text, ".SS {name}\n.nf\n{}.fi\n", as_it_is(&help));
    }
}

/// Text that `man` shows as it stands: no line of it is an order, and no character means something else.
fn as_it_is(text: &str) -> String {
    let mut shown = String::new();
    for line in text.trim_end().lines() {
        if line.starts_with(['.', '\'']) {
            shown.push_str("\\&");
        }
        shown.push_str(&line.replace('\\', "\\e").replace('-', "\\-"));
        shown.push('\n');
    }
    shown
}
