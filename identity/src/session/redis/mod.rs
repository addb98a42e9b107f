//! Sessions in Redis.
//!
//! `doorward:session:KEY` is a hash: the record as JSON, its generation, its account. It expires at the absolute
//! end and is what gateways track. `doorward:seen:KEY` has the last use, outside the tracked prefix.
//! `doorward:account:ID` is the set of an account's keys. What must happen together is a script.

mod link;
mod watch;

use async_trait::async_trait;
use jiff::Timestamp;
use redis::{Script, ScriptInvocation};
use tokio::sync::mpsc;

use super::record::Applied;
use super::{Event, Record, Rewritten, Rights, SessionKey, SessionStore, Snapshot};
use crate::{AccountId, Fault, StoreName};
use link::Link;

/// What every session's key starts with, and what gateways are told of.
const SESSIONS: &str = "doorward:session:";
const SEEN: &str = "doorward:seen:";
const ACCOUNTS: &str = "doorward:account:";

/// Stores a record and notes it with its account; the index lives as long as its longest session.
const INSERT: &str = "
redis.call('HSET', KEYS[1], 'r', ARGV[1], 'g', ARGV[2], 'a', KEYS[2])
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
local left = redis.call('PTTL', KEYS[2])
redis.call('SADD', KEYS[2], ARGV[4])
local now = redis.call('TIME')
if left < tonumber(ARGV[3]) - (now[1] * 1000 + math.floor(now[2] / 1000)) then
  redis.call('PEXPIREAT', KEYS[2], ARGV[3])
end
return 1";

/// Ends one session: record, last use and place in the index.
const REMOVE: &str = "
local found = redis.call('HMGET', KEYS[1], 'r', 'a')
redis.call('DEL', KEYS[1], KEYS[2])
if found[2] then redis.call('SREM', found[2], ARGV[1]) end
return found[1]";

/// Ends all sessions of an account but one.
const REMOVE_ACCOUNT: &str = "
local gone = {}
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if key ~= ARGV[3] then
    redis.call('DEL', ARGV[1] .. key, ARGV[2] .. key)
    redis.call('SREM', KEYS[1], key)
    gone[#gone + 1] = key
  end
end
return gone";

/// Puts a record in the place of one with an older generation; its expiry stays.
const REWRITE: &str = "
local old = redis.call('HGET', KEYS[1], 'g')
if not old or tonumber(old) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'r', ARGV[1], 'g', ARGV[2])
return 1";

/// Sessions in one Redis server.
pub struct RedisSessions {
    link: Link,
    scripts: Scripts,
}

struct Scripts {
    insert: Script,
    remove: Script,
    remove_account: Script,
    rewrite: Script,
}

impl RedisSessions {
    /// Sessions in the Redis at `url` (`redis://…` or `redis+unix://…`). Connects when first asked.
    ///
    /// # Errors
    /// [`Fault::Broken`] when the address makes no sense.
    pub fn new(url: &str) -> Result<Self, Fault> {
        let scripts = Scripts {
            insert: Script::new(INSERT),
            remove: Script::new(REMOVE),
            remove_account: Script::new(REMOVE_ACCOUNT),
            rewrite: Script::new(REWRITE),
        };
        Ok(Self {
            link: Link::new(url)?,
            scripts,
        })
    }

