//! The second step: a code, by somebody whose password was right, or who is signed in with a password only.
//!
//! The order is that of the first step: throttle (account **and** address) → spend the code → a session under a new
//! id → the audit trail. A wrong code counts like a wrong password, and a right password takes nothing back of that:
//! else whoever knows it could try codes without end.

use std::time::Duration;

use doorward_config::Live;

use crate::account::Account;
use crate::audit::{By, Event, Failure};
use crate::flow::FlowToken;
use crate::half_way;
use crate::opening::{self, Occasion, Opening, Terms};
use crate::session::{Amr, Ended, Opened, SessionKey};
use crate::tally::{Note, SignInOutcome};
use crate::throttle::{Counter, Turn};
use crate::two_factor::{self, Right, Spent};
use crate::{Client, Fault, Identity};

/// What both factors together are called (RFC 8176).
const BOTH: [Amr; 2] = [Amr::Password, Amr::OneTimeCode];

/// A code, by somebody who is half-way.
#[derive(Debug, Clone, Copy)]
pub struct SecondStep<'a> {
    /// What [`SignIn::CodeNeeded`](super::SignIn::CodeNeeded) gave.
    pub flow: &'a FlowToken,
    /// The code, as typed: of the app, or a recovery code.
    pub code: &'a str,
    /// Who tries.
    pub client: &'a Client,
    /// The session that the same browser carried until now: ended when this succeeds.
    pub former: Option<SessionKey>,
}

/// A code, by somebody who is signed in with a password only.
#[derive(Debug, Clone, Copy)]
pub struct StepUp<'a> {
    /// The session.
    pub session: SessionKey,
    /// The code, as typed: of the app, or a recovery code.
    pub code: &'a str,
    /// Who tries.
    pub client: &'a Client,
}

/// What came of a code.
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
#[derive(Debug)]
pub enum Stepped {
    /// Signed in, with both factors.
    Welcome(Opened),
    /// The code is not right, or was used before (401).
    Refused,
    /// Too many tries before this one, which was not judged (429).
    Slow {
        /// When the next one will be judged.
        retry_after: Duration,
    },
    /// There is nothing to add a code to: it took too long, there were too many codes, the account changed, or the
    /// second factor is off. Sign in again.
    Gone,
}

/// What a code is added to.
enum To<'a> {
    Flow(&'a FlowToken),
    Session,
}

/// Whose sign-in is half-way with `flow`: what the upstream is told as the user. Looking uses nothing up.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn half_way(identity: &Identity, flow: &FlowToken) -> Result<Option<String>, Fault> {
    let half_way = half_way::find(identity, flow).await?;
    Ok(half_way.map(|half_way| half_way.account.user().to_owned()))
}

/// Judges a code, and opens the session that the password alone did not.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked: then nobody is signed in, and nobody was told "wrong".
pub async fn second_step(
    identity: &Identity,
    live: &Live,
    step: SecondStep<'_>,
) -> Result<Stepped, Fault> {
    let outcome = finish(identity, live, step).await;
    note(identity, &outcome);
    outcome
}

async fn finish(identity: &Identity, live: &Live, step: SecondStep<'_>) -> Result<Stepped, Fault> {
    let Some(half_way) = half_way::find(identity, step.flow).await? else {
        return Ok(Stepped::Gone);
    };
    let occasion = Occasion {
        live,
        client: step.client,
        remembered: half_way.remembered,
    };
    let code = Code {
        to: To::Flow(step.flow),
        typed: step.code,
        account: &half_way.account,
        terms: occasion.terms(&BOTH),
        former: step.former,
    };
    judge(identity, live, code, &Event::SignInSuccess).await
}

/// Judges a code, and puts a session with both factors in the place of one with a password only. It ends when the
/// former would have.
///
/// # Errors
/// As [`second_step`].
pub async fn step_up(identity: &Identity, live: &Live, step: StepUp<'_>) -> Result<Stepped, Fault> {
    let outcome = raise(identity, live, step).await;
    note(identity, &outcome);
    outcome
}

async fn raise(identity: &Identity, live: &Live, step: StepUp<'_>) -> Result<Stepped, Fault> {
    let session = identity
        .sessions
        .find(&step.session, live.session.idle)
        .await?;
    let Some(record) = session.map(|session| session.record) else {
        return Ok(Stepped::Gone);
    };
    let account = identity.accounts.find(record.account).await?;
    let account = account.filter(|account| account.enabled && account.mfa_enabled());
    let Some(account) = account else {
        return Ok(Stepped::Gone);
    };
    let mut amr = record.amr.clone();
    if !amr.contains(&Amr::OneTimeCode) {
        amr.push(Amr::OneTimeCode);
    }
    let family = record.heir(&step.session);
    let former = (&record, &family);
    let code = Code {
        to: To::Session,
        typed: step.code,
        account: &account,
        terms: Terms::as_before(former, identity.clock.now(), &amr, step.client),
        former: Some(step.session),
    };
    judge(identity, live, code, &Event::SteppedUp).await
}

