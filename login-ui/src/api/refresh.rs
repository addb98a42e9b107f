//! A new access token for a refresh token, which is used up by it.

use axum::response::Response;
use doorward_identity::refresh::{Refreshed, redeem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{Sent, Text, missing};
use super::openapi::Refusals;
use super::tokens;
use crate::failure::Failure;
use crate::problem::{self, Challenge};
use crate::visit::Visit;

/// The one that was given out last.
#[derive(Deserialize, ToSchema)]
pub(super) struct Refresh {
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1)]
    refresh_token: Text,
}

/// Get the next tokens. A refresh token works once; one that comes twice ends the session.
#[utoipa::path(
    post, path = "/api/refresh", request_body = Refresh,
    responses((status = 200, body = tokens::Tokens), Refusals)
)]
pub(super) async fn post(
    visit: Visit,
    Sent(Refresh { refresh_token }): Sent<Refresh>,
) -> Result<Response, Failure> {
    if let Some(response) = missing(&[("refresh_token", &refresh_token)]) {
        return Ok(response);
    }
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
