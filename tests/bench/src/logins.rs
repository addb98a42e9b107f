//! How many passwords are hashed in a second while more come than can be, beside Argon2 alone on the same core.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::contestant::Contestant;
use crate::growth::append;
use crate::measure::{Effort, middle};
use crate::plan::Plan;
use crate::process::{Core, on};
use crate::programs;
use crate::world::{Sends, World};

/// Connections that each try to sign in: more than hash at once, fewer than may wait.
const CONNECTIONS: &str = "16";

/// Nobody is slowed down: that would be measured instead.
const PATIENT: &str = "\n[throttle]\naccount_failures = 1000000\naddress_failures = 1000000\n";

/// Measures both, in turns.
pub fn run(effort: Effort) -> Result<()> {
    let plans = Plan::all()?;
    let (programs, _) = programs::get(&[], &["hashes"])?;
    let world = World::make(&programs, Sends::Apart)?;
    let plan = plans.into_iter().find(|plan| plan.name == "doorward");
    let plan = plan.context("tests/bench/contestants is not whole")?;
    let gateway = Contestant::start_as(plan, "-logins", &world, |folder| append(folder, PATIENT))?;
    let (mut alone, mut through) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        alone.push(hashes(&programs, effort.seconds)?);
        through.push(logins(&gateway, effort.seconds)?);
    }
    let (alone, through) = (middle(alone), middle(through));
    println!(
        "hashes a second on one core: Argon2 alone {alone:.1}, signing in {through:.1}, ratio {:.2}",
        through / alone
    );
    Ok(())
}

fn hashes(programs: &Path, seconds: u64) -> Result<f64> {
    let ran = on(Core::Measured, programs, "hashes")
        .arg(seconds.to_string())
        .output()?;
    let out = String::from_utf8(ran.stdout)?;
    out.trim()
        .parse()
        .context("hashes says nothing that is understood")
}

fn logins(gateway: &Contestant, seconds: u64) -> Result<f64> {
    let gate = gateway.address("port")?;
    let admin = gateway.address("admin_port")?;
    let before = hashed(admin)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("load/login.lua");
    let ran = on(Core::Load, Path::new(""), "wrk")
        .args(["-t", "1", "-c", CONNECTIONS, "--timeout", "10s", "-d"])
        .arg(format!("{seconds}s"))
        .arg("-s")
        .arg(script)
        .args([&format!("http://{gate}"), "--", &gate.to_string()])
        .stdout(Stdio::null())
        .status()
        .context("wrk cannot be started")?;
    ensure!(ran.success(), "wrk failed");
    let hashed = hashed(admin)? - before;
    ensure!(hashed > 0.0, "nothing was hashed");
    Ok(hashed / seconds as f64)
}

/// How many passwords it has hashed so far.
fn hashed(admin: SocketAddr) -> Result<f64> {
    let mut link = TcpStream::connect(admin)?;
    write!(
        link,
        "GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n"
    )?;
    let mut text = String::new();
    link.read_to_string(&mut text)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("doorward_password_hash_seconds_count "));
    Ok(line.context("no such metric")?.trim().parse()?)
}