/// A code, and what it leads to.
struct Code<'a> {
    to: To<'a>,
    typed: &'a str,
    account: &'a Account,
    terms: Terms<'a>,
    former: Option<SessionKey>,
}

async fn judge(
    identity: &Identity,
    live: &Live,
    code: Code<'_>,
    event: &Event,
) -> Result<Stepped, Fault> {
    let id = code.account.id;
    let by = By::Client(code.terms.client);
    let counters = [
        Counter::account(id, live.throttle),
        Counter::address(code.terms.client.address, live.throttle),
    ];
    if let Turn::Later { retry_after, kind } = identity.throttle.check(&counters).await? {
        identity.tally.note(Note::Throttled { kind });
        return Ok(Stepped::Slow { retry_after });
    }
    match open(identity, &code).await {
        Ok(Tried::Open(opened)) => {
            identity.throttle.succeeded(&counters).await?;
            let opened = match (&code.former, &code.to) {
                // Another sign-in in the same browser: the former one ends on every host.
                (Some(former), To::Flow(_)) => {
                    identity.sessions.end(former, Ended::Replaced).await?;
                    opened
                }
                // The same one goes on, and with it what it led to.
                (Some(former), To::Session) => {
                    let former = (former, Ended::Replaced);
                    match opening::succeed(identity, opened, former).await? {
                        Some(opened) => opened,
                        None => return Ok(Stepped::Gone),
                    }
                }
                (None, _) => opened,
            };
            identity.audit.record(event, Some(id), by).await?;
            Ok(Stepped::Welcome(opened))
        }
        Ok(Tried::Not(failure)) => {
            let refused = Event::SignInFailure(failure);
            identity.audit.record(&refused, Some(id), by).await?;
            Ok(Stepped::Refused)
        }
        Ok(Tried::Gone) => {
            identity.throttle.withdrawn(&counters).await?;
            Ok(Stepped::Gone)
        }
        Err(fault) => {
            // What broke comes first; that the try stays counted as well is the lesser harm.
            if let Err(second) = identity.throttle.withdrawn(&counters).await {
                tracing::warn!(fault = %second, "a try that was not judged stays counted");
            }
            Err(fault)
        }
    }
}

#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
enum Tried {
    Open(Opened),
    Not(Failure),
    Gone,
}

async fn open(identity: &Identity, code: &Code<'_>) -> Result<Tried, Fault> {
    match spend(identity, code).await? {
        Some(Spent::Right(_)) => {}
        Some(Spent::Not(failure)) => return Ok(Tried::Not(failure)),
        None => return Ok(Tried::Gone),
    }
    Ok(
        match opening::open_on(identity, code.account, code.terms).await? {
            Opening::Open(opened) => Tried::Open(opened),
            // What the password proved may be proven no more: from the beginning.
            Opening::Changed | Opening::HalfWay | Opening::Gone => Tried::Gone,
        },
    )
}

/// Spends the code and what it is added to in one step; nothing if there was nothing to add it to.
async fn spend(identity: &Identity, code: &Code<'_>) -> Result<Option<Spent>, Fault> {
    let transaction = identity.database.write().await?;
    if let To::Flow(flow) = &code.to
        && !half_way::take_try(identity, &transaction, flow).await?
    {
        transaction.rollback().await?;
        return Ok(None);
    }
    let spent = two_factor::spend(identity, &transaction, code.account.id, code.typed).await?;
    if let (To::Flow(flow), Spent::Right(_)) = (&code.to, spent) {
        half_way::end(&transaction, flow).await?;
    }
    if spent == Spent::Right(Right::Recovery) {
        let who = (code.account, code.terms.client);
        two_factor::tell_of_recovery(identity, &transaction, who).await?;
    }
    transaction.commit().await?;
    Ok(Some(spent))
}

fn note(identity: &Identity, outcome: &Result<Stepped, Fault>) {
    let outcome = match outcome {
        Ok(Stepped::Welcome(_)) => SignInOutcome::Success,
        Ok(Stepped::Refused | Stepped::Gone) => SignInOutcome::BadCredentials,
        Ok(Stepped::Slow { .. }) => SignInOutcome::RateLimited,
        Err(_) => SignInOutcome::Error,
    };
    identity.tally.note(Note::SecondStep { outcome });
}
