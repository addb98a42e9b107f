//! `doorward`, the binary: a door with a lock in front of web sites. What it can do is in `commands`.

mod commands;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
