//! `GET api/me`: who is signed in, for the site's own scripts and for programs.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::{self, Called};
use super::openapi::Refusals;
use crate::failure::Failure;
use crate::visit::Visit;

/// An account, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    id: String,
    username: Option<String>,
    email: String,
    email_verified: bool,
    first_name: String,
    last_name: String,
    date_of_birth: Option<String>,
    roles: Vec<String>,
    mfa_enabled: bool,
}

/// Whose session the cookie carries, or the token stands for.
#[utoipa::path(
    get, path = "/api/me",
    security(("bearer" = [])),
    responses((status = 200, body = Me), Refusals)
)]
pub(super) async fn get(visit: Visit) -> Result<Response, Failure> {
    let account = match caller::by_cookie_or_token(&visit).await? {
        Called::By(caller) => caller.account,
        Called::Refused(response) => return Ok(response),
    };
    let mfa_enabled = account.mfa_enabled();
    let me = Me {
        id: account.id.to_string(),
        username: account.username,
        email: account.email,
        email_verified: account.email_verified,
        first_name: account.first_name,
        last_name: account.last_name,
        date_of_birth: account.date_of_birth.map(|date| date.to_string()),
        roles: account.roles,
        mfa_enabled,
    };
    Ok(Json(me).into_response())
}
