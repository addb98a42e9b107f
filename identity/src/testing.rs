//! A room to test in: an embedded store in a folder of its own, a clock that stands still, cheap hashes.
//!
//! With `DOORWARD_TEST_DATABASE=postgres` or `mariadb` every room has a database on such a server instead.

pub(crate) mod server;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use doorward_config::{Boot, Config, DatabaseUrl, Hashing, Live};
use tempfile::TempDir;

use crate::account::Account;
use crate::audit::By;
use crate::change::{Added, Addition, add};
use crate::identity::World;
use crate::session::{Opened, Remembered};
use crate::sign_in::{Attempt, SignIn, sign_in};
use crate::tally::{Note, Tally};
use crate::{Client, Clock, Identity, ManualClock, SystemRandom};
use server::Engine;

/// A good password.
pub(crate) const PASSWORD: &str = "orange tram 42";

/// An open [`Identity`] and everything a test wants to turn or look at.
pub(crate) struct Room {
    pub(crate) identity: Arc<Identity>,
    pub(crate) live: Live,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) notes: Arc<Notes>,
    pub(crate) boot: Boot,
    _folder: TempDir,
}

/// Remembers what was counted.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<String>>);

impl Tally for Notes {
    fn note(&self, note: Note) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{note:?}"));
    }
}

impl Notes {
    /// How many notes hold `text`.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|note| note.contains(text))
            .count()
    }
}

impl Room {
    pub(crate) async fn open() -> Self {
        match Engine::asked_for() {
            None => Box::pin(Self::on_a_file()).await,
            Some(engine) => Box::pin(Self::on(|_| engine.database())).await,
        }
    }

    /// One whose database is `data/doorward.db`, whatever is asked for.
    pub(crate) async fn on_a_file() -> Self {
        Self::on(async |data_dir: PathBuf| DatabaseUrl::Sqlite(data_dir.join("doorward.db"))).await
    }

    pub(crate) async fn on<F: Future<Output = DatabaseUrl>>(
        database: impl FnOnce(PathBuf) -> F,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        let boot = Boot {
            database: database(data_dir.clone()).await,
            secret_file: data_dir.join("secret.key"),
            data_dir,
            hashing: Hashing {
                memory_kib: 64,
                iterations: 1,
                lanes: 1,
                concurrency: 4,
            },
            ..Config::default().boot
        };
        let clock = Arc::new(ManualClock::default());
        let notes = Arc::new(Notes::default());
        let identity = Arc::new(open(&boot, &clock, &notes).await);
        Self {
            identity,
            live: Config::default().live,
            clock,
            notes,
            boot,
            _folder: folder,
        }
    }

    /// The same stores, opened once more as by another process.
    pub(crate) async fn again(&self, hashing: Hashing) -> Identity {
        let boot = Boot {
            hashing,
            ..self.boot.clone()
        };
        open(&boot, &self.clock, &self.notes).await
    }

    /// An account made by command.
    pub(crate) async fn add(&self, username: &str, email: &str) -> Account {
        let addition = Addition {
            username,
            email,
            password: Some(PASSWORD),
            roles: &[],
        };
        match add(&self.identity, &self.live, addition, By::Command)
            .await
            .unwrap()
        {
            Added::Done(account) => account,
            other => panic!("{other:?}"),
        }
    }

    /// A session of somebody whose password is [`PASSWORD`].
    pub(crate) async fn sign_in(&self, login: &str) -> Opened {
        self.try_sign_in(login, PASSWORD).await.unwrap()
    }

    /// A session, unless refused.
    pub(crate) async fn try_sign_in(&self, login: &str, password: &str) -> Option<Opened> {
        let attempt = Attempt {
            login,
            password,
            remember: Remembered::No,
            client: &client("192.0.2.1"),
            former: None,
        };
        match sign_in(&self.identity, &self.live, attempt).await.unwrap() {
            SignIn::Welcome(opened) => Some(opened),
            SignIn::Refused => None,
            other => panic!("{other:?}"),
        }
    }

    /// Whether the store knows that session.
    pub(crate) async fn is_live(&self, opened: &Opened) -> bool {
        let idle = self.live.session.idle;
        self.identity
            .sessions
            .find(&opened.key, idle)
            .await
            .unwrap()
            .is_some()
    }
}

async fn open(boot: &Boot, clock: &Arc<ManualClock>, notes: &Arc<Notes>) -> Identity {
    let clock: Arc<dyn Clock> = clock.clone();
    let tally: Arc<dyn Tally> = notes.clone();
    let world = World {
        clock,
        random: Arc::new(SystemRandom),
        tally,
    };
    Identity::open_in(boot, world).await.unwrap()
}

/// A message as somebody finds it in their mail.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) to: String,
    pub(crate) subject: String,
    /// All of it, with long lines put together again.
    pub(crate) text: String,
}

impl Received {
    pub(crate) fn read(raw: &str) -> Self {
        let header = |name: &str| {
            let line = raw.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim().to_owned()
        };
        Self {
            to: header("To:"),
            subject: header("Subject:"),
            text: raw.replace("=\r\n", "").replace("=3D", "="),
        }
    }

    /// The code in the subject.
    pub(crate) fn code(&self) -> &str {
        let code = self.subject.split(' ').next().unwrap();
        assert_eq!(code.len(), 8, "{self:?}");
        code
    }

    /// The `t` of the link.
    pub(crate) fn link(&self) -> &str {
        let (_, rest) = self.text.split_once("?t=").unwrap();
        rest.get(..43).unwrap()
    }
}

impl Room {
    /// Delivers what waits, and gives what came, each message once; in order, but within a millisecond.
    pub(crate) async fn mail(&self) -> Vec<Received> {
        while crate::mail::pass(&self.identity, &self.live).await.unwrap() > 0 {}
        let folder = self.boot.data_dir.join("outbox");
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort_by_key(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap();
            name.rsplit('-').next().unwrap().to_owned()
        });
        let read = |file: &std::path::PathBuf| {
            let text = std::fs::read_to_string(file).unwrap();
            std::fs::remove_file(file).unwrap();
            Received::read(&text)
        };
        files.iter().map(read).collect()
    }

    /// The one message that came.
    pub(crate) async fn one_mail(&self) -> Received {
        let mut mail = self.mail().await;
        assert_eq!(mail.len(), 1, "{mail:?}");
        mail.remove(0)
    }
}

/// A code that is not this one.
pub(crate) fn another(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:08}", (number + 1) % 100_000_000)
}

/// Somebody with a browser at `address`.
pub(crate) fn client(address: &str) -> Client {
    Client::new(address.parse().unwrap(), "Mozilla/5.0", "request-1")
}