    async fn invoke<T: redis::FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, Fault> {
        self.link
            .ask(async |mut connection| call.invoke_async(&mut connection).await)
            .await
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Snapshot>, Fault> {
        let mut both = redis::pipe();
        both.cmd("HGET")
            .arg(session(key))
            .arg("r")
            .cmd("GET")
            .arg(seen(key));
        let (record, last_seen): (Option<String>, Option<i64>) = self
            .link
            .ask(async |mut connection| both.query_async(&mut connection).await)
            .await?;
        record
            .map(|record| snapshot(&record, last_seen))
            .transpose()
    }
}

#[async_trait]
impl SessionStore for RedisSessions {
    fn name(&self) -> StoreName {
        StoreName::Redis
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<(), Fault> {
        let mut call = self.scripts.insert.key(session(key));
        call.key(account(record.account))
            .arg(write(record)?)
            .arg(record.generation)
            .arg(record.ends_at.as_millisecond())
            .arg(key.to_string());
        self.invoke(&call).await
    }

    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Snapshot>, Fault> {
        Ok(self
            .read(key)
            .await?
            .filter(|found| now < found.record.ends_at))
    }

    async fn remove(&self, key: &SessionKey) -> Result<Option<Record>, Fault> {
        let mut call = self.scripts.remove.key(session(key));
        call.key(seen(key)).arg(key.to_string());
        let record: Option<String> = self.invoke(&call).await?;
        // A record that cannot be read is gone all the same; saying so would only stop a sign-out.
        Ok(record
            .and_then(|record| snapshot(&record, None).ok())
            .map(|found| found.record))
    }

    async fn remove_account(
        &self,
        of: AccountId,
        spare: Option<&SessionKey>,
    ) -> Result<Vec<SessionKey>, Fault> {
        let mut call = self.scripts.remove_account.key(account(of));
        call.arg(SESSIONS)
            .arg(SEEN)
            .arg(spare.map(SessionKey::to_string).unwrap_or_default());
        let gone: Vec<String> = self.invoke(&call).await?;
        gone.iter().map(|key| key_of(key)).collect()
    }

    async fn list(
        &self,
        of: AccountId,
        now: Timestamp,
    ) -> Result<Vec<(SessionKey, Snapshot)>, Fault> {
        let index = account(of);
        let mut members = redis::cmd("SMEMBERS");
        members.arg(&index);
        let keys: Vec<String> = self
            .link
            .ask(async |mut connection| members.query_async(&mut connection).await)
            .await?;
        let mut live = Vec::with_capacity(keys.len());
        for text in keys {
            let key = key_of(&text)?;
            match self.read(&key).await? {
                Some(found) if now < found.record.ends_at => live.push((key, found)),
                // Over by our clock, which may be wrong: what is still there must be found when all are ended.
                Some(_) => {}
                None => self.forget(&index, &text).await?,
            }
        }
        Ok(live)
    }

    async fn rewrite(&self, key: &SessionKey, rights: &Rights) -> Result<Rewritten, Fault> {
        let Some(Snapshot { mut record, .. }) = self.read(key).await? else {
            return Ok(Rewritten::NotNeeded);
        };
        if rights.apply_to(&mut record) == Applied::AlreadyNewer {
            return Ok(Rewritten::NotNeeded);
        }
        let mut call = self.scripts.rewrite.key(session(key));
        call.arg(write(&record)?).arg(record.generation);
        let written: u8 = self.invoke(&call).await?;
        Ok(if written == 1 {
            Rewritten::Yes
        } else {
            Rewritten::NotNeeded
        })
    }

    async fn touch(
        &self,
        key: &SessionKey,
        at: Timestamp,
        ends_at: Timestamp,
    ) -> Result<(), Fault> {
        let mut set = redis::cmd("SET");
        set.arg(seen(key))
            .arg(at.as_millisecond())
            .arg("PXAT")
            .arg(ends_at.as_millisecond());
        self.link
            .ask(async |mut connection| set.query_async(&mut connection).await)
            .await
    }

    async fn prune(&self, _: Timestamp) -> Result<u64, Fault> {
        Ok(0)
    }

    async fn watch(&self, to: mpsc::Sender<Event>) {
        watch::watch(&self.link, to).await;
    }
}

impl RedisSessions {
    /// Takes a session that expired by itself out of its account's index.
    async fn forget(&self, index: &str, key: &str) -> Result<(), Fault> {
        let mut call = redis::cmd("SREM");
        call.arg(index).arg(key);
        self.link
            .ask(async |mut connection| call.query_async(&mut connection).await)
            .await
    }
}

fn session(key: &SessionKey) -> String {
    format!("{SESSIONS}{key}")
}

fn seen(key: &SessionKey) -> String {
    format!("{SEEN}{key}")
}

fn account(id: AccountId) -> String {
    format!("{ACCOUNTS}{id}")
}

fn key_of(hex: &str) -> Result<SessionKey, Fault> {
    SessionKey::from_hex(hex)
        .ok_or_else(|| Fault::broken("an account's index holds what is no session key"))
}

fn write(record: &Record) -> Result<String, Fault> {
    serde_json::to_string(record)
        .map_err(|source| Fault::broken_by("a session cannot be written", source))
}

fn snapshot(record: &str, last_seen: Option<i64>) -> Result<Snapshot, Fault> {
    let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| {
        Fault::broken_by("a stored session cannot be read", source)
    };
    let record: Record =
        serde_json::from_str(record).map_err(|source| unreadable(source.into()))?;
    // Never touched yet, or the note was evicted: then it counts as last used when it was opened.
    let last_seen = match last_seen {
        Some(at) => Timestamp::from_millisecond(at).map_err(|source| unreadable(source.into()))?,
        None => record.opened_at,
    };
    Ok(Snapshot { record, last_seen })
}

fn away(error: redis::RedisError) -> Fault {
    Fault::away(StoreName::Redis, error)
}
