//! Proving once more who one is, before something that matters.
//!
//! Owns [`Again`], which nothing outside this file can make: what takes one cannot be reached without the proof. A
//! sign-in not older than five minutes is proof enough, else the password is; a wrong password never is. Whoever has a
//! second factor needs a session that has shown it.

use std::time::Duration;

use doorward_config::Live;
use jiff::Timestamp;

use crate::account::Account;
use crate::audit::{By, Event};
use crate::password::{Password, TooLong, Verified};
use crate::session::{Amr, Record, SessionKey};
use crate::tally::Note;
use crate::throttle::{Counter, Turn};
use crate::{Client, Fault, Identity};

/// How long a sign-in is proof.
pub const FRESH: Duration = Duration::from_mins(5);

/// Somebody who has just proven again who they are, in a session of theirs.
#[derive(Debug, Clone)]
pub struct Again {
    account: Account,
    session: SessionKey,
    record: Record,
}

impl Again {
    /// Whose.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// In which session.
    #[must_use]
    pub fn session(&self) -> &SessionKey {
        &self.session
    }

    /// What is known of that session.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }
}

/// What there is to prove with.
#[derive(Debug, Clone, Copy)]
pub struct Offered<'a> {
    /// The session that the browser carries.
    pub session: SessionKey,
    /// The password, as typed; may be empty where the sign-in is fresh.
    pub current: &'a str,
    /// Who.
    pub client: &'a Client,
}

/// What came of it.
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
#[derive(Debug)]
pub enum Proof {
    /// It is them.
    Given(Again),
    /// That is not the password, or there is no such session (any more).
    Wrong,
    /// Too many wrong tries before this one, which was not judged.
    Slow {
        /// When the next one will be judged.
        retry_after: Duration,
    },
    /// Too much to do.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

/// Whether a sign-in is recent enough to be proof. One from the future is not: then a clock was set.
#[must_use]
pub fn is_fresh(record: &Record, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(record.auth_time)).is_ok_and(|age| age <= FRESH)
}

/// Whether a session has shown everything that its account asks for at a sign-in.
#[must_use]
pub fn is_complete(record: &Record, account: &Account) -> bool {
    !account.mfa_enabled() || record.amr.contains(&Amr::OneTimeCode)
}

/// Judges what is offered.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked.
pub async fn prove(identity: &Identity, live: &Live, offered: Offered<'_>) -> Result<Proof, Fault> {
    let found = identity
        .sessions
        .find(&offered.session, live.session.idle)
        .await?;
    let Some(record) = found.map(|session| session.record) else {
        return Ok(Proof::Wrong);
    };
    let account = identity.accounts.find(record.account).await?;
    let account = account.filter(|account| account.enabled && is_complete(&record, account));
    let Some(account) = account else {
        return Ok(Proof::Wrong);
    };
    // What somebody types is judged, even where nothing had to be typed: who is wrong may not be who signed in.
    if !offered.current.is_empty() || !is_fresh(&record, identity.clock.now()) {
        match check_password(identity, live, &account, offered.current, offered.client).await? {
            Checked::Right => {}
            Checked::Wrong => {
                identity
                    .audit
                    .record(
                        &Event::ProofRefused,
                        Some(account.id),
                        By::Client(offered.client),
                    )
                    .await?;
                return Ok(Proof::Wrong);
            }
            Checked::Slow { retry_after } => return Ok(Proof::Slow { retry_after }),
            Checked::Busy { retry_after } => return Ok(Proof::Busy { retry_after }),
        }
    }
    Ok(Proof::Given(Again {
        account,
        session: offered.session,
        record,
    }))
}

/// What came of [`check_password`].
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    Right,
    Wrong,
    Slow { retry_after: Duration },
    Busy { retry_after: Duration },
}

/// Whether `current` is the password of somebody who is signed in. Tries count like those to sign in: a session left
/// open must not be a way to guess.
pub(crate) async fn check_password(
    identity: &Identity,
    live: &Live,
    known: &Account,
    current: &str,
    client: &Client,
) -> Result<Checked, Fault> {
    let counters = [
        Counter::account(known.id, live.throttle),
        Counter::address(client.address, live.throttle),
    ];
    if let Turn::Later { retry_after, kind } = identity.throttle.check(&counters).await? {
        identity.tally.note(Note::Throttled { kind });
        return Ok(Checked::Slow { retry_after });
    }
    let verified = match Password::typed(current) {
        Ok(current) => {
            identity
                .passwords
                .verify(current, known.password_hash.clone())
                .await?
        }
        Err(TooLong) => Verified::Wrong,
    };
    match verified {
        Verified::Right(_) => {
            identity.throttle.succeeded(&counters).await?;
            Ok(Checked::Right)
        }
        Verified::Wrong => Ok(Checked::Wrong),
        Verified::Busy { retry_after } => {
            identity.throttle.withdrawn(&counters).await?;
            Ok(Checked::Busy { retry_after })
        }
    }
}
