//! How much mail anybody may have sent to others.
//!
//! It counts alike whether an address has an account or not. What was wanted after all is given back.

use std::time::Duration;

use doorward_config::Live;

use crate::tally::Note;
use crate::throttle::{Counter, Turn};
use crate::{Client, EmailAddress, Fault, Identity};

/// Whether a message may go out.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Budget {
    /// It may, and is counted.
    Granted,
    /// There were too many before it.
    Spent { retry_after: Duration },
}

/// Spends a message that `client` has sent to `address`.
pub(crate) async fn spend(
    identity: &Identity,
    live: &Live,
    address: &EmailAddress,
    client: &Client,
) -> Result<Budget, Fault> {
    let counters = counters(live, address, client);
    Ok(match identity.throttle.check(&counters).await? {
        Turn::Now => Budget::Granted,
        Turn::Later { retry_after, kind } => {
            identity.tally.note(Note::Throttled { kind });
            Budget::Spent { retry_after }
        }
    })
}

/// Whoever reads the mail of `address` wanted it.
pub(crate) async fn was_wanted(
    identity: &Identity,
    live: &Live,
    address: &EmailAddress,
    client: &Client,
) -> Result<(), Fault> {
    identity
        .throttle
        .succeeded(&counters(live, address, client))
        .await
}

/// It did not go out.
pub(crate) async fn give_back(
    identity: &Identity,
    live: &Live,
    address: &EmailAddress,
    client: &Client,
) -> Result<(), Fault> {
    identity
        .throttle
        .withdrawn(&counters(live, address, client))
        .await
}

fn counters(live: &Live, address: &EmailAddress, client: &Client) -> [Counter; 2] {
    [
        Counter::mail_to(address),
        Counter::mail_from(client.address, live.throttle),
    ]
}
