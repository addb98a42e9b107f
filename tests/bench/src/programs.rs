//! Getting what is measured: packages and builds by `install`, the gateway and the bare proxy by cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::plan::Plan;

/// What measures, whoever is measured.
const TOOLS: [&str; 7] = [
    "nginx", "wrk", "h2load", "curl", "openssl", "taskset", "setpriv",
];

/// Gets everything into one folder; who cannot be had, and why.
pub fn get(plans: &[Plan], more: &[&str]) -> Result<(PathBuf, BTreeMap<String, String>)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = std::env::current_exe()?;
    let own = own.parent().context("this program is nowhere")?;
    let programs = own.parent().unwrap_or(own).join("bench-programs");
    fs::create_dir_all(&programs)?;

    let project = here.ancestors().nth(2).context("the project")?;
    let gateway = match std::env::var_os("DOORWARD_BIN") {
        Some(built) => PathBuf::from(built),
        None => {
            let target = std::env::var_os("CARGO_TARGET_DIR");
            let target = target.map_or_else(|| project.join("target"), PathBuf::from);
            cargo(&project.join("Cargo.toml"), "doorward", &target)?;
            target.join("release/doorward")
        }
    };
    link(&fs::canonicalize(gateway)?, &programs.join("doorward"))?;
    let ours = ["bare", "hashes"];
    for name in ours {
        if plans.iter().any(|plan| plan.name == name) || more.contains(&name) {
            let built = match std::env::var_os(format!("{}_BIN", name.to_uppercase())) {
                Some(built) => PathBuf::from(built),
                None => {
                    let target = own.parent().unwrap_or(own);
                    cargo(&here.join("Cargo.toml"), name, target)?;
                    target.join("release").join(name)
                }
            };
            link(&fs::canonicalize(built)?, &programs.join(name))?;
        }
    }

    let mut needed: BTreeSet<&str> = TOOLS
        .into_iter()
        .chain(more.iter().copied())
        .filter(|name| !ours.contains(name))
        .collect();
    needed.extend(
        plans
            .iter()
            .flat_map(|plan| plan.needs.iter().map(String::as_str)),
    );
    let installed = Command::new(here.join("install"))
        .arg(&programs)
        .args(&needed)
        .status();
    ensure!(
        installed
            .context("tests/bench/install cannot be started")?
            .success(),
        "tests/bench/install failed"
    );
    let mut missing = BTreeMap::new();
    for name in needed {
        if let Ok(why) = fs::read_to_string(programs.join(format!("{name}.missing"))) {
            ensure!(
                !TOOLS.contains(&name) && !more.contains(&name),
                "{name}: {}",
                why.trim()
            );
            missing.insert(name.to_owned(), why.trim().to_owned());
        }
    }
    Ok((programs, missing))
}

fn cargo(manifest: &Path, bin: &str, target: &Path) -> Result<()> {
    let mut command = Command::new("cargo");
    // What cargo says about the package that runs is no news about the one that is built; ring would be built again.
    for (name, _) in std::env::vars_os() {
        let word = name.to_string_lossy();
        if word.starts_with("CARGO_PKG_") || word.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    let built = command
        .args(["build", "--release", "--bin", bin, "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .status()
        .context("cargo cannot be started")?;
    ensure!(built.success(), "{bin} did not build");
    Ok(())
}

fn link(from: &Path, to: &Path) -> Result<()> {
    let _ = fs::remove_file(to);
    symlink(from, to).with_context(|| to.display().to_string())
}
