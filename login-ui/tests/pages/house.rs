//! An identity in a temporary folder with the pages in front of it.

use std::sync::{Arc, Mutex};

use axum::Router;
use doorward_config::{Boot, DatabaseUrl, Hashing, Live, Secret};
use doorward_identity::audit::By;
use doorward_identity::change::{Added, Addition, add};
use doorward_identity::{AccountId, Identity, ManualClock, SystemRandom};
use doorward_login_ui::{Ui, router};
use tempfile::TempDir;

use crate::browser::Browser;

/// Good enough for anybody.
pub const PASSWORD: &str = "orange tram 42";

/// Everything a story needs.
pub struct House {
    pub identity: Arc<Identity>,
    pub clock: Arc<ManualClock>,
    pub live: Arc<Mutex<Arc<Live>>>,
    pages: Router,
    _folder: TempDir,
}

impl House {
    pub async fn open() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    /// A house whose sessions are kept in a Redis that does not answer.
    pub async fn without_sessions() -> Self {
        Self::with(
            |_| {},
            |boot| boot.redis = Some(Secret::from("redis://127.0.0.1:1".to_owned())),
        )
        .await
    }

    pub async fn configured(change: impl FnOnce(&mut Live)) -> Self {
        Self::with(change, |_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Live), start: impl FnOnce(&mut Boot)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut boot = Boot {
            database: DatabaseUrl::Sqlite(folder.path().join("doorward.db")),
            data_dir: folder.path().to_owned(),
            secret_file: folder.path().join("secret.key"),
            hashing: Hashing {
                memory_kib: 64,
                iterations: 1,
                lanes: 1,
                concurrency: 2,
            },
            ..Boot::default()
        };
        start(&mut boot);
        let clock = Arc::new(ManualClock::default());
        let identity = Identity::open(&boot, clock.clone(), Arc::new(SystemRandom))
            .await
            .unwrap();
        let identity = Arc::new(identity);
        let mut live = Live::default();
        change(&mut live);
        let live = Arc::new(Mutex::new(Arc::new(live)));
        let asked = live.clone();
        let ui = Ui {
            identity: identity.clone(),
            live: Arc::new(move || asked.lock().unwrap().clone()),
        };
        Self {
            identity,
            clock,
            live,
            pages: router(ui),
            _folder: folder,
        }
    }

    /// Another configuration, as after a reload.
    pub fn reload(&self, change: impl FnOnce(&mut Live)) {
        let mut live = self.live.lock().unwrap();
        let mut changed = (**live).clone();
        change(&mut changed);
        *live = Arc::new(changed);
    }

    pub async fn add(&self, username: &str) -> AccountId {
        let email = format!("{username}@example.com");
        let addition = Addition {
            username,
            email: &email,
            password: Some(PASSWORD),
            roles: &[],
        };
        let live = self.live.lock().unwrap().clone();
        match add(&self.identity, &live, addition, By::Command)
            .await
            .unwrap()
        {
            Added::Done(account) => account.id,
            other => panic!("{other:?}"),
        }
    }

    /// A browser that has never been here.
    pub fn browser(&self) -> Browser {
        Browser::new(self.pages.clone())
    }

    /// A browser in which `username` is signed in.
    pub async fn signed_in(&self, username: &str) -> Browser {
        let mut browser = self.browser();
        let page = browser.sign_in(username, PASSWORD).await;
        assert_eq!(page.status, 303, "{}", page.text);
        browser
    }
}
