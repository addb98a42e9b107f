//! Signing out: the session behind the token ends, and every token of it is of no use any more.

use axum::response::{IntoResponse, Response};
use doorward_identity::sign_out::sign_out;
use http::StatusCode;

use super::caller::{self, Called};
use super::openapi::Refusals;
use crate::failure::Failure;
use crate::visit::Visit;

/// Sign out.
#[utoipa::path(
    post, path = "/api/logout",
    security(("bearer" = [])),
    responses((status = 204, description = "Signed out."), Refusals)
)]
pub(super) async fn post(visit: Visit) -> Result<Response, Failure> {
    let caller = match caller::by_token(&visit).await? {
        Called::By(caller) => caller,
        Called::Refused(response) => return Ok(response),
    };
    sign_out(&visit.ui.identity, &caller.session.key, &visit.client).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
