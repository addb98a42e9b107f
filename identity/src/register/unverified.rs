//! An account whose address is proven before its first session.
//!
//! Whether somebody has the address already makes no difference that can be seen: the same hash, one transaction with
//! one message in it, and a browser that is asked for a code.

use doorward_config::Live;

use super::Made;
use crate::accounts::{self, Draft, Inserted};
use crate::audit::{By, Event};
use crate::codes::{Order, Purpose};
use crate::database::DatabaseTransaction;
use crate::flow::FlowToken;
use crate::form::Problem;
use crate::mail::budget::{self, Budget};
use crate::name::Login;
use crate::password::{Hashed, Password};
use crate::session::Remembered;
use crate::verify_email::{LIFE, order_code};
use crate::{AccountId, Client, Fault, Identity};

pub(super) async fn make(
    identity: &Identity,
    live: &Live,
    draft: Draft,
    password: Password,
    client: &Client,
) -> Result<Made, Fault> {
    let address = draft.email.clone();
    if let Budget::Spent { retry_after } = budget::spend(identity, live, &address, client).await? {
        return Ok(Made::Slow(retry_after));
    }
    let hash = match identity.passwords.hash(password).await? {
        Hashed::Done(hash) => hash,
        Hashed::Busy { retry_after } => {
            budget::give_back(identity, live, &address, client).await?;
            return Ok(Made::Busy(retry_after));
        }
    };
    let draft = Draft {
        password_hash: Some(hash),
        ..draft
    };
    let transaction = identity.database.write().await?;
    let flow = FlowToken::generate(&*identity.random);
    let made = write(identity, &transaction, (draft, &flow), client).await?;
    match made {
        Written::Done => {
            transaction.commit().await?;
            Ok(Made::Verify(flow))
        }
        Written::Taken(problem) => {
            transaction.rollback().await?;
            budget::give_back(identity, live, &address, client).await?;
            Ok(Made::Taken(problem))
        }
    }
}

enum Written {
    Done,
    Taken(Problem),
}

async fn write(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    (draft, flow): (Draft, &FlowToken),
    client: &Client,
) -> Result<Written, Fault> {
    // Before the address is looked at: "taken" must not depend on it.
    if let Some(name) = &draft.username {
        let named = Login::Username(name.clone());
        if accounts::find_named(transaction, &named).await?.is_some() {
            return Ok(Written::Taken(Problem::username_taken()));
        }
    }
    let address = draft.email.clone();
    let holder = accounts::find_named(transaction, &Login::Email(address.clone())).await?;
    let (account, event, about) = if let Some(holder) = holder {
        (None, Event::RegisterAddressTaken, holder.id)
    } else {
        let id: AccountId = draft.id;
        match accounts::insert(transaction, draft).await? {
            Inserted::Done => (Some(id), Event::RegisterSuccess, id),
            Inserted::Taken(problem) => return Ok(Written::Taken(problem)),
        }
    };
    let order = Order {
        purpose: Purpose::VerifyEmail,
        flow: flow.key(),
        account,
        address: &address,
        remembered: Remembered::No,
        life: LIFE,
    };
    order_code(identity, transaction, order, client).await?;
    identity
        .audit
        .record_in(transaction, &event, Some(about), By::Client(client))
        .await?;
    Ok(Written::Done)
}
