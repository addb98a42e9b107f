//! The room itself: every part of it, opened once and handed around.

use std::path::PathBuf;
use std::sync::Arc;

use doorward_config::Boot;

use crate::accounts::Accounts;
use crate::api_key::ApiKeys;
use crate::audit::Audit;
use crate::database::Database;
use crate::keys::{self, KeyRing};
use crate::password::Passwords;
use crate::secret::ServerSecret;
use crate::session::redis::RedisSessions;
use crate::session::sql::SqlSessions;
use crate::session::{SessionStore, Sessions};
use crate::tally::{Tally, Uncounted};
use crate::throttle::Throttle;
use crate::{Clock, Fault, Random};

/// Everything that is known about people, and the means to know it.
pub struct Identity {
    /// Finds accounts; [`change`](crate::change) changes them.
    pub accounts: Accounts,
    /// Opens, finds and ends sessions.
    pub sessions: Arc<Sessions>,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Counts wrong tries.
    pub throttle: Throttle,
    /// Keeps what happened.
    pub audit: Audit,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where chance comes from.
    pub random: Arc<dyn Random>,
    /// Who counts what happens.
    pub tally: Arc<dyn Tally>,
    /// Signs and checks tokens.
    pub keys: KeyRing,
    /// Finds the sessions of API keys.
    pub api_keys: Arc<ApiKeys>,
    pub(crate) database: Database,
    pub(crate) secret: ServerSecret,
    pub(crate) data_dir: PathBuf,
}

/// What is asked of the world outside, so that a test can answer.
#[derive(Clone)]
pub struct World {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where chance comes from.
    pub random: Arc<dyn Random>,
    /// Who counts what happens.
    pub tally: Arc<dyn Tally>,
}

impl Identity {
    /// Opens the stores, making what is missing, and starts the threads that hash; nothing is counted.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the database cannot be opened, [`Fault::Broken`] when it cannot be used. A Redis
    /// that is away is no error yet: whoever asks it will be told.
    pub async fn open(
        boot: &Boot,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, Fault> {
        Self::open_in(
            boot,
            World {
                clock,
                random,
                tally: Arc::new(Uncounted),
            },
        )
        .await
    }

    /// As [`Identity::open`], and tells `world.tally` what happens.
    ///
    /// # Errors
    /// As [`Identity::open`].
    pub async fn open_in(boot: &Boot, world: World) -> Result<Self, Fault> {
        let World {
            clock,
            random,
            tally,
        } = world;
        let database = Box::pin(Database::open(&boot.database, &boot.data_dir)).await?;
        let secret = ServerSecret::open(&database, &boot.secret_file, Arc::clone(&random)).await?;
        let keys = keys::open(&database, &secret, clock.now()).await?;
        let store: Arc<dyn SessionStore> = match &boot.redis {
            Some(redis) => Arc::new(RedisSessions::new(redis)?),
            None => Arc::new(SqlSessions::new(database.connections())),
        };
        let sessions = Arc::new(Sessions::new(
            store,
            Arc::clone(&clock),
            Arc::clone(&random),
            Arc::clone(&tally),
        ));
        let api_keys = ApiKeys::new(
            database.clone(),
            Arc::clone(&sessions),
            Arc::clone(&clock),
            Arc::clone(&random),
        );
        let identity = Self {
            accounts: Accounts::new(database.clone()),
            sessions,
            api_keys: Arc::new(api_keys),
            passwords: Passwords::start(boot.hashing, Arc::clone(&random), &tally)?,
            throttle: Throttle::new(database.clone(), Arc::clone(&clock)),
            audit: Audit::new(database.clone(), Arc::clone(&clock)),
            clock,
            random,
            tally,
            keys,
            database,
            secret,
            data_dir: boot.data_dir.clone(),
        };
        // What another process left undone must not keep this one from starting: it is tried again and again.
        if let Err(fault) = crate::change::catch_up(&identity).await {
            tracing::warn!(%fault, "sessions are not in line with their accounts yet");
        }
        Ok(identity)
    }

    /// Whether the database answers: for readiness.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when it does not.
    pub async fn ping_database(&self) -> Result<(), Fault> {
        crate::database::in_time(self.database.reads().ping()).await
    }

    /// Forgets what is over: sessions, tries, keys, codes, setup links. To be called every few minutes.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when a store cannot be asked.
    pub async fn prune(&self) -> Result<(), Fault> {
        crate::api_key::prune(self).await?;
        self.sessions.prune().await?;
        self.throttle.prune().await?;
        crate::half_way::prune(self).await?;
        crate::handover::prune(self).await?;
        crate::codes::prune(self).await?;
        crate::invite::prune(self).await?;
        crate::refresh::prune(self).await?;
        crate::setup::prune(self).await
    }
}
