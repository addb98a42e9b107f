//! The chart: CPU time for each request, one bar for everybody, as an SVG that is good to read on white and on black.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::report::Outcome;

const WIDTH: f64 = 760.0;
/// Where bars begin.
const LEFT: f64 = 270.0;
/// What is kept free behind the longest bar, for its number.
const RIGHT: f64 = 60.0;
const TOP: f64 = 58.0;
const STEP: f64 = 26.0;
const BAR: f64 = 16.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:600}\
.unit{fill:#59636e}.bar{fill:#8c959f}.own{fill:#0969da}.ownname{font-weight:600}.axis{stroke:#d1d9e0}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.unit{fill:#9198a1}.bar{fill:#6e7681}.own{fill:#4493f8}.axis{stroke:#3d444d}}";

/// Writes the chart of one case.
pub fn write(file: &Path, outcome: &Outcome) -> Result<()> {
    let scores = &outcome.scores;
    let longest = scores
        .iter()
        .map(|score| score.median.cpu_micros)
        .fold(1.0, f64::max);
    let height = TOP + STEP * scores.len() as f64 + 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"title\">\n<style>{STYLE}</style>\n\
         <text id=\"title\" class=\"title\" x=\"8\" y=\"22\">CPU time for one request</text>\n\
         <text class=\"unit\" x=\"8\" y=\"42\">microseconds, all processes together; {}; less is better</text>\n\
         <line class=\"axis\" x1=\"{LEFT}\" y1=\"{TOP}\" x2=\"{LEFT}\" y2=\"{}\"/>\n",
        outcome.case,
        height - 8.0,
    );
    for (place, score) in scores.iter().enumerate() {
        let top = TOP + STEP * place as f64 + (STEP - BAR) / 2.0;
        let line = top + BAR - 3.5;
        let micros = score.median.cpu_micros;
        let long = ((WIDTH - LEFT - RIGHT) * micros / longest).max(1.0);
        let (bar, name) = match score.name.starts_with("doorward") {
            true => ("own", " class=\"ownname\""),
            false => ("bar", ""),
        };
        let title = score.title.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            svg,
            "<text{name} x=\"{:.1}\" y=\"{line:.1}\" text-anchor=\"end\">{title}</text>\
             <rect class=\"{bar}\" x=\"{LEFT}\" y=\"{top:.1}\" width=\"{long:.1}\" height=\"{BAR}\" rx=\"2\"/>\
             <text x=\"{:.1}\" y=\"{line:.1}\">{micros:.1}</text>",
            LEFT - 8.0,
            LEFT + long + 6.0,
        );
    }
    svg.push_str("</svg>\n");
    fs::write(file, svg).with_context(|| format!("{} cannot be written", file.display()))
}
