//! What was measured, as tables and as JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::case::{Case, Size};
use crate::goals::Ratio;
use crate::measure::Score;

/// A case and everybody's score in it.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub case: Case,
    pub scores: Vec<Score>,
}

impl Outcome {
    /// Puts the cheapest first.
    pub fn sort(&mut self) {
        self.scores
            .sort_by(|one, other| one.median.cpu_micros.total_cmp(&other.median.cpu_micros));
    }

    /// Prints its table.
    pub fn print(&self) {
        let wide = self
            .scores
            .iter()
            .map(|score| score.title.chars().count())
            .max()
            .unwrap_or_default();
        println!("\n{}", self.case);
        if self.case.size == Size::G1 {
            println!("{:wide$}  {:>8}  {:>8}  {:>6}", "", "CPU s", "s", "MiB");
            for Score { title, median, .. } in &self.scores {
                println!(
                    "{title:wide$}  {:8.2}  {:8.2}  {:6.0}",
                    median.cpu_micros / 1e6,
                    median.p50_millis / 1e3,
                    median.memory_mib
                );
            }
            return;
        }
        println!(
            "{:wide$}  {:>10}  {:>9}  {:>8}  {:>8}  {:>6}",
            "", "CPU µs/req", "req/s", "p50 ms", "p99 ms", "MiB"
        );
        for Score { title, median, .. } in &self.scores {
            println!(
                "{title:wide$}  {:10.1}  {:9.0}  {:8.2}  {:8.2}  {:6.0}",
                median.cpu_micros,
                median.requests_per_second,
                median.p50_millis,
                median.p99_millis,
                median.memory_mib
            );
        }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    cases: &'a [Outcome],
    ratios: &'a [Ratio],
}

/// Writes everything as JSON.
pub fn write_json(file: &Path, cases: &[Outcome], ratios: &[Ratio]) -> Result<()> {
    let text = serde_json::to_string_pretty(&Report { cases, ratios })?;
    fs::write(file, text + "\n").with_context(|| format!("{} cannot be written", file.display()))
}
