//! `doorward` and `doorward run`: serve in the foreground.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use clap::Args;
use doorward::boot::{self, House, Start};
use doorward::logging;
use doorward_config::{Overrides, Problems, Sources};
use doorward_identity::{Fault, SystemClock};

use super::exit::Trouble;
use super::settings;

/// What may be said on the command line instead of in a file.
#[derive(Debug, Clone, Default, Args)]
pub struct Serve {
    /// Protect this instead of the configured sites: `http://HOST:PORT`, `unix:/PATH` or `files:DIR`
    #[arg(long, value_name = "URL")]
    pub upstream: Option<String>,
    /// Serve here instead of on the configured addresses
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Take over from the process that runs in the same `data_dir`, without a closed door
    #[arg(long)]
    pub upgrade: bool,
}

impl Serve {
    /// What was said before and after the command's name; the latter wins.
    pub fn or(self, before: Self) -> Self {
        Self {
            upstream: self.upstream.or(before.upstream),
            listen: self.listen.or(before.listen),
            upgrade: self.upgrade || before.upgrade,
        }
    }

    /// Whether another process is to be relieved.
    pub fn start(&self) -> Start {
        if self.upgrade {
            Start::Upgrade
        } else {
            Start::Alone
        }
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.upstream.is_none() && self.listen.is_none() && !self.upgrade
    }
}

impl From<Serve> for Overrides {
    fn from(serve: Serve) -> Self {
        Self {
            upstream: serve.upstream,
            listen: serve.listen,
        }
    }
}

/// Serves until it is told to stop.
pub fn run(sources: Sources, start: Start) -> Result<(), Trouble> {
    // First of all: whoever asks for a reload too early must not end us.
    let house = House::open().map_err(|error| Trouble::refused(format!("error: {error:#}")))?;
    let config = settings::load(&sources)?;
    let lines = logging::start(config.boot.log, Arc::new(SystemClock))
        .map_err(|error| Trouble::refused(format!("error: {error}")))?;
    let outcome = boot::run(house, config, sources, start);
    lines.flush();
    outcome.map_err(why)
}

fn why(error: anyhow::Error) -> Trouble {
    let error = match error.downcast::<Fault>() {
        Ok(fault) => return fault.into(),
        Err(error) => error,
    };
    match error.downcast::<Problems>() {
        Ok(problems) => settings::wrong(&problems),
        Err(error) => Trouble::refused(format!("error: {error:#}{}", advice(&error))),
    }
}

/// What to do about an address that cannot be had.
fn advice(error: &anyhow::Error) -> &'static str {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    match kind {
        Some(ErrorKind::AddrInUse) => {
            "\nhelp: another program listens there, perhaps a doorward: stop it (or relieve it with --upgrade), or \
             choose another address: server.listen (--listen), server.listen_tls, server.admin_listen"
        }
        Some(ErrorKind::AddrNotAvailable) => {
            "\nhelp: this machine has no such address; choose another: server.listen (--listen), server.listen_tls, \
             server.admin_listen"
        }
        _ => "",
    }
}
