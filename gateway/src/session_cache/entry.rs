//! One session as it is remembered.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use doorward_identity::session::{Record, Remembered, SessionKey, Snapshot};
use jiff::Timestamp;

use crate::headers::{IdentityNames, IdentityValues, Unspeakable};

/// A session that the store vouched for. Carries its own ends, because a store may tell of expiry late.
pub struct Entry {
    key: SessionKey,
    record: Record,
    /// What the first site that asked tells its upstream. Most people use one.
    values: OnceLock<(Arc<IdentityNames>, Arc<IdentityValues>)>,
    ends_at: i64,
    /// Last use that this process knows of, milliseconds since 1970 UTC.
    last_seen: AtomicI64,
    /// Last use that the store was told of.
    stored_seen: AtomicI64,
    /// For the sweep: used since it last came by.
    recent: AtomicBool,
}

impl Entry {
    pub(super) fn new(key: SessionKey, snapshot: Snapshot) -> Self {
        let Snapshot { record, last_seen } = snapshot;
        let last_seen = last_seen.as_millisecond();
        Self {
            key,
            values: OnceLock::new(),
            ends_at: record.ends_at.as_millisecond(),
            record,
            last_seen: AtomicI64::new(last_seen),
            stored_seen: AtomicI64::new(last_seen),
            recent: AtomicBool::new(true),
        }
    }

    /// Its name in the stores.
    #[must_use]
    pub fn key(&self) -> &SessionKey {
        &self.key
    }

    /// What the store said.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What a site tells its upstream about this person; made once for the first site that asks.
    ///
    /// # Errors
    /// Something about the person fits into no header.
    pub fn values(&self, names: &Arc<IdentityNames>) -> Result<Arc<IdentityValues>, Unspeakable> {
        if let Some((made_for, values)) = self.values.get()
            && Arc::ptr_eq(made_for, names)
        {
            return Ok(Arc::clone(values));
        }
        let values = Arc::new(IdentityValues::new(names, &self.record)?);
        // Another site may have been first; then these serve this request only.
        let _ = self.values.set((Arc::clone(names), Arc::clone(&values)));
        Ok(values)
    }

    /// When it ends if it is not used again, as far as this process knows: milliseconds since 1970 UTC.
    #[must_use]
    pub fn ends(&self, idle: Duration) -> i64 {
        match self.record.remembered {
            Remembered::Yes => self.ends_at,
            Remembered::No => {
                let idle = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
                self.last_seen
                    .load(Ordering::Relaxed)
                    .saturating_add(idle)
                    .min(self.ends_at)
            }
        }
    }

    pub(super) fn is_live(&self, now: Timestamp, idle: Duration) -> bool {
        now.as_millisecond() < self.ends(idle)
    }

    /// Notes a use; says whether the store should be told, which it is at most once a `period`.
    pub(super) fn use_at(&self, now: Timestamp, period: Duration) -> bool {
        let now = now.as_millisecond();
        // Writing only once a second keeps the line shared between cores.
        if now - self.last_seen.load(Ordering::Relaxed) >= 1000 {
            self.last_seen.store(now, Ordering::Relaxed);
        }
        if !self.recent.load(Ordering::Relaxed) {
            self.recent.store(true, Ordering::Relaxed);
        }
        let stored = self.stored_seen.load(Ordering::Relaxed);
        let period = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
        now.saturating_sub(stored) >= period
            && self
                .stored_seen
                .compare_exchange(stored, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Whether it was used since this was last asked.
    pub(super) fn take_recent(&self) -> bool {
        self.recent.swap(false, Ordering::Relaxed)
    }

    /// The memory it takes, near enough: itself, what it points to, and its place in the table.
    pub(super) fn bytes(&self) -> usize {
        const TABLE: usize = 64;
        let record = &self.record;
        let text = record.user.capacity()
            + record.email.as_ref().map_or(0, String::capacity)
            + record.name.capacity()
            + record.device.capacity()
            + record
                .roles
                .iter()
                .map(|role| role.capacity() + size_of::<String>())
                .sum::<usize>()
            + record.amr.capacity();
        size_of::<Self>() + text + TABLE
    }
}
