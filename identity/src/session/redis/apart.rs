//! Record and index on different servers, as in Redis Cluster: each change takes several steps, and stopping after
//! any of them must leave no session that its account does not know of.
//!
//! Opening: the index first, then the record, then a look whether the index still has it. Ending all: what the index
//! has is moved aside in one step, ended, and forgotten only then. Either the one who ends finds the key, or the one
//! who opens finds that the index has lost it. `docs/decisions/0013` has the orders.

use futures_util::{StreamExt, TryStreamExt, stream};
use redis::Script;

use super::RedisSessions;
use crate::session::{Record, SessionKey};
use crate::{AccountId, Fault, StoreName};

/// Notes a key with its account, by the end of its session; the index lives as long as its longest one. What ended an
/// hour ago by any server's clock is forgotten: only then is it certain that its record cannot be on its way.
const NOTE: &str = "
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local left = redis.call('PTTL', KEYS[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 3600000)
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
if left < tonumber(ARGV[1]) - now then redis.call('PEXPIREAT', KEYS[1], ARGV[1]) end
return 1";

/// Stores a record.
const STORE: &str = "
redis.call('HSET', KEYS[1], 'r', ARGV[1], 'g', ARGV[2], 'a', ARGV[4])
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return 1";

/// Ends one session: record and last use. Gives the record and the name of its index.
const END: &str = "
local found = redis.call('HMGET', KEYS[1], 'r', 'a')
redis.call('DEL', KEYS[1], KEYS[2])
return found";

/// Moves the keys of an account but one aside, to those that somebody began to end before. Gives them all.
const SET_ASIDE: &str = "
local left = redis.call('PTTL', KEYS[1])
for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if key ~= ARGV[1] then
    redis.call('ZREM', KEYS[1], key)
    redis.call('SADD', KEYS[2], key)
  end
end
if left > redis.call('PTTL', KEYS[2]) then redis.call('PEXPIRE', KEYS[2], left) end
return redis.call('SMEMBERS', KEYS[2])";

/// All keys of an account: those that are noted, and those that somebody began to end.
const MEMBERS: &str = "
local all = redis.call('ZRANGE', KEYS[1], 0, -1)
for _, key in ipairs(redis.call('SMEMBERS', KEYS[2])) do all[#all + 1] = key end
return all";

/// How often a session is noted anew when its index loses it while it is opened.
const TRIES: usize = 4;

/// How many sessions are ended at once.
const AT_ONCE: usize = 16;

/// The scripts.
pub(super) struct Apart {
    note: Script,
    store: Script,
    end: Script,
    set_aside: Script,
    members: Script,
}

impl Apart {
    pub(super) fn new() -> Self {
        Self {
            note: Script::new(NOTE),
            store: Script::new(STORE),
            end: Script::new(END),
            set_aside: Script::new(SET_ASIDE),
            members: Script::new(MEMBERS),
        }
    }

    pub(super) async fn insert(
        &self,
        on: &RedisSessions,
        key: &SessionKey,
        record: &Record,
        text: String,
    ) -> Result<(), Fault> {
        let (name, index) = (on.keys.session(key), on.keys.account(record.account));
        let ends_at = record.ends_at.as_millisecond();
        let mut note = self.note.key(&index);
        note.arg(ends_at).arg(key.to_string());
        let mut store = self.store.key(&name);
        store
            .arg(text)
            .arg(record.generation)
            .arg(ends_at)
            .arg(&index);
        for _ in 0..TRIES {
            let () = on.invoke(&index, &note).await?;
            let () = on.invoke(&name, &store).await?;
            let mut look = redis::cmd("ZSCORE");
            look.arg(&index).arg(key.to_string());
            let noted: Option<f64> = on.query(&index, &look).await?;
            if noted.is_some() {
                return Ok(());
            }
        }
        // Nobody was given the token yet; what is left of it ends with its time.
        let _: Option<String> = self.remove(on, key).await?;
        Err(Fault::away(
            StoreName::Redis,
            "the account's sessions are being ended over and over",
        ))
    }

    /// Gives the record back as it was written.
    pub(super) async fn remove(
        &self,
        on: &RedisSessions,
        key: &SessionKey,
    ) -> Result<Option<String>, Fault> {
        let name = on.keys.session(key);
        let mut end = self.end.key(&name);
        end.key(on.keys.seen(key));
        let (record, index): (Option<String>, Option<String>) = on.take(&name, &end).await?;
        let Some(index) = index else {
            return Ok(record);
        };
        let mut forget = redis::cmd("ZREM");
        forget.arg(&index).arg(key.to_string());
        if let Err(fault) = on.query::<u64>(&index, &forget).await {
            // It has ended; that the index still names it costs whoever reads the index one question.
            tracing::debug!(%fault, "an ended session stays in its account's index for now");
        }
        Ok(record)
    }

    /// The keys of an account's sessions. Some may have ended; that is no reason to forget them here, for others may
    /// just be opening.
    pub(super) async fn members(
        &self,
        on: &RedisSessions,
        of: AccountId,
    ) -> Result<Vec<String>, Fault> {
        let index = on.keys.account(of);
        let mut members = self.members.key(&index);
        members.key(on.keys.ending(of));
        on.invoke(&index, &members).await
    }

    pub(super) async fn remove_account(
        &self,
        on: &RedisSessions,
        of: AccountId,
        spare: Option<&SessionKey>,
    ) -> Result<Vec<String>, Fault> {
        let (index, ending) = (on.keys.account(of), on.keys.ending(of));
        let mut set_aside = self.set_aside.key(&index);
        set_aside
            .key(&ending)
            .arg(spare.map(SessionKey::to_string).unwrap_or_default());
        let all: Vec<String> = on.take(&index, &set_aside).await?;
        let ends = all.clone().into_iter().map(async |text| {
            let key = super::key_of(&text)?;
            let name = on.keys.session(&key);
            let mut end = self.end.key(&name);
            end.key(on.keys.seen(&key));
            let (record, _): (Option<String>, Option<String>) = on.take(&name, &end).await?;
            // What was noted and no more, or was ended by another, is not counted again.
            Ok::<_, Fault>(record.map(|_| text))
        });
        let ended = stream::iter(ends)
            .buffer_unordered(AT_ONCE)
            .try_filter_map(async |ended| Ok(ended))
            .try_collect()
            .await?;
        if !all.is_empty() {
            let mut forget = redis::cmd("SREM");
            forget.arg(&ending).arg(&all);
            let _: u64 = on.query(&ending, &forget).await?;
        }
        Ok(ended)
    }
}
