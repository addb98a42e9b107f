//! What a program gets that has signed in: an access token and a refresh token (RFC 6749 §5.1).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use doorward_identity::access_token::{Order, mint};
use doorward_identity::refresh::RefreshToken;
use doorward_identity::session::{Record, SessionKey};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

use crate::Ui;
use crate::failure::Failure;
use crate::visit::Visit;

/// Tokens of one session.
#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    /// For `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token is of no use.
    expires_in: u64,
    /// For `api/refresh`, once.
    refresh_token: String,
}

/// The answer of a sign-in and of a refresh.
pub(super) fn answer(
    visit: &Visit,
    (session, record): (&SessionKey, &Record),
    refresh: &RefreshToken,
) -> Result<Response, Failure> {
    let identity = &visit.ui.identity;
    let now = identity.clock.now();
    // No token outlives its session.
    let left = Duration::try_from(record.ends_at.duration_since(now)).unwrap_or(Duration::ZERO);
    let life = visit.live.api.access_token_life.min(left);
    let issuer = visit.issuer().ok_or(Failure::Broken)?;
    let order = Order {
        issuer: &issuer,
        session,
        account: record.account,
        now,
        life,
    };
    let tokens = Tokens {
        access_token: mint(&identity.keys.now(), order)?,
        token_type: "Bearer",
        expires_in: life.as_secs(),
        refresh_token: refresh.text(),
    };
    Ok(Json(tokens).into_response())
}

/// The keys that tokens are checked with (RFC 7517 §5). Good for a while: a key is there long before it signs.
pub(super) async fn jwks(State(ui): State<Ui>) -> Response {
    let keys = ui.identity.keys.now();
    let headers = [
        (CONTENT_TYPE, "application/jwk-set+json"),
        (CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, keys.published().to_owned()).into_response()
}
