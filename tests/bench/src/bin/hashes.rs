//! Argon2id with the gateway's parameters and nothing around it: what hashing passwords costs whoever does it best.
//!
//!     hashes SECONDS        prints how many there were in a second

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// As `password.memory` and `password.iterations` are, unless somebody changes them.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().nth(1).context("usage: hashes SECONDS")?;
    let limit = Duration::from_secs(seconds.parse()?);
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(|why| anyhow!("{why}"))?;
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (begun, mut hashes) = (Instant::now(), 0_u32);
    while begun.elapsed() < limit {
        let mut out = [0; 32];
        argon2
            .hash_password_into_with_memory(
                b"violet-harbour-42-lantern",
                &[7; 16],
                &mut out,
                &mut memory,
            )
            .map_err(|why| anyhow!("{why}"))?;
        std::hint::black_box(out);
        hashes += 1;
    }
    println!("{}", f64::from(hashes) / begun.elapsed().as_secs_f64());
    Ok(())
}
