//! `doorward config`: the file to begin with, what is in force, and the schema.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::Subcommand;
use doorward_config::{Origins, STARTER, Sources, effective};

use super::exit::Trouble;
use super::print::{self, say};
use super::settings;

/// Where the file is made when nobody says where.
const USUAL: &str = "doorward.toml";

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Write a commented file to begin with: ./doorward.toml, or the --config FILE. One that is there is left as it is
    Init {
        /// Print it instead
        #[arg(long)]
        stdout: bool,
    },
    /// Print every key with the value that is in force, as TOML; secrets are hidden
    Print {
        /// Say behind each value where it comes from: a file and its line, a variable, an option, or the default
        #[arg(long)]
        origin: bool,
    },
    /// Print the JSON Schema of the file, for editors
    Schema,
}

impl ConfigCommand {
    /// Does it.
    pub fn act(&self, sources: &Sources) -> Result<(), Trouble> {
        match self {
            Self::Init { stdout: true } => say(STARTER),
            Self::Init { stdout: false } => init(&sources.files),
            Self::Print { origin } => {
                let shown = effective(sources).map_err(|problems| settings::wrong(&problems))?;
                say(&shown.print(if *origin {
                    Origins::Shown
                } else {
                    Origins::Hidden
                }))
            }
            Self::Schema => print::json(&doorward_config::schema()),
        }
    }
}

fn init(files: &[PathBuf]) -> Result<(), Trouble> {
    let path = match files {
        [] => PathBuf::from(USUAL),
        [path] => path.clone(),
        _ => {
            return Err(Trouble::usage(
                "error: one file can be begun at a time\nhelp: give --config once",
            ));
        }
    };
    let shown = path.display();
    let made = File::create_new(&path).and_then(|mut file| file.write_all(STARTER.as_bytes()));
    match made {
        Ok(()) => say(&format!(
            "{shown} written: say there what to protect, then `doorward check`\n"
        )),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(Trouble::refused(format!(
            "error: {shown} is there already, and was left as it is\n\
             help: --config FILE writes another, --stdout prints it"
        ))),
        Err(error) => Err(Trouble::refused(format!(
            "error: {shown} cannot be written: {error}\nhelp: {}, or print it with --stdout",
            match error.kind() {
                ErrorKind::NotFound => "make its folder first",
                _ => "choose another place with --config FILE",
            }
        ))),
    }
}
