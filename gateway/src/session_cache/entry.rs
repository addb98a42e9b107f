//! One session as it is remembered.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use doorward_identity::assertion::{self, Order};
use doorward_identity::keys::KeyRing;
use doorward_identity::session::{Remembered, SessionKey, Snapshot};
use doorward_identity::{AccountId, Fault};
use http::HeaderValue;
use jiff::Timestamp;

use super::Sought;
use super::kept::Kept;
use crate::assertion::{Assertions, Hearer};
use crate::headers::{IdentityNames, IdentityValues, Unspeakable};
use crate::policy::{Person, Reach, Scope};

/// A session that the store vouched for. Carries its own ends, because a store may tell of expiry late.
pub struct Entry {
    key: SessionKey,
    kept: Kept,
    /// Where it is good, if it is an API key's.
    scope: Option<Box<Scope>>,
    /// What the first site that asked tells its upstream. Most people use one.
    values: OnceLock<(Arc<IdentityNames>, Arc<IdentityValues>)>,
    /// What sites that want it signed are told.
    assertions: Assertions,
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
        let grant = record.grant.as_deref();
        // The first use of a key is noted at once: its row does not know of any yet.
        let stored_seen = if grant.is_some() { 0 } else { last_seen };
        Self {
            key,
            values: OnceLock::new(),
            assertions: Assertions::default(),
            scope: grant.map(|grant| Box::new(Scope::new(&grant.scope))),
            kept: Kept::new(record),
            last_seen: AtomicI64::new(last_seen),
            stored_seen: AtomicI64::new(stored_seen),
            recent: AtomicBool::new(true),
        }
    }

    /// Its name in the stores.
    #[must_use]
    pub fn key(&self) -> &SessionKey {
        &self.key
    }

    /// Whose it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.kept.account
    }

    /// The username, or the e-mail where there is none.
    #[must_use]
    pub fn user(&self) -> &str {
        self.kept.user()
    }

    /// Whether a cookie that a browser brought to `host` stands for it.
    #[must_use]
    pub fn counts_on(&self, host: &str) -> bool {
        let family = self.kept.family.as_ref();
        family.is_none_or(|family| family.counts_on(host))
    }

    /// The session that is used with this one, if it was opened from one.
    pub(super) fn parent(&self) -> Option<SessionKey> {
        self.kept.family.as_ref()?.parent
    }

    /// When it ends whatever happens.
    pub(super) fn ends_at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.kept.ends_at).unwrap_or_default()
    }

    /// What it is to be asked for as.
    #[must_use]
    pub fn sought(&self) -> Sought {
        match &self.scope {
            None => Sought::Person(self.key),
            Some(_) => Sought::Key(self.key),
        }
    }

    /// Whoever it stands for, as the rules see them.
    #[must_use]
    pub fn person(&self) -> Person<'_> {
        self.kept.person(match &self.scope {
            None => Reach::Everywhere,
            Some(scope) => Reach::Within(scope),
        })
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
        let values = Arc::new(IdentityValues::new(names, self.kept.named())?);
        // Another site may have been first; then these serve this request only.
        let _ = self.values.set((Arc::clone(names), Arc::clone(&values)));
        Ok(values)
    }

    /// What a host is told about this person, signed.
    ///
    /// # Errors
    /// [`Fault::Broken`] when it cannot be signed.
    pub fn assertion(
        &self,
        keys: &KeyRing,
        hearer: Hearer<'_>,
        now: Timestamp,
    ) -> Result<HeaderValue, Fault> {
        let keys = keys.now();
        self.assertions
            .tell(hearer, (now, keys.signs_by()), |issuer| {
                let order = Order {
                    issuer,
                    audience: hearer.host.name(),
                    subject: self.kept.subject(),
                    now,
                };
                assertion::mint(&keys, order)
            })
    }

    /// When it ends if it is not used again, as far as this process knows: milliseconds since 1970 UTC.
    #[must_use]
    pub fn ends(&self, idle: Duration) -> i64 {
        match self.kept.remembered {
            Remembered::Yes => self.kept.ends_at,
            Remembered::No => {
                let idle = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
                self.last_seen
                    .load(Ordering::Relaxed)
                    .saturating_add(idle)
                    .min(self.kept.ends_at)
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

    /// The memory it takes, near enough: itself, what it points to, and its place in the table. Not what sites are told,
    /// which the first request makes.
    pub(super) fn bytes(&self) -> usize {
        // The table's node and its place, and the counts of the `Arc`.
        const AROUND: usize = 64 + 16;
        let scope = self.scope.as_ref();
        let scope = scope.map_or(0, |scope| size_of::<Scope>() + scope.bytes());
        size_of::<Self>() + self.kept.bytes() + scope + AROUND
    }
}
