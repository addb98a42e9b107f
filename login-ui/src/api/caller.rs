//! Who calls: the bearer of a token, or where that is enough the browser that carries a session.

use axum::response::Response;
use doorward_identity::access_token;
use doorward_identity::accounts::Account;
use doorward_identity::proof::is_complete;
use doorward_identity::session::SessionKey;

use crate::failure::Failure;
use crate::problem::{self, Challenge};
use crate::visit::{Session, Visit};

/// Somebody who may ask.
pub(super) struct Caller {
    pub(super) session: Session,
    pub(super) account: Account,
}

/// Whether there is one, or what to answer.
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
pub(super) enum Called {
    By(Caller),
    Refused(Response),
}

/// The bearer of a token.
///
/// # Errors
/// A store is away.
pub(super) async fn by_token(visit: &Visit) -> Result<Called, Failure> {
    let Some(token) = visit.bearer() else {
        return Ok(Called::Refused(problem::unauthorized(
            Challenge::Nothing,
            "A bearer token is needed.",
        )));
    };
    match of_token(visit, token).await? {
        Some(caller) => Ok(Called::By(caller)),
        None => Ok(Called::Refused(problem::unauthorized(
            Challenge::BadToken,
            "The token is not good, or not any more.",
        ))),
    }
}

/// The browser that carries a session; else the bearer of a token.
///
/// # Errors
/// A store is away.
pub(super) async fn by_cookie_or_token(visit: &Visit) -> Result<Called, Failure> {
    match visit.person().await? {
        Some((session, account)) => Ok(Called::By(Caller { session, account })),
        None => by_token(visit).await,
    }
}

async fn of_token(visit: &Visit, token: &str) -> Result<Option<Caller>, Failure> {
    let identity = &visit.ui.identity;
    let (Some(issuer), now) = (visit.issuer(), identity.clock.now()) else {
        return Ok(None);
    };
    let checked = access_token::check(&identity.keys.now(), &issuer, token, now);
    let Ok(checked) = checked else {
        return Ok(None);
    };
    let found = caller(visit, checked.session).await?;
    Ok(found.filter(|caller| caller.account.id == checked.account))
}

/// Whose session it is, if it is live and has shown everything that its account asks for.
async fn caller(visit: &Visit, key: SessionKey) -> Result<Option<Caller>, Failure> {
    let identity = &visit.ui.identity;
    let found = identity
        .sessions
        .find(&key, visit.live.session.idle)
        .await?;
    let Some(snapshot) = found else {
        return Ok(None);
    };
    let account = identity.accounts.find(snapshot.record.account).await?;
    let account =
        account.filter(|account| account.enabled && is_complete(&snapshot.record, account));
    let session = Session { key, snapshot };
    Ok(account.map(|account| Caller { session, account }))
}
