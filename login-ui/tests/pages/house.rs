//! An identity in a temporary folder with the pages in front of it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use doorward_config::{Boot, DatabaseUrl, Hashing, Live, Redis, RedisServers, Secret};
use doorward_identity::audit::By;
use doorward_identity::change::{Added, Addition, Changed, add, grant_role};
use doorward_identity::invite::{Invited, invite};
use doorward_identity::role::Role;
use doorward_identity::{AccountId, Identity, ManualClock, SystemRandom, mail};
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
    folder: TempDir,
}

impl House {
    pub async fn open() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    /// A house whose sessions are kept in a Redis that does not answer.
    pub async fn without_sessions() -> Self {
        Self::with(
            |_| {},
            |boot| {
                boot.redis = Some(Redis {
                    servers: RedisServers::One(Secret::from("redis://127.0.0.1:1")),
                    authorities: None,
                });
            },
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
            folder,
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

    /// As [`House::add`], with the role `admin`.
    pub async fn add_admin(&self, username: &str) {
        let id = self.add(username).await;
        let granted = grant_role(&self.identity, id, &Role::admin(), By::Command).await;
        assert!(matches!(granted, Ok(Changed::Done(_))), "{granted:?}");
    }

    /// What the link of an invitation carries.
    pub async fn invite(&self, email: &str) -> String {
        let live = self.live.lock().unwrap().clone();
        match invite(&self.identity, &live, email, &[], By::Command).await {
            Ok(Invited::Done { token, .. }) => token.text(),
            other => panic!("{other:?}"),
        }
    }

    /// Has mail delivered, and gives the code in the one message to `address`.
    pub async fn code_for(&self, address: &str) -> String {
        let text = self.mail_to(address).await;
        let (_, subject) = text.split_once("Subject: ").unwrap();
        subject[..8].to_owned()
    }

    /// Has mail delivered, and gives what the link in the one message to `address` carries.
    pub async fn link_for(&self, address: &str) -> String {
        let text = self.mail_to(address).await;
        // As quoted-printable has it (RFC 2045).
        let text = text.replace("=\r\n", "").replace("=3D", "=");
        let (_, link) = text.split_once("?t=").unwrap();
        link[..43].to_owned()
    }

    async fn mail_to(&self, address: &str) -> String {
        let live = self.live.clone();
        let live = Arc::new(move || live.lock().unwrap().clone());
        let delivering = tokio::spawn(mail::deliver(self.identity.clone(), live));
        let outbox = self.folder.path().join("outbox");
        let to = format!("To: {address}");
        let start = Instant::now();
        let text = loop {
            let files = std::fs::read_dir(&outbox).into_iter().flatten();
            let texts = files.filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok());
            let found = texts.into_iter().find(|text| text.contains(&to));
            if let Some(text) = found {
                break text;
            }
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "no mail to {address}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        delivering.abort();
        text
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
