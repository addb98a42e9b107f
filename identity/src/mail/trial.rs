//! Whether mail works: `doorward mail test`. Not by the outbox, so that whoever asks sees what went wrong.

use std::path::PathBuf;

use doorward_config::Live;

use super::Content;
use super::message::Outgoing;
use super::way::{Mailer, Went};
use crate::{AccountId, EmailAddress, Fault, Identity};

/// What came of [`test`].
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    /// The mail server took it.
    Sent,
    /// There is no mail server: it is in this file.
    Written(PathBuf),
    /// It did not get out: what was said, for the operator.
    Failed(String),
    /// This is no address: why.
    Invalid(String),
}

/// Sends a message to `address`, now.
///
/// # Errors
/// None so far: whatever goes wrong is an outcome.
pub async fn test(identity: &Identity, live: &Live, address: &str) -> Result<Tested, Fault> {
    let address = match EmailAddress::parse(address) {
        Ok(address) => address,
        Err(fault) => return Ok(Tested::Invalid(fault.to_string())),
    };
    let created_at = identity.clock.now();
    let outgoing = Outgoing {
        id: AccountId::new(created_at, &*identity.random).as_uuid(),
        to: address.as_str(),
        content: &Content::Test,
        asked: None,
        created_at,
    };
    let mut mailer = Mailer::new(identity, live);
    let went = mailer.send(&outgoing, live).await;
    mailer.end().await;
    Ok(match went {
        Ok(Went::Out) => Tested::Sent,
        Ok(Went::Into(file)) => Tested::Written(file),
        Err(failure) => Tested::Failed(failure.to_string()),
    })
}
