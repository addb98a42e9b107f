//! The stores, opened for one command.

use std::sync::Arc;
use std::time::Duration;

use doorward::logging;
use doorward_config::Boot;
use doorward_identity::session::Token;
use doorward_identity::{Identity, SystemClock, SystemRandom};

use super::exit::Trouble;

/// Runs `work` on the stores that `boot` names.
///
/// # Errors
/// If a store is away, or what `work` says.
pub fn with_stores<T>(
    boot: &Boot,
    work: impl AsyncFnOnce(&Identity) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let clock = Arc::new(SystemClock);
    logging::start_command(clock.clone())
        .map_err(|error| Trouble::usage(format!("error: {error}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Trouble::refused(format!("error: no thread can be had: {error}")))?;
    runtime.block_on(async {
        let identity = Identity::open(boot, clock, Arc::new(SystemRandom)).await?;
        work(&identity).await
    })
}

/// Whether the store of sessions answers: a session that nobody has shows it. The database was just opened.
///
/// # Errors
/// If it is away.
pub async fn reachable(identity: &Identity) -> Result<(), Trouble> {
    let nobodys = Token::generate(&SystemRandom).key();
    identity.sessions.find(&nobodys, Duration::ZERO).await?;
    Ok(())
}
