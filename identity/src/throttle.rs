//! How many wrong tries are let through, and how long the next one has to wait.
//!
//! Owns the counts, kept in the database so that every process agrees. Must not know what is tried. A try is counted
//! as a failure *before* it is judged and taken back when it turns out right, so a hundred tries at once count as a
//! hundred. A try that comes too early is not judged and not counted: a delay always ends by itself. While there are
//! too many wrong tries at everything together, fewer of them are free.

mod siege;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use doorward_config::Throttle as Allowed;
use jiff::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::database::entity::throttle;
use crate::database::{Database, DatabaseTransaction, in_time};
use crate::name::{EmailAddress, Login};
use crate::tally::ThrottleKind;
use crate::{AccountId, Clock, Fault};
use siege::Weather;

/// The delay after the last try that is free; every further one doubles it.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// How many messages somebody gets at full speed that anybody may ask for.
const FREE_MAILS: u32 = 5;
/// The delay after the last of those.
const FIRST_MAIL_DELAY: Duration = Duration::from_secs(30);
/// No delay is longer.
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// Without a failure for this long, earlier ones are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);

/// Counts wrong tries. Each method is one transaction.
#[derive(Clone)]
pub struct Throttle {
    database: Database,
    clock: Arc<dyn Clock>,
}

/// Whose tries are counted together.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    /// SHA-256: what was typed as a name is kept nowhere, it may have been a password.
    key: [u8; 32],
    kind: ThrottleKind,
    free_tries: u32,
    first_delay: Duration,
}

/// Whether a try may be judged now.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It may, and is counted.
    Now,
    /// It came too early.
    Later {
        retry_after: Duration,
        kind: ThrottleKind,
    },
}

impl Counter {
    /// Tries at an account, from wherever.
    pub(crate) fn account(id: AccountId, allowed: Allowed) -> Self {
        Self::new(
            ThrottleKind::Account,
            allowed.account_failures,
            &[b"account", id.as_bytes()],
        )
    }

    /// Tries at a name that nobody has: they must feel like any other.
    pub(crate) fn unknown_name(login: &Login, allowed: Allowed) -> Self {
        Self::new(
            ThrottleKind::Account,
            allowed.account_failures,
            &[b"name", login.canonical().as_bytes()],
        )
    }

    /// Tries to sign in from an address, for whatever account.
    pub(crate) fn address(address: IpAddr, allowed: Allowed) -> Self {
        Self::new(
            ThrottleKind::Address,
            allowed.address_failures,
            &[b"address", &network(address)],
        )
    }

    /// Tries to register from an address.
    pub(crate) fn registration(address: IpAddr, allowed: Allowed) -> Self {
        Self::new(
            ThrottleKind::Address,
            allowed.address_failures,
            &[b"registration", &network(address)],
        )
    }

    /// Codes that were mailed, tried from an address.
    pub(crate) fn codes(address: IpAddr, allowed: Allowed) -> Self {
        Self::new(
            ThrottleKind::Address,
            allowed.address_failures,
            &[b"codes", &network(address)],
        )
    }

    /// Mail that somebody at an address asks for, to whomever.
    pub(crate) fn mail_from(address: IpAddr, allowed: Allowed) -> Self {
        Self::new(
            ThrottleKind::Address,
            allowed.address_failures,
            &[b"mail from", &network(address)],
        )
    }

    /// Mail to an e-mail address, whoever asks for it and whether anybody has an account with it.
    pub(crate) fn mail_to(address: &EmailAddress) -> Self {
        Self {
            first_delay: FIRST_MAIL_DELAY,
            ..Self::new(
                ThrottleKind::Mail,
                FREE_MAILS,
                &[b"mail to", address.canonical().as_bytes()],
            )
        }
    }

    fn new(kind: ThrottleKind, free_tries: u32, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
            hash.update([0]);
        }
        Self {
            key: hash.finalize().into(),
            kind,
            free_tries,
            first_delay: FIRST_DELAY,
        }
    }

    fn is_for(&self, row: &throttle::Model) -> bool {
        row.key == self.key
    }
}

