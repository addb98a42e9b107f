//! The command line.
//!
//! Owns the words of every command and where it is done: one file a group. Must not know how anything is stored or
//! served. Commands work on the stores directly, so they need no running gateway, and every running one hears of what
//! they change.

mod apikey;
mod audit;
mod check;
mod config;
mod exit;
mod explain;
mod healthcheck;
mod key;
mod mail;
mod manual;
mod open;
mod password;
mod print;
mod run;
mod session;
mod settings;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use doorward_config::Sources;

use exit::{Exit, Trouble};
use run::Serve;

/// A gateway that lets people who are signed in through to your sites, and nobody else.
///
/// Without a command it serves. Nothing needs to be configured: then it protects the sample site.
#[derive(Debug, Parser)]
#[command(name = "doorward", version, after_help = AFTER, max_term_width = 100)]
struct Cli {
    /// Read this file instead of ./doorward.toml or /etc/doorward/doorward.toml; may be given several times, later ones win
    #[arg(long, value_name = "FILE", global = true)]
    config: Vec<PathBuf>,
    #[command(flatten)]
    serve: Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER: &str = "\
Exit status: 0 done, 1 refused or not found, 2 usage, 69 a store is away, 78 configuration.

Examples:
  doorward --upstream http://localhost:3000
  doorward user add --role admin anna@example.com
  doorward check --config doorward.toml";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve in the foreground
    Run(Serve),
    #[command(flatten)]
    Work(Work),
}

/// What is done and over, beside a gateway that may be running.
#[derive(Debug, Subcommand)]
enum Work {
    /// Say everything that is wrong with the configuration, and try the stores
    Check {
        /// Do not try the stores
        #[arg(long)]
        offline: bool,
    },
    /// The configuration: begin a file, see what is in force
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Say what would become of a request, and why: exit 0 if it is let in, 1 if not
    Explain(explain::Explain),
    /// Accounts
    #[command(subcommand)]
    User(user::UserCommand),
    /// Who is signed in
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// API keys: how programs get in
    #[command(subcommand)]
    Apikey(apikey::ApikeyCommand),
    /// What happened to accounts
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// The keys that tokens are signed with
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Mail
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Ask the running gateway whether it is ready
    Healthcheck,
    /// Print completions for a shell
    Completions(manual::Completions),
    /// Print the manual page, as in `doorward man | man -l -`
    Man(manual::Manual),
    /// Say which version this is
    Version,
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    let outcome = Cli::parse().act();
    match outcome {
        Ok(()) => Exit::Done.into(),
        Err(trouble) => trouble.tell().into(),
    }
}

impl Cli {
    fn act(self) -> Result<(), Trouble> {
        match self.command {
            None => serve(self.config, self.serve),
            Some(Command::Run(serving)) => serve(self.config, serving.or(self.serve)),
            Some(Command::Work(work)) if self.serve.is_empty() || work.is_about_serving() => {
                work.act(&settings::sources(self.config, self.serve.into())?)
            }
            Some(Command::Work(_)) => Err(Trouble::usage(
                "error: --upstream, --listen and --upgrade are for serving\nhelp: leave them out, or the command",
            )),
        }
    }
}

fn serve(files: Vec<PathBuf>, serving: Serve) -> Result<(), Trouble> {
    let start = serving.start();
    run::run(settings::sources(files, serving.into())?, start)
}

impl Work {
    /// Whether what is said on the command line about serving matters to it.
    fn is_about_serving(&self) -> bool {
        matches!(
            self,
            Self::Check { .. }
                | Self::Config(config::ConfigCommand::Print { .. })
                | Self::Explain(_)
        )
    }

    fn act(self, sources: &Sources) -> Result<(), Trouble> {
        match self {
            Self::Check { offline: true } => check::offline(sources),
            Self::Check { offline: false } => check::check(sources),
            Self::Config(command) => command.act(sources),
            Self::Explain(asked) => asked.act(sources),
            Self::User(command) => user::user(command, &settings::load_for_work(sources)?),
            Self::Session(command) => session::session(command, &settings::load_for_work(sources)?),
            Self::Apikey(command) => apikey::apikey(command, &settings::load_for_work(sources)?),
            Self::Audit(command) => audit::audit(&command, &settings::load_for_work(sources)?),
            Self::Key(command) => key::key(&command, &settings::load_for_work(sources)?),
            Self::Mail(command) => mail::mail(command, &settings::load_for_work(sources)?),
            Self::Healthcheck => {
                healthcheck::healthcheck(settings::load_for_work(sources)?.boot.admin_listen)
            }
            Self::Completions(asked) => asked.act(Cli::command()),
            Self::Man(asked) => asked.act(Cli::command()),
            Self::Version => print::say(concat!("doorward ", env!("CARGO_PKG_VERSION"), "\n")),
        }
    }
}
