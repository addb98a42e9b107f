//! A new access token for a refresh token, which is used up by it.

use axum::body::Body;
use axum::response::Response;
use doorward_identity::refresh::{Refreshed, redeem};
use http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;

use super::openapi::Refusals;
use super::{body, tokens};
use crate::failure::Failure;
use crate::problem::{self, Challenge};
use crate::visit::Visit;

/// The one that was given out last.
#[derive(Deserialize, ToSchema)]
pub(super) struct Refresh {
    refresh_token: String,
}

/// Get the next tokens. A refresh token works once; one that comes twice ends the session.
#[utoipa::path(
    post, path = "/api/refresh", request_body = Refresh,
    responses((status = 200, body = tokens::Tokens), Refusals)
)]
pub(super) async fn post(
    visit: Visit,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Failure> {
    let Refresh { refresh_token } = body::read(&headers, sent).await?;
    let identity = &visit.ui.identity;
    match redeem(identity, &visit.live, &refresh_token, &visit.client).await? {
        Refreshed::Done {
            next,
            session,
            record,
        } => tokens::answer(&visit, (&session, &record), &next),
        Refreshed::Refused => Ok(problem::unauthorized(
            Challenge::BadToken,
            "The refresh token is not good, or not any more.",
        )),
    }
}
