//! The sender: takes what is due out of the outbox, and tries until it is delivered or of no use.

use std::sync::Arc;
use std::time::Duration;

use doorward_config::Live;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::letter::{Letter, MailKind, Recipient};
use super::message::Outgoing;
use super::outbox::{self, InHand, LEASE};
use super::smtp::Failure;
use super::way::{Mailer, Went};
use crate::name::Login;
use crate::tally::{MailOutcome, Note};
use crate::{Fault, Identity};

/// How often it is looked whether something is due.
const PAUSE: Duration = Duration::from_millis(500);
/// How long it is waited when the database cannot be asked.
const AWAY: Duration = Duration::from_secs(5);
/// The wait after the first failure; every further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The same where a message may have been taken: a second copy is less welcome than a late one.
const FIRST_UNCLEAR_WAIT: Duration = Duration::from_mins(1);
/// No wait is longer, but for chance.
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// Delivers mail for ever. Any number of processes may do so. Stop it by dropping it: what was in hand is taken up
/// again within a minute, by whoever is there then.
pub async fn deliver(identity: Arc<Identity>, live: Arc<dyn Fn() -> Arc<Live> + Send + Sync>) {
    let mut away = false;
    loop {
        match pass(&identity, &live()).await {
            Ok(0) => {
                away = false;
                sleep(PAUSE).await;
            }
            Ok(_) => away = false,
            Err(fault) => {
                if !away {
                    tracing::warn!(%fault, "mail cannot be taken out of the outbox");
                }
                away = true;
                sleep(AWAY).await;
            }
        }
    }
}

/// Takes one batch in hand, and gives how much that was.
pub(crate) async fn pass(identity: &Identity, live: &Live) -> Result<usize, Fault> {
    let length = outbox::count(identity).await?;
    identity.tally.note(Note::MailQueue { length });
    let mail = outbox::take(identity).await?;
    if mail.is_empty() {
        return Ok(0);
    }
    let mut mailer = Mailer::new(identity, live);
    let mut left = mail.as_slice();
    while let Some((next, rest)) = left.split_first() {
        let result = {
            let sending = send(identity, live, &mut mailer, next);
            keeping(identity, left, sending).await
        };
        settle(identity, next, result).await?;
        left = rest;
    }
    mailer.end().await;
    let length = outbox::count(identity).await?;
    identity.tally.note(Note::MailQueue { length });
    Ok(mail.len())
}

/// Waits for `work`, and tells the others meanwhile that the mail is still in hand.
async fn keeping<T>(identity: &Identity, mail: &[InHand], work: impl Future<Output = T>) -> T {
    let mut tick = interval_at(Instant::now() + LEASE / 3, LEASE / 3);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = tick.tick() => {
                if let Err(fault) = outbox::keep(identity, mail).await {
                    tracing::warn!(%fault, "others may take mail for abandoned that is not");
                }
            }
        }
    }
}

/// What became of a message.
enum Sent {
    Went(Went),
    /// There is nobody to get it.
    Nobody,
    Expired,
    Failed(Failure),
}

async fn send(
    identity: &Identity,
    live: &Live,
    mailer: &mut Mailer<'_>,
    mail: &InHand,
) -> Result<Sent, Fault> {
    let letter = match &mail.letter {
        Ok(letter) => letter,
        Err(fault) => return Ok(Sent::Failed(Failure::Final(fault.to_string()))),
    };
    if identity.clock.now() >= mail.expires_at {
        return Ok(Sent::Expired);
    }
    let Some(to) = find_reader(identity, letter).await? else {
        return Ok(Sent::Nobody);
    };
    let outgoing = Outgoing {
        id: mail.id,
        to: &to,
        content: &letter.content,
        asked: letter.asked.as_ref(),
        created_at: mail.created_at,
    };
    Ok(match mailer.send(&outgoing, live).await {
        Ok(went) => Sent::Went(went),
        Err(failure) => Sent::Failed(failure),
    })
}

async fn find_reader(identity: &Identity, letter: &Letter) -> Result<Option<String>, Fault> {
    match &letter.to {
        Recipient::Address(address) => Ok(Some(address.clone())),
        Recipient::Owner(address) => {
            let found = identity.accounts.find_named(&Login::parse(address)).await?;
            Ok(found
                .filter(|account| account.enabled)
                .map(|account| account.email))
        }
    }
}

async fn settle(
    identity: &Identity,
    mail: &InHand,
    result: Result<Sent, Fault>,
) -> Result<(), Fault> {
    let (id, kind, tries) = (mail.id, mail.kind.as_str(), mail.tries);
    let outcome = match result? {
        Sent::Went(went) => {
            tracing::info!(%id, kind, tries, ?went, "mail delivered");
            MailOutcome::Sent
        }
        Sent::Nobody => MailOutcome::Nobody,
        Sent::Expired => {
            tracing::warn!(%id, kind, tries, "mail expired before it could be delivered");
            MailOutcome::Expired
        }
        Sent::Failed(Failure::Final(why)) => {
            tracing::error!(%id, kind, tries, why, "mail is refused for good");
            MailOutcome::Refused
        }
        Sent::Failed(failure @ (Failure::Passing(_) | Failure::Unclear(_))) => {
            let wait = wait(identity, &failure, tries);
            tracing::warn!(%id, kind, tries, %failure, again_in = ?wait, "mail not delivered yet");
            note(identity, kind, MailOutcome::Retry);
            return outbox::later(identity, mail, wait).await;
        }
    };
    note(identity, kind, outcome);
    outbox::done(identity, mail).await
}

fn note(identity: &Identity, kind: &str, outcome: MailOutcome) {
    if let Some(kind) = MailKind::ALL.into_iter().find(|one| one.as_str() == kind) {
        identity.tally.note(Note::MailSent { kind, outcome });
    }
}

/// Doubles with every try, up to a fifth more or less, so that a thousand messages do not come back at once.
fn wait(identity: &Identity, failure: &Failure, tries: u32) -> Duration {
    let first = match failure {
        Failure::Unclear(_) => FIRST_UNCLEAR_WAIT,
        Failure::Passing(_) | Failure::Final(_) => FIRST_WAIT,
    };
    let factor = 2_u32.saturating_pow(tries.saturating_sub(1));
    let wait = first.saturating_mul(factor).min(LONGEST_WAIT);
    let mut chance = [0];
    identity.random.fill(&mut chance);
    wait.mul_f64(0.8 + 0.4 * f64::from(chance[0]) / 255.0)
}
