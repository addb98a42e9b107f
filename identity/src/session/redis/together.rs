//! Record, last use and index on one server: each change is one script.

use redis::Script;

use super::RedisSessions;
use super::keys::SEEN;
use crate::session::{Record, SessionKey};
use crate::{AccountId, Fault};

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

/// The scripts.
pub(super) struct Together {
    insert: Script,
    remove: Script,
    remove_account: Script,
}

impl Together {
    pub(super) fn new() -> Self {
        Self {
            insert: Script::new(INSERT),
            remove: Script::new(REMOVE),
            remove_account: Script::new(REMOVE_ACCOUNT),
        }
    }

    pub(super) async fn insert(
        &self,
        on: &RedisSessions,
        key: &SessionKey,
        record: &Record,
        text: String,
    ) -> Result<(), Fault> {
        let name = on.keys.session(key);
        let mut call = self.insert.key(&name);
        call.key(on.keys.account(record.account))
            .arg(text)
            .arg(record.generation)
            .arg(record.ends_at.as_millisecond())
            .arg(key.to_string());
        on.invoke(&name, &call).await
    }

    /// Gives the record back as it was written.
    pub(super) async fn remove(
        &self,
        on: &RedisSessions,
        key: &SessionKey,
    ) -> Result<Option<String>, Fault> {
        let name = on.keys.session(key);
        let mut call = self.remove.key(&name);
        call.key(on.keys.seen(key)).arg(key.to_string());
        on.take(&name, &call).await
    }

    /// The keys of an account's sessions, as far as their time is not over.
    pub(super) async fn members(
        &self,
        on: &RedisSessions,
        of: AccountId,
    ) -> Result<Vec<String>, Fault> {
        let index = on.keys.account(of);
        let mut members = redis::cmd("SMEMBERS");
        members.arg(&index);
        on.query(&index, &members).await
    }

    /// Takes a session that expired by itself out of its account's index.
    pub(super) async fn forget(
        &self,
        on: &RedisSessions,
        of: AccountId,
        key: &str,
    ) -> Result<(), Fault> {
        let index = on.keys.account(of);
        let mut forget = redis::cmd("SREM");
        forget.arg(&index).arg(key);
        on.query(&index, &forget).await
    }

    pub(super) async fn remove_account(
        &self,
        on: &RedisSessions,
        of: AccountId,
        spare: Option<&SessionKey>,
    ) -> Result<Vec<String>, Fault> {
        let name = on.keys.account(of);
        let mut call = self.remove_account.key(&name);
        call.arg(super::keys::SESSIONS)
            .arg(SEEN)
            .arg(spare.map(SessionKey::to_string).unwrap_or_default());
        on.take(&name, &call).await
    }
}
