//! Load of a bounded time, by wrk (HTTP/1.1) or h2load (HTTP/2).

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::case::{Case, Protocol};
use crate::credential::Credential;
use crate::process::{Core, on};

/// What came of it.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Done {
    pub requests: u64,
    /// Of the answers, as they came over the wire; h2load counts bodies only.
    pub bytes: u64,
    pub micros: u64,
    /// Microseconds, as all times here.
    pub p50: u64,
    pub p99: u64,
    /// What was not answered, or not with a 2xx or 3xx.
    pub errors: u64,
}

/// Where the load goes.
pub struct Aim<'a> {
    pub url: &'a str,
    pub path: &'a str,
    pub host: &'a str,
    pub credential: &'a Credential,
}

/// What every request of a browser brings besides, when there is no session.
pub const COOKIES: &str = "theme=dark; consent=2026-01-01.necessary";

/// The browser's headers, for what does not read `load/rotate.lua`.
pub const BROWSER: [(&str, &str); 4] = [
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
    (
        "Accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ),
    ("Accept-Language", "en-GB,en;q=0.8,de;q=0.5"),
    ("Accept-Encoding", "gzip, deflate, br"),
];

/// Sends as much as is answered for so many seconds.
pub fn run(case: Case, aim: &Aim<'_>, seconds: u64, folder: &Path) -> Result<Done> {
    let done = match case.protocol {
        Protocol::Http | Protocol::Https => wrk(case, aim, seconds, folder)?,
        Protocol::H2 => h2load(case, aim, seconds, folder)?,
    };
    if done.requests == 0 || done.errors > 0 {
        bail!(
            "{} of {} requests were not answered with 200",
            done.errors,
            done.requests
        );
    }
    // A redirect is no error to wrk, but it is short.
    if done.bytes < done.requests * case.size.bytes() {
        bail!("answers are shorter than the file");
    }
    Ok(done)
}

fn wrk(case: Case, aim: &Aim<'_>, seconds: u64, folder: &Path) -> Result<Done> {
    let (name, values) = aim.credential.lines(case.protocol);
    let file = folder.join("values");
    fs::write(&file, values.join("\n") + "\n")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("load/rotate.lua");
    let ran = on(Core::Load, Path::new(""), "wrk")
        .args(["-t", "1", "-c", &case.connections.to_string()])
        .args(["-d", &format!("{seconds}s"), "--timeout", "10s", "-s"])
        .arg(script)
        .args([aim.url, "--", aim.path, aim.host, name, COOKIES])
        .arg(file)
        .stderr(Stdio::inherit())
        .output()
        .context("wrk cannot be started")?;
    let out = String::from_utf8_lossy(&ran.stdout);
    let last = out.lines().rev().find(|line| line.starts_with('{'));
    let last = last.with_context(|| format!("wrk says nothing that is understood:\n{out}"))?;
    Ok(serde_json::from_str(last)?)
}

/// One cookie only: h2load sends the same headers with every request.
fn h2load(case: Case, aim: &Aim<'_>, seconds: u64, folder: &Path) -> Result<Done> {
    let log = folder.join("h2load.log");
    let _ = fs::remove_file(&log);
    let mut command = on(Core::Load, Path::new(""), "h2load");
    command
        .args(["-t", "1", "-m", "1", "-c", &case.connections.to_string()])
        .args(["-D", &seconds.to_string()])
        .arg(format!("--log-file={}", log.display()));
    let (name, values) = aim.credential.lines(case.protocol);
    let own = (name, values.first().map_or("", String::as_str));
    for (name, value) in BROWSER.into_iter().chain([own]) {
        // What is named like the browser's agent is set, everything else added.
        command
            .arg("-H")
            .arg(format!("{}: {value}", name.to_lowercase()));
    }
    if name != "Cookie" {
        command.arg("-H").arg(format!("cookie: {COOKIES}"));
    }
    let ran = command
        .arg(format!("{}{}", aim.url, aim.path))
        .stderr(Stdio::inherit())
        .output()
        .context("h2load cannot be started")?;
    let out = String::from_utf8_lossy(&ran.stdout);
    // "status codes: 123 2xx, 0 3xx, …" counts what came within the time.
    let good = out.lines().find_map(|line| {
        line.strip_prefix("status codes: ")?
            .split_once(" 2xx")?
            .0
            .parse()
            .ok()
    });
    let good: u64 =
        good.with_context(|| format!("h2load says nothing that is understood:\n{out}"))?;
    // Beginning (µs since 1970), status, how long it took (µs).
    let text = fs::read_to_string(&log)?;
    let mut errors = 0;
    let mut times = Vec::new();
    for line in text.lines() {
        let mut fields = line.split('\t').skip(1);
        match (
            fields.next(),
            fields.next().and_then(|time| time.parse::<u64>().ok()),
        ) {
            (Some("200"), Some(time)) => times.push(time),
            _ => errors += 1,
        }
    }
    times.sort_unstable();
    let at = |part: usize| {
        times
            .get(times.len() * part / 100)
            .copied()
            .unwrap_or_default()
    };
    Ok(Done {
        requests: good,
        bytes: good * case.size.bytes(),
        micros: seconds * 1_000_000,
        p50: at(50),
        p99: at(99),
        errors,
    })
}