/// What one household has: the whole IPv4 address, the /64 of an IPv6 one.
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
    }
}

impl Throttle {
    pub(crate) fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// Asks for a turn, and spends a try of every counter if it is given.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the counts cannot be read and written.
    pub(crate) async fn check(&self, counters: &[Counter]) -> Result<Turn, Fault> {
        let now = self.clock.now();
        // Those who come too early must not be able to keep the database busy with writing.
        let rows = in_time(rows_of(counters).all(self.database.reads())).await?;
        if let Some(later) = too_early(counters, &rows, now) {
            return Ok(later);
        }
        let transaction = self.database.write().await?;
        let rows = rows_of(counters).lock_exclusive().all(&transaction).await?;
        if let Some(later) = too_early(counters, &rows, now) {
            transaction.rollback().await?;
            return Ok(later);
        }
        let weather = count_for_all(&transaction, counters, now).await?;
        for counter in counters {
            let row = rows.iter().find(|row| counter.is_for(row));
            save(&transaction, spent(counter, row, (now, weather))).await?;
        }
        transaction.commit().await?;
        Ok(Turn::Now)
    }

    /// The try was right: what was counted at the account or for mail to it is forgotten, the address gets its one try back. (All of
    /// them would let somebody guess at others by signing in to an account of their own in between.)
    ///
    /// # Errors
    /// As [`Throttle::check`].
    pub(crate) async fn succeeded(&self, counters: &[Counter]) -> Result<(), Fault> {
        let transaction = self.database.write().await?;
        for counter in counters {
            match counter.kind {
                ThrottleKind::Account | ThrottleKind::Mail => {
                    throttle::Entity::delete_by_id(counter.key.to_vec())
                        .exec(&transaction)
                        .await?;
                }
                ThrottleKind::Address => give_back(&transaction, counter.key).await?,
            }
        }
        if siege::counts(counters) {
            uncount(&transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The try was never judged: every counter gets it back.
    ///
    /// # Errors
    /// As [`Throttle::check`].
    pub(crate) async fn withdrawn(&self, counters: &[Counter]) -> Result<(), Fault> {
        let transaction = self.database.write().await?;
        for counter in counters {
            give_back(&transaction, counter.key).await?;
        }
        if siege::counts(counters) {
            uncount(&transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Forgets the wrong tries at an account, from wherever they came.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the database cannot be asked.
    pub async fn forget(&self, account: &Account) -> Result<(), Fault> {
        let allowed = Allowed::default();
        let mut keys = vec![Counter::account(account.id, allowed).key.to_vec()];
        if let Ok(address) = EmailAddress::parse(&account.email) {
            keys.push(Counter::mail_to(&address).key.to_vec());
        }
        let transaction = self.database.write().await?;
        throttle::Entity::delete_many()
            .filter(throttle::Column::Key.is_in(keys))
            .exec(&transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Forgets what no longer counts; gives how much that was.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the database cannot be asked.
    pub async fn prune(&self) -> Result<u64, Fault> {
        let oldest = self.clock.now().as_millisecond() - milliseconds(FORGOTTEN_AFTER);
        let transaction = self.database.write().await?;
        let gone = throttle::Entity::delete_many()
            .filter(throttle::Column::LastAt.lte(oldest))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(gone.rows_affected)
    }
}

fn rows_of(counters: &[Counter]) -> sea_orm::Select<throttle::Entity> {
    let keys = counters.iter().map(|counter| counter.key.to_vec());
    throttle::Entity::find().filter(throttle::Column::Key.is_in(keys))
}

/// The longest wait of all counters, if any has one.
fn too_early(counters: &[Counter], rows: &[throttle::Model], now: Timestamp) -> Option<Turn> {
    let waits = counters.iter().filter_map(|counter| {
        let row = rows.iter().find(|row| counter.is_for(row))?;
        let wait = u64::try_from(row.free_at.saturating_sub(now.as_millisecond())).ok()?;
        Some((Duration::from_millis(wait), counter.kind)).filter(|(wait, _)| !wait.is_zero())
    });
    let (wait, kind) = waits.max_by_key(|(wait, _)| *wait)?;
    // A clock that was set back must not make a delay longer than any can be.
    Some(Turn::Later {
        retry_after: wait.min(LONGEST_DELAY),
        kind,
    })
}

/// The row after one more failure.
fn spent(
    counter: &Counter,
    row: Option<&throttle::Model>,
    (now, weather): (Timestamp, Weather),
) -> throttle::Model {
    let now = now.as_millisecond();
    let remembered =
        row.filter(|row| now.saturating_sub(row.last_at) < milliseconds(FORGOTTEN_AFTER));
    let failures = remembered.map_or(0, |row| row.failures).saturating_add(1);
    let free_at = delay(failures, counter, weather)
        .map_or(0, |delay| now.saturating_add(milliseconds(delay)));
    throttle::Model {
        key: counter.key.to_vec(),
        failures,
        last_at: now,
        free_at,
    }
}

/// How long the try after failure number `failures` has to wait.
fn delay(failures: i64, counter: &Counter, weather: Weather) -> Option<Duration> {
    let free_tries = siege::free_tries(counter.free_tries, weather);
    let doublings = u32::try_from(failures - i64::from(free_tries)).ok()?;
    let factor = 2_u32.checked_pow(doublings);
    let delay = factor.and_then(|factor| counter.first_delay.checked_mul(factor));
    Some(delay.map_or(LONGEST_DELAY, |delay| delay.min(LONGEST_DELAY)))
}

/// Counts a try for everybody, if it is of that kind.
async fn count_for_all(
    transaction: &DatabaseTransaction,
    counters: &[Counter],
    now: Timestamp,
) -> Result<Weather, Fault> {
    if !siege::counts(counters) {
        return Ok(Weather::Calm);
    }
    let row = throttle::Entity::find_by_id(siege::key().to_vec())
        .lock_exclusive()
        .one(transaction)
        .await?;
    let row = siege::spent(row.as_ref(), now);
    let weather = siege::weather(&row);
    save(transaction, row).await?;
    Ok(weather)
}

/// Takes one back that was counted for everybody; when the window ends stays as it is.
async fn uncount(transaction: &DatabaseTransaction) -> Result<(), Fault> {
    throttle::Entity::update_many()
        .col_expr(
            throttle::Column::Failures,
            Expr::col(throttle::Column::Failures).sub(1),
        )
        .filter(throttle::Column::Key.eq(siege::key().to_vec()))
        .filter(throttle::Column::Failures.gt(0))
        .exec(transaction)
        .await?;
    Ok(())
}

async fn give_back(transaction: &DatabaseTransaction, key: [u8; 32]) -> Result<(), Fault> {
    let Some(row) = throttle::Entity::find_by_id(key.to_vec())
        .lock_exclusive()
        .one(transaction)
        .await?
    else {
        return Ok(());
    };
    // Whoever was given a turn stood behind no delay, so the one that this try began is the only one there is.
    save(
        transaction,
        throttle::Model {
            failures: std::cmp::max(row.failures - 1, 0),
            free_at: 0,
            ..row
        },
    )
    .await
}

async fn save(transaction: &DatabaseTransaction, row: throttle::Model) -> Result<(), Fault> {
    use throttle::Column;
    let row = throttle::ActiveModel {
        key: Set(row.key),
        failures: Set(row.failures),
        last_at: Set(row.last_at),
        free_at: Set(row.free_at),
    };
    let replace = OnConflict::column(Column::Key)
        .update_columns([Column::Failures, Column::LastAt, Column::FreeAt])
        .to_owned();
    throttle::Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
