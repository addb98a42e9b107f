//! What a request costs at Doorward, and what it costs at the others, measured side by side on this machine.
//!
//! The figure that counts is the CPU time of all processes that a contestant has, for each answered request: it says
//! nearly the same whether or not the load is the bottleneck (whoever is idle now and then pays for being woken).
//! Everybody has a turn in every round, so that a machine that changes its pace changes it for all.
//!
//! `DOORWARD_BIN` names a gateway that is measured instead of the one that is built here, `BARE_BIN` a bare proxy.
//!
//! | Module | Owns |
//! |---|---|
//! | `programs` | getting what is measured |
//! | `world` | the site behind, certificates, accounts and sessions |
//! | `plan`, `template` | who takes part, and the configuration |
//! | `contestant`, `credential` | one of them running, and what its requests show |
//! | `process` | a program on its core, and what it used |
//! | `case`, `load`, `curl` | what is asked for, and asking |
//! | `measure` | rounds and medians |
//! | `goals`, `report`, `chart` | what came out |
//! | `growth` | the same gateway with little and with much |
//! | `logins` | hashing passwords |

#![forbid(unsafe_code)]

mod case;
mod chart;
mod contestant;
mod credential;
mod curl;
mod goals;
mod growth;
mod load;
mod logins;
mod measure;
mod plan;
mod process;
mod programs;
mod report;
mod template;
mod world;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand};

use case::{Case, Protocol, Size};
use contestant::Contestant;
use measure::Effort;
use plan::Plan;
use report::Outcome;
use world::{Sends, World};

/// What a request costs at Doorward and at the others.
#[derive(Parser)]
#[command(name = "cargo bench-peers")]
struct Cli {
    #[command(subcommand)]
    mode: Option<Mode>,
    #[command(flatten)]
    peers: Peers,
    #[command(flatten)]
    pace: Pace,
}

#[derive(Subcommand)]
enum Mode {
    /// What a request costs with little and with much: sessions, rules, sites, idle connections, gateways.
    Growth {
        /// Which of them; all when absent.
        #[arg(long, value_delimiter = ',')]
        only: Vec<growth::Grows>,
    },
    /// How many passwords are hashed in a second, beside Argon2 alone.
    Logins,
}

#[derive(Args)]
struct Peers {
    /// Who takes part, by the names of the folders in tests/bench/contestants; all when absent.
    #[arg(long, value_delimiter = ',')]
    contestants: Vec<String>,
    /// How long answers are; 1g is one download.
    #[arg(long, value_delimiter = ',', default_value = "1k,64k,1m,1g")]
    sizes: Vec<Size>,
    #[arg(long, value_delimiter = ',', default_value = "64,1")]
    connections: Vec<u32>,
    #[arg(long, value_delimiter = ',', default_value = "http,https,h2")]
    protocols: Vec<Protocol>,
    /// Every value with every other; without it one at a time is varied, from the first of each list.
    #[arg(long)]
    full: bool,
    /// Has the site send head and body of an answer together; it sends each on its own otherwise.
    #[arg(long)]
    together: bool,
    /// Writes everything that was measured.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draws the first case.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl Peers {
    fn sends(&self) -> Sends {
        match self.together {
            true => Sends::Together,
            false => Sends::Apart,
        }
    }
}

#[derive(Args)]
struct Pace {
    /// How often everybody has a turn.
    #[arg(long, default_value_t = 5, global = true)]
    rounds: usize,
    /// How long one takes.
    #[arg(long, default_value_t = 8, global = true)]
    seconds: u64,
    /// One round of one second, to see that everything works.
    #[arg(long, global = true)]
    quick: bool,
}

impl Pace {
    fn effort(&self) -> Effort {
        match self.quick {
            true => Effort {
                rounds: 1,
                seconds: 1,
            },
            false => Effort {
                rounds: self.rounds.max(1),
                seconds: self.seconds.max(1),
            },
        }
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let cores = std::thread::available_parallelism()?.get();
    ensure!(
        cores >= 2,
        "two cores are needed: one for what is measured, one for the load"
    );
    match cli.mode {
        None => peers(&cli.peers, cli.pace.effort()),
        Some(Mode::Growth { only }) => growth::run(&only, cli.pace.effort()),
        Some(Mode::Logins) => logins::run(cli.pace.effort()),
    }
}

fn peers(peers: &Peers, effort: Effort) -> Result<()> {
    let mut plans = Plan::all()?;
    for name in &peers.contestants {
        let known = plans.iter().any(|plan| plan.name == *name);
        ensure!(
            known,
            "nobody is called {name}; tests/bench/contestants has the names"
        );
    }
    plans.retain(|plan| peers.contestants.is_empty() || peers.contestants.contains(&plan.name));
    let cases = Case::all(
        &peers.protocols,
        &peers.sizes,
        &peers.connections,
        peers.full,
    );

    let (programs, missing) = programs::get(&plans, &[])?;
    let world = World::make(&programs, peers.sends())?;
    let mut contestants = Vec::new();
    for plan in plans {
        if let Some(why) = plan.needs.iter().find_map(|need| missing.get(need)) {
            println!("{}: {why}", plan.title);
            continue;
        }
        let title = plan.title.clone();
        eprint!("\r\x1b[Kstarting {title}");
        match Contestant::start(plan, &world) {
            Ok(contestant) => contestants.push(contestant),
            Err(why) => eprintln!("\r\x1b[K{title}: left out: {why:#}"),
        }
    }
    eprint!("\r\x1b[K");

    let mut outcomes = Vec::new();
    for case in cases {
        let scores = measure::measure(case, &mut contestants, effort);
        let mut outcome = Outcome { case, scores };
        outcome.sort();
        outcome.print();
        outcomes.push(outcome);
    }
    let ratios = goals::ratios(&outcomes);
    println!("\nCPU time, one ÷ the other");
    for ratio in &ratios {
        println!("{ratio}");
    }
    if let Some(file) = &peers.json {
        report::write_json(file, &outcomes, &ratios)?;
    }
    if let (Some(file), Some(first)) = (&peers.svg, outcomes.first()) {
        chart::write(file, first)?;
    }
    Ok(())
}
