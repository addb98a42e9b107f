//! What must hold while something is broken: one file for each thing that breaks. `docs/faults.md` has the promises.

mod clock;
mod named;
mod open_connections;
mod redis;
mod resources;
mod sql;
mod upstream;
