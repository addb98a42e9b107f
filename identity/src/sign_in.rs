//! Signing in with a name and a password.
//!
//! The order is the point: throttle (account **and** address) → find → **always one hash**, a dummy one for nobody →
//! standing → rehash if due → a session under a new id → the audit trail. All refusals are alike to the person.

mod second_step;
#[cfg(test)]
mod tests;

use std::time::Duration;

use doorward_config::{Live, VerifyEmail};

use crate::account::Account;
use crate::audit::{By, Event, Failure};
use crate::flow::FlowToken;
use crate::half_way;
use crate::name::Login;
use crate::opening::{self, Occasion, Opening};
use crate::password::{Hashed, Password, Rehash, TooLong, Verified};
use crate::session::{Ended, Opened, Remembered, SessionKey};
use crate::tally::{Note, SignInOutcome};
use crate::throttle::{Counter, Turn};
use crate::verify_email::{self, Begun};
use crate::{Client, Fault, Identity};

pub use second_step::{SecondStep, StepUp, Stepped, half_way, second_step, step_up};

/// How often a try starts over while the account changes under it.
const ROUNDS: usize = 3;
/// What a person is told to wait when it never stopped changing.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A try to sign in.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Username or e-mail, as typed.
    pub login: &'a str,
    /// The password, as typed.
    pub password: &'a str,
    /// Whether to stay signed in.
    pub remember: Remembered,
    /// Who tries.
    pub client: &'a Client,
    /// The session that the same browser carried until now: ended when this succeeds.
    pub former: Option<SessionKey>,
}

