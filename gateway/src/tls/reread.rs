//! Certificates as their files are: read again and again beside the requests.
//!
//! Owns when a pair of files counts. One that cannot be used changes nothing: what was shown before is shown on, and
//! the log says which file is wrong.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use doorward_config::{Broken, Certificate};
use doorward_identity::Clock;
use jiff::Timestamp;
use rustls::sign::CertifiedKey;

use super::{Certificates, shared};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// The files behind the certificates in use.
pub struct Reread {
    shown: Arc<Certificates>,
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    held: Mutex<Vec<Held>>,
}

/// One pair of files.
struct Held {
    from: Certificate,
    /// Of the bytes that are in use.
    stamp: u64,
    names: Vec<String>,
    key: Arc<CertifiedKey>,
    trouble: Option<Trouble>,
}

/// What is wrong with the files as they are now.
#[derive(PartialEq, Eq)]
enum Trouble {
    /// Seen once: somebody may be about to write the other file.
    New(Broken),
    /// The log has it.
    Told(Broken),
}

/// Whether anything else is shown now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Some,
    None,
}

impl Reread {
    /// Reads these for the first time.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn open(wanted: &[Certificate], clock: Arc<dyn Clock>) -> Result<Self, Broken> {
        let reread = Self {
            shown: Arc::default(),
            clock,
            hasher: RandomState::new(),
            held: Mutex::default(),
        };
        reread.replace(wanted)?;
        Ok(reread)
    }

    /// What is shown.
    #[must_use]
    pub fn certificates(&self) -> Arc<Certificates> {
        Arc::clone(&self.shown)
    }

    /// Shows these instead, read anew. None at all means that there shall be no https any more: that takes a restart,
    /// and until then what is served goes on.
    ///
    /// # Errors
    /// One of them cannot be used; then nothing has changed.
    pub fn replace(&self, wanted: &[Certificate]) -> Result<(), Broken> {
        if wanted.is_empty() {
            return Ok(());
        }
        let held = wanted
            .iter()
            .map(|certificate| self.read(certificate))
            .collect::<Result<Vec<_>, _>>()?;
        let mut all = self.held();
        *all = held;
        self.show(&all);
        Ok(())
    }

    /// Looks at the files again and again, for ever.
    pub async fn follow(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            let reread = Arc::clone(&self);
            // A disk may take its time.
            let looked = tokio::task::spawn_blocking(move || reread.look()).await;
            if let Err(error) = looked {
                tracing::error!(%error, "the certificates could not be looked at");
            }
        }
    }

    /// Looks at the files once.
    pub fn look(&self) {
        let mut all = self.held();
        let mut change = Change::None;
        for held in all.iter_mut() {
            if self.look_at(held) == Change::Some {
                change = Change::Some;
            }
        }
        if change == Change::Some {
            self.show(&all);
        }
    }

    fn look_at(&self, held: &mut Held) -> Change {
        let files = match held.from.files() {
            Ok(files) => files,
            Err(broken) => return held.complain(broken),
        };
        if self.hasher.hash_one(&files) == held.stamp {
            held.trouble = None;
            return Change::None;
        }
        match self.read(&held.from) {
            Ok(new) => {
                *held = new;
                let chain = held.from.chain.display();
                tracing::info!(%chain, names = ?held.names, "a certificate was replaced");
                Change::Some
            }
            Err(broken) => held.complain(broken),
        }
    }

    fn read(&self, from: &Certificate) -> Result<Held, Broken> {
        let files = from.files()?;
        let pair = files.pair()?;
        if pair.ends < SystemTime::from(self.clock.now()) {
            let ended = Timestamp::try_from(pair.ends).unwrap_or_default();
            let chain = from.chain.display();
            tracing::warn!(%chain, %ended, "a certificate has expired; browsers will refuse it");
        }
        let (names, key) = shared(pair);
        Ok(Held {
            from: from.clone(),
            stamp: self.hasher.hash_one(&files),
            names,
            key,
            trouble: None,
        })
    }

    fn show(&self, all: &[Held]) {
        let pairs = all
            .iter()
            .map(|held| (held.names.as_slice(), Arc::clone(&held.key)));
        self.shown.show(pairs);
    }

    fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// The second time, because a chain and its key are never written at once.
    fn complain(&mut self, broken: Broken) -> Change {
        self.trouble = Some(match self.trouble.take() {
            Some(Trouble::New(before)) if before == broken => {
                tracing::error!(%broken, "a certificate cannot be used; the one before is shown on");
                Trouble::Told(broken)
            }
            Some(Trouble::Told(before)) if before == broken => Trouble::Told(before),
            Some(Trouble::New(_) | Trouble::Told(_)) | None => Trouble::New(broken),
        });
        Change::None
    }
}

#[cfg(test)]
mod tests;
