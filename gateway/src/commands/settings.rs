//! The configuration that a command works with.
//!
//! Owns where it is looked for, and how its mistakes are shown. Must not know what it says.

use std::env;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use doorward_config::{Color, Config, Overrides, Place, Problems, Sources};

use super::exit::Trouble;

/// Everything a configuration is put together from: `files`, the environment and the command line.
///
/// # Errors
/// If a variable of ours is not text.
pub fn sources(files: Vec<PathBuf>, overrides: Overrides) -> Result<Sources, Trouble> {
    let mut variables = Vec::new();
    for (name, value) in env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        match value.into_string() {
            Ok(value) => variables.push((name.to_owned(), value)),
            Err(_) if name.starts_with("DOORWARD__") => {
                return Err(Trouble::configuration(format!(
                    "{name}: error: not UTF-8 text\nhelp: set it again, or unset it"
                )));
            }
            Err(_) => {}
        }
    }
    Ok(Sources {
        files,
        env: variables,
        overrides,
    })
}

/// The checked configuration.
///
/// # Errors
/// With every mistake at its line.
pub fn load(sources: &Sources) -> Result<Config, Trouble> {
    doorward_config::load(sources).map_err(|problems| wrong(&problems))
}

/// The checked configuration for work on the stores, which goes on where there is nothing to protect: the gateway
/// may have been told on its own command line, and the sample site may be elsewhere.
///
/// # Errors
/// With every mistake that somebody made.
pub fn load_for_work(sources: &Sources) -> Result<Config, Trouble> {
    let problems = match doorward_config::load(sources) {
        Ok(config) => return Ok(config),
        Err(problems) => problems,
    };
    if problems
        .iter()
        .any(|problem| *problem.place() != Place::Nowhere)
    {
        return Err(wrong(&problems));
    }
    let mut nothing_to_protect = sources.clone();
    nothing_to_protect.overrides.upstream = Some("none".to_owned());
    load(&nothing_to_protect)
}

/// Every mistake with its place, and how many there are.
pub fn wrong(problems: &Problems) -> Trouble {
    let color = if io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none() {
        Color::Ansi
    } else {
        Color::Plain
    };
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    };
    Trouble::configuration(format!("{}\n\n{count}", problems.render(color).trim_end()))
}