/// What came of a try.
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
#[derive(Debug)]
pub enum SignIn {
    /// Signed in.
    Welcome(Opened),
    /// The password is right, and the account has a second factor: with this a code may be tried, by
    /// [`second_step`]. There is no session yet.
    CodeNeeded(FlowToken),
    /// The password is right, and the address is not proven: a code was mailed to it, for
    /// [`verify_email`](crate::verify_email). There is no session yet.
    Unverified(FlowToken),
    /// No such person, wrong password or disabled: nobody is told which (401).
    Refused,
    /// Too many tries before this one, which was not judged (429).
    Slow {
        /// When the next one will be judged.
        retry_after: Duration,
    },
    /// Too much to do; the try was not judged and not counted (503).
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

/// Judges a try, and opens a session if it is right.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked: then nobody is signed in, and nobody was told "wrong".
pub async fn sign_in(
    identity: &Identity,
    live: &Live,
    attempt: Attempt<'_>,
) -> Result<SignIn, Fault> {
    let outcome = judge(identity, live, &attempt).await;
    let counted = match &outcome {
        Ok(SignIn::Welcome(_)) => SignInOutcome::Success,
        Ok(SignIn::CodeNeeded(_)) => SignInOutcome::CodeNeeded,
        Ok(SignIn::Unverified(_)) => SignInOutcome::Unverified,
        Ok(SignIn::Refused) => SignInOutcome::BadCredentials,
        Ok(SignIn::Slow { .. }) => SignInOutcome::RateLimited,
        Ok(SignIn::Busy { .. }) => SignInOutcome::Busy,
        Err(_) => SignInOutcome::Error,
    };
    identity.tally.note(Note::SignIn { outcome: counted });
    outcome
}

async fn judge(identity: &Identity, live: &Live, attempt: &Attempt<'_>) -> Result<SignIn, Fault> {
    let login = Login::parse(attempt.login);
    let known = identity.accounts.find_named(&login).await?;
    let counters = [
        match &known {
            Some(account) => Counter::account(account.id, live.throttle),
            None => Counter::unknown_name(&login, live.throttle),
        },
        Counter::address(attempt.client.address, live.throttle),
    ];
    match identity.throttle.check(&counters).await? {
        Turn::Now => {}
        Turn::Later { retry_after, kind } => {
            identity.tally.note(Note::Throttled { kind });
            return Ok(SignIn::Slow { retry_after });
        }
    }
    let proven = prove(identity, live, attempt, known).await;
    settle(identity, attempt, &counters, proven).await
}

/// What came of judging, before anything is counted or written down.
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
enum Proven {
    Open(Account, Opened),
    HalfWay(Account, FlowToken),
    Unverified(Begun),
    Wrong(Option<Account>, Failure),
    Busy(Duration),
}

async fn prove(
    identity: &Identity,
    live: &Live,
    attempt: &Attempt<'_>,
    mut known: Option<Account>,
) -> Result<Proven, Fault> {
    let occasion = Occasion {
        live,
        client: attempt.client,
        remembered: attempt.remember,
    };
    for _ in 0..ROUNDS {
        let right = match compare(identity, attempt.password, known).await? {
            Compared::Right(account) => account,
            Compared::Settled(proven) => return Ok(proven),
        };
        if live.registration.verify_email == VerifyEmail::On && !right.email_verified {
            let begun = verify_email::begin(identity, live, &right, occasion).await?;
            return Ok(Proven::Unverified(begun));
        }
        match opening::open(identity, &right, occasion).await? {
            Opening::Open(opened) => return Ok(Proven::Open(right, opened)),
            Opening::HalfWay => {
                let flow = half_way::begin(identity, &right, attempt.remember).await?;
                return Ok(Proven::HalfWay(right, flow));
            }
            Opening::Gone => return Ok(Proven::Wrong(Some(right), Failure::Changed)),
            // The password may be another one now: what was proven has to be proven again.
            Opening::Changed => known = identity.accounts.find(right.id).await?,
        }
    }
    Ok(Proven::Busy(RETRY_AFTER))
}

#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
enum Compared {
    Right(Account),
    Settled(Proven),
}

/// Exactly one hash, whoever it is. Only then is looked at what else there is to know.
async fn compare(
    identity: &Identity,
    typed: &str,
    known: Option<Account>,
) -> Result<Compared, Fault> {
    let settled = |failure| move |account| Compared::Settled(Proven::Wrong(account, failure));
    // Too long to be anybody's, and refused before it costs anything.
    let Ok(password) = Password::typed(typed).map_err(|TooLong| ()) else {
        return Ok(settled(Failure::WrongPassword)(known));
    };
    let stored = known
        .as_ref()
        .and_then(|account| account.password_hash.clone());
    let had_password = stored.is_some();
    let rehash = match identity.passwords.verify(password.clone(), stored).await? {
        Verified::Right(rehash) => rehash,
        Verified::Wrong => {
            let failure = match &known {
                None => Failure::UnknownName,
                Some(_) if !had_password => Failure::NoPassword,
                Some(_) => Failure::WrongPassword,
            };
            return Ok(settled(failure)(known));
        }
        Verified::Busy { retry_after } => return Ok(Compared::Settled(Proven::Busy(retry_after))),
    };
    match known {
        Some(account) if account.enabled => {
            if rehash == Rehash::Due {
                strengthen(identity, &account, password).await?;
            }
            Ok(Compared::Right(account))
        }
        known => Ok(settled(Failure::Disabled)(known)),
    }
}

/// Stores a hash with today's costs. Too busy is no reason to keep anybody out: the next sign-in tries again.
async fn strengthen(
    identity: &Identity,
    account: &Account,
    password: Password,
) -> Result<(), Fault> {
    let Some(old) = &account.password_hash else {
        return Ok(());
    };
    match identity.passwords.hash(password).await? {
        Hashed::Done(new) => identity.accounts.replace_hash(account.id, old, &new).await,
        Hashed::Busy { .. } => Ok(()),
    }
}

async fn settle(
    identity: &Identity,
    attempt: &Attempt<'_>,
    counters: &[Counter],
    proven: Result<Proven, Fault>,
) -> Result<SignIn, Fault> {
    let by = By::Client(attempt.client);
    match proven {
        Ok(Proven::Open(account, opened)) => {
            identity.throttle.succeeded(counters).await?;
            if let Some(former) = &attempt.former {
                identity.sessions.end(former, Ended::Replaced).await?;
            }
            identity
                .audit
                .record(&Event::SignInSuccess, Some(account.id), by)
                .await?;
            Ok(SignIn::Welcome(opened))
        }
        Ok(Proven::HalfWay(account, flow)) => {
            // Wrong codes stay counted: a right password must not buy new tries.
            identity.throttle.withdrawn(counters).await?;
            identity
                .audit
                .record(&Event::CodeAsked, Some(account.id), by)
                .await?;
            Ok(SignIn::CodeNeeded(flow))
        }
        Ok(Proven::Unverified(Begun::Sent(flow))) => {
            identity.throttle.succeeded(counters).await?;
            Ok(SignIn::Unverified(flow))
        }
        Ok(Proven::Unverified(Begun::Slow { retry_after })) => {
            identity.throttle.withdrawn(counters).await?;
            Ok(SignIn::Slow { retry_after })
        }
        Ok(Proven::Wrong(account, failure)) => {
            let account = account.map(|account| account.id);
            identity
                .audit
                .record(&Event::SignInFailure(failure), account, by)
                .await?;
            Ok(SignIn::Refused)
        }
        Ok(Proven::Busy(retry_after)) => {
            identity.throttle.withdrawn(counters).await?;
            Ok(SignIn::Busy { retry_after })
        }
        Err(fault) => {
            // What broke comes first; that the try stays counted as well is the lesser harm.
            if let Err(second) = identity.throttle.withdrawn(counters).await {
                tracing::warn!(fault = %second, "a try that was not judged stays counted");
            }
            Err(fault)
        }
    }
}
