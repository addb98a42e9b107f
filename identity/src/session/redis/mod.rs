//! Sessions in Redis.
//!
//! `doorward:session:KEY` is a hash: the record as JSON, its generation, its account. It expires at the absolute
//! end and is what gateways track. `doorward:seen:KEY` has the last use, outside the tracked prefix.
//! `doorward:account:ID` is the set of an account's keys. What must happen together is a script on one server
//! ([`together`]), and steps in an order that is safe to stop in where a cluster keeps it apart ([`apart`]).

mod apart;
mod cluster;
mod dial;
mod keys;
mod line;
mod link;
mod place;
mod question;
mod sentinel;
mod server;
mod together;
mod watch;

use async_trait::async_trait;
use doorward_config::Redis;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use redis::{Cmd, FromRedisValue, Script, ScriptInvocation};
use tokio::sync::mpsc;

use super::record::Applied;
use super::{
    Confirmed, Event, Mark, Record, Rewritten, Rights, SessionKey, SessionStore, Snapshot,
};
use crate::{AccountId, Fault, StoreName};
use apart::Apart;
use keys::Keys;
use place::Place;
use question::{Aim, Question, Words};
use together::Together;

/// Puts a record in the place of one with an older generation; its expiry stays.
const REWRITE: &str = "
local old = redis.call('HGET', KEYS[1], 'g')
if not old or tonumber(old) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'r', ARGV[1], 'g', ARGV[2])
return 1";

/// Puts a record in the place of the one that has this mark in it, unless that has a newer generation; its expiry stays.
const CONFIRM: &str = "
local old = redis.call('HMGET', KEYS[1], 'r', 'g')
if not old[1] or not old[2] or not string.find(old[1], ARGV[1], 1, true) then return 0 end
if tonumber(old[2]) > tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'r', ARGV[2], 'g', ARGV[3])
return 1";

/// How many sessions of an account are read at once.
const AT_ONCE: usize = 16;

/// Sessions in Redis.
pub struct RedisSessions {
    place: Place,
    keys: Keys,
    index: Index,
    rewrite: Script,
    confirm: Script,
}

/// How a record and its account's index are kept in step.
enum Index {
    Together(Together),
    Apart(Apart),
}

impl RedisSessions {
    /// Sessions in the servers that the configuration names. Connects when first asked.
    ///
    /// # Errors
    /// [`Fault::Broken`] when an address or a certificate makes no sense.
    pub fn new(redis: &Redis) -> Result<Self, Fault> {
        let place = Place::new(redis)?;
        let keys = place.keys();
        let index = match keys {
            Keys::Plain => Index::Together(Together::new()),
            Keys::Tagged => Index::Apart(Apart::new()),
        };
        Ok(Self {
            place,
            keys,
            index,
            rewrite: Script::new(REWRITE),
            confirm: Script::new(CONFIRM),
        })
    }

