//! The same gateway with little and with much of something: what a request costs must not follow.
//!
//! A thousand sessions are in use in each case, and what there is much of lies beside them.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::case::Case;
use crate::contestant::Contestant;
use crate::measure::{self, Effort, Figures};
use crate::plan::Plan;
use crate::programs;
use crate::template::free_port;
use crate::world::{Sends, World};

/// What there may be much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Grows {
    /// Sessions in the embedded store.
    Sessions,
    /// Sessions in Redis.
    RedisSessions,
    /// Rules of the site, of which the last one decides.
    Rules,
    /// Sites.
    Sites,
    /// Connections that wait for their next request.
    Idle,
    /// Gateways on one Redis; one of them is asked.
    Gateways,
    /// Sessions that are asked for in the embedded store, because this gateway has not seen them: none, or one with
    /// each request.
    Unseen,
    /// The same in Redis.
    RedisUnseen,
}

impl Grows {
    const ALL: [Self; 8] = [
        Self::Sessions,
        Self::RedisSessions,
        Self::Rules,
        Self::Sites,
        Self::Idle,
        Self::Gateways,
        Self::Unseen,
        Self::RedisUnseen,
    ];

    /// How many there are, and how many there are then.
    fn range(self) -> (usize, usize) {
        match self {
            Self::Sessions | Self::RedisSessions => (1_000, 1_000_000),
            Self::Rules | Self::Idle => (10, 10_000),
            Self::Sites => (1, 1_000),
            Self::Gateways => (1, 2),
            Self::Unseen | Self::RedisUnseen => (0, UNSEEN),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Sessions => "sessions, embedded",
            Self::RedisSessions => "sessions in Redis",
            Self::Rules => "rules",
            Self::Sites => "sites",
            Self::Idle => "idle connections",
            Self::Gateways => "gateways",
            Self::Unseen => "unseen, embedded",
            Self::RedisUnseen => "unseen in Redis",
        }
    }

    fn contestant(self) -> &'static str {
        match self {
            Self::Sessions | Self::Rules | Self::Sites | Self::Idle | Self::Unseen => "doorward",
            Self::RedisSessions | Self::Gateways | Self::RedisUnseen => "doorward-redis",
        }
    }
}

/// Sessions that a gateway has never been shown. Each is shown once, so a turn must not come to their end.
const UNSEEN: usize = 600_000;

/// Measures each of them, all if none is named.
pub fn run(only: &[Grows], effort: Effort) -> Result<()> {
    let all = Grows::ALL
        .into_iter()
        .filter(|grows| only.is_empty() || only.contains(grows));
    let more_files = |limit: Rlimit| Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, more_files(getrlimit(Resource::Nofile)))?;
    let plans = Plan::all()?;
    let (programs, _) = programs::get(&[], &["redis-server", "python3"])?;
    let world = World::make(&programs, Sends::Apart)?;
    println!(
        "CPU µs for each request ({}), with little and with much\n",
        Case::BASE
    );
    for grows in all {
        let plan = plans.iter().find(|plan| plan.name == grows.contestant());
        let plan = plan.context("tests/bench/contestants is not whole")?;
        let (little, much) = grows.range();
        let [low, high] = both(grows, plan, &world, effort)
            .with_context(|| grows.words())?
            .map(|figures| figures.cpu_micros);
        println!(
            "{:20} {little:>9} → {much:<9} {low:6.1} → {high:6.1}   ratio {:.2}",
            grows.words(),
            high / low
        );
    }
    Ok(())
}

fn both(grows: Grows, plan: &Plan, world: &World, effort: Effort) -> Result<[Figures; 2]> {
    let (little, much) = grows.range();
    let mut pair = [
        Grown::start(grows, plan, world, little, effort.rounds)?,
        Grown::start(grows, plan, world, much, effort.rounds)?,
    ];
    let mut rounds = [Vec::new(), Vec::new()];
    for _ in 0..effort.rounds {
        for (grown, figures) in pair.iter_mut().zip(&mut rounds) {
            // What waits too long is closed, so it is opened anew for each turn.
            let waiting = (0..grown.idle)
                .map(|_| wait(grown.gate, &world.seed.sessions[0]))
                .collect::<Result<Vec<_>>>()?;
            figures.push(grown.turn(effort)?);
            drop(waiting);
        }
    }
    Ok(rounds.map(|figures| measure::median(&figures)))
}

/// A gateway with so many.
struct Grown {
    contestant: Contestant,
    gate: SocketAddr,
    idle: usize,
    /// What nobody has shown yet, in parts for one turn each.
    unseen: Vec<Vec<String>>,
}

impl Grown {
    fn turn(&mut self, effort: Effort) -> Result<Figures> {
        let Some(unseen) = self.unseen.pop() else {
            return measure::turn(Case::BASE, &mut self.contestant, effort.seconds);
        };
        self.contestant.show(&unseen);
        let figures = measure::cold(Case::BASE, &mut self.contestant, effort.seconds)?;
        let shown = figures.requests_per_second * effort.seconds as f64;
        ensure!(
            shown < unseen.len() as f64,
            "all were shown, and then shown again: fewer seconds, or more of them"
        );
        Ok(figures)
    }

