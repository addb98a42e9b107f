//! Rounds in which everybody has a turn, and what comes out in the middle.

use anyhow::Result;
use serde::Serialize;

use crate::case::Case;
use crate::contestant::Contestant;

/// How long the load runs before each measurement, in seconds: memory is warm, connections are there.
const WARM_UP: u64 = 1;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub rounds: usize,
    pub seconds: u64,
}

/// What one turn, or the middle of several, has cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    /// CPU time of all its processes, in microseconds, for each answered request.
    pub cpu_micros: f64,
    pub requests_per_second: f64,
    pub p50_millis: f64,
    pub p99_millis: f64,
    pub memory_mib: f64,
}

/// All turns of somebody in one case.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
    pub name: String,
    pub title: String,
    /// The middle of each figure.
    pub median: Figures,
    pub rounds: Vec<Figures>,
}

/// Measures a case; who fails is named on stderr and left out.
pub fn measure(case: Case, contestants: &mut [Contestant], effort: Effort) -> Vec<Score> {
    let takes: Vec<usize> = (0..contestants.len())
        .filter(|&at| contestants[at].plan.takes(case))
        .collect();
    let mut rounds: Vec<Vec<Figures>> = vec![Vec::new(); contestants.len()];
    let mut failed = vec![false; contestants.len()];
    for round in 1..=effort.rounds {
        for &at in takes.iter() {
            if failed[at] {
                continue;
            }
            let contestant = &mut contestants[at];
            eprint!("\r\x1b[K{case}: round {round}, {}", contestant.plan.title);
            match turn(case, contestant, effort.seconds) {
                Ok(figures) => rounds[at].push(figures),
                Err(why) => {
                    eprintln!(
                        "\r\x1b[K{}, {case}: left out: {why:#}",
                        contestant.plan.name
                    );
                    failed[at] = true;
                }
            }
        }
    }
    eprint!("\r\x1b[K");
    let whole = takes.into_iter().filter(|&at| !failed[at]);
    whole
        .map(|at| Score {
            name: contestants[at].plan.name.clone(),
            title: contestants[at].plan.title.clone(),
            median: median(&rounds[at]),
            rounds: std::mem::take(&mut rounds[at]),
        })
        .collect()
}

/// One measurement of one of them.
pub fn turn(case: Case, contestant: &mut Contestant, seconds: u64) -> Result<Figures> {
    contestant.prove(case)?;
    contestant.load(case, WARM_UP)?;
    cold(case, contestant, seconds)
}

/// The same without a word before.
pub fn cold(case: Case, contestant: &mut Contestant, seconds: u64) -> Result<Figures> {
    contestant.forget_logs()?;
    let before = contestant.used()?;
    let done = contestant.load(case, seconds)?;
    let after = contestant.used()?;
    let requests = done.requests as f64;
    Ok(Figures {
        cpu_micros: (after.cpu - before.cpu).as_secs_f64() * 1e6 / requests,
        requests_per_second: requests * 1e6 / done.micros as f64,
        p50_millis: done.p50 as f64 / 1e3,
        p99_millis: done.p99 as f64 / 1e3,
        memory_mib: after.memory as f64 / f64::from(1 << 20),
    })
}

/// The middle of each figure.
pub fn median(rounds: &[Figures]) -> Figures {
    let of = |figure: fn(&Figures) -> f64| middle(rounds.iter().map(figure).collect());
    Figures {
        cpu_micros: of(|figures| figures.cpu_micros),
        requests_per_second: of(|figures| figures.requests_per_second),
        p50_millis: of(|figures| figures.p50_millis),
        p99_millis: of(|figures| figures.p99_millis),
        memory_mib: of(|figures| figures.memory_mib),
    }
}

/// The middle of them.
pub fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => f64::midpoint(values[half - 1], values[half]),
        _ => values[half],
    }
}