    /// Runs a script where `key` is.
    async fn invoke<T: FromRedisValue>(
        &self,
        key: &str,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, Fault> {
        let question = Question::plain(Words::Script(call));
        self.ask(key, question).await
    }

    /// Runs a script that takes something away.
    async fn take<T: FromRedisValue>(
        &self,
        key: &str,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, Fault> {
        let question = Question {
            aim: Aim::Take,
            ..Question::plain(Words::Script(call))
        };
        self.ask(key, question).await
    }

    /// Puts a command where `key` is.
    async fn query<T: FromRedisValue>(&self, key: &str, command: &Cmd) -> Result<T, Fault> {
        let question = Question::plain(Words::Command(command));
        self.ask(key, question).await
    }

    async fn ask<T: FromRedisValue>(&self, key: &str, question: Question<'_>) -> Result<T, Fault> {
        let answer = self.place.ask(key, question).await?;
        redis::from_redis_value(answer).map_err(misunderstood)
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Snapshot>, Fault> {
        let name = self.keys.session(key);
        let mut both = redis::pipe();
        both.cmd("HGET")
            .arg(&name)
            .arg("r")
            .cmd("GET")
            .arg(self.keys.seen(key));
        let question = Question::plain(Words::Several(&both));
        let (record, last_seen): (Option<String>, Option<i64>) = self.ask(&name, question).await?;
        record
            .map(|record| snapshot(&record, last_seen))
            .transpose()
    }

    async fn members(&self, of: AccountId) -> Result<Vec<String>, Fault> {
        match &self.index {
            Index::Together(index) => index.members(self, of).await,
            Index::Apart(index) => index.members(self, of).await,
        }
    }

    /// What is in the index has no record.
    async fn forget(&self, of: AccountId, key: &str) -> Result<(), Fault> {
        match &self.index {
            Index::Together(index) => index.forget(self, of, key).await,
            // It may be on its way.
            Index::Apart(_) => Ok(()),
        }
    }
}

#[async_trait]
impl SessionStore for RedisSessions {
    fn name(&self) -> StoreName {
        StoreName::Redis
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<(), Fault> {
        let text = write(record)?;
        match &self.index {
            Index::Together(index) => index.insert(self, key, record, text).await,
            Index::Apart(index) => index.insert(self, key, record, text).await,
        }
    }

    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Snapshot>, Fault> {
        Ok(self
            .read(key)
            .await?
            .filter(|found| now < found.record.ends_at))
    }

    async fn remove(&self, key: &SessionKey) -> Result<Option<Record>, Fault> {
        let record = match &self.index {
            Index::Together(index) => index.remove(self, key).await,
            Index::Apart(index) => index.remove(self, key).await,
        }?;
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
        let gone = match &self.index {
            Index::Together(index) => index.remove_account(self, of, spare).await,
            Index::Apart(index) => index.remove_account(self, of, spare).await,
        }?;
        gone.iter().map(|key| key_of(key)).collect()
    }

    async fn list(
        &self,
        of: AccountId,
        now: Timestamp,
    ) -> Result<Vec<(SessionKey, Snapshot)>, Fault> {
        let reads = self.members(of).await?.into_iter().map(async |text| {
            let key = key_of(&text)?;
            match self.read(&key).await? {
                Some(found) if now < found.record.ends_at => Ok(Some((key, found))),
                // Over by our clock, which may be wrong: what is still there must be found when all are ended.
                Some(_) => Ok(None),
                None => self.forget(of, &text).await.map(|()| None),
            }
        });
        let reads = stream::iter(reads).buffer_unordered(AT_ONCE);
        reads
            .try_filter_map(async |found| Ok(found))
            .try_collect()
            .await
    }

    async fn rewrite(&self, key: &SessionKey, rights: &Rights) -> Result<Rewritten, Fault> {
        let Some(Snapshot { mut record, .. }) = self.read(key).await? else {
            return Ok(Rewritten::NotNeeded);
        };
        if rights.apply_to(&mut record) == Applied::AlreadyNewer {
            return Ok(Rewritten::NotNeeded);
        }
        let name = self.keys.session(key);
        let mut call = self.rewrite.key(&name);
        call.arg(write(&record)?).arg(record.generation);
        let written: u8 = self.take(&name, &call).await?;
        Ok(if written == 1 {
            Rewritten::Yes
        } else {
            Rewritten::NotNeeded
        })
    }

    async fn confirm(
        &self,
        key: &SessionKey,
        mark: &Mark,
        record: &Record,
    ) -> Result<Confirmed, Fault> {
        let name = self.keys.session(key);
        let mut call = self.confirm.key(&name);
        call.arg(mark.as_str())
            .arg(write(record)?)
            .arg(record.generation);
        let written: u8 = self.invoke(&name, &call).await?;
        Ok(if written == 1 {
            Confirmed::Yes
        } else {
            Confirmed::No
        })
    }

    async fn touch(
        &self,
        key: &SessionKey,
        at: Timestamp,
        ends_at: Timestamp,
    ) -> Result<(), Fault> {
        let name = self.keys.seen(key);
        let mut set = redis::cmd("SET");
        set.arg(&name)
            .arg(at.as_millisecond())
            .arg("PXAT")
            .arg(ends_at.as_millisecond());
        self.query(&name, &set).await
    }

    async fn prune(&self, _: Timestamp) -> Result<u64, Fault> {
        Ok(0)
    }

    async fn watch(&self, to: mpsc::Sender<Event>) {
        watch::watch(&self.place, to).await;
    }
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

/// An answer of another kind, as a key that somebody else has written gives.
fn misunderstood(error: redis::ParsingError) -> Fault {
    away(error.into())
}