    fn start(grows: Grows, plan: &Plan, world: &World, many: usize, rounds: usize) -> Result<Self> {
        let mut plan = plan.clone();
        if grows == Grows::Gateways && many > 1 {
            plan.run_too("doorward", "second.toml");
        }
        let suffix = format!("-{grows:?}-{many}");
        let contestant = Contestant::start_as(plan, &suffix, world, |folder| match grows {
            Grows::Sessions => fill(
                &[
                    "sqlite",
                    &folder.join("data/doorward.db").display().to_string(),
                ],
                many,
                None,
            ),
            Grows::Unseen => fill(
                &[
                    "sqlite",
                    &folder.join("data/doorward.db").display().to_string(),
                ],
                many,
                Some(&folder.join(TOKENS)),
            ),
            Grows::Rules => append(folder, &rules(many)),
            Grows::Sites => append(folder, &sites(many)),
            Grows::Idle => append(folder, "\n[limits]\nconnections_per_address = 20000\n"),
            Grows::Gateways if many > 1 => second(folder),
            Grows::RedisSessions | Grows::RedisUnseen | Grows::Gateways => Ok(()),
        })?;
        let tokens = contestant.folder().join(TOKENS);
        if matches!(grows, Grows::RedisSessions | Grows::RedisUnseen) {
            let port = contestant.address("redis_port")?.port();
            let shown = (grows == Grows::RedisUnseen).then_some(&*tokens);
            fill(&["redis", &port.to_string()], many, shown)?;
        }
        let unseen = match fs::read_to_string(&tokens) {
            Ok(text) => parts(&text, rounds),
            Err(_) => Vec::new(),
        };
        let idle = if grows == Grows::Idle { many } else { 0 };
        Ok(Self {
            gate: contestant.address("port")?,
            contestant,
            idle,
            unseen,
        })
    }
}

/// Where the tokens of those are that nobody has shown.
const TOKENS: &str = "tokens";

/// Lines in so many parts.
fn parts(text: &str, many: usize) -> Vec<Vec<String>> {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let each = (lines.len() / many).max(1);
    lines.chunks_exact(each).map(<[String]>::to_vec).collect()
}

/// Fills a store.
fn fill(store: &[&str], many: usize, tokens: Option<&Path>) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("load/fill.py");
    let filled = Command::new("python3")
        .arg(script)
        .args(store)
        .arg(many.to_string())
        .args(tokens)
        .status()?;
    ensure!(filled.success(), "the store could not be filled");
    Ok(())
}

/// Adds to its configuration.
pub fn append(folder: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new()
        .append(true)
        .open(folder.join("doorward.toml"))?;
    Ok(file.write_all(text.as_bytes())?)
}

fn rules(many: usize) -> String {
    let mut text = String::new();
    for n in 1..many {
        let _ = write!(
            text,
            "\n[[site.rule]]\npath = \"/part{n}/**\"\nallow = [\"role:part{n}\"]\n"
        );
    }
    text + "\n[[site.rule]]\nallow = \"signed_in\"\n"
}

fn sites(many: usize) -> String {
    let mut text = String::new();
    for n in 1..many {
        let _ = write!(
            text,
            "\n[[site]]\nhost = \"site{n}.example.com\"\nupstream = \"http://127.0.0.1:9\"\n"
        );
    }
    text
}

/// Another gateway's configuration beside the first one's: the same stores, its own addresses.
fn second(folder: &Path) -> Result<()> {
    let text = fs::read_to_string(folder.join("doorward.toml"))?;
    let other: Result<String> = text
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some((key @ ("listen" | "listen_tls"), _)) => {
                Ok(format!("{key} = [\"127.0.0.1:{}\"]\n", free_port()?))
            }
            Some((key @ "admin_listen", _)) => {
                Ok(format!("{key} = \"127.0.0.1:{}\"\n", free_port()?))
            }
            Some((key @ "data_dir", _)) => Ok(format!(
                "{key} = \"{0}/data2\"\nsecret_file = \"{0}/data/secret.key\"\n",
                folder.display()
            )),
            _ => Ok(format!("{line}\n")),
        })
        .collect();
    let database = format!(
        "\n[database]\nurl = \"sqlite:{}/data/doorward.db\"\n",
        folder.display()
    );
    fs::write(folder.join("second.toml"), other? + &database)?;
    Ok(())
}

/// A connection that has had one answer and stays open.
fn wait(gate: SocketAddr, session: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(gate)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "HEAD /1k HTTP/1.1\r\nHost: {gate}\r\nCookie: doorward={session}\r\n\r\n"
    )?;
    let mut some = [0; 512];
    ensure!(
        stream.read(&mut some)? > 0,
        "a connection that should wait was closed"
    );
    Ok(stream)
}
