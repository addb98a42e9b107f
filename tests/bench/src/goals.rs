//! What has to be reached: how much more, or less, one may cost than another.

use std::fmt;

use serde::Serialize;

use crate::case::{Case, Size};
use crate::measure::Score;
use crate::report::Outcome;

/// One of them.
struct Goal {
    part: &'static str,
    whole: &'static str,
    case: Case,
    most: f64,
}

const fn at_1k(part: &'static str, whole: &'static str, most: f64) -> Goal {
    Goal {
        part,
        whole,
        case: Case::BASE,
        most,
    }
}

const GOALS: [Goal; 7] = [
    at_1k("doorward", "bare", 1.10),
    at_1k("doorward", "nginx-auth-204", 0.70),
    at_1k("doorward", "caddy-auth-204", 0.20),
    at_1k("doorward", "nginx", 1.45),
    Goal {
        part: "doorward",
        whole: "nginx",
        case: Case {
            size: Size::K64,
            ..Case::BASE
        },
        most: 0.85,
    },
    at_1k("doorward-redis", "doorward", 1.02),
    Goal {
        part: "doorward-files",
        whole: "nginx-files",
        case: Case::DOWNLOAD,
        most: 1.3,
    },
];

/// What became of one.
#[derive(Clone, Debug, Serialize)]
pub struct Ratio {
    pub part: String,
    pub whole: String,
    pub case: Case,
    pub ratio: f64,
    pub most: f64,
    pub reached: bool,
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.reached { "reached" } else { "missed" };
        write!(
            f,
            "{word:8} {:5.2} (at most {:.2})  {} ÷ {}  ({})",
            self.ratio, self.most, self.part, self.whole, self.case
        )
    }
}

/// All that were measured.
pub fn ratios(outcomes: &[Outcome]) -> Vec<Ratio> {
    GOALS
        .iter()
        .filter_map(|goal| {
            let outcome = outcomes.iter().find(|outcome| outcome.case == goal.case)?;
            let find = |name: &str| outcome.scores.iter().find(|score| score.name == name);
            let (part, whole): (&Score, &Score) = (find(goal.part)?, find(goal.whole)?);
            let ratio = part.median.cpu_micros / whole.median.cpu_micros;
            Some(Ratio {
                part: part.title.clone(),
                whole: whole.title.clone(),
                case: goal.case,
                ratio,
                most: goal.most,
                reached: ratio <= goal.most,
            })
        })
        .collect()
}
