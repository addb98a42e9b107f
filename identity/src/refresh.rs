//! Refresh tokens: what a program gets its next access token for (RFC 6749 §6, rotated as RFC 9700 §4.14 says).
//!
//! Owns their rows. Each works once and is exchanged for the next; all of one session are one family. One that comes a
//! second time was stolen, before or after: then the session ends, and with it everything that was given out for it.

#[cfg(test)]
mod tests;

use std::fmt;

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use doorward_config::Live;

use crate::audit::{By, Event};
use crate::codes::LinkToken;
use crate::database::entity::refresh_token::{ActiveModel, Column, Entity, Model};
use crate::database::{DatabaseTransaction, in_time};
use crate::secret::Purpose;
use crate::session::{Ended, Record, SessionKey};
use crate::{AccountId, Client, Fault, Identity};

/// 256 random bits. Given out once; only a hash is kept.
pub struct RefreshToken(LinkToken);

impl RefreshToken {
    /// 43 characters of unpadded base64url (RFC 4648 §5).
    #[must_use]
    pub fn text(&self) -> String {
        self.0.text()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken([hidden])")
    }
}

/// What came of a refresh token.
#[must_use]
#[derive(Debug)]
pub enum Refreshed {
    /// Its session goes on, and this is the next.
    Done {
        /// For the next time.
        next: RefreshToken,
        /// The session.
        session: SessionKey,
        /// What is known of it.
        record: Box<Record>,
    },
    /// It is none, it was used, or its session is over (401).
    Refused,
}

/// The first token of a session.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub async fn issue(
    identity: &Identity,
    session: &SessionKey,
    record: &Record,
) -> Result<RefreshToken, Fault> {
    let transaction = identity.database.write().await?;
    let token = insert(identity, &transaction, session, record).await?;
    transaction.commit().await?;
    Ok(token)
}

/// Exchanges a token for the next.
///
/// # Errors
/// [`Fault::StoreAway`] when a store cannot be asked: the token may be used up then.
pub async fn redeem(
    identity: &Identity,
    live: &Live,
    text: &str,
    client: &Client,
) -> Result<Refreshed, Fault> {
    let Some(token) = LinkToken::parse(text) else {
        return Ok(Refreshed::Refused);
    };
    let hash = hash(identity, &token)?;
    let found = in_time(Entity::find_by_id(hash.clone()).one(identity.database.reads())).await?;
    let Some(row) = found.filter(|row| row.expires_at > identity.clock.now().as_millisecond())
    else {
        return Ok(Refreshed::Refused);
    };
    let session = SessionKey::from_bytes(&row.session)
        .ok_or_else(|| Fault::broken("refresh_token names no session"))?;
    // A session that is over is told so before its token is used up: its store may be away.
    let found = identity.sessions.find(&session, live.session.idle).await?;
    let Some(snapshot) = found else {
        return Ok(Refreshed::Refused);
    };
    let transaction = identity.database.write().await?;
    if !use_up(&transaction, &hash).await? {
        end(identity, transaction, (&session, &row), client).await?;
        return Ok(Refreshed::Refused);
    }
    let record = snapshot.record;
    let next = insert(identity, &transaction, &session, &record).await?;
    transaction.commit().await?;
    let now = identity.clock.now();
    identity
        .sessions
        .touch(&session, now, record.ends_at)
        .await?;
    Ok(Refreshed::Done {
        next,
        session,
        record: Box::new(record),
    })
}

/// Of many at once, one.
async fn use_up(transaction: &DatabaseTransaction, hash: &[u8]) -> Result<bool, Fault> {
    let used = Entity::update_many()
        .col_expr(Column::Used, Expr::value(true))
        .filter(Column::Hash.eq(hash.to_vec()))
        .filter(Column::Used.eq(false))
        .exec(transaction)
        .await?;
    Ok(used.rows_affected == 1)
}

/// Somebody else has had it: neither of them goes on.
async fn end(
    identity: &Identity,
    transaction: DatabaseTransaction,
    (session, row): (&SessionKey, &Model),
    client: &Client,
) -> Result<(), Fault> {
    let account = AccountId::from_bytes(&row.account_id);
    Entity::delete_many()
        .filter(Column::Session.eq(row.session.clone()))
        .exec(&transaction)
        .await?;
    identity
        .audit
        .record_in(
            &transaction,
            &Event::RefreshTokenReused,
            account,
            By::Client(client),
        )
        .await?;
    transaction.commit().await?;
    identity.sessions.end(session, Ended::Revoked).await?;
    Ok(())
}

async fn insert(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    session: &SessionKey,
    record: &Record,
) -> Result<RefreshToken, Fault> {
    let token = LinkToken::generate(&*identity.random);
    let row = ActiveModel {
        hash: Set(hash(identity, &token)?),
        session: Set(session.as_bytes().to_vec()),
        account_id: Set(record.account.as_bytes().to_vec()),
        used: Set(false),
        expires_at: Set(record.ends_at.as_millisecond()),
    };
    Entity::insert(row)
        .exec_without_returning(transaction)
        .await?;
    Ok(RefreshToken(token))
}

/// Forgets those whose session cannot live any more.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub(crate) async fn prune(identity: &Identity) -> Result<(), Fault> {
    let now = identity.clock.now();
    identity
        .database
        .forget_over::<Entity>(Column::ExpiresAt, now)
        .await
}

fn hash(identity: &Identity, token: &LinkToken) -> Result<Vec<u8>, Fault> {
    Ok(identity
        .secret
        .mac(Purpose::RefreshToken, &[token.as_bytes()])?
        .to_vec())
}
