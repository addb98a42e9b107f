//! Reading the configuration again when the operator says so (SIGHUP).
//!
//! Owns the order: read and check everything, compile everything, then swap. What fails before the swap changes
//! nothing. Must not know what any key means.

use std::sync::Arc;

use doorward_config::{Boot, Problems, Sources};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::compile::Compiler;
use crate::current::Current;
use crate::metrics::{Metrics, ReloadOutcome};
use crate::tls::Reread;

/// Hears SIGHUP from the moment it is made, so that none ends the process.
pub struct Hangups(Signal);

impl Hangups {
    /// Begins to listen. Needs a runtime around it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn hear() -> std::io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }
}

/// Everything that a reload needs.
pub struct Reload {
    /// Where the configuration comes from; the same places as at the start.
    pub sources: Sources,
    /// What was decided at the start, and stays.
    pub boot: Boot,
    /// What is replaced.
    pub current: Arc<Current>,
    /// What clients are shown.
    pub certificates: Arc<Reread>,
    /// Makes what takes its place.
    pub compiler: Compiler,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

impl Reload {
    /// Reloads whenever it is said, one after the other; what is said meanwhile counts once.
    pub async fn follow(self, mut hangups: Hangups) {
        let reload = Arc::new(self);
        while hangups.0.recv().await.is_some() {
            let one = Arc::clone(&reload);
            // Files are read there, and folders opened.
            let done = tokio::task::spawn_blocking(move || one.reload()).await;
            if done.is_err() {
                tracing::error!("reading the configuration again broke off; it is unchanged");
                reload.metrics.config_reloads.inc(ReloadOutcome::Error);
            }
        }
    }

    fn reload(&self) {
        let outcome = match self.replace() {
            Ok(()) => ReloadOutcome::Ok,
            Err(error) => {
                if let Some(problems) = error.downcast_ref::<Problems>() {
                    tell(problems);
                } else {
                    tracing::error!("{error:#}");
                }
                tracing::error!("the configuration was not taken; it is unchanged");
                ReloadOutcome::Error
            }
        };
        self.metrics.config_reloads.inc(outcome);
    }

    fn replace(&self) -> anyhow::Result<()> {
        let config = doorward_config::load(&self.sources)?;
        let sites = self.compiler.compile(config.live)?;
        // The last that can fail, and it changes all or nothing too.
        self.certificates.replace(&sites.live.certificates)?;
        let names: Vec<&str> = sites.live.sites.iter().map(|site| &*site.name).collect();
        let names = names.join(", ");
        self.current.replace(sites);
        tracing::info!(sites = names, "the configuration was read again");
        let stays = self.boot.changes(&config.boot);
        if !stays.is_empty() {
            let need = if stays.len() == 1 { "needs" } else { "need" };
            tracing::warn!("{} {need} a restart", stays.join(", "));
        }
        Ok(())
    }
}

/// The words of `doorward check`.
fn tell(problems: &Problems) {
    for problem in problems {
        tracing::error!(help = problem.help(), "{problem}");
    }
}
