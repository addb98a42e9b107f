//! How a command ends.
//!
//! Owns the exit codes, and which trouble has which. Must not know any command.

use std::process::ExitCode;

use doorward_identity::Fault;

/// Scripts rely on these; 69 and 78 are those of `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is done.
    Done = 0,
    /// It was refused, or there is no such thing.
    Refused = 1,
    /// It was asked in the wrong way.
    Usage = 2,
    /// A store is away.
    Away = 69,
    /// The configuration is wrong.
    Configuration = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not be done, in words for the person who gave it.
#[derive(Debug)]
pub struct Trouble {
    exit: Exit,
    text: String,
}

impl Trouble {
    /// Refused, or not found.
    pub fn refused(text: impl Into<String>) -> Self {
        Self::new(Exit::Refused, text)
    }

    /// Refused, and that was said.
    pub fn said() -> Self {
        Self::new(Exit::Refused, "")
    }

    /// Asked in the wrong way.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// Something that the command needs does not answer.
    pub fn away(text: impl Into<String>) -> Self {
        Self::new(Exit::Away, text)
    }

    /// The configuration is wrong.
    pub fn configuration(text: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, text)
    }

    fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self {
            exit,
            text: text.into(),
        }
    }

    /// Says it on standard error.
    pub fn tell(&self) -> Exit {
        if !self.text.is_empty() {
            eprintln!("{}", self.text.trim_end());
        }
        self.exit
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        let chain = chain(&fault);
        match fault {
            Fault::StoreAway { store, .. } => Self::away(format!(
                "error: {chain}\nhelp: start the {store}, or look at its address with `doorward check`, and try again"
            )),
            Fault::Unfollowed { store, .. } => Self::away(format!(
                "error: {chain}\n\
                 help: nothing has to be repeated: as soon as the {store} store is back, a running gateway ends the sessions \
                 that have to end and gives the others their new rights; without one the next command does"
            )),
            Fault::Broken { .. } => Self::refused(format!(
                "error: {chain}\nhelp: this should not happen; please report it with the lines above"
            )),
        }
    }
}

/// An error with everything that led to it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
