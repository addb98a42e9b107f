//! Turning the second factor on: a secret is shown, and counts once a code proves that an app has it.
//!
//! Owns the way from one to the other. What was shown is shown again only to whoever holds the enrolment's token, that
//! is to the page that it was shown on: a session alone never reads a secret.

use std::time::Duration;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::app::AppKey;
use super::recovery::RecoveryCode;
use crate::accounts;
use crate::change::{self, TurnedOn, TurningOn};
use crate::database::entity::two_factor::{ActiveModel, Column, Entity, Model};
use crate::database::in_time;
use crate::flow::FlowToken;
use crate::opening::{self, Terms};
use crate::proof::Again;
use crate::session::{Amr, Ended, Opened, SessionKey};
use crate::{AccountId, Client, Fault, Identity};

/// How long there is to scan a code and type another: an app may have to be installed first.
const LIFE: Duration = Duration::from_mins(30);
/// Before every step there is.
const NO_STEP: i64 = -1;

/// What to show while the second factor is turned on.
#[derive(Debug)]
pub struct Enrolment {
    /// Has to come back with the code.
    pub token: FlowToken,
    /// For the app.
    pub key: AppKey,
}

/// What came of [`begin`].
#[must_use]
#[derive(Debug)]
pub enum Begun {
    /// This is what an app has to be told. An earlier one that was not confirmed is void.
    Enrolment(Enrolment),
    /// The second factor is on: it has to be turned off first.
    AlreadyOn,
}

/// Makes a secret for somebody who has just proven who they are. Nothing counts yet.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn begin(identity: &Identity, again: &Again) -> Result<Begun, Fault> {
    let id = again.account().id;
    let token = FlowToken::generate(&*identity.random);
    let key = AppKey::generate(&*identity.random);
    let row = ActiveModel {
        account_id: Set(id.as_bytes().to_vec()),
        secret: Set(key.seal(identity, id)?),
        last_step: Set(NO_STEP),
        enrolment: Set(Some(token.key().to_vec())),
        begun_at: Set(identity.clock.now().as_millisecond()),
    };
    let replace = OnConflict::column(Column::AccountId)
        .update_columns([
            Column::Secret,
            Column::LastStep,
            Column::Enrolment,
            Column::BegunAt,
        ])
        .to_owned();
    let transaction = identity.database.write().await?;
    let now = accounts::find(&transaction, id).await?;
    if now.is_none_or(|account| account.mfa_enabled()) {
        transaction.rollback().await?;
        return Ok(Begun::AlreadyOn);
    }
    Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(Begun::Enrolment(Enrolment { token, key }))
}

/// What was shown, once more, for whoever holds the token; `None` when its time is over or another one was begun.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked, [`Fault::Broken`] when the secret cannot be read.
pub async fn look(
    identity: &Identity,
    account: AccountId,
    token: &FlowToken,
) -> Result<Option<AppKey>, Fault> {
    let row = Entity::find_by_id(account.as_bytes().to_vec());
    match in_time(row.one(identity.database.reads())).await? {
        Some(row) if is_open(identity, &row, token) => {
            AppKey::open(identity, account, &row.secret).map(Some)
        }
        Some(_) | None => Ok(None),
    }
}

/// Whether this row is the enrolment that `token` began, and may still be confirmed.
pub(crate) fn is_open(identity: &Identity, row: &Model, token: &FlowToken) -> bool {
    let age = identity.clock.now().as_millisecond() - row.begun_at;
    row.enrolment.as_deref() == Some(&*token.key().to_vec())
        && u64::try_from(age).is_ok_and(|age| Duration::from_millis(age) < LIFE)
}

/// A code from the app that was just told the secret.
#[derive(Debug, Clone, Copy)]
pub struct Confirmation<'a> {
    /// The session in which it is typed.
    pub session: SessionKey,
    /// [`Enrolment::token`].
    pub token: &'a FlowToken,
    /// The code, as typed.
    pub code: &'a str,
    /// Who types it.
    pub client: &'a Client,
}

/// What came of [`confirm`].
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
#[derive(Debug)]
pub enum Confirmed {
    /// The second factor is on.
    Done {
        /// In place of the session it was confirmed in, under a new id, with both factors. The person's other
        /// sessions go on with what they have proven.
        opened: Opened,
        /// To be shown now, and never again.
        codes: Vec<RecoveryCode>,
    },
    /// The code is not the app's.
    Wrong,
    /// The enrolment's time is over, another one was begun, or the session has ended: begin again.
    Gone,
}

/// Turns the second factor on, if the code is right.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked. It may be on by then, and the codes unseen: new ones can be made.
pub async fn confirm(
    identity: &Identity,
    idle: Duration,
    asked: Confirmation<'_>,
) -> Result<Confirmed, Fault> {
    let Some(session) = identity.sessions.find(&asked.session, idle).await? else {
        return Ok(Confirmed::Gone);
    };
    let id = session.record.account;
    let (codes, hashes) = RecoveryCode::generate_set(identity, id)?;
    let wish = TurningOn {
        token: asked.token,
        code: asked.code,
        codes: &hashes,
        client: asked.client,
    };
    match change::turn_on_two_factor(identity, id, wish).await? {
        TurnedOn::Done => {}
        TurnedOn::Wrong => return Ok(Confirmed::Wrong),
        TurnedOn::Gone => return Ok(Confirmed::Gone),
    }
    let mut amr = session.record.amr.clone();
    amr.push(Amr::OneTimeCode);
    let family = session.record.heir(&asked.session);
    let before = (&session.record, &family);
    let terms = Terms::as_before(before, identity.clock.now(), &amr, asked.client);
    let former = (&asked.session, Ended::Replaced);
    let opened = opening::replace_fresh(identity, id, former, terms).await?;
    Ok(opened.map_or(Confirmed::Gone, |opened| Confirmed::Done { opened, codes }))
}
