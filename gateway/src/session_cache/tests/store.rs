//! A store whose answers can be held back, spoiled and counted.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use doorward_identity::session::{
    Amr, Confirmed, Event, Mark, Record, Remembered, Rewritten, Rights, SessionKey, SessionStore,
    Snapshot,
};
use doorward_identity::{AccountId, Fault, StoreName, SystemRandom};
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, mpsc};

pub(super) fn start() -> Timestamp {
    Timestamp::from_millisecond(1_790_000_000_000).unwrap()
}

pub(super) fn after(time: Duration) -> Timestamp {
    start().checked_add(time).unwrap()
}

pub(super) fn end() -> Timestamp {
    after(Duration::from_hours(24))
}

pub(super) struct ScriptedStore {
    sessions: Mutex<HashMap<SessionKey, Snapshot>>,
    reads: AtomicUsize,
    touches: Mutex<Vec<Timestamp>>,
    touched: Notify,
    away: AtomicBool,
    /// While held: an answer is read, and then waits here before it is given.
    held: AtomicBool,
    read: Notify,
    release: Semaphore,
}

impl Default for ScriptedStore {
    fn default() -> Self {
        Self {
            sessions: Mutex::default(),
            reads: AtomicUsize::new(0),
            touches: Mutex::default(),
            touched: Notify::new(),
            away: AtomicBool::new(false),
            held: AtomicBool::new(false),
            read: Notify::new(),
            release: Semaphore::new(0),
        }
    }
}

impl ScriptedStore {
    pub(super) fn has_session(&self) -> SessionKey {
        let key = super::key();
        self.gains(&key);
        key
    }

    pub(super) fn gains(&self, key: &SessionKey) {
        self.sessions.lock().unwrap().insert(*key, Self::snapshot());
    }

    pub(super) fn snapshot() -> Snapshot {
        let record = Record {
            account: AccountId::new(start(), &SystemRandom),
            user: "anna".into(),
            email: Some("anna@example.com".into()),
            name: "Anna Example".into(),
            roles: vec!["user".into()],
            opened_at: start(),
            ends_at: end(),
            remembered: Remembered::No,
            amr: vec![Amr::Password],
            auth_time: start(),
            device: "Mozilla/5.0".into(),
            address: "192.0.2.1".parse().unwrap(),
            generation: 1,
            grant: None,
            family: None,
        };
        Snapshot {
            record,
            last_seen: start(),
        }
    }

    pub(super) fn loses(&self, key: &SessionKey) {
        self.sessions.lock().unwrap().remove(key);
    }

    pub(super) fn seen(&self, key: &SessionKey, at: Timestamp) {
        self.sessions
            .lock()
            .unwrap()
            .get_mut(key)
            .unwrap()
            .last_seen = at;
    }

    pub(super) fn goes_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    pub(super) fn comes_back(&self) {
        self.away.store(false, Ordering::SeqCst);
    }

    pub(super) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// From here on every answer waits for [`ScriptedStore::release`].
    pub(super) fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    /// Waits until an answer has been read and is held back.
    pub(super) async fn wait_for_read(&self) {
        tokio::time::timeout(Duration::from_secs(5), self.read.notified())
            .await
            .expect("nobody reads");
    }

    /// Lets one answer go.
    pub(super) fn release(&self) {
        self.release.add_permits(1);
    }

    pub(super) fn touches(&self) -> Vec<Timestamp> {
        self.touches.lock().unwrap().clone()
    }

    pub(super) async fn wait_for_touches(&self, count: usize) {
        tokio::time::timeout(Duration::from_secs(5), async {
            while self.touches.lock().unwrap().len() < count {
                self.touched.notified().await;
            }
        })
        .await
        .expect("not touched");
    }
}

#[async_trait]
impl SessionStore for ScriptedStore {
    fn name(&self) -> StoreName {
        StoreName::Redis
    }

    async fn insert(&self, _: &SessionKey, _: &Record) -> Result<(), Fault> {
        unreachable!("these tests open nothing")
    }

    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Snapshot>, Fault> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(Fault::away(StoreName::Redis, "away"));
        }
        let answer = self.sessions.lock().unwrap().get(key).cloned();
        if self.held.load(Ordering::SeqCst) {
            self.read.notify_one();
            self.release.acquire().await.unwrap().forget();
        }
        Ok(answer.filter(|found| now < found.record.ends_at))
    }

    async fn remove(&self, key: &SessionKey) -> Result<Option<Record>, Fault> {
        Ok(self
            .sessions
            .lock()
            .unwrap()
            .remove(key)
            .map(|gone| gone.record))
    }

    async fn remove_account(
        &self,
        _: AccountId,
        _: Option<&SessionKey>,
    ) -> Result<Vec<SessionKey>, Fault> {
        unreachable!("these tests have no accounts")
    }

    async fn list(&self, _: AccountId, _: Timestamp) -> Result<Vec<(SessionKey, Snapshot)>, Fault> {
        unreachable!("these tests have no accounts")
    }

    async fn rewrite(&self, _: &SessionKey, _: &Rights) -> Result<Rewritten, Fault> {
        unreachable!("these tests change no rights")
    }

    async fn confirm(&self, _: &SessionKey, _: &Mark, _: &Record) -> Result<Confirmed, Fault> {
        unreachable!("these tests make nothing")
    }

    async fn touch(&self, _: &SessionKey, at: Timestamp, _: Timestamp) -> Result<(), Fault> {
        self.touches.lock().unwrap().push(at);
        self.touched.notify_one();
        Ok(())
    }

    async fn prune(&self, _: Timestamp) -> Result<u64, Fault> {
        Ok(0)
    }

    async fn watch(&self, _: mpsc::Sender<Event>) {}
}
