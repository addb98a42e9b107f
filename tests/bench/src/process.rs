//! A running program and what it has used: pinned to one core, ended when it is dropped.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which core something runs on.
#[derive(Clone, Copy, Debug)]
pub enum Core {
    /// The load and the site.
    Load,
    /// What is measured.
    Measured,
}

/// A command that ends with us and stays on one core. `own` is searched before the `PATH`.
pub fn on(core: Core, own: &Path, program: &str) -> Command {
    let number = match core {
        Core::Load => "0",
        Core::Measured => "1",
    };
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "taskset", "-c", number, program]);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", own.display()));
    command.stdin(Stdio::null());
    command
}

/// What a program and all that it started have used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// User and system time.
    pub cpu: Duration,
    /// Resident memory, in bytes.
    pub memory: u64,
}

impl std::ops::Add for Used {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            memory: self.memory + other.memory,
        }
    }
}

/// A running program.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it prints goes to the file `log`.
    pub fn start(mut command: Command, name: &str, log: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let child = command
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("setpriv cannot be started: install util-linux")?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        })
    }

    /// An error if it has ended, with the end of what it printed.
    pub fn check(&mut self) -> Result<()> {
        let Some(status) = self.child.try_wait()? else {
            return Ok(());
        };
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(8)..];
        let how = status.signal().map_or_else(
            || status.to_string(),
            |signal| format!("killed by signal {signal}"),
        );
        bail!("{} ended ({how}):\n{}", self.name, tail.join("\n"))
    }

    /// Empties what it printed, so that a long run does not fill the disk.
    pub fn forget_log(&self) -> Result<()> {
        File::options().write(true).open(&self.log)?.set_len(0)?;
        Ok(())
    }

    /// What it and all that it started have used so far.
    pub fn used(&self) -> Result<Used> {
        let all = Stat::all()?;
        let page = rustix::param::page_size() as u64;
        let tick = Duration::from_secs(1) / u32::try_from(rustix::param::clock_ticks_per_second())?;
        let mut wanted = vec![self.child.id()];
        let mut sum = Used::default();
        while let Some(id) = wanted.pop() {
            if let Some(stat) = all.get(&id) {
                let cpu = tick * u32::try_from(stat.ticks)?;
                let memory = stat.pages * page;
                sum = sum + Used { cpu, memory };
            }
            wanted.extend(
                all.iter()
                    .filter(|(_, stat)| stat.parent == id)
                    .map(|(id, _)| *id),
            );
        }
        Ok(sum)
    }

    /// Asks it to end, and waits a moment until it has.
    pub fn stop(&mut self) {
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// One line of `/proc/PID/stat` (proc(5)).
struct Stat {
    parent: u32,
    /// Of this process, threads that have ended included, and of children that have ended.
    ticks: u64,
    pages: u64,
}

impl Stat {
    fn all() -> Result<BTreeMap<u32, Self>> {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // One that has ended meanwhile is nobody's.
            let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            if let Some(stat) = Self::parse(&text) {
                all.insert(id, stat);
            }
        }
        Ok(all)
    }

    fn parse(text: &str) -> Option<Self> {
        // The second field is a name that may hold anything.
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            parent: u32::try_from(number(4)?).ok()?,
            ticks: number(14)? + number(15)? + number(16)? + number(17)?,
            pages: number(24)?,
        })
    }
}
