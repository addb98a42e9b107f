//! From a key to its session: found, or made when it is first used.
//!
//! Making it must not lose against somebody who revokes the key or changes its account at the same time. They write the
//! row first and end or rewrite the session after. So a session is only *begun* first, which lets nobody in; then row and
//! account are read once more; then it is confirmed, which works only on what was begun and is still there. Either they
//! find what was begun, or their change is seen here. Whoever begins and dies leaves nothing that counts.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{ApiKey, rows};
use crate::account::Account;
use crate::accounts::Accounts;
use crate::database::Database;
use crate::session::{
    Amr, Confirmed, Grant, Granted, Mark, NewSession, Record, Remembered, SessionKey, Sessions,
    Snapshot,
};
use crate::{Clock, Fault, Random, StoreName};

/// A session of a key is made anew after this long at the latest.
const LIFE: Duration = Duration::from_hours(24);
/// How often making one starts over while something changes.
const ROUNDS: usize = 5;
/// The longest that whoever shows a key is kept waiting, whatever store is slow.
const DEADLINE: Duration = Duration::from_millis(1800);

/// What is needed to find keys while requests wait. [`Identity`](crate::Identity) has it ready.
pub struct ApiKeys {
    database: Database,
    accounts: Accounts,
    sessions: Arc<Sessions>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// What there is behind a key.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// Its session.
    Live(Box<Snapshot>),
    /// Its owner may not use the account now.
    Disabled,
    /// No key, or one that is good no more.
    Unknown,
}

/// A key that may be used now, or why it may not.
enum Standing {
    Good(Box<ApiKey>, Box<Account>),
    Not(Looked),
}

impl ApiKeys {
    pub(crate) fn new(
        database: Database,
        sessions: Arc<Sessions>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            accounts: Accounts::new(database.clone()),
            database,
            sessions,
            clock,
            random,
        }
    }

    /// The session of the key with this name, made if there is none yet.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when a store cannot be asked in time.
    pub async fn find(&self, key: &SessionKey) -> Result<Looked, Fault> {
        match tokio::time::timeout(DEADLINE, self.look(key)).await {
            Ok(looked) => looked,
            // What was begun lets nobody in, and is taken up by whoever comes next.
            Err(late) => Err(Fault::away(self.sessions.store(), late)),
        }
    }

    /// Notes when a key was used.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the database cannot be asked; nothing is lost but the note.
    pub async fn used(&self, key: &SessionKey, at: Timestamp) -> Result<(), Fault> {
        rows::used(&self.database.connections().writes, key, at).await
    }

    async fn look(&self, key: &SessionKey) -> Result<Looked, Fault> {
        for _ in 0..ROUNDS {
            let (mark, ends_at) = match self.sessions.find_granted(key).await? {
                Granted::Live(snapshot) => return Ok(Looked::Live(snapshot)),
                Granted::Begun(mark, ends_at) => (mark, ends_at),
                Granted::None => match self.standing(key).await? {
                    Standing::Good(row, account) => self.begin(key, &row, &account).await?,
                    Standing::Not(looked) => return Ok(looked),
                },
            };
            // Only what is read now counts: after what was begun can be found.
            let (row, account) = match self.standing(key).await? {
                Standing::Good(row, account) => (row, account),
                Standing::Not(looked) => {
                    self.sessions.withdraw(key).await?;
                    return Ok(looked);
                }
            };
            let record = Record {
                ends_at,
                ..self.record(&row, &account, None)?
            };
            match self.sessions.confirm(key, &mark, &record).await? {
                Confirmed::Yes => {
                    let last_seen = record.opened_at;
                    return Ok(Looked::Live(Box::new(Snapshot { record, last_seen })));
                }
                Confirmed::No => {}
            }
        }
        Err(Fault::away(
            StoreName::Database,
            "what an API key stands for keeps changing",
        ))
    }

    async fn standing(&self, key: &SessionKey) -> Result<Standing, Fault> {
        let now = self.clock.now();
        let Some(row) = rows::find(self.database.reads(), key, now).await? else {
            return Ok(Standing::Not(Looked::Unknown));
        };
        Ok(match self.accounts.find(row.account).await? {
            Some(account) if account.enabled => Standing::Good(Box::new(row), Box::new(account)),
            Some(_) => Standing::Not(Looked::Disabled),
            None => Standing::Not(Looked::Unknown),
        })
    }

    async fn begin(
        &self,
        key: &SessionKey,
        row: &ApiKey,
        account: &Account,
    ) -> Result<(Mark, Timestamp), Fault> {
        let mark = Mark::generate(&*self.random);
        let record = Record {
            // Whatever the account's version becomes, it is newer.
            generation: 0,
            ..self.record(row, account, Some(mark.clone()))?
        };
        self.sessions.begin(key, &record).await?;
        Ok((mark, record.ends_at))
    }

    fn record(
        &self,
        row: &ApiKey,
        account: &Account,
        unconfirmed: Option<Mark>,
    ) -> Result<Record, Fault> {
        let now = self.clock.now();
        let left = Duration::try_from(row.expires_at.duration_since(now)).unwrap_or(Duration::ZERO);
        let record = self.sessions.record(NewSession {
            account: account.id,
            rights: account.rights(),
            life: left.min(LIFE),
            remembered: Remembered::Yes,
            amr: vec![Amr::ApiKey],
            // When somebody proved who they are.
            auth_time: Some(row.created_at),
            family: None,
            device: String::new(),
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        })?;
        Ok(Record {
            grant: Some(Box::new(Grant {
                key: row.id.clone(),
                scope: row.scope.clone(),
                unconfirmed,
            })),
            ..record
        })
    }
}
